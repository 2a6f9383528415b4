// Threads: keeps what Python's threading module knows of logical threads true, and tidies it.
//
// The Python half is frontrun/_threads.py. All functions need the GIL.
#ifndef PYHOOK_THREADS_H
#define PYHOOK_THREADS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

struct runner_thread;

// Once, at import. -1 with an exception.
int threads_open(PyObject *module);
// Around an exploration. threads_enable: -1 with an exception.
int threads_enable(void);
void threads_disable(void);

// The threading.Thread whose start() calls this function in the new thread; borrowed, NULL: none.
PyObject *threads_object_of(PyObject *function);
bool threads_is_daemon(PyObject *object);
// The lock inside the Thread's `_started`; a new reference, or NULL without an exception.
PyObject *threads_start_lock(PyObject *object);
// The code that the new thread runs first of all that is the program's own; a new reference, or
// NULL without an exception.
PyObject *threads_code_of(PyObject *function, PyObject *object);
// The Thread (or NULL) was about to be started, and is not.
void threads_unstart(PyObject *object);
// Something was started in setup(). -1 with an exception.
int threads_note_outside(PyObject *function);
// -1 with an exception: something that setup() started is not over.
int threads_check_setup(void);
// -1 with an exception: a blocked thread waits for a lock that is free, so the deadlock is none.
int threads_check_deadlock(void);

// A new list of the queues of pools whose threads are not under control. NULL with an exception.
PyObject *threads_foreign_queues(void);

// What the calling thread does if it is this Thread: its own code counts, the library's around it
// does not. The answer of the function that it was started with.
PyObject *threads_bootstrap(PyObject *object);
// The calling thread is about to end.
void threads_leave(struct runner_thread *thread);
// May this blocked thread wait for ever? A daemon may, and a pool's thread that waits for work.
bool threads_may_wait(const struct runner_thread *thread);
// Number -> name of the threads that the program started, a new reference; NULL: there are none.
PyObject *threads_names(void);
// While threads are unwound what they raise is nobody's business.
void threads_hush(bool hush);
// After an execution: takes all traces of its threads out of the library's tables.
void threads_tidy(void);

#endif
