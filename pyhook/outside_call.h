// Outside calls: what a call does to the world outside the process (outside.h, outside.def).
#ifndef PYHOOK_OUTSIDE_CALL_H
#define PYHOOK_OUTSIDE_CALL_H

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

// Looks up the standard library. -1 with an exception. The others set none.
int outside_call_open(void);
// Adds what a call touches outside.
enum outside_part outside_call_add(struct access_list *list, const struct outside_call *call);
// A generator is advanced, which may be one of the library's (os.walk, Path.iterdir).
void outside_call_add_generator(struct access_list *list, PyObject *generator);
// An operator is used on an instance that may be of one of its classes (shelve, dbm.dumb).
void outside_call_add_instance(struct access_list *list, PyObject *object);
// C code may call it, nobody knows with what.
void outside_call_add_callback(struct access_list *list, PyObject *callback);

#endif
