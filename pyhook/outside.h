// Outside: what reads or writes the world outside the process.
//
// Files, sockets and processes are one location: which path or address two names mean, only the
// kernel knows. All uses are writes. The console (sys.stdout, sys.stderr and what they were when
// the interpreter started) is left out: lines that threads print in either order are rarely a
// failure.
#ifndef PYHOOK_OUTSIDE_H
#define PYHOOK_OUTSIDE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

// A file object, socket, selector ... None of these runs Python code or sets an exception.
bool outside_has_type(PyTypeObject *type);
// The same, or a file in memory.
bool outside_has_file(PyTypeObject *type);
bool outside_is_console(PyObject *object);
// Is it a C function of a module such as posix?
bool outside_has_function(PyObject *callable);
// Is it a function of a library module that wraps such functions (pathlib, subprocess ...)?
bool outside_has_python(PyObject *function);

#endif
