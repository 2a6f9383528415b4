// Judge: the verdict on an execution whose threads have all ended.
// SPDX-License-Identifier: Apache-2.0
#include "judge.h"

#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "data_race.h"
#include "errors.h"
#include "observe.h"

static uint64_t combine(uint64_t a, uint64_t b) {
    uint64_t both[2] = {a, b};
    return XXH3_64bits(both, sizeof both);
}

static uint64_t hash_text(const char *text) {
    return XXH3_64bits(text, strlen(text));
}

static uint64_t last_event_site(void) {
    uint32_t length = fr_trace_length(runner.explorer);
    return length > 0 ? fr_trace_event(runner.explorer, length - 1).site : 0;
}

// The place of the deepest traced frame in the traceback of an exception, or NULL.
static const struct place *raising_place(PyObject *exception) {
    const struct place *found = NULL;
    PyObject *link = PyException_GetTraceback(exception);
    while (link != NULL && link != Py_None) {
        PyTracebackObject *traceback = (PyTracebackObject *)link;
        PyCodeObject *code = PyFrame_GetCode(traceback->tb_frame);
        if (observe_is_traced(code)) {
            int line = PyCode_Addr2Line(code, traceback->tb_lasti);
            const struct place *place = place_intern(code, line, "raise", NULL);
            if (place != NULL)
                found = place;
            else
                PyErr_Clear();  // the deepest place before it must do
        }
        Py_DECREF(code);
        PyObject *next = Py_XNewRef((PyObject *)traceback->tb_next);
        Py_DECREF(link);
        link = next;
    }
    Py_XDECREF(link);
    return found;
}

static uint64_t hash_exception(PyObject *exception) {
    const struct place *place = raising_place(exception);
    return combine(hash_text(Py_TYPE(exception)->tp_name),
                   place != NULL ? place->site : last_event_site());
}

static int compare_sites(const void *a, const void *b) {
    uint64_t left = *(const uint64_t *)a;
    uint64_t right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

// The same for the same set of waiting places, whoever waits at which.
static uint64_t hash_deadlock(const struct runner_outcome *outcome) {
    uint64_t sites[FR_THREADS_MAX];
    size_t count = 0;
    for (fr_tid t = 0; t < outcome->thread_count; t++) {
        if (fr_run_is_blocked(runner.explorer, t) && outcome->pending[t] != NULL)
            sites[count++] = outcome->pending[t]->site;
    }
    qsort(sites, count, sizeof sites[0], compare_sites);
    return XXH3_64bits(sites, count * sizeof sites[0]);
}

// Calls invariant(state). FR_OK, or the status of an interrupt.
static enum fr_status check_invariant(const struct runner_harness *harness,
                                      struct runner_outcome *outcome) {
    outcome->verdict = FR_VERDICT_PASS;
    PyObject *answer = PyObject_CallOneArg(harness->invariant, runner.state);
    // These are true whatever they would say if they were run.
    if (answer != NULL &&
        (PyGen_Check(answer) || PyCoro_CheckExact(answer) || PyCallable_Check(answer))) {
        PyErr_Format(errors_harness,
                     "invariant() answered %R, which says nothing; it must answer "
                     "True, False or None",
                     answer);
        Py_DECREF(answer);
        return FR_HOST;
    }
    int holds = answer == NULL ? -1 : answer == Py_None ? 1 : PyObject_IsTrue(answer);
    Py_XDECREF(answer);
    if (holds > 0)
        return FR_OK;
    if (holds < 0 && PyErr_ExceptionMatches(PyExc_KeyboardInterrupt))
        return FR_INTERRUPTED;
    outcome->verdict = FR_VERDICT_INVARIANT;
    outcome->exception = holds < 0 ? errors_take() : NULL;
    outcome->site = holds < 0 ? hash_exception(outcome->exception) : hash_text("invariant");
    return FR_OK;
}

// A data race fails whatever the invariant says. The place is the pair's, in either order.
static enum fr_status check_races(const struct runner_harness *harness,
                                  struct runner_outcome *outcome) {
    struct data_race race;
    if (data_race_find(runner.explorer, &race) < 0)
        return FR_NOMEM;
    if (!race.found)
        return check_invariant(harness, outcome);
    uint64_t a = fr_trace_event(runner.explorer, race.first).site;
    uint64_t b = fr_trace_event(runner.explorer, race.second).site;
    outcome->verdict = FR_VERDICT_RACE;
    outcome->site = a < b ? combine(a, b) : combine(b, a);
    return FR_OK;
}

static enum fr_status judge_finished(const struct runner_harness *harness,
                                     struct runner_outcome *outcome) {
    for (uint32_t i = 0; i < runner.thread_count; i++) {
        if (runner.threads[i].entered && !runner.threads[i].ran) {
            PyErr_Format(errors_frontrun, "thread %u never ran: this execution proves nothing", i);
            return FR_HOST;
        }
    }
    return harness->any_race ? check_races(harness, outcome) : check_invariant(harness, outcome);
}

enum fr_status judge_execution(const struct runner_harness *harness, bool blocked,
                               struct runner_outcome *outcome) {
    enum fr_stop stop = fr_run_stop(runner.explorer);
    if (blocked) {
        outcome->verdict = FR_VERDICT_BLOCKED;
        outcome->site = combine(hash_text("blocked"), last_event_site());
        return FR_OK;
    }
    if (runner.overdue) {
        outcome->verdict = FR_VERDICT_TIMEOUT;
        outcome->site = hash_text("timeout");  // where it has got to by then is chance
        return FR_OK;
    }
    if (stop == FR_STOP_REDUNDANT) {
        outcome->verdict = FR_VERDICT_REDUNDANT;
        return FR_OK;
    }
    if (runner.exception != NULL) {
        outcome->verdict = FR_VERDICT_EXCEPTION;
        outcome->thread = runner.exception_thread;
        outcome->exception = runner.exception;
        runner.exception = NULL;
        outcome->site = hash_exception(outcome->exception);
        return FR_OK;
    }
    switch (stop) {
    case FR_STOP_FINISHED:
        return judge_finished(harness, outcome);
    case FR_STOP_DEADLOCK:
        outcome->verdict = FR_VERDICT_DEADLOCK;
        outcome->site = hash_deadlock(outcome);
        return FR_OK;
    case FR_STOP_STEPS:
        outcome->verdict = FR_VERDICT_STEP_LIMIT;
        outcome->site = last_event_site();
        return FR_OK;
    default:
        PyErr_SetString(errors_frontrun, "the threads stopped although one of them could go on");
        return FR_HOST;
    }
}
