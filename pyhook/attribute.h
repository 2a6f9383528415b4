// Attributes: which locations reading or writing one touches.
#ifndef PYHOOK_ATTRIBUTE_H
#define PYHOOK_ATTRIBUTE_H

#include "access.h"

// object.name. name: if not a str, nothing.
void attribute_add(struct access_list *list, PyObject *object, PyObject *name, bool write);

#endif
