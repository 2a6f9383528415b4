// Backends: how an interpreter is made to tell of each instruction before it executes.
//
// One of observe_trace.c (CPython 3.10, 3.11) and observe_monitor.c (3.12 and later) is compiled
// in. The functions are those of observe.h.
#ifndef PYHOOK_BACKEND_H
#define PYHOOK_BACKEND_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

#include "access.h"
#include "point.h"

int backend_open(void);
int backend_begin(PyObject *callables);
void backend_end(void);
int backend_thread_begin(void);
void backend_thread_end(void);

// Who calls: a logical thread by its number, or one of these.
enum {
    OBSERVE_CLOSED = -1,  // operations of the calling thread do not count now
    OBSERVE_NOBODY = -2   // they do, but it is no logical thread (in the self-test)
};
// For backends, in a callback of the main interpreter.
int observe_caller(void);
// For backends: brings the instruction to the door; operands->thread is what observe_caller just
// answered, and not OBSERVE_CLOSED. -1 with an exception that is to be raised instead of executing
// the instruction.
int observe_instruction(const struct site *site, const struct operands *operands);
// For backends: the frame is about to return. As observe_instruction.
int observe_return(const struct site *site, const struct operands *operands);
// For backends: observation is no longer sure. As point_refuse.
int observe_refuse(const char *sentence);

// Where instructions are brought to: the door (point.h), or the self-test.
struct observe_door {
    int (*caller)(void);
    // thread: as `caller` just answered, if no Python code has run since; else OBSERVE_CLOSED.
    int (*pass)(int thread, const struct point_op *op);
    int (*refuse)(const char *sentence);
};
// NULL: point.h again.
void observe_set_door(const struct observe_door *door);

#endif
