// Inlining: makes comprehensions look the same before and since CPython 3.12, which inlines them.
#ifndef PYHOOK_INLINE_H
#define PYHOOK_INLINE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

// Is the code a list, set or dict comprehension?
bool inline_is_comprehension(PyCodeObject *code);
// A new set of the names whose cells are made for comprehensions only: since 3.12 they are local
// variables, and before nobody else can have them. inherited: this set of the function around, if
// code is a comprehension, else NULL. NULL with an exception.
PyObject *inline_locals(PyCodeObject *code, PyObject *inherited);

#endif
