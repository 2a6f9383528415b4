// Clock, the module select: its timed waits pass in virtual time.
// SPDX-License-Identifier: Apache-2.0
//
// What is ready is asked of the real descriptors, without waiting: at the beginning and, if nothing
// was ready, at the end of the time. A wait without end is the original's.
#include "clock.h"

#include <math.h>

static PyObject *select_twin(PyObject *self, PyObject *const *args, Py_ssize_t count);
static PyObject *poll_twin(PyObject *self, PyObject *const *args, Py_ssize_t count);
static PyObject *epoll_twin(PyObject *self, PyObject *const *args, Py_ssize_t count,
                            PyObject *names);

static struct interpose_twin select_twins[] = {
    {.name = "select", .flags = METH_FASTCALL, .twin = INTERPOSE_FUNCTION(select_twin)},
};
static struct interpose_twin poll_twins[] = {
    {.name = "poll", .flags = METH_FASTCALL, .twin = INTERPOSE_FUNCTION(poll_twin)},
};
static struct interpose_twin epoll_twins[] = {
    {.name = "poll",
     .flags = METH_FASTCALL | METH_KEYWORDS,
     .twin = INTERPOSE_FUNCTION(epoll_twin)},
};

static PyObject *zero;  // the time-out of a look

static PyObject *call_fast(const struct interpose_twin *twin, PyObject *self, PyObject *const *args,
                           Py_ssize_t count) {
    return ((_PyCFunctionFast)(void (*)(void))twin->original)(self, args, count);
}

static PyObject *call_keywords(const struct interpose_twin *twin, PyObject *self,
                               PyObject *const *args, Py_ssize_t count, PyObject *names) {
    return ((_PyCFunctionFastWithKeywords)(void (*)(void))twin->original)(self, args, count, names);
}

// Is this a time-out that ends, in the execution's time? scale: seconds per unit.
static bool is_timed(PyObject *timeout, double scale, uint64_t *nanoseconds) {
    if (!PyFloat_Check(timeout) && !PyLong_Check(timeout))
        return false;
    double seconds = PyFloat_AsDouble(timeout) * scale;
    if (PyErr_Occurred()) {
        PyErr_Clear();  // the original says what is wrong
        return false;
    }
    *nanoseconds = clock_nanoseconds(seconds);
    return *nanoseconds > 0 && *nanoseconds < CLOCK_FOREVER && clock_is_ours();
}

// Is anything ready in the answer: a list, or a tuple of lists? -1: it is an error.
static int is_ready(PyObject *answer) {
    if (answer == NULL)
        return -1;
    if (!PyTuple_Check(answer))
        return PyList_Check(answer) && PyList_GET_SIZE(answer) > 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(answer); i++) {
        PyObject *list = PyTuple_GET_ITEM(answer, i);
        if (PyList_Check(list) && PyList_GET_SIZE(list) > 0)
            return 1;
    }
    return 0;
}

// After a look that answered `answer`: true if another look is due, time having passed. Else
// *answer is the outcome of the call.
static bool wait_for_ready(PyObject **answer, uint64_t nanoseconds) {
    if (is_ready(*answer) != 0)
        return false;
    Py_CLEAR(*answer);
    return clock_sleep(nanoseconds) == 0;
}

static PyObject *select_twin(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    uint64_t nanoseconds;
    if (count != 4 || !is_timed(args[3], 1, &nanoseconds))
        return call_fast(&select_twins[0], self, args, count);
    PyObject *look[] = {args[0], args[1], args[2], zero};
    PyObject *answer = call_fast(&select_twins[0], self, look, 4);
    if (wait_for_ready(&answer, nanoseconds))
        answer = call_fast(&select_twins[0], self, look, 4);
    return answer;
}

static PyObject *poll_twin(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    uint64_t nanoseconds;
    if (count != 1 || !is_timed(args[0], 1e-3, &nanoseconds))
        return call_fast(&poll_twins[0], self, args, count);
    PyObject *answer = call_fast(&poll_twins[0], self, &zero, 1);
    if (wait_for_ready(&answer, nanoseconds))
        answer = call_fast(&poll_twins[0], self, &zero, 1);
    return answer;
}

// Where the time-out of epoll.poll(timeout, maxevents) is; -1: it is not given.
static Py_ssize_t find_timeout(Py_ssize_t count, PyObject *names) {
    if (count > 0)
        return 0;
    for (Py_ssize_t i = 0; names != NULL && i < PyTuple_GET_SIZE(names); i++)
        if (PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, i), "timeout") == 0)
            return count + i;
    return -1;
}

static PyObject *epoll_twin(PyObject *self, PyObject *const *args, Py_ssize_t count,
                            PyObject *names) {
    enum { ARGUMENTS_MAX = 2 };
    uint64_t nanoseconds;
    Py_ssize_t all = count + (names != NULL ? PyTuple_GET_SIZE(names) : 0);
    Py_ssize_t at = find_timeout(count, names);
    if (at < 0 || all > ARGUMENTS_MAX || !is_timed(args[at], 1, &nanoseconds))
        return call_keywords(&epoll_twins[0], self, args, count, names);
    PyObject *look[ARGUMENTS_MAX];
    for (Py_ssize_t i = 0; i < all; i++)
        look[i] = i == at ? zero : args[i];
    PyObject *answer = call_keywords(&epoll_twins[0], self, look, count, names);
    if (wait_for_ready(&answer, nanoseconds))
        answer = call_keywords(&epoll_twins[0], self, look, count, names);
    return answer;
}

// The type of select.poll() has no name of its own.
static int bind_poll(PyObject *module) {
    PyObject *object = PyObject_CallMethod(module, "poll", NULL);
    if (object == NULL)
        return -1;
    int status = interpose_bind((PyObject *)Py_TYPE(object), poll_twins, 1);
    Py_DECREF(object);
    return status;
}

int clock_select_open(void) {
    PyObject *module = PyImport_ImportModule("select");
    if (module == NULL)
        return -1;
    zero = PyLong_FromLong(0);
    PyObject *epoll = PyObject_GetAttrString(module, "epoll");
    int status = zero != NULL && epoll != NULL ? interpose_bind(module, select_twins, 1) : -1;
    if (status == 0)
        status = bind_poll(module);
    if (status == 0)
        status = interpose_bind(epoll, epoll_twins, 1);
    Py_XDECREF(epoll);
    Py_DECREF(module);
    return status;
}

void clock_select_enable(void) {
    interpose_enable(select_twins, 1);
    interpose_enable(poll_twins, 1);
    interpose_enable(epoll_twins, 1);
}

void clock_select_disable(void) {
    interpose_disable(epoll_twins, 1);
    interpose_disable(poll_twins, 1);
    interpose_disable(select_twins, 1);
}
