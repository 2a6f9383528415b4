// Errors: the exceptions of the extension, and how statuses of the engine become exceptions.
//
// All functions need the GIL.
#ifndef PYHOOK_ERRORS_H
#define PYHOOK_ERRORS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "fr.h"

extern PyObject *errors_frontrun;  // FrontrunError
extern PyObject *errors_harness;   // HarnessError, a FrontrunError
extern PyObject *errors_diverged;  // DivergedError, a FrontrunError
extern PyObject *errors_abort;     // Abort, a BaseException

// Makes the exception types and adds them to the module. -1 with an exception.
int errors_open(PyObject *module);

// Sets the exception that says what the status means; explorer may be NULL. HOST and INTERRUPTED
// keep an exception that is set already. Returns NULL.
PyObject *errors_set_status(enum fr_status status, const struct fr_explorer *explorer);

// Takes the exception that is set: a normalized instance with its traceback, a new reference; NULL
// if none is set.
PyObject *errors_take(void);
// Sets an exception that errors_take gave; steals the reference.
void errors_restore(PyObject *exception);

// Replaces the exception that is set by a HarnessError "<what> raised <type>: <text>" with the old
// one as its __cause__. A KeyboardInterrupt stays as it is.
void errors_wrap_harness(const char *what);

#endif
