// Containers: objects whose contents C code reads and writes.
// As opposed to objects with attributes and Python code of their own.
#ifndef PYHOOK_CONTAINER_H
#define PYHOOK_CONTAINER_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

enum container_kind {
    CONTAINER_NONE,      // immutable, or a plain instance of a Python class, or a thread primitive
    CONTAINER_ITERATOR,  // advances when used
    CONTAINER_WHOLE      // everything else that is implemented in C
};

// Looks up the types that have no name in the C API. -1 with an exception.
int container_open(void);
enum container_kind container_kind_of(PyObject *object);
// The C type below the Python classes an instance is made of; `object` for plain instances.
PyTypeObject *container_c_type(PyTypeObject *type);
// Whose contents these are: the dict of a dict view or of a mapping proxy, the exporter of a
// memoryview, what a weak proxy stands for, else itself.
PyObject *container_owner(PyObject *object);
// Is it an instance of a class of Python code, without contents that C code would know of?
int container_is_instance(PyObject *object);
// Is it a lock or the like, whose operations come to the door elsewhere?
int container_is_primitive(PyObject *object);

#endif
