// Simple queue: the twins of the methods of _queue.SimpleQueue, under the engine's control.
// SPDX-License-Identifier: Apache-2.0
#include "simple_queue.h"

#include "clock.h"
#include "errors.h"
#include "interpose.h"
#include "lock.h"
#include "observe.h"
#include "point.h"
#include "runner.h"
#include "spin.h"
#include "threads.h"
#include "value_log.h"

typedef PyObject *(*put_function)(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                  PyObject *names);
// PyCMethod, whose count has another sign since 3.14.
typedef PyObject *(*get_function)(PyObject *, PyTypeObject *, PyObject *const *, size_t,
                                  PyObject *);

static PyObject *put_twin(PyObject *self, PyObject *const *args, Py_ssize_t count, PyObject *names);
static PyObject *put_nowait_twin(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                 PyObject *names);
static PyObject *get_twin(PyObject *self, PyTypeObject *type, PyObject *const *args, size_t count,
                          PyObject *names);
static PyObject *get_nowait_twin(PyObject *self, PyTypeObject *type, PyObject *const *args,
                                 size_t count, PyObject *names);
static PyObject *empty_twin(PyObject *self, PyObject *args);
static PyObject *qsize_twin(PyObject *self, PyObject *args);

enum { PUT, PUT_NOWAIT, GET, GET_NOWAIT, EMPTY, QSIZE, TWINS };

static struct interpose_twin twins[TWINS] = {
    [PUT] = {.name = "put",
             .flags = METH_FASTCALL | METH_KEYWORDS,
             .twin = INTERPOSE_FUNCTION(put_twin)},
    [PUT_NOWAIT] = {.name = "put_nowait",
                    .flags = METH_FASTCALL | METH_KEYWORDS,
                    .twin = INTERPOSE_FUNCTION(put_nowait_twin)},
    [GET] = {.name = "get",
             .flags = METH_METHOD | METH_FASTCALL | METH_KEYWORDS,
             .twin = INTERPOSE_FUNCTION(get_twin),
             .repeatable = true},
    [GET_NOWAIT] = {.name = "get_nowait",
                    .flags = METH_METHOD | METH_FASTCALL | METH_KEYWORDS,
                    .twin = INTERPOSE_FUNCTION(get_nowait_twin),
                    .repeatable = true},
    [EMPTY] = {.name = "empty", .flags = METH_NOARGS, .twin = empty_twin, .repeatable = true},
    [QSIZE] = {.name = "qsize", .flags = METH_NOARGS, .twin = qsize_twin, .repeatable = true},
};

static PyTypeObject *queue_type;
static PyObject *probe;    // a queue of our own with one item
static PyObject *vacant;   // and one that stays empty
static PyObject *foreign;  // list of the queues that threads outside of the exploration wait on

static PyObject *call_put(int which, PyObject *self, PyObject *const *args, Py_ssize_t count,
                          PyObject *names) {
    return ((put_function)(void (*)(void))twins[which].original)(self, args, count, names);
}

static PyObject *call_get(int which, PyObject *self, PyObject *const *args, size_t count,
                          PyObject *names) {
    get_function original = (get_function)(void (*)(void))twins[which].original;
    return original(self, queue_type, args, count, names);
}

// 1 it has no item, 0 it has, -1 with an exception.
static int is_empty(PyObject *queue) {
    PyObject *answer = interpose_call(&twins[EMPTY], queue, NULL);
    if (answer == NULL)
        return -1;
    int empty = answer == Py_True;
    Py_DECREF(answer);
    return empty;
}

// Stops at the door with an operation on the queue. 0: act now. -1 with an exception.
static int pass_until(PyObject *queue, enum fr_op_kind kind, const char *action,
                      uint64_t deadline_ns) {
    struct fr_access access = {.key = location_of_object(queue), .mode = FR_READ};
    int empty = is_empty(queue);
    if (empty < 0)
        return -1;
    point_close();
    struct point_op op = {
        .kind = kind,
        .place = place_of_caller(action, NULL),
        .accesses = &access,
        .access_count = 1,
        .held_outside = empty,
        .deadline_ns = deadline_ns,
    };
    point_reopen();
    if (value_log_wanted && op.place != NULL)
        value_log_name(queue, op.place);
    return op.place != NULL ? point_pass(&op) : -1;
}

