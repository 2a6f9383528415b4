// Explorer, the loops: executions one after the other, and the search for the simplest failure.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <time.h>

#include "errors.h"
#include "explorer_type.h"
#include "runner.h"

const char *explorer_ending_word(const struct explorer *explorer) {
    switch (fr_explorer_ending(explorer->engine)) {
    case FR_ENDING_EXHAUSTED:
        return "exhausted";
    case FR_ENDING_BOUNDED:
        return "bounded";
    case FR_ENDING_BUDGET:
        return "budget";
    case FR_ENDING_ONCE:
        return "once";
    case FR_ENDING_RUNNING:
    default:
        return "running";
    }
}

bool explorer_is_usable(const struct explorer *explorer) {
    if (explorer->engine == NULL)
        PyErr_SetString(errors_frontrun, "this Explorer was not initialised");
    else if (runner_is_busy())
        PyErr_SetString(errors_frontrun, "an execution is running: explorations do not nest");
    else
        return true;
    return false;
}

bool explorer_has_executed(const struct explorer *explorer) {
    if (!explorer_is_usable(explorer))
        return false;
    if (!explorer->executed)
        PyErr_SetString(errors_frontrun, "no execution took place yet: call step() or run() first");
    return explorer->executed;
}

// Tells the engine about the end of the execution and counts its trace.
static enum fr_status end_execution(struct explorer *explorer) {
    enum fr_status status = fr_explorer_end(explorer->engine, explorer->verdict, explorer->place);
    if (status != FR_OK)
        return status;
    explorer->executed = true;
    if (explorer->verdict == FR_VERDICT_REDUNDANT)
        return FR_OK;
    return fr_seen_add(explorer->seen, fr_trace_hash(explorer->engine), NULL);
}

int explorer_execute(struct explorer *explorer) {
    enum fr_status status = fr_explorer_begin(explorer->engine);
    if (status == FR_DONE)
        return 0;
    explorer->executed = false;
    const struct fr_subject *face = &explorer->subject->face;
    if (status == FR_OK)
        status = face->execute(face->self, explorer->engine, &explorer->verdict, &explorer->place);
    if (status == FR_OK)
        status = end_execution(explorer);
    if (status == FR_OK)
        return 1;
    explorer->started = false;  // nothing can be said about what is left
    errors_set_status(status, explorer->engine);
    return -1;
}

// Seconds of a clock that nothing of the tested program's time changes.
static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

PyObject *explorer_run(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"executions_max", "stop_on_failure", "seconds_max", NULL};
    struct explorer *explorer = (struct explorer *)self;
    unsigned long long executions_max = 0;
    int stop_on_failure = 1;
    double seconds_max = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|K$pd:run", names, &executions_max,
                                     &stop_on_failure, &seconds_max) ||
        !explorer_is_usable(explorer))
        return NULL;
    if (!explorer->started) {
        PyErr_SetString(errors_frontrun, "no exploration was started: call start() first");
        return NULL;
    }
    double deadline = seconds_max > 0 ? now() + seconds_max : 0;
    for (unsigned long long n = 0; executions_max == 0 || n < executions_max; n++) {
        int went = explorer_execute(explorer);
        if (went < 0 || PyErr_CheckSignals() < 0)
            return NULL;
        if (went == 0)
            break;
        if (stop_on_failure && fr_verdict_is_failure(explorer->verdict))
            return PyUnicode_FromString(fr_verdict_word(explorer->verdict));
        if (deadline > 0 && now() >= deadline)
            break;
    }
    return PyUnicode_FromString(explorer_ending_word(explorer));
}

// ------------------------------------------------------------------------------ shrinking

// Executes a plan once. -1 with an exception.
static int execute_plan(struct explorer *explorer, const struct fr_plan *plan) {
    enum fr_status status = fr_explorer_start(explorer->engine, plan);
    if (status != FR_OK) {
        errors_set_status(status, explorer->engine);
        return -1;
    }
    int went = explorer_execute(explorer);
    if (went == 0)
        PyErr_SetString(errors_frontrun, "a replay ended before its execution");
    return went == 1 && PyErr_CheckSignals() == 0 ? 0 : -1;
}

// Tries candidates until there is none left, then executes the best. -1 with an exception.
static int drive_shrink(struct explorer *explorer, struct fr_shrink *shrink, uint64_t *tries) {
    enum fr_verdict verdict = explorer->verdict;
    uint64_t place = explorer->place;
    for (;;) {
        struct fr_plan plan;
        enum fr_status status = fr_shrink_next(shrink, &plan);
        if (status != FR_OK && status != FR_DONE) {
            errors_set_status(status, explorer->engine);
            return -1;
        }
        if (execute_plan(explorer, &plan) < 0)
            return -1;
        if (status == FR_DONE)
            break;
        ++*tries;
        status = fr_shrink_tell(shrink, explorer->engine, explorer->verdict, explorer->place);
        if (status != FR_OK) {
            errors_set_status(status, explorer->engine);
            return -1;
        }
    }
    if (explorer->verdict == verdict && explorer->place == place)
        return 0;
    errors_set_status(FR_DIVERGED, NULL);
    return -1;
}

PyObject *explorer_shrink(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"tries_max", NULL};
    struct explorer *explorer = (struct explorer *)self;
    unsigned long long tries_max = 20000;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|K:shrink", names, &tries_max) ||
        !explorer_has_executed(explorer))
        return NULL;
    if (!fr_verdict_is_failure(explorer->verdict)) {
        PyErr_Format(errors_frontrun, "the last execution did not fail (%s): nothing to minimise",
                     fr_verdict_word(explorer->verdict));
        return NULL;
    }
    struct fr_shrink *shrink;
    enum fr_status status =
        fr_shrink_new(explorer->engine, explorer->verdict, explorer->place, tries_max, &shrink);
    if (status != FR_OK)
        return errors_set_status(status, explorer->engine);
    uint64_t tries = 0;
    int shrunk = drive_shrink(explorer, shrink, &tries);
    bool minimal = fr_shrink_is_minimal(shrink);
    fr_shrink_free(shrink);
    if (shrunk < 0)
        return NULL;
    return Py_BuildValue("(OK)", minimal ? Py_True : Py_False, (unsigned long long)tries);
}
