// RLock: the twins of the methods of _thread.RLock. Only the outermost acquire and release count.
// SPDX-License-Identifier: Apache-2.0
//
// Who owns the lock, and how often, is asked of the real lock: a logical thread has a thread
// identity of its own. Re-entering it, or failing to release what one does not own, touches nothing
// that another thread could see.
#include "carrier.h"
#include "errors.h"
#include "interpose.h"
#include "lock.h"
#include "point.h"
#include "runner.h"
#include "spin.h"

static PyObject *acquire_twin(PyObject *self, PyObject *args, PyObject *kwargs);
static PyObject *release_twin(PyObject *self, PyObject *args);
static PyObject *release_save_twin(PyObject *self, PyObject *args);
static PyObject *acquire_restore_twin(PyObject *self, PyObject *args);

enum { ACQUIRE, ENTER, RELEASE, EXIT, RELEASE_SAVE, ACQUIRE_RESTORE, TWINS };

static struct interpose_twin twins[TWINS] = {
    [ACQUIRE] = {.name = "acquire",
                 .flags = METH_VARARGS | METH_KEYWORDS,
                 .twin = INTERPOSE_FUNCTION(acquire_twin),
                 .repeatable = true},
    [ENTER] = {.name = "__enter__",
               .flags = METH_VARARGS | METH_KEYWORDS,
               .twin = INTERPOSE_FUNCTION(acquire_twin),
               .repeatable = true},
    [RELEASE] = {.name = "release", .flags = METH_NOARGS, .twin = release_twin, .repeatable = true},
    [EXIT] = {.name = "__exit__", .flags = METH_VARARGS, .twin = release_twin, .repeatable = true},
    [RELEASE_SAVE] = {.name = "_release_save", .flags = METH_NOARGS, .twin = release_save_twin},
    [ACQUIRE_RESTORE] = {.name = "_acquire_restore",
                         .flags = METH_VARARGS,
                         .twin = acquire_restore_twin},
};

// Not replaced, only called.
static struct interpose_twin is_owned_method = {.name = "_is_owned", .flags = METH_NOARGS};

static PyObject *probe;  // a free lock of our own

// The lock around the books of the module logging (which loggers there are, and which levels they
// remember). What survives setup() in them differs from one execution to the next, and so would the
// operations on this lock: it is none of the program's, and while it is held there are no points,
// so that nobody finds it taken. logs.c says what the calls of logging look at and change.
static PyObject *books;

// Nothing but the books is taken like this: points are closed until it is given back.
static bool is_bookkeeping(PyObject *lock) {
    return books != NULL && lock == books && carrier_current() >= 0;
}

static bool counts(PyObject *lock) {
    return point_is_open() && !lock_is_internal(lock);
}

// 1 by the calling thread, 0 not, -1 with an exception.
static int is_owned(PyObject *lock) {
    PyObject *answer = interpose_call(&is_owned_method, lock, NULL);
    if (answer == NULL)
        return -1;
    int owned = answer == Py_True;
    Py_DECREF(answer);
    return owned;
}

