// Caller: the variables of the nearest traced Python frame (for its place see place_of_caller).
#ifndef PYHOOK_CALLER_H
#define PYHOOK_CALLER_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

// Its variables by name, a new dict; *globals: its globals, a new reference. NULL with an
// exception, *globals is NULL then. Runs nothing, but for the filter.
PyObject *caller_variables(PyObject **globals);

#endif
