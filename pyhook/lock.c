// Lock: the twins of the methods of _thread.lock, under the engine's control.
// SPDX-License-Identifier: Apache-2.0
#include "lock.h"

#include "carrier.h"
#include "clock.h"
#include "errors.h"
#include "interpose.h"
#include "join.h"
#include "observe.h"
#include "point.h"
#include "reentry.h"
#include "runner.h"
#include "spin.h"
#include "value_log.h"

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
               .twin = INTERPOSE_FUNCTION(acquire_twin),
               .repeatable = true},
    [RELEASE] = {.name = "release", .flags = METH_NOARGS, .twin = release_twin, .repeatable = true},
    [RELEASE_LOCK] = {.name = "release_lock",
                      .flags = METH_NOARGS,
                      .twin = release_twin,
                      .repeatable = true},
    [EXIT] = {.name = "__exit__", .flags = METH_VARARGS, .twin = release_twin, .repeatable = true},
    [LOCKED] = {.name = "locked", .flags = METH_NOARGS, .twin = locked_twin, .repeatable = true},
    [LOCKED_LOCK] = {.name = "locked_lock",
                     .flags = METH_NOARGS,
                     .twin = locked_twin,
                     .repeatable = true},
};

const struct lock_request lock_request_plain = {.blocking = true};

static PyObject *probe;         // a free lock of our own
static PyObject *not_blocking;  // (False,)

// Locks around threading's own tables: no operation of the program happens while they are held.
static const char *const internal_names[] = {"_active_limbo_lock", "_shutdown_locks_lock"};
enum { INTERNALS = sizeof internal_names / sizeof *internal_names };
static PyObject *internals[INTERNALS];  // NULL: this version has none of that name
static PyObject *shutdown_locks;        // threading's set of locks that stand for threads; or NULL

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
    for (int i = 0; i < INTERNALS; i++)
        if (lock == internals[i])
            return true;
    for (uint32_t i = 0; runner.spawned && i < runner.thread_count; i++)
        if (lock == runner.threads[i].start_lock)
            return true;
    return false;
}

