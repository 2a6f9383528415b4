// Attributes: which locations reading or writing one touches.
#ifndef PYHOOK_ATTRIBUTE_H
#define PYHOOK_ATTRIBUTE_H

#include "access.h"

// object.name. name: if not a str, nothing.
void attribute_add(struct access_list *list, PyObject *object, PyObject *name, bool write);
// Is reading or writing an attribute of this name just that, whatever the object? name: not NULL.
bool attribute_is_ordinary(PyObject *name);
// As attribute_add into an empty list, for such a name, if the object is a plain instance of a
// class of Python code; else false, and nothing is added. Costs a look-up.
bool attribute_add_ordinary(struct access_list *list, PyObject *object, PyObject *name, bool write);
// class.__bases__ = value: all attributes of the classes that were and will be behind it. Nothing
// for other names.
void attribute_add_bases(struct access_list *list, PyObject *class, PyObject *name,
                         PyObject *value);

#endif
