// Outside: what reads or writes the world outside the process, and which part of it.
//
// What is not understood writes all of it (resource.h). The console (sys.stdout, sys.stderr and
// what they were when the interpreter started) is left out: lines that threads print in either
// order are rarely a failure. No function here sets an exception.
#ifndef PYHOOK_OUTSIDE_H
#define PYHOOK_OUTSIDE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

#include "access.h"

// A call, as its instruction has it. Borrowed.
struct outside_call {
    PyObject *callable;  // a function or method of C or Python, or a type
    PyObject *self;      // of a method; NULL or a module: of a function
    PyObject *const *values;
    Py_ssize_t count;    // by position, then by keyword
    PyObject *names;     // a tuple: the keywords of the last of the values; or NULL
    PyObject *keywords;  // a dict: of `**keywords`; or NULL
    bool is_unknown;     // there are arguments that cannot be had
};

enum outside_part {
    OUTSIDE_NONE,  // nothing of the kind, or nothing beside what its self is
    OUTSIDE_SOME,  // what is added is apart from what it does to its self and its arguments
    OUTSIDE_KNOWN  // what is added is all, but that it reads its arguments
};

// Looks up the types. -1 with an exception.
int outside_open(void);
// A new execution begins.
void outside_begin(void);
// A file object, socket, selector ...
bool outside_has_type(PyTypeObject *type);
// The same, or a file in memory.
bool outside_has_file(PyTypeObject *type);
bool outside_is_console(PyObject *object);
// Something is done with an object of such a type.
void outside_add_object(struct access_list *list, PyObject *object);
// C code may call it, nobody knows with what.
void outside_add_callback(struct access_list *list, PyObject *callback);
// Adds what a call touches outside.
enum outside_part outside_add_call(struct access_list *list, const struct outside_call *call);
// The event was looked at too often (other threads changed what its paths mean, again and again):
// it writes all.
void outside_add_all(struct access_list *list);

#endif
