// Caller: the nearest traced Python frame, for operations that C functions perform.
// SPDX-License-Identifier: Apache-2.0
#include "cpython.h"

#include "caller.h"
#include "observe.h"
#include "place.h"
#include "site.h"

// The nearest traced frame, or else the one that runs; NULL with an exception.
static cpython_frame *find_frame(void) {
    cpython_frame *current = cpython_frame_skip(cpython_current_frame(PyThreadState_Get()));
    if (current == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "no Python code is running");
        return NULL;
    }
    cpython_frame *frame = current;
    while (frame != NULL && !observe_is_traced(cpython_frame_code(frame)))
        frame = cpython_frame_back(frame);
    return frame != NULL ? frame : current;
}

const struct place *place_of_caller(const char *action, PyObject *name) {
    cpython_frame *frame = find_frame();
    if (frame == NULL)
        return NULL;
    PyObject *word = name != NULL ? Py_NewRef(name) : PyUnicode_FromString("");
    if (word == NULL)
        return NULL;
    // The code is kept: reading the source runs Python code.
    PyCodeObject *code = (PyCodeObject *)Py_NewRef(cpython_frame_code(frame));
    const struct place *place = site_caller_place(code, cpython_frame_unit(frame), action, word);
    Py_DECREF(code);
    Py_DECREF(word);
    return place;
}

// ------------------------------------------------------------------------------ its variables

static PyObject *frame_slot(cpython_frame *frame, Py_ssize_t at) {
#if PY_VERSION_HEX >= 0x030e0000
    return cpython_slot(frame->localsplus[at]);
#elif PY_VERSION_HEX >= 0x030b0000
    return frame->localsplus[at];
#else
    return frame->f_localsplus[at];
#endif
}

// Adds the variables with these names, the first of which is in the slot `first`. -1 with an
// exception.
static int add_variables(PyObject *variables, cpython_frame *frame, PyObject *names,
                         Py_ssize_t first) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++) {
        PyObject *value = frame_slot(frame, first + i);
        if (value != NULL && PyCell_Check(value))
            value = PyCell_GET(value);
        if (value != NULL && PyDict_SetItem(variables, PyTuple_GET_ITEM(names, i), value) < 0)
            return -1;
    }
    return 0;
}

PyObject *caller_variables(PyObject **globals) {
    *globals = NULL;
    cpython_frame *frame = find_frame();
    PyObject *variables = frame != NULL ? PyDict_New() : NULL;
    if (variables == NULL)
        return NULL;
    PyCodeObject *code = cpython_frame_code(frame);
#if PY_VERSION_HEX >= 0x030b0000
    int failed = add_variables(variables, frame, code->co_localsplusnames, 0);
#else
    Py_ssize_t cells = PyTuple_GET_SIZE(code->co_cellvars);
    int failed = add_variables(variables, frame, code->co_varnames, 0) < 0 ||
                 add_variables(variables, frame, code->co_cellvars, code->co_nlocals) < 0 ||
                 add_variables(variables, frame, code->co_freevars, code->co_nlocals + cells) < 0;
#endif
    if (failed) {
        Py_DECREF(variables);
        return NULL;
    }
    *globals = Py_NewRef(frame->f_globals);
    return variables;
}
