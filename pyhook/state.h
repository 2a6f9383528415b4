// State: what functions of the standard library reach by themselves, and no argument names.
#ifndef PYHOOK_STATE_H
#define PYHOOK_STATE_H

#include "access.h"

// Adds what calling this Python function of the library, which is not traced, does to the state of
// its module or of its first argument (NULL: it has none).
void state_add(struct access_list *list, PyObject *function, PyObject *self);
// The filters of the module warnings, and what shows them.
void state_add_warnings(struct access_list *list, bool write);
// isinstance or issubclass looks at what is registered with this class, or the classes in a tuple.
void state_add_check(struct access_list *list, PyObject *classes);

#endif
