// Outside: what reads or writes the world outside the process, and which part of it.
//
// What is not understood writes all of it (resource.h). The console is left out: lines that threads
// print in either order are rarely a failure. It is what sys.stdout and sys.stderr are when
// observation begins (and were when the interpreter started); what takes their place later is a
// file like any other. No function here sets an exception.
#ifndef PYHOOK_OUTSIDE_H
#define PYHOOK_OUTSIDE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

#include "access.h"

// Looks up the types. -1 with an exception.
int outside_open(void);
// A new execution begins.
void outside_begin(void);
// A file object, socket, selector ...
bool outside_has_type(PyTypeObject *type);
// The same, or a file in memory.
bool outside_has_file(PyTypeObject *type);
// Observation begins: what the console is from now on.
void outside_note_console(void);
bool outside_is_console(PyObject *object);
// Something is done with an object of such a type.
void outside_add_object(struct access_list *list, PyObject *object);
// The event was looked at too often (other threads changed what its paths mean, again and again):
// it writes all.
void outside_add_all(struct access_list *list);

#endif
