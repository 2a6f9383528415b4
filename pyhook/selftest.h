// The self-test: does this interpreter keep its operands where this module looks for them?
#ifndef PYHOOK_SELFTEST_H
#define PYHOOK_SELFTEST_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

// Runs a few functions under observation and compares the objects seen with the objects meant, by
// identity. -1 with ImportError if they differ. Leaves filter and door as at start.
int selftest_run(void);

// observe_alone(function, argument, traced), for measuring: calls function(argument) under
// observation that ends at the door, and answers how many events came there. Raises RuntimeError
// if an exploration is open.
PyObject *selftest_observe_alone(PyObject *module, PyObject *args);

#endif
