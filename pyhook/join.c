// Join: waiting for the end of a logical thread, or asking whether it is over.
// SPDX-License-Identifier: Apache-2.0
#include "join.h"

#include "carrier.h"
#include "clock.h"
#include "errors.h"
#include "interpose.h"
#include "lock.h"
#include "observe.h"
#include "point.h"
#include "runner.h"

static PyObject *set_sentinel_twin(PyObject *self, PyObject *args);
static PyObject *join_twin(PyObject *self, PyObject *args);
static PyObject *is_done_twin(PyObject *self, PyObject *args);

static struct interpose_twin set_sentinel = {
    .name = "_set_sentinel", .flags = METH_NOARGS, .twin = set_sentinel_twin, .optional = true};

enum { HANDLE_JOIN, HANDLE_IS_DONE, HANDLE_TWINS };
static struct interpose_twin handle_twins[HANDLE_TWINS] = {
    [HANDLE_JOIN] = {.name = "join", .flags = METH_VARARGS, .twin = join_twin},
    [HANDLE_IS_DONE] = {.name = "is_done", .flags = METH_NOARGS, .twin = is_done_twin},
};

int join_set_handle(PyObject *handle) {
    int self = carrier_current();
    if (self < 0 || runner.phase < RUNNER_STARTING || runner.threads[self].handle != NULL)
        return 0;
    struct runner_thread *thread = &runner.threads[self];
    if (thread->exit_place == NULL) {
        point_close();
        thread->exit_place = place_of_caller("exit", NULL);
        point_reopen();
        if (thread->exit_place == NULL)
            return -1;
    }
    thread->handle = Py_NewRef(handle);
    runner.spawned = true;
    return 0;
}

static int unwind_join(const struct runner_thread *thread, const struct lock_request *request) {
    if (!thread->ended && request->blocking && request->deadline_ns == 0) {
        PyErr_SetNone(errors_abort);
        return -1;
    }
    return thread->ended;
}

static int join_outside(const struct runner_thread *thread, const struct lock_request *request) {
    if (thread->ended || !request->blocking || request->deadline_ns != 0)
        return thread->ended;
    PyErr_SetString(errors_frontrun, "invariant() joins a thread that is still there: a daemon "
                                     "that waits for ever");
    return -1;
}

// The time of a wait that ended without success has passed.
static int time_out(const struct lock_request *request) {
    return request->timeout_ns != 0 && clock_time_out(request->timeout_ns) < 0 ? -1 : 0;
}

int join_thread(int target, const struct lock_request *request) {
    const struct runner_thread *thread = &runner.threads[target];
    if (runner_is_aborting())
        return unwind_join(thread, request);
    if (!point_is_open())
        return join_outside(thread, request);
    struct fr_access access = {.key = location_of_object(thread->handle), .mode = FR_READ};
    point_close();
    struct point_op op = {.kind = FR_OP_ACCESS,
                          .place = place_of_caller(request->blocking ? "join" : "is-alive", NULL),
                          .accesses = &access,
                          .access_count = 1};
    point_reopen();
    if (request->blocking) {
        op.kind = FR_OP_JOIN;
        op.access_count = 0;
        op.target = (fr_tid)target;
        op.deadline_ns = request->deadline_ns;
    }
    if (op.place == NULL || point_pass(&op) < 0)
        return -1;
    bool over = request->blocking ? point_outcome() : thread->ended;
    if (over && !thread->ended)
        return point_refuse("a thread that was joined is not over");
    return over ? 1 : time_out(request);
}

// ------------------------------------------------------------------------------ the twins

static PyObject *set_sentinel_twin(PyObject *self, PyObject *args) {
    PyObject *lock = interpose_call(&set_sentinel, self, args);
    if (lock != NULL && join_set_handle(lock) < 0)
        Py_CLEAR(lock);
    return lock;
}

// join(timeout=None); a negative time-out is none, as in the original.
static int parse_wait(PyObject *args, struct lock_request *request) {
    PyObject *timeout = Py_None;
    if (!PyArg_UnpackTuple(args, "join", 0, 1, &timeout))
        return -1;
    double seconds = timeout != Py_None ? PyFloat_AsDouble(timeout) : -1.0;
    if (seconds == -1.0 && PyErr_Occurred())
        return -1;
    *request = lock_request_plain;
    if (seconds >= 0)
        lock_limit_request(request, clock_nanoseconds(seconds));
    return 0;
}

static PyObject *join_twin(PyObject *self, PyObject *args) {
    int target = runner_find_handle(self);
    if (target < 0)
        return interpose_call(&handle_twins[HANDLE_JOIN], self, args);
    struct lock_request request;
    if (parse_wait(args, &request) < 0)
        return NULL;
    if (request.blocking && target == carrier_current()) {
        PyErr_SetString(PyExc_RuntimeError, "Cannot join current thread");
        return NULL;
    }
    if (join_thread(target, &request) < 0)
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *is_done_twin(PyObject *self, PyObject *args) {
    static const struct lock_request asks = {.blocking = false};
    int target = runner_find_handle(self);
    if (target < 0)
        return interpose_call(&handle_twins[HANDLE_IS_DONE], self, args);
    int over = target == carrier_current() ? 0 : join_thread(target, &asks);
    return over < 0 ? NULL : PyBool_FromLong(over);
}

// ------------------------------------------------------------------------------ in place

int join_open(void) {
    PyObject *module = PyImport_ImportModule("_thread");
    int status = module != NULL ? interpose_bind(module, &set_sentinel, 1) : -1;
    PyObject *type = status == 0 ? PyObject_GetAttrString(module, "_ThreadHandle") : NULL;
    if (status == 0 && type == NULL && set_sentinel.method != NULL)
        PyErr_Clear();  // before 3.13
    else if (status == 0)
        status = type != NULL ? interpose_bind(type, handle_twins, HANDLE_TWINS) : -1;
    Py_XDECREF(type);
    Py_XDECREF(module);
    return status;
}

void join_enable(void) {
    interpose_enable(&set_sentinel, 1);
    interpose_enable(handle_twins, HANDLE_TWINS);
}

void join_disable(void) {
    interpose_disable(&set_sentinel, 1);
    interpose_disable(handle_twins, HANDLE_TWINS);
}