static int pass(PyObject *queue, enum fr_op_kind kind, const char *action) {
    return pass_until(queue, kind, action, 0);
}

static bool counts(void) {
    return point_is_open() && !runner_is_aborting();
}

// ------------------------------------------------------------------------------ put

static int pass_put(PyObject *queue) {
    if (!counts())
        return 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(foreign); i++)
        if (PyList_GET_ITEM(foreign, i) == queue)
            return point_refuse("work is given to a pool whose threads were started before the "
                                "exploration: they are not under control; make the pool in setup() "
                                "or in one of the threads, and use it there only");
    return pass(queue, FR_OP_RELEASE, "put");
}

static PyObject *put_twin(PyObject *self, PyObject *const *args, Py_ssize_t count,
                          PyObject *names) {
    return pass_put(self) < 0 ? NULL : call_put(PUT, self, args, count, names);
}

static PyObject *put_nowait_twin(PyObject *self, PyObject *const *args, Py_ssize_t count,
                                 PyObject *names) {
    return pass_put(self) < 0 ? NULL : call_put(PUT_NOWAIT, self, args, count, names);
}

// ------------------------------------------------------------------------------ get

// The item, if there is one: then the caller also announces that there are more. NULL without an
// exception: there is none.
static PyObject *take(PyObject *queue) {
    int empty = is_empty(queue);
    if (empty != 0)
        return NULL;
    spin_note_progress();
    PyObject *item = call_get(GET_NOWAIT, queue, NULL, 0, NULL);
    empty = item != NULL ? is_empty(queue) : -1;
    if (empty == 0 && pass(queue, FR_OP_RELEASE, "get") < 0)
        empty = -1;
    if (empty < 0)
        Py_CLEAR(item);
    return item;
}

// 1 there is something to take, 0 there is not, -1 with an exception.
static int try_get(PyObject *queue) {
    for (;;) {
        if (pass(queue, FR_OP_TRY, "get") < 0)
            return -1;
        if (point_outcome())
            return 1;
        int empty = is_empty(queue);
        if (empty != 0)
            return empty < 0 ? -1 : 0;
        // Somebody took an item and has not yet announced that there are more: that is no moment of
        // the program. It goes by when the queue is touched next.
        if (pass(queue, FR_OP_SPIN, "get") < 0)
            return -1;
    }
}

// The queue was empty for as long as the caller would wait: time has passed, and Empty is raised.
static PyObject *give_up(const struct lock_request *request) {
    if (request->timeout_ns != 0 && clock_time_out(request->timeout_ns) < 0)
        return NULL;
    return call_get(GET_NOWAIT, vacant, NULL, 0, NULL);
}

static PyObject *get_trying(PyObject *queue, const struct lock_request *request) {
    int there = try_get(queue);
    PyObject *item = there > 0 ? take(queue) : NULL;
    if (item != NULL || PyErr_Occurred())
        return item;
    return give_up(request);
}

static PyObject *get_waiting(PyObject *queue, const struct lock_request *request) {
    for (;;) {
        if (pass_until(queue, FR_OP_ACQUIRE, "get", request->deadline_ns) < 0)
            return NULL;
        if (!point_outcome()) {
            int empty = is_empty(queue);
            if (empty == 0)  // see try_get
                return get_trying(queue, request);
            return empty < 0 ? NULL : give_up(request);
        }
        PyObject *item = take(queue);
        if (item != NULL || PyErr_Occurred())
            return item;
    }
}

