// Clock, the type datetime: the twins of now() and utcnow(). today() asks the module time itself.
// SPDX-License-Identifier: Apache-2.0
#include "clock.h"

#include <string.h>

#define NANOSECONDS_PER_MICROSECOND 1000
#define MICROSECONDS 1e6

static PyObject *now_twin(PyObject *type, PyObject *const *args, Py_ssize_t count, PyObject *names);
static PyObject *utcnow_twin(PyObject *type, PyObject *args);

enum { NOW, UTCNOW, TWINS };
static struct interpose_twin twins[TWINS] = {
    [NOW] = {.name = "now",
             .flags = METH_FASTCALL | METH_KEYWORDS | METH_CLASS,
             .twin = INTERPOSE_FUNCTION(now_twin),
             .repeatable = true},
    [UTCNOW] = {.name = "utcnow",
                .flags = METH_NOARGS | METH_CLASS,
                .twin = utcnow_twin,
                .repeatable = true},
};

// Not replaced, only called.
static struct interpose_twin fromtimestamp = {.name = "fromtimestamp",
                                              .flags = METH_VARARGS | METH_KEYWORDS | METH_CLASS};
static PyObject *utc;           // datetime.timezone.utc
static PyObject *without_zone;  // {"tzinfo": None}

// An instance of type that shows the present in a time zone; NULL: local time without one.
static PyObject *make_now(PyObject *type, PyObject *zone) {
    uint64_t now;
    if (clock_read(&now) < 0)
        return NULL;
    uint64_t shown = CLOCK_EPOCH + now < now ? UINT64_MAX : CLOCK_EPOCH + now;
    // Whole microseconds, so that nothing is rounded up.
    double seconds = (double)(shown / NANOSECONDS_PER_MICROSECOND) / MICROSECONDS;
    PyObject *args =
        zone != NULL ? Py_BuildValue("(dO)", seconds, zone) : Py_BuildValue("(d)", seconds);
    PyObject *answer =
        args != NULL ? interpose_call_keywords(&fromtimestamp, type, args, NULL) : NULL;
    Py_XDECREF(args);
    return answer;
}

static PyObject *now_twin(PyObject *type, PyObject *const *args, Py_ssize_t count,
                          PyObject *names) {
    Py_ssize_t named = names != NULL ? PyTuple_GET_SIZE(names) : 0;
    bool fits = count + named <= 1;
    if (fits && named == 1)
        fits = PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "tz") == 0;
    if (fits && clock_is_ours())
        return make_now(type, count + named == 1 ? args[0] : NULL);
    return ((_PyCFunctionFastWithKeywords)(void (*)(void))twins[NOW].original)(type, args, count,
                                                                               names);
}

static PyObject *utcnow_twin(PyObject *type, PyObject *args) {
    // Later versions warn that it is deprecated: in the original's words.
    PyObject *answer = interpose_call(&twins[UTCNOW], type, args);
    if (answer == NULL || !clock_is_ours())
        return answer;
    Py_SETREF(answer, make_now(type, utc));
    PyObject *replace = answer != NULL ? PyObject_GetAttrString(answer, "replace") : NULL;
    PyObject *none = replace != NULL ? PyTuple_New(0) : NULL;
    PyObject *bare = none != NULL ? PyObject_Call(replace, none, without_zone) : NULL;
    Py_XDECREF(none);
    Py_XDECREF(replace);
    Py_XDECREF(answer);
    return bare;
}

int clock_datetime_open(void) {
    PyObject *module = PyImport_ImportModule("_datetime");
    if (module == NULL)
        return -1;
    PyObject *type = PyObject_GetAttrString(module, "datetime");
    PyObject *zone = PyObject_GetAttrString(module, "timezone");
    Py_DECREF(module);
    utc = zone != NULL ? PyObject_GetAttrString(zone, "utc") : NULL;
    without_zone = Py_BuildValue("{sO}", "tzinfo", Py_None);
    int status = -1;
    if (type != NULL && utc != NULL && without_zone != NULL) {
        status = interpose_bind(type, twins, TWINS);
        if (status == 0)
            status = interpose_bind(type, &fromtimestamp, 1);
    }
    Py_XDECREF(zone);
    Py_XDECREF(type);
    return status;
}

void clock_datetime_enable(void) {
    interpose_enable(twins, TWINS);
}

void clock_datetime_disable(void) {
    interpose_disable(twins, TWINS);
}
