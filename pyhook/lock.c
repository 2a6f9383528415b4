// Lock: the twins of the methods of _thread.lock, under the engine's control.
// SPDX-License-Identifier: Apache-2.0
#include "lock.h"

#include "clock.h"
#include "errors.h"
#include "interpose.h"
#include "observe.h"
#include "point.h"
#include "runner.h"
#include "spin.h"

static PyObject *acquire_twin(PyObject *self, PyObject *args, PyObject *kwargs);
static PyObject *release_twin(PyObject *self, PyObject *args);
static PyObject *locked_twin(PyObject *self, PyObject *args);

enum { ACQUIRE, ACQUIRE_LOCK, ENTER, RELEASE, RELEASE_LOCK, EXIT, LOCKED, LOCKED_LOCK, TWINS };

static struct interpose_twin twins[TWINS] = {
    [ACQUIRE] = {.name = "acquire",
                 .flags = METH_VARARGS | METH_KEYWORDS,
                 .twin = INTERPOSE_FUNCTION(acquire_twin),
                 .repeatable = true},
    [ACQUIRE_LOCK] = {.name = "acquire_lock",
                      .flags = METH_VARARGS | METH_KEYWORDS,
                      .twin = INTERPOSE_FUNCTION(acquire_twin),
                      .repeatable = true},
    [ENTER] = {.name = "__enter__",
               .flags = METH_VARARGS | METH_KEYWORDS,
               .twin = INTERPOSE_FUNCTION(acquire_twin)},
    [RELEASE] = {.name = "release", .flags = METH_NOARGS, .twin = release_twin},
    [RELEASE_LOCK] = {.name = "release_lock", .flags = METH_NOARGS, .twin = release_twin},
    [EXIT] = {.name = "__exit__", .flags = METH_VARARGS, .twin = release_twin},
    [LOCKED] = {.name = "locked", .flags = METH_NOARGS, .twin = locked_twin, .repeatable = true},
    [LOCKED_LOCK] = {.name = "locked_lock",
                     .flags = METH_NOARGS,
                     .twin = locked_twin,
                     .repeatable = true},
};

const struct lock_request lock_request_plain = {.blocking = true};

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
    *out = lock_request_plain;
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
    out->timeout_ns = may_wait ? clock_nanoseconds(seconds) : 0;
    if (clock_has_deadlines() && out->timeout_ns != 0) {
        out->deadline_ns = clock_deadline(out->timeout_ns);
        return 0;
    }
    out->blocking = may_wait && seconds < 0;
    return 0;
}

int lock_pass(PyObject *lock, const struct lock_request *request, bool held_outside) {
    enum fr_op_kind kind = request == NULL     ? FR_OP_RELEASE
                           : request->blocking ? FR_OP_ACQUIRE
                                               : FR_OP_TRY;
    struct fr_access access = {.key = location_of_object(lock), .mode = FR_WRITE};
    point_close();  // looking up the source may run Python code
    struct point_op op = {
        .kind = kind,
        .place = place_of_caller(fr_op_word(kind), NULL),
        .accesses = &access,
        .access_count = 1,
        .held_outside = held_outside,
        .deadline_ns = request != NULL ? request->deadline_ns : 0,
    };
    point_reopen();
    return op.place != NULL ? point_pass(&op) : -1;
}

PyObject *lock_acquire_unwinding(const struct interpose_twin *acquire, PyObject *lock,
                                 const struct lock_request *request) {
    int got = lock_try(acquire, lock);
    if (got < 0)
        return NULL;
    if (!got && request->blocking && request->deadline_ns == 0) {
        PyErr_SetNone(errors_abort);
        return NULL;
    }
    return PyBool_FromLong(got);
}

PyObject *lock_act(const struct interpose_twin *acquire, PyObject *lock,
                   const struct lock_request *request) {
    bool expected = point_outcome();
    if (expected)
        spin_note_progress();
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
    if (!got && request->timeout_ns != 0 && clock_time_out(request->timeout_ns) < 0)
        return NULL;
    return PyBool_FromLong(got);
}

PyObject *lock_note_wait(PyObject *answer, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"blocking", "timeout", NULL};
    if (answer != Py_False || !clock_is_ours())
        return answer;
    PyObject *blocking = Py_True;
    double seconds = -1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|Od:acquire", names, &blocking, &seconds))
        PyErr_Clear();  // the original has taken them
    if (clock_time_out(clock_nanoseconds(seconds)) < 0)
        Py_CLEAR(answer);
    return answer;
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
    if (!point_is_open() || lock_is_internal(self)) {
        PyObject *answer = interpose_call_keywords(&twins[ACQUIRE], self, args, kwargs);
        return lock_note_wait(answer, args, kwargs);
    }
    struct lock_request request;
    if (lock_parse_request(probe, &twins[ACQUIRE], &twins[RELEASE], args, kwargs, &request) < 0)
        return NULL;
    if (runner_is_aborting())
        return lock_acquire_unwinding(&twins[ACQUIRE], self, &request);
    int held = is_locked(self);
    if (held < 0 || lock_pass(self, &request, held) < 0)
        return NULL;
    return lock_act(&twins[ACQUIRE], self, &request);
}

// Takes the place of release (no arguments) and of __exit__ (a tuple that it does not look at).
static PyObject *release_twin(PyObject *self, PyObject *Py_UNUSED(args)) {
    if (point_is_open() && !lock_is_internal(self) && !runner_is_aborting()) {
        int held = is_locked(self);
        if (held < 0 || lock_pass(self, NULL, held) < 0)
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
