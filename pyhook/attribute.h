// Attributes: which locations reading or writing one touches.
#ifndef PYHOOK_ATTRIBUTE_H
#define PYHOOK_ATTRIBUTE_H

#include "access.h"

// object.name. name: if not a str, nothing.
void attribute_add(struct access_list *list, PyObject *object, PyObject *name, bool write);
// class.__bases__ = value: all attributes of the classes that were and will be behind it. Nothing
// for other names.
void attribute_add_bases(struct access_list *list, PyObject *class, PyObject *name,
                         PyObject *value);

#endif