// invariant() runs while threads that need not end are still there, with what they hold.
static bool may_wait_for_ever(void) {
    if (runner.phase != RUNNER_OUTSIDE || carrier_current() != CARRIER_CONTROLLER)
        return false;
    for (uint32_t i = 0; i < runner.thread_count; i++)
        if (runner.threads[i].started && !runner.threads[i].ended)
            return true;
    return false;
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

void lock_limit_request(struct lock_request *request, uint64_t nanoseconds) {
    request->timeout_ns = nanoseconds;
    if (clock_has_deadlines() && nanoseconds != 0)
        request->deadline_ns = clock_deadline(nanoseconds);
    else
        request->blocking = false;
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
    if (!may_wait || seconds >= 0)
        lock_limit_request(out, may_wait ? clock_nanoseconds(seconds) : 0);
    return 0;
}

PyObject *lock_acquire_outside(PyObject *free_one, const struct interpose_twin *acquire,
                               const struct interpose_twin *release, PyObject *lock, PyObject *args,
                               PyObject *kwargs) {
    struct lock_request request;
    if (!may_wait_for_ever())
        return interpose_call_keywords(acquire, lock, args, kwargs);
    if (lock_parse_request(free_one, acquire, release, args, kwargs, &request) < 0)
        return NULL;
    int got = lock_try(acquire, lock);
    if (got == 0 && request.blocking && request.deadline_ns == 0)
        PyErr_SetString(errors_frontrun,
                        "invariant() waits for something that a waiting daemon thread holds");
    return got < 0 || PyErr_Occurred() ? NULL : PyBool_FromLong(got);
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
    if (op.place == NULL)
        return -1;
    if (value_log_wanted)
        value_log_name(lock, op.place);
    runner.threads[carrier_current()].awaited =
        kind == FR_OP_ACQUIRE && op.deadline_ns == 0 ? lock : NULL;
    return point_pass(&op);
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

// Gives a lock back, with an exception set.
static void give_back(const struct interpose_twin *release, PyObject *lock) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *answer = interpose_call(release, lock, NULL);
    if (answer == NULL)
        PyErr_WriteUnraisable(lock);
    Py_XDECREF(answer);
    PyErr_Restore(type, value, traceback);
}

PyObject *lock_act(const struct interpose_twin *acquire, const struct interpose_twin *release,
                   PyObject *lock, const struct lock_request *request) {
    bool expected = point_outcome();
    // What it takes without having to is given back in the same round or not: that is not followed.
    if (expected && (!request->blocking || request->deadline_ns != 0))
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
    if (got && reentry_take_lock() < 0) {
        give_back(release, lock);
        return NULL;
    }
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

// The lock that stands for a thread until it is over.
static PyObject *acquire_handle(PyObject *self, int thread, PyObject *args, PyObject *kwargs) {
    if (thread == carrier_current())  // its own, before anybody knows it
        return interpose_call_keywords(&twins[ACQUIRE], self, args, kwargs);
    struct lock_request request;
    if (lock_parse_request(probe, &twins[ACQUIRE], &twins[RELEASE], args, kwargs, &request) < 0)
        return NULL;
    int over = join_thread(thread, &request);
    if (over < 0)
        return NULL;
    if (!over)
        Py_RETURN_FALSE;
    if (runner_is_aborting())
        return lock_acquire_unwinding(&twins[ACQUIRE], self, &lock_request_plain);
    return lock_act(&twins[ACQUIRE], &twins[RELEASE], self, &lock_request_plain);
}

static PyObject *acquire_twin(PyObject *self, PyObject *args, PyObject *kwargs) {
    if (!point_is_open()) {
        PyObject *answer =
            lock_acquire_outside(probe, &twins[ACQUIRE], &twins[RELEASE], self, args, kwargs);
        return lock_note_wait(answer, args, kwargs);
    }
    if (lock_is_internal(self))
        return interpose_call_keywords(&twins[ACQUIRE], self, args, kwargs);
    int thread = runner_find_handle(self);
    if (thread >= 0)
        return acquire_handle(self, thread, args, kwargs);
    struct lock_request request;
    if (lock_parse_request(probe, &twins[ACQUIRE], &twins[RELEASE], args, kwargs, &request) < 0)
        return NULL;
    if (runner_is_aborting())
        return lock_acquire_unwinding(&twins[ACQUIRE], self, &request);
    int held = is_locked(self);
    if (held < 0 || lock_pass(self, &request, held) < 0)
        return NULL;
    return lock_act(&twins[ACQUIRE], &twins[RELEASE], self, &request);
}

// Is it a lock like any other, in a thread whose operations count?
static bool counts(PyObject *lock) {
    return point_is_open() && !lock_is_internal(lock) && !runner_is_aborting() &&
           runner_find_handle(lock) < 0;
}

// Takes the place of release (no arguments) and of __exit__ (a tuple that it does not look at).
static PyObject *release_twin(PyObject *self, PyObject *Py_UNUSED(args)) {
    if (counts(self)) {
        int held = is_locked(self);
        if (held < 0 || lock_pass(self, NULL, held) < 0)
            return NULL;
    }
    return interpose_call(&twins[RELEASE], self, NULL);
}

// A lock that the library looks at while it tidies its set: nothing of the program depends on it.
static bool is_looked_after(PyObject *lock) {
    int found = shutdown_locks != NULL ? PySet_Contains(shutdown_locks, lock) : 0;
    if (found < 0)
        PyErr_Clear();
    return found > 0;
}

static PyObject *locked_twin(PyObject *self, PyObject *args) {
    if (counts(self) && !is_looked_after(self)) {
        struct fr_access access = {.key = location_of_object(self), .mode = FR_READ};
        point_close();
        struct point_op op = {.kind = FR_OP_ACCESS,
                              .place = place_of_caller("read", NULL),
                              .accesses = &access,
                              .access_count = 1};
        point_reopen();
        spin_note_look(carrier_current(), access.key);
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
    for (int i = 0; i < INTERNALS; i++) {
        PyObject *lock =
            threading != NULL ? PyObject_GetAttrString(threading, internal_names[i]) : NULL;
        PyErr_Clear();  // without that name there is nothing to leave alone
        Py_XSETREF(internals[i], lock);
    }
    PyObject *locks =
        threading != NULL ? PyObject_GetAttrString(threading, "_shutdown_locks") : NULL;
    PyErr_Clear();
    Py_XSETREF(shutdown_locks, locks);
    if (locks != NULL && !PyAnySet_Check(locks))
        Py_CLEAR(shutdown_locks);
    interpose_enable(twins, TWINS);
}

void lock_disable(void) {
    interpose_disable(twins, TWINS);
}
