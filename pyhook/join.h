// Join: waiting for the end of a logical thread, or asking whether it is over.
//
// Up to 3.12 a Thread object has a lock that the interpreter frees with the thread's state; since
// 3.13 it has a handle. Both are the `handle` of struct runner_thread. Waiting is a JOIN; asking is
// a read of what the thread writes with its last event.
#ifndef PYHOOK_JOIN_H
#define PYHOOK_JOIN_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

// Once, at import. -1 with an exception.
int join_open(void);
// Around an exploration.
void join_enable(void);
void join_disable(void);

// The caller waits for a thread's end as a request says, or asks. 1 it is over, 0 not, -1 with an
// exception.
struct lock_request;
int join_thread(int thread, const struct lock_request *request);
// Names the calling logical thread's handle. -1 with an exception.
int join_set_handle(PyObject *handle);

#endif
