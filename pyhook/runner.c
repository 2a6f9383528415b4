// Runner: carries out one execution of a harness under an explorer.
// SPDX-License-Identifier: Apache-2.0
#include "runner.h"

#include <assert.h>

#include "aside.h"
#include "carrier.h"
#include "errors.h"
#include "judge.h"
#include "observe.h"
#include "outside.h"
#include "place_log.h"
#include "point.h"
#include "spin.h"
#include "switch.h"
#include "threads.h"
#include "value_log.h"

struct runner runner;

bool runner_is_busy(void) {
    return runner.phase != RUNNER_IDLE;
}

void runner_outcome_clear(struct runner_outcome *outcome) {
    uint64_t abandoned = outcome->abandoned;
    PyObject *exception = outcome->exception;
    Py_XDECREF(outcome->names);
    *outcome = (struct runner_outcome){.thread = -1, .abandoned = abandoned};
    Py_XDECREF(exception);  // last: may run finalizers
}

void runner_give_up(enum fr_status status) {
    if (runner.status == FR_OK) {
        runner.status = status;
        runner.error = errors_take();
    } else {
        PyErr_Clear();
    }
    runner.phase = RUNNER_ABORTING;
}

void runner_time_out(void) {
    runner.overdue = true;
    runner.phase = RUNNER_ABORTING;
}

bool runner_is_aborting(void) {
    return runner.phase == RUNNER_ABORTING && carrier_current() >= 0;
}

// ------------------------------------------------------------------------------ who goes on

static enum fr_status start_worker(fr_tid *next) {
    int index = (int)runner.started_count++;
    if (carrier_start(index, runner_run_thread, NULL) < 0)
        return FR_HOST;
    runner.threads[index].started = true;
    *next = (fr_tid)index;
    return FR_OK;
}

enum fr_status runner_choose(fr_tid *next) {
    if (runner.phase == RUNNER_STARTING) {
        if (runner.started_count < runner.worker_count)
            return start_worker(next);
        runner.phase = RUNNER_RUNNING;
    }
    return fr_run_decide(runner.explorer, next);
}

// ------------------------------------------------------------------------------ a thread's life

void runner_take_exception(int index, PyObject *exception) {
    if (PyErr_GivenExceptionMatches(exception, PyExc_KeyboardInterrupt)) {
        errors_restore(exception);
        runner_give_up(FR_INTERRUPTED);
        return;
    }
    bool quiet = PyErr_GivenExceptionMatches(exception, PyExc_SystemExit);  // as in threading
    // While it is given up: of the unwinding, not of the program.
    if (quiet || runner.phase == RUNNER_ABORTING || runner.exception != NULL) {
        Py_DECREF(exception);
        return;
    }
    runner.exception = exception;
    runner.exception_thread = index;
}

int runner_find_handle(PyObject *handle) {
    for (uint32_t i = 0; runner.spawned && i < runner.thread_count; i++)
        if (runner.threads[i].handle == handle)
            return (int)i;
    return -1;
}

void runner_add_thread(fr_tid tid, struct runner_thread record) {
    runner.threads[tid] = record;
    runner.threads[tid].entered = true;
    runner.threads[tid].closed = 1;
    if (tid >= runner.thread_count)
        runner.thread_count = tid + 1;
}

// Its end as an event of its own, for those that ask whether it is over without waiting.
static int announce_end(struct runner_thread *thread) {
    if (thread->handle == NULL || runner.phase == RUNNER_ABORTING)
        return 0;
    struct fr_access access = {.key = location_of_object(thread->handle), .mode = FR_WRITE};
    struct point_op op = {
        .kind = FR_OP_ACCESS, .place = thread->exit_place, .accesses = &access, .access_count = 1};
    return point_pass(&op);
}

// What the new thread does is its first event even if no instruction of traced code calls it.
static PyObject *call_its_function(const struct runner_thread *thread) {
    if (thread->object != NULL)
        return threads_bootstrap(thread->object);
    PyObject *args = thread->args != NULL ? Py_NewRef(thread->args) : PyTuple_Pack(1, runner.state);
    PyObject *result = NULL;
    if (args != NULL && observe_call(thread->callable, args, thread->kwargs) == 0)
        result = PyObject_Call(thread->callable, args, thread->kwargs);
    Py_XDECREF(args);
    return result;
}

static void call_thread(int index) {
    struct runner_thread *thread = &runner.threads[index];
    if (observe_thread_begin() < 0) {
        runner_give_up(FR_HOST);
        return;
    }
    switch_thread_begin(index);
    thread->ran = true;
    thread->closed = 0;
    PyObject *result = call_its_function(thread);
    // A retired thread that comes back late stops here: the runner is another execution's now.
    carrier_current();
    if (thread->aside)
        aside_return(thread);
    if (result == NULL)
        runner_take_exception(index, errors_take());
    Py_XDECREF(result);
    if (announce_end(thread) < 0)
        PyErr_Clear();  // Abort
    thread->closed = 1;
    threads_leave(thread);
    observe_thread_end();
}

