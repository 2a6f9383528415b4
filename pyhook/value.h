// Value: what an instruction is about to read and to store, in a few words for people.
//
// No code of the program runs to find out: only values of exact builtin types are shown as they
// are, everything else by the name of its type. All functions need the GIL; no exception may be
// set before, and none is after.
#ifndef PYHOOK_VALUE_H
#define PYHOOK_VALUE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "access.h"
#include "site.h"

// A new str of about 30 characters; NULL if there is no memory.
PyObject *value_words(PyObject *object);
// What the instruction finds where it reads or stores: a new str, NULL if that is not known.
PyObject *value_found(const struct site *site, const struct operands *operands);
// The same as objects: new references, NULL if that is not known. Looking runs no code, except
// __eq__ of keys of the same hash.
PyObject *value_of_site(const struct site *site, const struct operands *operands);
PyObject *value_of_attribute(PyObject *object, PyObject *name);
PyObject *value_of_item(PyObject *container, PyObject *key);
// What it stores: a new str; NULL if it stores nothing, or not one value.
PyObject *value_stored(const struct site *site, const struct operands *operands);
// The container that the call may change, so that it is to be looked at again afterwards; borrowed,
// NULL: none.
PyObject *value_changed(const struct site *site, const struct operands *operands);

#endif
