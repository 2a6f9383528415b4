// Clock, the module time: the twins of its functions that tell the time or sleep.
// SPDX-License-Identifier: Apache-2.0
#include <time.h>

#include "clock.h"

enum {
#define CLOCK(name, start, exact) CLOCK_##name,
#include "clocks.def"
#undef CLOCK
    GETTIME,
    GETTIME_NS,
    SLEEP,
    LOCALTIME,
    GMTIME,
    CTIME,
    ASCTIME,
    STRFTIME,
    TWINS
};

static struct interpose_twin twins[TWINS];

static PyObject *answer_nanoseconds(uint64_t nanoseconds) {
    return PyLong_FromUnsignedLongLong(nanoseconds);
}

static PyObject *answer_seconds(uint64_t nanoseconds) {
    // A whole number of seconds is exact, however large.
    if (nanoseconds % CLOCK_NANOSECONDS == 0)
        return PyFloat_FromDouble((double)(nanoseconds / CLOCK_NANOSECONDS));
    return PyFloat_FromDouble((double)nanoseconds / (double)CLOCK_NANOSECONDS);
}

static PyObject *answer_time(uint64_t start, bool exact) {
    uint64_t now;
    if (clock_read(&now) < 0)
        return NULL;
    uint64_t shown = start + now < start ? UINT64_MAX : start + now;
    return exact ? answer_nanoseconds(shown) : answer_seconds(shown);
}

// ------------------------------------------------------------------------------ the clocks

