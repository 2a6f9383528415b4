// Lock: the twins of the methods of _thread.lock and _thread.RLock, under the engine's control.
//
// While enabled, a logical thread's call announces the operation at the door before the original
// acts; calls of other threads fall through. The real lock stays the truth: where it disagrees with
// the engine's model the execution is refused.
#ifndef PYHOOK_LOCK_H
#define PYHOOK_LOCK_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

// Once, at import. -1 with an exception.
int lock_open(void);
int rlock_open(void);
// Around an exploration.
void lock_enable(void);
void rlock_enable(void);
void lock_disable(void);
void rlock_disable(void);

// What the two kinds of lock share.

struct lock_request {
    bool blocking;         // may wait; else it is a try
    uint64_t timeout_ns;   // 0: none
    uint64_t deadline_ns;  // as in struct fr_op
};
// Reads the arguments of acquire(blocking=True, timeout=-1). probe, a free lock of the same kind
// with its original acquire and release, gets the same arguments first: what they refuse, we refuse
// in the same words. -1 with an exception.
struct interpose_twin;
int lock_parse_request(PyObject *probe, const struct interpose_twin *acquire,
                       const struct interpose_twin *release, PyObject *args, PyObject *kwargs,
                       struct lock_request *out);
// The request waits at most this long; 0: it does not wait.
void lock_limit_request(struct lock_request *request, uint64_t nanoseconds);
// Stops at the door with an ACQUIRE or TRY, or (request NULL) a RELEASE of a lock. 0: act now. -1
// with an exception.
int lock_pass(PyObject *lock, const struct lock_request *request, bool held_outside);
// Does this lock belong to the library's own book-keeping (threading's tables, the handshake of
// Thread.start)? It is left alone: it is held for short stretches without a point inside.
bool lock_is_internal(PyObject *lock);
// acquire() where points do not count. Refuses to wait, in invariant(), for what a thread holds
// that does not go on.
PyObject *lock_acquire_outside(PyObject *probe, const struct interpose_twin *acquire,
                               const struct interpose_twin *release, PyObject *lock, PyObject *args,
                               PyObject *kwargs);
// Acquires without waiting, through the original. 1 it did, 0 it is held, -1 with an exception.
int lock_try(const struct interpose_twin *acquire, PyObject *lock);
// While the execution is given up: takes the real lock if it is free; else raises Abort, or answers
// False for a call that may fail.
PyObject *lock_acquire_unwinding(const struct interpose_twin *acquire, PyObject *lock,
                                 const struct lock_request *request);
// Takes the real lock after the model said who gets it: the answer for Python. Refuses if the real
// lock says something else. `release` gives it back if the execution is given up meanwhile.
PyObject *lock_act(const struct interpose_twin *acquire, const struct interpose_twin *release,
                   PyObject *lock, const struct lock_request *request);
// The original waited for real, in setup() or invariant(): time has passed if it timed out. Passes
// its answer on.
PyObject *lock_note_wait(PyObject *answer, PyObject *args, PyObject *kwargs);
// An acquire without arguments.
extern const struct lock_request lock_request_plain;

#endif
