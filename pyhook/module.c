// Module: frontrun._core, the C core as Python sees it.
// SPDX-License-Identifier: Apache-2.0
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "carrier.h"
#include "clock.h"
#include "errors.h"
#include "explorer_type.h"
#include "join.h"
#include "lock.h"
#include "observe.h"
#include "place.h"
#include "selftest.h"
#include "session.h"
#include "simple_queue.h"
#include "spawn.h"
#include "subject_type.h"
#include "threads.h"
#include "trace_view.h"

static PyObject *answer_carrier_name(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args)) {
    return PyUnicode_FromString(carrier_name());
}

static PyObject *answer_version(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args)) {
    return PyUnicode_FromString(FR_VERSION);
}

static PyObject *answer_site(PyObject *Py_UNUSED(module), PyObject *args) {
    PyObject *function, *text, *name;
    const char *action;
    uint64_t site;
    if (!PyArg_ParseTuple(args, "UUsU:site", &function, &text, &action, &name) ||
        place_site(function, text, action, name, &site) < 0)
        return NULL;
    return PyLong_FromUnsignedLongLong(site);
}

static PyObject *close_session(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args)) {
    session_close(NULL);
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"carrier_name", answer_carrier_name, METH_NOARGS,
     "What logical threads run on: \"fiber\" or \"thread\"."},
    {"version", answer_version, METH_NOARGS, "Version of the engine."},
    {"site", answer_site, METH_VARARGS,
     "The hash of the place with this function, text, action and name, as Event.site."},
    {"observe_alone", selftest_observe_alone, METH_VARARGS,
     "For measuring: calls function(argument) under observation that ends at the door."},
    {0},
};

static PyMethodDef at_exit = {"close_session", close_session, METH_NOARGS, NULL};

// The interpreter must be as it was before anything of it is finalized.
static int register_exit(void) {
    PyObject *module = PyImport_ImportModule("atexit");
    PyObject *function = module != NULL ? PyCFunction_New(&at_exit, NULL) : NULL;
    PyObject *answer =
        function != NULL ? PyObject_CallMethod(module, "register", "O", function) : NULL;
    Py_XDECREF(module);
    Py_XDECREF(function);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : 0;
}

static int fill_module(PyObject *module) {
    if (errors_open(module) < 0 || trace_view_open(module) < 0 || observe_open(module) < 0 ||
        lock_open() < 0 || rlock_open() < 0 || join_open() < 0 || simple_queue_open() < 0 ||
        spawn_open() < 0 || threads_open(module) < 0 || clock_open() < 0)
        return -1;
    if (PyModule_AddType(module, &subject_type) < 0 || PyModule_AddType(module, &explorer_type) < 0)
        return -1;
    return register_exit();
}

static struct PyModuleDef definition = {
    PyModuleDef_HEAD_INIT,
    .m_name = "frontrun._core",
    .m_doc = "The C core: a harness under an explorer. Not public; use frontrun.* instead.",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit__core(void) {
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL && fill_module(module) < 0)
        Py_CLEAR(module);
    return module;
}
