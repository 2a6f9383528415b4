// Reentry: what C code goes on with after it has called back into Python.
//
// An instruction that hands a container to C code is announced once, before it begins. If that code
// calls traced Python code (a key function, __eq__, the body of a generator) and other threads run
// meanwhile, what it does afterwards is an event of its own: the same accesses, announced again
// when the Python code goes back to it.
//
// One stack per logical thread, of the instructions that its frames are in the middle of. In OS
// threads that are none, and in the self-test, all of this does nothing.
#ifndef PYHOOK_REENTRY_H
#define PYHOOK_REENTRY_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

#include "access.h"
#include "place.h"

// A logical thread begins: its stack is empty.
void reentry_begin(void);
// The frame (NULL: the runner) of this thread, which calls, is about to execute an instruction with
// these accesses (just announced; or none). -1 with an exception.
int reentry_note(int thread, const void *frame, const struct place *place,
                 const struct access_list *list);
// Is the stack of the calling logical thread empty? Then the others have nothing to do.
bool reentry_is_empty(void);
// A traced frame, running, is about to go back to its caller by a return or a yield. While it still
// runs, for another thread that resumes a generator must find it running. -1 with an exception that
// is to be raised instead. ending: what the frame drops in doing so, announced before; or NULL.
int reentry_suspend(void *frame, const struct access_list *ending);
// The calling thread has taken a lock. If code that is not traced did so, what it was given is
// announced again, for it is under that lock that it will use it. -1 with an exception.
int reentry_take_lock(void);
// An exception left, or leaves, a traced frame for the Python frame `caller` (NULL: none), or for C
// code that `caller` called. No exception may be set. -1 with an exception that takes its place.
int reentry_unwind(const void *frame, void *caller);
// A frame that was left no longer has an instruction it is in the middle of.
void reentry_forget(const void *frame);

#endif
