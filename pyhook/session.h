// Session: what is set up once around the executions of one harness, and restored after them.
//
// Carriers, observation, the twins of the synchronisation types, imports without points, and no
// automatic garbage collection (it would run finalizers at places that no schedule determines).
// One session per process. All functions need the GIL.
#ifndef PYHOOK_SESSION_H
#define PYHOOK_SESSION_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

// Opens a session for owner (compared by identity, not kept alive), or goes on with the one that
// owner has. Another owner's session that is not executing is closed first. traced: as in
// observe_set_filter; callables: as in observe_begin; carrier: as in carrier_open; watchdog: as in
// carrier_set_watchdog. The calling OS thread is the controller from now on. -1 with an exception;
// then everything is as before.
int session_open(PyObject *owner, PyObject *traced, PyObject *callables, const char *carrier,
                 double watchdog);
// After each execution: collects garbage at fixed points. -1 with an exception.
int session_count_execution(void);
// Restores everything, if the open session is owner's (NULL: whoever's). Not from within an
// execution. Called by another OS thread than the controller: the session stays until the next
// session_open or the controller's own close.
void session_close(PyObject *owner);

#endif