int runner_run_thread(void *Py_UNUSED(argument), int index) {
    struct runner_thread *thread = &runner.threads[index];
    thread->closed = 1;
    call_thread(index);
    if (value_log_wanted)
        value_log_settle(true);
    thread->ended = true;
    thread->pending = NULL;
    if (runner.phase == RUNNER_ABORTING)
        return CARRIER_CONTROLLER;
    enum fr_status status = fr_run_leave(runner.explorer, (fr_tid)index);
    fr_tid next = thread->starter;
    if (status == FR_OK && next == FR_TID_NONE)
        status = runner_choose(&next);
    if (status != FR_OK) {
        runner_give_up(status);
        return CARRIER_CONTROLLER;
    }
    return next == FR_TID_NONE ? CARRIER_CONTROLLER : (int)next;
}

// ------------------------------------------------------------------------------ the controller

// Hands the turn over and waits for it. False: the watchdog spoke, every thread is retired.
static bool hand_over(int index) {
    enum carrier_answer answer = carrier_handoff(index);
    while (answer == CARRIER_ASLEEP)
        answer = aside_go_on();
    if (answer == CARRIER_BACK)
        return true;
    runner.blocked = true;
    runner.abandoned += (uint32_t)carrier_abandon();
    if (carrier_interrupted())
        runner_give_up(FR_INTERRUPTED);
    for (uint32_t i = 0; i < runner.thread_count; i++)
        runner.threads[i].ended = true;
    return false;
}

// All at once, so that they have the numbers from 0: the first may start threads of its own.
static enum fr_status enter_workers(PyObject *callables) {
    runner.worker_count = (uint32_t)PyTuple_GET_SIZE(callables);
    for (fr_tid i = 0; i < runner.worker_count; i++) {
        fr_tid tid;
        enum fr_status status = fr_run_enter(runner.explorer, FR_TID_NONE, &tid);
        if (status != FR_OK)
            return status;
        assert(tid == i);
        PyObject *callable = Py_NewRef(PyTuple_GET_ITEM(callables, (Py_ssize_t)i));
        runner_add_thread(tid,
                          (struct runner_thread){.callable = callable, .starter = FR_TID_NONE});
    }
    return FR_OK;
}

// The threads pass the turn among themselves until nobody goes on.
static void run_threads(PyObject *callables) {
    runner.phase = RUNNER_STARTING;
    runner.started_count = 0;
    fr_tid next;
    enum fr_status status = enter_workers(callables);
    if (status == FR_OK)
        status = runner_choose(&next);
    if (status != FR_OK)
        runner_give_up(status);
    else
        hand_over((int)next);
}

// Raises Abort in each thread that has not ended, until it has.
static void unwind_threads(void) {
    bool stuck = false;
    runner.phase = RUNNER_ABORTING;
    threads_hush(true);
    for (uint32_t i = 0; i < runner.thread_count && !runner.blocked; i++) {
        struct runner_thread *thread = &runner.threads[i];
        if (thread->aside && !thread->returned) {
            stuck = true;  // in the kernel
        } else if (thread->started && !thread->ended) {
            bool came_back = hand_over((int)i);
            stuck |= came_back && !thread->ended;
        }
    }
    if (stuck && !runner.blocked)
        runner.abandoned += (uint32_t)carrier_abandon();
    threads_hush(false);
}

// A new reference to a tuple of callables; NULL with an exception.
static PyObject *worker_callables(const struct runner_harness *harness, PyObject *state) {
    if (!harness->evaluated)
        return Py_NewRef(harness->threads);
    PyObject *answer = PyObject_CallOneArg(harness->threads, state);
    if (answer == NULL) {
        errors_wrap_harness("threads()");
        return NULL;
    }
    PyObject *callables = PySequence_Check(answer) ? PySequence_Tuple(answer) : NULL;
    if (callables == NULL && !PyErr_Occurred())
        PyErr_Format(errors_harness, "threads() answered %R, not a sequence of callables", answer);
    Py_DECREF(answer);
    return callables;
}

static bool check_callables(PyObject *callables) {
    Py_ssize_t count = PyTuple_GET_SIZE(callables);
    if (count == 0) {
        PyErr_SetString(errors_harness, "the harness has no thread: give at least one callable");
        return false;
    }
    if (count > FR_THREADS_MAX) {
        PyErr_Format(errors_harness, "the harness has %zd threads; at most %d are possible", count,
                     FR_THREADS_MAX);
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (!PyCallable_Check(PyTuple_GET_ITEM(callables, i))) {
            PyErr_Format(errors_harness, "thread %zd of the harness is %R, not a callable", i,
                         PyTuple_GET_ITEM(callables, i));
            return false;
        }
    }
    return true;
}

static enum fr_status fail_outside(void) {
    return PyErr_ExceptionMatches(PyExc_KeyboardInterrupt) ? FR_INTERRUPTED : FR_HOST;
}

