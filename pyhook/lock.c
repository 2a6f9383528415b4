// Lock: the twins of the methods of _thread.lock, under the engine's control.
// SPDX-License-Identifier: Apache-2.0
#include "lock.h"

#include "errors.h"
#include "interpose.h"
#include "observe.h"
#include "point.h"
#include "runner.h"

static PyObject *acquire_twin(PyObject *self, PyObject *args, PyObject *kwargs);
static PyObject *release_twin(PyObject *self, PyObject *args);
static PyObject *locked_twin(PyObject *self, PyObject *args);

enum { ACQUIRE, ACQUIRE_LOCK, ENTER, RELEASE, RELEASE_LOCK, EXIT, LOCKED, LOCKED_LOCK, TWINS };

static struct interpose_twin twins[TWINS] = {
    [ACQUIRE] = {.name = "acquire",
                 .flags = METH_VARARGS | METH_KEYWORDS,
                 .twin = INTERPOSE_FUNCTION(acquire_twin)},
    [ACQUIRE_LOCK] = {.name = "acquire_lock",
                      .flags = METH_VARARGS | METH_KEYWORDS,
                      .twin = INTERPOSE_FUNCTION(acquire_twin)},
    [ENTER] = {.name = "__enter__",
               .flags = METH_VARARGS | METH_KEYWORDS,
               .twin = INTERPOSE_FUNCTION(acquire_twin)},
    [RELEASE] = {.name = "release", .flags = METH_NOARGS, .twin = release_twin},
    [RELEASE_LOCK] = {.name = "release_lock", .flags = METH_NOARGS, .twin = release_twin},
    [EXIT] = {.name = "__exit__", .flags = METH_VARARGS, .twin = release_twin},
    [LOCKED] = {.name = "locked", .flags = METH_NOARGS, .twin = locked_twin},
    [LOCKED_LOCK] = {.name = "locked_lock", .flags = METH_NOARGS, .twin = locked_twin},
};

static PyObject *probe;         // a free lock of our own
static PyObject *not_blocking;  // (False,)
static PyObject *internal;      // threading's lock around its table of threads, or NULL

// ------------------------------------------------------------------------------ shared with
// rlock.c

int lock_try(const struct interpose_twin *acquire, PyObject *lock) {
    PyObject *answer = interpose_call_keywords(acquire, lock, not_blocking, NULL);
    if (answer == NULL)
        return -1;
    int got = answer == Py_True;
    Py_DECREF(answer);
    return got;
}

bool lock_is_internal(PyObject *lock) {
    return lock == internal;
}

