// The door: every logical thread stops here before a visible operation.
// SPDX-License-Identifier: Apache-2.0
#include "cpython.h"

#include "point.h"

#include <assert.h>
#include <string.h>

#include "aside.h"
#include "carrier.h"
#include "cpython.h"
#include "errors.h"
#include "place_log.h"
#include "runner.h"
#include "spin.h"
#include "switch.h"
#include "value_log.h"

// After its first Abort a thread passes this many points unhindered, so that `finally` blocks leave
// shared things (a lock at module level) as they found them. Then each point raises again.
#define SPARED_MAX 200
// A thread that swallowed this many is left behind.
#define RAISES_MAX 1000

// The calling logical thread, or NULL.
static struct runner_thread *find_caller(int *index) {
    // First: a thread of an execution given up stops here for good, whatever runs now.
    *index = carrier_current();
    return *index >= 0 && runner.phase >= RUNNER_STARTING ? &runner.threads[*index] : NULL;
}

// The calling logical thread if its operations count now, else NULL.
static struct runner_thread *find_open(int *index) {
    struct runner_thread *thread = find_caller(index);
    return thread != NULL && thread->closed == 0 ? thread : NULL;
}

// The same for those that do something: they have the turn then.
static struct runner_thread *take_part(int *index) {
    struct runner_thread *thread = find_open(index);
    if (thread != NULL && thread->aside)
        aside_return(thread);
    return thread;
}

bool point_is_open(void) {
    int index;
    return find_open(&index) != NULL && PyThreadState_Get()->tracing == 0;
}

int point_watched(void) {
    int index = carrier_current_main();
    bool is_open =
        index >= 0 && runner.phase >= RUNNER_STARTING && runner.threads[index].closed == 0;
    return is_open ? index : -1;
}

void point_close(void) {
    int index;
    struct runner_thread *thread = find_caller(&index);
    if (thread != NULL)
        thread->closed++;
}

void point_reopen(void) {
    int index;
    struct runner_thread *thread = find_caller(&index);
    if (thread != NULL)
        thread->closed--;
}

uint32_t point_count(void) {
    int index;
    const struct runner_thread *thread = find_caller(&index);
    return thread != NULL ? thread->points : 0;
}

bool point_outcome(void) {
    return fr_run_outcome(runner.explorer);
}

static int raise_abort(struct runner_thread *thread) {
    if (thread->raises >= RAISES_MAX)
        carrier_handoff(CARRIER_CONTROLLER);  // for good: it abandons us
    thread->raises++;
    PyErr_SetNone(errors_abort);
    return -1;
}

static bool is_named(const PyCodeObject *code, const char *name) {
    return PyUnicode_CompareWithASCIIString(code->co_name, name) == 0;
}

// Nobody would catch what is raised here: Python prints it, and goes on.
static bool is_callback(const PyCodeObject *code) {
    if (is_named(code, "__del__"))
        return true;
    const char *file = PyUnicode_AsUTF8(code->co_filename);
    if (file == NULL)
        PyErr_Clear();
    return file != NULL && strstr(file, "weakref") != NULL &&
           (is_named(code, "_remove") || is_named(code, "remove"));
}

// Does the thread run a finalizer, or the callback of a weak reference in the library?
static bool is_in_callback(void) {
    PyFrameObject *frame = PyThreadState_GetFrame(PyThreadState_Get());
    bool found = false;
    while (frame != NULL && !found) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        found = is_callback(code);
        Py_DECREF(code);
        PyFrameObject *back = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = back;
    }
    Py_XDECREF(frame);
    return found;
}

// At a point that an unwinding thread passes.
static int raise_again(struct runner_thread *thread) {
    if (thread->spared < SPARED_MAX && (thread->raises > 0 || is_in_callback())) {
        thread->spared++;
        return 0;
    }
    return raise_abort(thread);
}

static int give_up(struct runner_thread *thread, enum fr_status status) {
    runner_give_up(status);
    return raise_abort(thread);
}

static enum fr_status announce(struct runner_thread *thread, fr_tid tid, const struct point_op *op,
                               struct fr_round round) {
    bool aims = op->kind == FR_OP_SPAWN || op->kind == FR_OP_JOIN;
    struct fr_op told = {
        .kind = op->kind,
        .site = op->place->site,
        .accesses = op->accesses,
        .access_count = op->access_count,
        .target = aims ? op->target : FR_TID_NONE,
        .held_outside = op->held_outside,
        .switchable = (uint8_t)switch_take((int)tid),
        .deadline_ns = op->deadline_ns,
        .round = round,
    };
    thread->pending = op->place;
    enum fr_status status = place_log_add(tid, op->place);
    return status == FR_OK ? fr_run_announce(runner.explorer, tid, &told) : status;
}

int point_pass(const struct point_op *op) {
    int self;
    return find_open(&self) != NULL ? point_pass_as(self, op) : 0;
}

int point_pass_as(int self, const struct point_op *op) {
    struct runner_thread *thread = &runner.threads[self];
    if (thread->aside)
        aside_return(thread);
    carrier_beat();
    if (value_log_wanted)
        value_log_settle(true);
    if (runner.phase == RUNNER_ABORTING)
        return raise_again(thread);
    if (carrier_interrupted())
        return give_up(thread, FR_INTERRUPTED);
    if (carrier_run_is_over()) {
        runner_time_out();
        return raise_abort(thread);
    }
    struct fr_round round = spin_note(self, op);
    enum fr_status status = announce(thread, (fr_tid)self, op, round);
    // A thread that was just started has the turn of the one that started it.
    fr_tid next = thread->starter;
    thread->starter = FR_TID_NONE;
    if (status == FR_OK && next == FR_TID_NONE)
        status = runner_choose(&next);
    if (status != FR_OK)
        return give_up(thread, status);
    thread->points++;
    if (next == (fr_tid)self)
        return 0;
    carrier_handoff(next == FR_TID_NONE ? CARRIER_CONTROLLER : (int)next);
    if (runner.phase != RUNNER_ABORTING)
        return 0;
    // Only what needs no leave of the model is performed without a decision.
    return op->kind == FR_OP_ACCESS ? raise_again(thread) : raise_abort(thread);
}

int point_lend(fr_tid to) {
    int self;
    struct runner_thread *thread = take_part(&self);
    assert(thread != NULL);
    runner.threads[to].starter = (fr_tid)self;
    carrier_handoff((int)to);
    return runner.phase == RUNNER_ABORTING ? raise_abort(thread) : 0;
}

int point_give_up(enum fr_status status) {
    int self;
    struct runner_thread *thread = take_part(&self);
    assert(thread != NULL);
    return give_up(thread, status);
}

int point_refuse(const char *sentence) {
    int self;
    struct runner_thread *thread = take_part(&self);
    if (thread != NULL && runner.phase == RUNNER_ABORTING)
        return raise_abort(thread);  // the execution has its verdict, this does not change it
    PyErr_SetString(errors_frontrun, sentence);
    return thread != NULL ? give_up(thread, FR_HOST) : -1;
}
