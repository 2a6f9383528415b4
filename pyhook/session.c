// Session: what is set up once around the executions of one harness, and restored after them.
// SPDX-License-Identifier: Apache-2.0
#include "session.h"

#include <stdbool.h>

#include "carrier.h"
#include "clock.h"
#include "errors.h"
#include "imports.h"
#include "join.h"
#include "lock.h"
#include "observe.h"
#include "runner.h"
#include "simple_queue.h"
#include "spawn.h"
#include "special.h"
#include "threads.h"
#include "unraisable.h"

#define EXECUTIONS_PER_COLLECTION 100
// A thread that sleeps in the kernel for so long is set aside, in the second try. Longer than what
// a read from a file or a fork takes; each execution in which a thread blocks takes so long.
#define PATIENCE_SECONDS 0.02

static struct {
    bool open;
    PyObject *owner;  // borrowed; NULL: it is gone
    bool collecting;  // the garbage collector was on
    uint32_t executions;
    PyObject *collect;  // gc.collect
} session;

static int collect_young(void) {
    PyObject *answer = PyObject_CallFunction(session.collect, "i", 0);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

int session_count_execution(void) {
    if (++session.executions % EXECUTIONS_PER_COLLECTION != 0)
        return 0;
    return collect_young();
}

static int find_collector(void) {
    if (session.collect != NULL)
        return 0;
    PyObject *module = PyImport_ImportModule("gc");
    if (module != NULL)
        session.collect = PyObject_GetAttrString(module, "collect");
    Py_XDECREF(module);
    return session.collect == NULL ? -1 : 0;
}

static void take_down(void) {
    clock_disable();
    spawn_disable();
    join_disable();
    rlock_disable();
    lock_disable();
    simple_queue_disable();
    threads_disable();
    imports_disable();
    unraisable_disable();
    carrier_close();
}

// Sets up all parts; undoes what it did if one fails. Observation is on as briefly as possible: on
// 3.12 and later all code that starts meanwhile pays for it, our own as well.
static int set_up(PyObject *traced, PyObject *roots, PyObject *callables, const char *carrier) {
    if (find_collector() < 0 || observe_set_filter(traced) < 0 || carrier_open(carrier) < 0)
        return -1;
    if (special_begin(roots) < 0 || imports_enable() < 0) {
        carrier_close();
        return -1;
    }
    if (threads_enable() < 0 || simple_queue_enable() < 0) {
        threads_disable();
        imports_disable();
        carrier_close();
        return -1;
    }
    lock_enable();
    rlock_enable();
    join_enable();
    spawn_enable();
    clock_enable();
    if (unraisable_enable() < 0 || observe_begin(callables) < 0) {
        PyObject *error = errors_take();
        take_down();
        errors_restore(error);
        return -1;
    }
    session.collecting = PyGC_Disable() != 0;
    return 0;
}

static void tear_down(void) {
    session.open = false;
    session.owner = NULL;
    PyObject *error = errors_take();
    observe_end();
    take_down();
    if (session.collecting)
        PyGC_Enable();
    if (collect_young() < 0)
        PyErr_WriteUnraisable(session.collect);
    if (error != NULL)
        errors_restore(error);
}

int session_open(PyObject *owner, PyObject *traced, PyObject *roots, PyObject *callables,
                 const struct session_options *options) {
    bool ours = carrier_current() == CARRIER_CONTROLLER;
    if (runner_is_busy()) {
        PyErr_SetString(errors_frontrun, "an execution is running: explorations do not nest");
        return -1;
    }
    if (session.open && !ours) {
        PyErr_SetString(errors_frontrun,
                        "another thread has an exploration open: close its Subject "
                        "there, or go on in that thread");
        return -1;
    }
    if (session.open && session.owner == owner)
        return 0;
    if (session.open)
        tear_down();
    if (set_up(traced, roots, callables, options->second_try ? "thread" : options->carrier) < 0)
        return -1;
    // What takes its own time gets more of it where nobody else can go on.
    carrier_set_watchdog(options->second_try ? 2 * options->watchdog : options->watchdog);
    double patience = options->watchdog / 4;
    carrier_set_patience(!options->second_try          ? 0
                         : patience < PATIENCE_SECONDS ? patience
                                                       : PATIENCE_SECONDS);
    session.open = true;
    session.owner = owner;
    session.executions = 0;
    return 0;
}

void session_close(PyObject *owner) {
    if (!session.open || (owner != NULL && session.owner != owner))
        return;
    session.owner = NULL;
    if (carrier_current() == CARRIER_CONTROLLER && !runner_is_busy())
        tear_down();
}