// Sets the exception for the reason why the execution was given up.
static enum fr_status report_failure(void) {
    enum fr_status status = runner.status;
    if (status == FR_INTERRUPTED && PyErr_CheckSignals() < 0)
        return status;  // one Ctrl-C, one KeyboardInterrupt
    if (runner.error != NULL) {
        errors_restore(runner.error);
        runner.error = NULL;
    } else if (status == FR_INTERRUPTED) {
        PyErr_SetNone(PyExc_KeyboardInterrupt);
    } else {
        errors_set_status(status, runner.explorer);
    }
    return status;
}

// Those that need not end are excused, and invariant() is asked before they are unwound: they stand
// where a process would leave them that ends.
static bool excuse_waiting(void) {
    for (fr_tid t = 0; t < runner.thread_count; t++) {
        if (fr_run_is_blocked(runner.explorer, t) && threads_may_wait(&runner.threads[t]) &&
            fr_run_excuse(runner.explorer, t) != FR_OK)
            return false;
    }
    return fr_run_stop(runner.explorer) == FR_STOP_FINISHED;
}

static bool has_finished(void) {
    if (runner.status != FR_OK || runner.blocked)
        return false;
    enum fr_stop stop = fr_run_stop(runner.explorer);
    return stop == FR_STOP_FINISHED || (stop == FR_STOP_DEADLOCK && excuse_waiting());
}

static enum fr_status judge(const struct runner_harness *harness, bool blocked,
                            struct runner_outcome *outcome) {
    runner.phase = RUNNER_OUTSIDE;
    if (runner.status != FR_OK)
        return report_failure();
    return judge_execution(harness, blocked, outcome);
}

static enum fr_status execute_threads(const struct runner_harness *harness, PyObject *callables,
                                      struct runner_outcome *outcome) {
    carrier_time_run(harness->run_seconds);
    run_threads(callables);
    for (uint32_t i = 0; i < runner.thread_count; i++) {
        outcome->pending[i] = runner.threads[i].pending;
        outcome->asleep[i] = runner.threads[i].aside && !runner.threads[i].returned;
    }
    outcome->thread_count = runner.thread_count;
    outcome->names = threads_names();
    bool blocked = runner.blocked;
    if (!has_finished()) {
        bool whole = !blocked && !runner.overdue;
        if (whole && runner.status == FR_OK && threads_check_deadlock() < 0)
            runner_give_up(FR_HOST);
        unwind_threads();
        outcome->abandoned += runner.abandoned;
        return judge(harness, blocked, outcome);
    }
    enum fr_status status = judge(harness, false, outcome);
    PyObject *error = errors_take();
    unwind_threads();
    outcome->abandoned += runner.abandoned;
    runner.phase = RUNNER_OUTSIDE;
    if (error != NULL)
        errors_restore(error);
    return status;
}

static void forget_threads(void) {
    for (uint32_t i = 0; i < runner.thread_count; i++) {
        struct runner_thread thread = runner.threads[i];
        runner.threads[i] = (struct runner_thread){0};
        Py_XDECREF(thread.callable);
        Py_XDECREF(thread.args);
        Py_XDECREF(thread.kwargs);
        Py_XDECREF(thread.object);
        Py_XDECREF(thread.handle);
        Py_XDECREF(thread.start_lock);
    }
    spin_reset(runner.thread_count);
    runner.thread_count = runner.worker_count = 0;
    runner.spawned = false;
    Py_CLEAR(runner.outside);
}

static void end_execution(PyObject *state, PyObject *callables) {
    PyObject *error = errors_take();
    threads_tidy();
    forget_threads();
    Py_CLEAR(runner.exception);
    Py_CLEAR(runner.error);
    runner.state = NULL;
    Py_XDECREF(callables);
    Py_XDECREF(state);
    location_reset();
    runner.explorer = NULL;
    runner.phase = RUNNER_IDLE;
    if (error != NULL)
        errors_restore(error);
}

enum fr_status runner_execute(const struct runner_harness *harness, struct fr_explorer *explorer,
                              struct runner_outcome *outcome) {
    assert(runner.phase == RUNNER_IDLE);
    runner_outcome_clear(outcome);
    clock_begin(harness->clock);
    runner.phase = RUNNER_OUTSIDE;
    runner.explorer = explorer;
    place_log_begin(explorer);
    value_log_begin(explorer);
    outside_begin();
    runner.number++;
    runner.status = FR_OK;
    runner.blocked = runner.overdue = false;
    runner.abandoned = 0;
    enum fr_status status;
    PyObject *callables = NULL;
    PyObject *state = PyObject_CallNoArgs(harness->setup);
    if (state == NULL)
        errors_wrap_harness("setup()");
    else if (threads_check_setup() == 0)
        callables = worker_callables(harness, state);
    runner.state = state;
    if (callables != NULL && check_callables(callables))
        status = execute_threads(harness, callables, outcome);
    else
        status = fail_outside();
    end_execution(state, callables);
    return status;
}