#define CLOCK(name, start, exact)                                                                  \
    static PyObject *name##_twin(PyObject *self, PyObject *args) {                                 \
        return clock_is_ours() ? answer_time(start, exact)                                         \
                               : interpose_call(&twins[CLOCK_##name], self, args);                 \
    }
#include "clocks.def"
#undef CLOCK

// Where a clock of clock_gettime starts; false: it is none of ours.
static bool find_clock(PyObject *id, uint64_t *start) {
    long number = PyLong_AsLong(id);
    if (number == -1 && PyErr_Occurred()) {
        PyErr_Clear();  // the original says what is wrong
        return false;
    }
    switch (number) {
    case CLOCK_REALTIME:
    case CLOCK_REALTIME_COARSE:
    case CLOCK_TAI:
        *start = CLOCK_EPOCH;
        return true;
    case CLOCK_MONOTONIC:
    case CLOCK_MONOTONIC_RAW:
    case CLOCK_MONOTONIC_COARSE:
    case CLOCK_BOOTTIME:
        *start = CLOCK_MONOTONIC_EPOCH;
        return true;
    case CLOCK_PROCESS_CPUTIME_ID:
    case CLOCK_THREAD_CPUTIME_ID:
        *start = 0;
        return true;
    default:
        return false;
    }
}

#if PY_VERSION_HEX >= 0x030d0000
#define GETTIME_FLAGS METH_O
static PyObject *gettime_id(PyObject *args) {
    return args;
}
#else
#define GETTIME_FLAGS METH_VARARGS
static PyObject *gettime_id(PyObject *args) {
    return PyTuple_GET_SIZE(args) == 1 ? PyTuple_GET_ITEM(args, 0) : NULL;
}
#endif

static PyObject *gettime(PyObject *self, PyObject *args, int twin) {
    uint64_t start;
    PyObject *id = gettime_id(args);
    if (id != NULL && PyLong_Check(id) && clock_is_ours() && find_clock(id, &start))
        return answer_time(start, twin == GETTIME_NS);
    return interpose_call(&twins[twin], self, args);
}

static PyObject *gettime_twin(PyObject *self, PyObject *args) {
    return gettime(self, args, GETTIME);
}

static PyObject *gettime_ns_twin(PyObject *self, PyObject *args) {
    return gettime(self, args, GETTIME_NS);
}

// ------------------------------------------------------------------------------ sleep

// The argument of sleep() in seconds. False: the original knows better what to say to it.
static bool read_duration(PyObject *argument, double *seconds) {
    if (PyFloat_Check(argument)) {
        *seconds = PyFloat_AS_DOUBLE(argument);
    } else {
        PyObject *whole = PyIndex_Check(argument) ? PyNumber_Index(argument) : NULL;
        *seconds = whole != NULL ? PyLong_AsDouble(whole) : -1;
        Py_XDECREF(whole);
        PyErr_Clear();
    }
    return *seconds >= 0 && *seconds < (double)(INT64_MAX / (int64_t)CLOCK_NANOSECONDS);
}

static PyObject *sleep_twin(PyObject *self, PyObject *argument) {
    double seconds;
    // What it refuses, the original refuses without having slept.
    if (!clock_is_ours() || !read_duration(argument, &seconds))
        return interpose_call(&twins[SLEEP], self, argument);
    if (clock_sleep(clock_nanoseconds(seconds)) < 0)
        return NULL;
    Py_RETURN_NONE;
}

// ------------------------------------------------------------------------------ broken-down time

// Does the call ask for the present time? at: where the time would be among the arguments.
static bool asks_now(PyObject *args, Py_ssize_t at) {
    Py_ssize_t count = PyTuple_GET_SIZE(args);
    return (count == at || (count == at + 1 && PyTuple_GET_ITEM(args, at) == Py_None)) &&
           clock_is_ours();
}

static PyObject *with_seconds(PyObject *self, PyObject *args, int twin) {
    if (!asks_now(args, 0))
        return interpose_call(&twins[twin], self, args);
    PyObject *seconds = answer_time(CLOCK_EPOCH, false);
    PyObject *given = seconds != NULL ? PyTuple_Pack(1, seconds) : NULL;
    PyObject *answer = given != NULL ? interpose_call(&twins[twin], self, given) : NULL;
    Py_XDECREF(seconds);
    Py_XDECREF(given);
    return answer;
}

static PyObject *localtime_twin(PyObject *self, PyObject *args) {
    return with_seconds(self, args, LOCALTIME);
}

static PyObject *gmtime_twin(PyObject *self, PyObject *args) {
    return with_seconds(self, args, GMTIME);
}

static PyObject *ctime_twin(PyObject *self, PyObject *args) {
    return with_seconds(self, args, CTIME);
}

static PyObject *local_now(PyObject *self) {
    PyObject *none = PyTuple_New(0);
    PyObject *answer = none != NULL ? with_seconds(self, none, LOCALTIME) : NULL;
    Py_XDECREF(none);
    return answer;
}

static PyObject *asctime_twin(PyObject *self, PyObject *args) {
    if (PyTuple_GET_SIZE(args) != 0 || !clock_is_ours())
        return interpose_call(&twins[ASCTIME], self, args);
    PyObject *now = local_now(self);
    PyObject *given = now != NULL ? PyTuple_Pack(1, now) : NULL;
    PyObject *answer = given != NULL ? interpose_call(&twins[ASCTIME], self, given) : NULL;
    Py_XDECREF(now);
    Py_XDECREF(given);
    return answer;
}

static PyObject *strftime_twin(PyObject *self, PyObject *args) {
    if (PyTuple_GET_SIZE(args) != 1 || !clock_is_ours())
        return interpose_call(&twins[STRFTIME], self, args);
    PyObject *now = local_now(self);
    PyObject *given = now != NULL ? PyTuple_Pack(2, PyTuple_GET_ITEM(args, 0), now) : NULL;
    PyObject *answer = given != NULL ? interpose_call(&twins[STRFTIME], self, given) : NULL;
    Py_XDECREF(now);
    Py_XDECREF(given);
    return answer;
}

// ------------------------------------------------------------------------------ in place

static struct interpose_twin twins[TWINS] = {
#define CLOCK(name_, start, exact)                                                                 \
    [CLOCK_##name_] = {.name = #name_,                                                             \
                       .flags = METH_NOARGS,                                                       \
                       .twin = name_##_twin,                                                       \
                       .optional = true,                                                           \
                       .repeatable = true},
#include "clocks.def"
#undef CLOCK
    [GETTIME] = {.name = "clock_gettime",
                 .flags = GETTIME_FLAGS,
                 .twin = gettime_twin,
                 .repeatable = true},
    [GETTIME_NS] = {.name = "clock_gettime_ns",
                    .flags = GETTIME_FLAGS,
                    .twin = gettime_ns_twin,
                    .repeatable = true},
    [SLEEP] = {.name = "sleep", .flags = METH_O, .twin = sleep_twin, .repeatable = true},
    [LOCALTIME] = {.name = "localtime",
                   .flags = METH_VARARGS,
                   .twin = localtime_twin,
                   .repeatable = true},
    [GMTIME] = {.name = "gmtime", .flags = METH_VARARGS, .twin = gmtime_twin, .repeatable = true},
    [CTIME] = {.name = "ctime", .flags = METH_VARARGS, .twin = ctime_twin, .repeatable = true},
    [ASCTIME] = {.name = "asctime",
                 .flags = METH_VARARGS,
                 .twin = asctime_twin,
                 .repeatable = true},
    [STRFTIME] = {.name = "strftime",
                  .flags = METH_VARARGS,
                  .twin = strftime_twin,
                  .repeatable = true},
};

int clock_time_open(void) {
    PyObject *module = PyImport_ImportModule("time");
    int status = module != NULL ? interpose_bind(module, twins, TWINS) : -1;
    Py_XDECREF(module);
    return status;
}

void clock_time_enable(void) {
    interpose_enable(twins, TWINS);
}

void clock_time_disable(void) {
    interpose_disable(twins, TWINS);
}