static int release_real(PyObject *lock) {
    PyObject *answer = interpose_call(&twins[RELEASE], lock, NULL);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

// Is it held by a thread other than the caller, who does not own it? As is_owned.
static int is_held(PyObject *lock) {
    int got = lock_try(&twins[ACQUIRE], lock);
    if (got > 0 && release_real(lock) < 0)
        return -1;
    return got < 0 ? -1 : !got;
}

// Would one release by its owner free the lock? As is_owned.
static int is_outermost(PyObject *lock) {
    // The count has no method on every version. Releasing once and looking is exact: the caller
    // keeps the GIL, and no logical thread waits for the real lock.
    if (release_real(lock) < 0)
        return -1;
    int owned = is_owned(lock);
    int got = lock_try(&twins[ACQUIRE], lock);
    if (got == 0) {
        point_refuse("an RLock was taken by a thread that is not one of the harness's `threads`");
        return -1;
    }
    return owned < 0 || got < 0 ? -1 : !owned;
}

static PyObject *acquire_twin(PyObject *self, PyObject *args, PyObject *kwargs) {
    if (is_bookkeeping(self)) {
        PyObject *answer = interpose_call_keywords(&twins[ACQUIRE], self, args, kwargs);
        if (answer == Py_True)
            point_close();
        return answer;
    }
    if (!counts(self)) {
        PyObject *answer =
            lock_acquire_outside(probe, &twins[ACQUIRE], &twins[RELEASE], self, args, kwargs);
        return lock_note_wait(answer, args, kwargs);
    }
    struct lock_request request;
    if (lock_parse_request(probe, &twins[ACQUIRE], &twins[RELEASE], args, kwargs, &request) < 0)
        return NULL;
    int owned = is_owned(self);
    if (owned < 0)
        return NULL;
    if (owned)
        spin_note_progress();  // it counts how often
    if (owned || runner_is_aborting())
        return lock_acquire_unwinding(&twins[ACQUIRE], self, &request);
    int held = is_held(self);
    if (held < 0 || lock_pass(self, &request, held) < 0)
        return NULL;
    return lock_act(&twins[ACQUIRE], &twins[RELEASE], self, &request);
}

// Announces that the caller frees the lock, if it does. all: however often it entered.
static int pass_release(PyObject *self, bool all) {
    if (!counts(self) || runner_is_aborting())
        return 0;
    int frees = is_owned(self);
    if (frees > 0 && !all)
        frees = is_outermost(self);
    if (frees == 0)
        spin_note_progress();  // it counts how often
    return frees <= 0 ? frees : lock_pass(self, NULL, true);
}

static PyObject *release_twin(PyObject *self, PyObject *Py_UNUSED(args)) {
    if (is_bookkeeping(self)) {
        PyObject *answer = interpose_call(&twins[RELEASE], self, NULL);
        if (answer != NULL)
            point_reopen();
        return answer;
    }
    return pass_release(self, false) < 0 ? NULL : interpose_call(&twins[RELEASE], self, NULL);
}

static PyObject *release_save_twin(PyObject *self, PyObject *args) {
    return pass_release(self, true) < 0 ? NULL : interpose_call(&twins[RELEASE_SAVE], self, args);
}

// Condition.wait: takes the lock back as often as it was entered before.
static PyObject *acquire_restore_twin(PyObject *self, PyObject *args) {
    if (counts(self)) {
        bool aborting = runner_is_aborting();
        int held = is_held(self);
        if (held < 0 || (!aborting && lock_pass(self, &lock_request_plain, held) < 0))
            return NULL;
        PyObject *got = aborting
                            ? lock_acquire_unwinding(&twins[ACQUIRE], self, &lock_request_plain)
                            : lock_act(&twins[ACQUIRE], &twins[RELEASE], self, &lock_request_plain);
        Py_XDECREF(got);
        if (got == NULL || release_real(self) < 0)
            return NULL;
    }
    return interpose_call(&twins[ACQUIRE_RESTORE], self, args);
}

int rlock_open(void) {
    PyObject *module = PyImport_ImportModule("_thread");
    PyObject *type = module != NULL ? PyObject_GetAttrString(module, "RLock") : NULL;
    Py_XDECREF(module);
    probe = type != NULL ? PyObject_CallNoArgs(type) : NULL;
    int status = probe != NULL ? interpose_bind(type, twins, TWINS) : -1;
    if (status == 0)
        status = interpose_bind(type, &is_owned_method, 1);
    Py_XDECREF(type);
    return status;
}

void rlock_enable(void) {
    PyObject *module = PyDict_GetItemString(PyImport_GetModuleDict(), "logging");
    PyObject *lock = module != NULL ? PyObject_GetAttrString(module, "_lock") : NULL;
    PyErr_Clear();  // not imported, or another version's: a lock like any other
    Py_XSETREF(books, lock);
    interpose_enable(twins, TWINS);
}

void rlock_disable(void) {
    interpose_disable(twins, TWINS);
}
