// Aside: a thread that is blocked in the kernel waits there while others go on.
// SPDX-License-Identifier: Apache-2.0
#include "cpython.h"

#include "aside.h"

#include "cpython.h"
#include "errors.h"
#include "observe.h"
#include "place_log.h"
#include "resource.h"
#include "threads.h"

// In virtual time: when nobody can go on who has an earlier deadline, it is the last hope.
#define LAST_HOPE_NANOSECONDS (UINT64_C(1) << 50)  // 13 days

static struct fr_event last_event(void) {
    return fr_trace_event(runner.explorer, fr_trace_length(runner.explorer) - 1);
}

// Has the one that sleeps been let look because nobody else could go on?
static bool is_last_hope(void) {
    if (fr_trace_length(runner.explorer) == 0)
        return false;
    struct fr_event event = last_event();
    return event.kind == FR_OP_SPIN && !event.outcome && runner.threads[event.thread].aside;
}

static bool has_somebody_returned(void) {
    for (uint32_t i = 0; i < runner.thread_count; i++)
        if (runner.threads[i].aside && runner.threads[i].returned)
            return true;
    return false;
}

// Where it is, as far as it is traced; NULL, perhaps with an exception.
static const struct place *traced_place(int thread) {
    PyThreadState *state = carrier_state(thread);
    PyFrameObject *frame = PyThreadState_GetFrame(state);
    const struct place *place = NULL;
    while (frame != NULL && place == NULL) {
        PyCodeObject *code = PyFrame_GetCode(frame);
        if (observe_is_traced(code))
            place = place_intern(code, PyFrame_GetLineNumber(frame), "return", NULL);
        Py_DECREF(code);
        PyFrameObject *back = PyErr_Occurred() ? NULL : PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = back;
    }
    Py_XDECREF(frame);
    return place;
}

// What the thread's last operation touched; the world outside if that says nothing.
static uint32_t find_accesses(fr_tid thread, struct fr_access *accesses) {
    for (uint32_t at = fr_trace_length(runner.explorer); at-- > 0;) {
        struct fr_event event = fr_trace_event(runner.explorer, at);
        if (event.thread != thread)
            continue;
        bool says = event.kind == FR_OP_ACCESS || event.kind == FR_OP_SPIN;
        uint32_t count = 0;
        for (uint32_t n = 0; says && n < event.access_count; n++) {
            struct fr_access access = fr_trace_access(runner.explorer, at, n);
            // Weak writes commute: nobody lets another go by one.
            if (access.mode != FR_WRITE_WEAK)
                accesses[count++] = access;
        }
        if (count > 0)
            return count;
        break;
    }
    accesses[0] = (struct fr_access){.key = resource_of_all(), .mode = FR_READ};
    return 1;
}

// Where the thread waits; NULL with an exception.
static const struct place *find_place(fr_tid thread) {
    const struct place *place = traced_place((int)thread);
    if (place == NULL && !PyErr_Occurred())
        place = runner.threads[thread].pending;
    if (place == NULL && !PyErr_Occurred())
        PyErr_SetString(errors_frontrun, "a thread is blocked outside of the scheduler's control "
                                         "in code that is not traced");
    return place;
}

static enum fr_status announce_wait(fr_tid tid, const struct place *place) {
    struct runner_thread *thread = &runner.threads[tid];
    if (place == NULL)
        return FR_HOST;
    static struct fr_access accesses[FR_ACCESSES_MAX];
    struct fr_op told = {.kind = FR_OP_SPIN,
                         .site = place->site,
                         .accesses = accesses,
                         .access_count = find_accesses(tid, accesses),
                         .target = FR_TID_NONE,
                         .deadline_ns = fr_run_now(runner.explorer) + LAST_HOPE_NANOSECONDS};
    thread->pending = place;
    enum fr_status status = place_log_add(tid, place);
    if (status == FR_OK)
        status = fr_run_announce(runner.explorer, tid, &told);
    if (status == FR_OK && threads_may_wait(thread))
        status = fr_run_excuse(runner.explorer, tid);
    return status;
}

enum carrier_answer aside_go_on(void) {
    bool may = runner.phase == RUNNER_STARTING || runner.phase == RUNNER_RUNNING;
    if (!may || (is_last_hope() && !has_somebody_returned()))
        return carrier_wait();
    int index = carrier_set_aside();
    if (index < 0)
        return carrier_wait();
    struct runner_thread *thread = &runner.threads[index];
    thread->aside = true;
    fr_run_admit(runner.explorer);
    enum fr_status status = announce_wait((fr_tid)index, find_place((fr_tid)index));
    fr_tid next = thread->starter;
    thread->starter = FR_TID_NONE;
    if (status == FR_OK && next == FR_TID_NONE)
        status = runner_choose(&next);
    if (status != FR_OK)
        runner_give_up(status);
    if (status != FR_OK || next == FR_TID_NONE)
        return CARRIER_BACK;
    return carrier_handoff((int)next);
}

void aside_return(struct runner_thread *thread) {
    thread->returned = true;
    carrier_return();
    thread->aside = thread->returned = false;
}
