// Life: which instructions may end an object whose end others can see, and who looks at it.
//
// An object's end is seen through its weak references and by its finalizer. Whoever drops a
// reference to such an object writes its life, whether or not it is the last reference: which is
// the last depends on the order of the drops. Calling a weak reference reads it.
//
// All of it only for programs that speak of weak references or finalizers: the modules of their
// threads, and the traced modules that those name, are searched when an exploration begins.
//
// As in access.h, nothing here runs Python code. The drops that are not covered are in
// docs/limits.md.
#ifndef PYHOOK_LIFE_H
#define PYHOOK_LIFE_H

#include "access.h"

// Looks up what has no name in the C API. -1 with an exception.
int life_open(void);
// Decides whether it is wanted from now on. callables: of the threads. -1 with an exception.
int life_begin(PyObject *callables);
extern bool life_wanted;  // written by life_begin only
// A weak reference is called, or a proxy used: does its object live? Or one is made of an object,
// so that its end will be seen.
void life_add_look(struct access_list *list, PyObject *object);
// What the instruction drops that only it has: its operands, a local variable. Known when it is
// announced.
void life_add_operands(struct access_list *list, const struct site *site,
                       const struct operands *on);
// What the instruction drops out of shared memory: known when it has its turn, and to be announced
// again if that is more than the list has. True: something was added.
bool life_add_replaced(struct access_list *list, const struct site *site,
                       const struct operands *on);
// What the locals of a frame that is about to return hold.
void life_add_frame(struct access_list *list, const struct operands *on);

#endif
