// Session: what is set up once around the executions of one harness, and restored after them.
//
// Carriers, observation, the twins of the synchronisation types, imports without points, and no
// automatic garbage collection (it would run finalizers at places that no schedule determines).
// One session per process. All functions need the GIL.
#ifndef PYHOOK_SESSION_H
#define PYHOOK_SESSION_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

struct session_options {
    const char *carrier;  // as in carrier_open
    double watchdog;      // as in carrier_set_watchdog
    bool second_try;      // on threads, whatever carrier says; those that block are set aside
};

// Opens a session for owner (compared by identity, not kept alive), or goes on with the one that
// owner has. Another owner's session that is not executing is closed first. traced: as in
// observe_set_filter; roots: as in special_begin; callables: as in observe_begin. The calling OS
// thread is the controller from now on. -1 with an exception; then everything is as before.
int session_open(PyObject *owner, PyObject *traced, PyObject *roots, PyObject *callables,
                 const struct session_options *options);
// After each execution: collects garbage at fixed points. -1 with an exception.
int session_count_execution(void);
// Restores everything, if the open session is owner's (NULL: whoever's). Not from within an
// execution. Called by another OS thread than the controller: the session stays until the next
// session_open or the controller's own close.
void session_close(PyObject *owner);

#endif