// Does the original take these arguments? The probe is free, so it never waits.
static int check_arguments(PyObject *lock, const struct interpose_twin *acquire,
                           const struct interpose_twin *release, PyObject *args, PyObject *kwargs) {
    PyObject *answer = interpose_call_keywords(acquire, lock, args, kwargs);
    if (answer == NULL)
        return -1;
    Py_DECREF(answer);
    answer = interpose_call(release, lock, NULL);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

int lock_parse_request(PyObject *lock, const struct interpose_twin *acquire,
                       const struct interpose_twin *release, PyObject *args, PyObject *kwargs,
                       struct lock_request *out) {
    static char *names[] = {"blocking", "timeout", NULL};
    out->blocking = true;
    if (PyTuple_GET_SIZE(args) == 0 && kwargs == NULL)
        return 0;
    PyObject *blocking = Py_True;
    PyObject *timeout = NULL;
    if (check_arguments(lock, acquire, release, args, kwargs) < 0 ||
        !PyArg_ParseTupleAndKeywords(args, kwargs, "|OO:acquire", names, &blocking, &timeout))
        return -1;
    int may_wait = PyObject_IsTrue(blocking);
    double seconds = timeout != NULL ? PyFloat_AsDouble(timeout) : -1.0;
    if (may_wait < 0 || (seconds == -1.0 && PyErr_Occurred()))
        return -1;
    out->blocking = may_wait && seconds < 0;
    return 0;
}

int lock_pass(PyObject *lock, bool acquires, bool blocking, bool held_outside) {
    const char *action = !acquires ? "release" : blocking ? "acquire" : "try-acquire";
    struct fr_access access = {.key = location_of_object(lock), .mode = FR_WRITE};
    point_close();  // looking up the source may run Python code
    struct point_op op = {
        .kind = !acquires  ? FR_OP_RELEASE
                : blocking ? FR_OP_ACQUIRE
                           : FR_OP_TRY,
        .place = place_of_caller(action, NULL),
        .accesses = &access,
        .access_count = 1,
        .held_outside = held_outside,
    };
    point_reopen();
    return op.place != NULL ? point_pass(&op) : -1;
}

PyObject *lock_acquire_unwinding(const struct interpose_twin *acquire, PyObject *lock,
                                 bool blocking) {
    int got = lock_try(acquire, lock);
    if (got < 0)
        return NULL;
    if (!got && blocking) {
        PyErr_SetNone(errors_abort);
        return NULL;
    }
    return PyBool_FromLong(got);
}

PyObject *lock_act(const struct interpose_twin *acquire, PyObject *lock, bool blocking) {
    bool expected = blocking || point_outcome();
    int got = lock_try(acquire, lock);
    if (got < 0)
        return NULL;
    if (got != expected) {
        point_refuse(got ? "a lock was released behind the scheduler's back: by a thread that is "
                           "not one of the harness's `threads`, or by C code"
                         : "a lock was taken behind the scheduler's back: by a thread that is not "
                           "one of the harness's `threads`, or by C code");
        return NULL;
    }
    return PyBool_FromLong(got);
}

// ------------------------------------------------------------------------------ the twins

// 1 held, 0 free, -1 with an exception.
static int is_locked(PyObject *lock) {
    PyObject *answer = interpose_call(&twins[LOCKED], lock, NULL);
    if (answer == NULL)
        return -1;
    int held = answer == Py_True;
    Py_DECREF(answer);
    return held;
}

static PyObject *acquire_twin(PyObject *self, PyObject *args, PyObject *kwargs) {
    if (!point_is_open() || lock_is_internal(self))
        return interpose_call_keywords(&twins[ACQUIRE], self, args, kwargs);
    struct lock_request request;
    if (lock_parse_request(probe, &twins[ACQUIRE], &twins[RELEASE], args, kwargs, &request) < 0)
        return NULL;
    if (runner_is_aborting())
        return lock_acquire_unwinding(&twins[ACQUIRE], self, request.blocking);
    int held = is_locked(self);
    if (held < 0 || lock_pass(self, true, request.blocking, held) < 0)
        return NULL;
    return lock_act(&twins[ACQUIRE], self, request.blocking);
}

// Takes the place of release (no arguments) and of __exit__ (a tuple that it does not look at).
static PyObject *release_twin(PyObject *self, PyObject *Py_UNUSED(args)) {
    if (point_is_open() && !lock_is_internal(self) && !runner_is_aborting()) {
        int held = is_locked(self);
        if (held < 0 || lock_pass(self, false, false, held) < 0)
            return NULL;
    }
    return interpose_call(&twins[RELEASE], self, NULL);
}

static PyObject *locked_twin(PyObject *self, PyObject *args) {
    if (point_is_open() && !lock_is_internal(self) && !runner_is_aborting()) {
        struct fr_access access = {.key = location_of_object(self), .mode = FR_READ};
        point_close();
        struct point_op op = {.kind = FR_OP_ACCESS,
                              .place = place_of_caller("read", NULL),
                              .accesses = &access,
                              .access_count = 1};
        point_reopen();
        if (op.place == NULL || point_pass(&op) < 0)
            return NULL;
    }
    return interpose_call(&twins[LOCKED], self, args);
}

int lock_open(void) {
    PyObject *module = PyImport_ImportModule("_thread");
    probe = module != NULL ? PyObject_CallMethod(module, "allocate_lock", NULL) : NULL;
    Py_XDECREF(module);
    not_blocking = Py_BuildValue("(O)", Py_False);
    if (probe == NULL || not_blocking == NULL)
        return -1;
    return interpose_bind((PyObject *)Py_TYPE(probe), twins, TWINS);
}

void lock_enable(void) {
    PyObject *modules = PyImport_GetModuleDict();  // borrowed
    PyObject *threading = PyDict_GetItemString(modules, "threading");
    Py_XSETREF(internal,
               threading != NULL ? PyObject_GetAttrString(threading, "_active_limbo_lock") : NULL);
    PyErr_Clear();  // without that name there is nothing to leave alone
    interpose_enable(twins, TWINS);
}

void lock_disable(void) {
    interpose_disable(twins, TWINS);
}
