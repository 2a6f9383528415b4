// Calls: what calling something that is implemented in C does to the containers it is given.
#ifndef PYHOOK_CALL_H
#define PYHOOK_CALL_H

#include "access.h"
#include "effect.h"

// Resolves callables.def. -1 with an exception.
int call_open(void);
// Collects the accesses of callable(*arguments, **keywords), which no instruction calls. arguments
// is a tuple, keywords a dict or NULL.
void call_collect_made(struct access_list *list, PyObject *callable, PyObject *arguments,
                       PyObject *keywords);
// Collects the accesses of a call instruction (SITE_CALL ... SITE_EXIT).
void call_collect(struct access_list *list, const struct site *site,
                  const struct operands *operands);
// What the instruction is about to call, borrowed; NULL if it is none that call_collect knows.
PyObject *call_callable(const struct site *site, const struct operands *operands);
// What the method of C code that it is about to call belongs to, or what such a function is given
// first; borrowed, NULL if it is something else.
PyObject *call_receiver(const struct site *site, const struct operands *operands);

// A C method or function as its effect understands it. Everything is borrowed.
struct call_method {
    enum effect effect;
    const char *name;
    PyObject *self;
    PyObject *const
        *values;  // the other arguments; those of a call with unpacked ones in their tuple
    Py_ssize_t count;
};
// False: the instruction calls something else, or on nothing.
bool call_read_method(const struct site *site, const struct operands *operands,
                      struct call_method *method);

#endif