// get(block=True, timeout=None). What the original would refuse is refused. -1 with an exception.
static int parse_get(PyObject *const *args, size_t count, PyObject *names,
                     struct lock_request *request) {
    PyObject *item = call_get(GET, probe, args, count, names);
    PyObject *answer = item != NULL ? call_put(PUT, probe, &item, 1, NULL) : NULL;
    Py_XDECREF(item);
    if (answer == NULL)
        return -1;
    Py_DECREF(answer);
    PyObject *given[2] = {Py_True, Py_None};  // block, timeout
    for (size_t i = 0; i < count && i < 2; i++)
        given[i] = args[i];
    Py_ssize_t named = names != NULL ? PyTuple_GET_SIZE(names) : 0;
    for (Py_ssize_t i = 0; i < named; i++) {
        bool is_block = PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, i), "block") == 0;
        given[is_block ? 0 : 1] = args[count + (size_t)i];
    }
    int waits = PyObject_IsTrue(given[0]);
    *request = (struct lock_request){.blocking = waits > 0};
    if (waits <= 0 || given[1] == Py_None)
        return waits < 0 ? -1 : 0;
    double seconds = PyFloat_AsDouble(given[1]);
    if (seconds == -1.0 && PyErr_Occurred())
        return -1;
    lock_limit_request(request, clock_nanoseconds(seconds));
    return 0;
}

static PyObject *get_unwinding(PyObject *queue, const struct lock_request *request) {
    bool waits = request->blocking && request->deadline_ns == 0;
    int empty = is_empty(queue);
    if (empty > 0 && waits)
        PyErr_SetNone(errors_abort);
    if (empty < 0 || (empty > 0 && waits))
        return NULL;
    return call_get(GET_NOWAIT, queue, NULL, 0, NULL);
}

static PyObject *get_twin(PyObject *self, PyTypeObject *Py_UNUSED(type), PyObject *const *args,
                          size_t count, PyObject *names) {
    if (!point_is_open())
        return call_get(GET, self, args, count, names);
    struct lock_request request;
    if (parse_get(args, count, names, &request) < 0)
        return NULL;
    if (runner_is_aborting())
        return get_unwinding(self, &request);
    return request.blocking ? get_waiting(self, &request) : get_trying(self, &request);
}

static PyObject *get_nowait_twin(PyObject *self, PyTypeObject *Py_UNUSED(type),
                                 PyObject *const *args, size_t count, PyObject *names) {
    if (!counts() || count != 0 || names != NULL)
        return call_get(GET_NOWAIT, self, args, count, names);
    static const struct lock_request attempt = {.blocking = false};
    return get_trying(self, &attempt);
}

// ------------------------------------------------------------------------------ looking

static PyObject *look(int which, PyObject *self, PyObject *args) {
    if (counts() && pass(self, FR_OP_ACCESS, "read") < 0)
        return NULL;
    return interpose_call(&twins[which], self, args);
}

static PyObject *empty_twin(PyObject *self, PyObject *args) {
    return look(EMPTY, self, args);
}

static PyObject *qsize_twin(PyObject *self, PyObject *args) {
    return look(QSIZE, self, args);
}

// ------------------------------------------------------------------------------ in place

int simple_queue_open(void) {
    PyObject *module = PyImport_ImportModule("_queue");
    queue_type =
        module != NULL ? (PyTypeObject *)PyObject_GetAttrString(module, "SimpleQueue") : NULL;
    Py_XDECREF(module);
    probe = queue_type != NULL ? PyObject_CallNoArgs((PyObject *)queue_type) : NULL;
    PyObject *answer = probe != NULL ? PyObject_CallMethod(probe, "put", "O", Py_None) : NULL;
    Py_XDECREF(answer);
    vacant = answer != NULL ? PyObject_CallNoArgs((PyObject *)queue_type) : NULL;
    foreign = PyList_New(0);
    if (vacant == NULL || foreign == NULL)
        return -1;
    return interpose_bind((PyObject *)queue_type, twins, TWINS);
}

int simple_queue_enable(void) {
    PyObject *queues = threads_foreign_queues();
    if (queues == NULL)
        return -1;
    Py_XSETREF(foreign, queues);
    interpose_enable(twins, TWINS);
    return 0;
}

void simple_queue_disable(void) {
    interpose_disable(twins, TWINS);
    PyList_SetSlice(foreign, 0, PyList_GET_SIZE(foreign), NULL);
}
