// Logs: which loggers, handlers and streams a call of the module logging looks at or changes.
//
// A message is written where the handler does it: StreamHandler.emit and the like are in
// library.def. The lock of the module's own book-keeping is no part of the program (rlock.c).
#ifndef PYHOOK_LOGS_H
#define PYHOOK_LOGS_H

#include "access.h"

// Adds what calling this Python function touches, if it is one of logging's that is not traced.
// self: what it is a method of, or its first argument; may be NULL. Runs no Python code.
void logs_add(struct access_list *list, PyObject *function, PyObject *self);

#endif
