// Caller: the place of the nearest traced Python frame, for operations that C functions perform.
// SPDX-License-Identifier: Apache-2.0
#include "cpython.h"

#include "observe.h"
#include "place.h"
#include "site.h"

const struct place *place_of_caller(const char *action, PyObject *name) {
    cpython_frame *current = cpython_frame_skip(cpython_current_frame(PyThreadState_Get()));
    if (current == NULL) {
        PyErr_SetString(PyExc_RuntimeError, "no Python code is running");
        return NULL;
    }
    cpython_frame *frame = current;
    while (frame != NULL && !observe_is_traced(cpython_frame_code(frame)))
        frame = cpython_frame_back(frame);
    if (frame == NULL)
        frame = current;
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
