// The filter: which files are traced, asked once per file name and remembered.
// SPDX-License-Identifier: Apache-2.0
#include "filter.h"

#include "point.h"

static PyObject *filter;   // callable, or NULL
static PyObject *answers;  // dict: file name -> bool
static uint32_t generation = 1;
static bool asking;

int filter_set(PyObject *is_traced) {
    PyObject *fresh = PyDict_New();
    if (fresh == NULL)
        return -1;
    Py_XINCREF(is_traced);
    Py_XSETREF(answers, fresh);
    Py_XSETREF(filter, is_traced);
    if (++generation == 0)
        generation = 1;
    return 0;
}

uint32_t filter_generation(void) {
    return generation;
}

bool filter_is_asking(void) {
    return asking;
}

int filter_ask(PyObject *filename) {
    if (filter == NULL)
        return 0;
    PyObject *known = PyDict_GetItemWithError(answers, filename);
    if (known != NULL)
        return known == Py_True;
    if (PyErr_Occurred())
        return -1;
    // Asked from within the filter: its own files are not traced while it runs; not remembered.
    if (asking)
        return 0;
    asking = true;
    PyObject *asked = Py_NewRef(filter);
    PyObject *into = Py_NewRef(answers);
    point_close();  // what the filter does is no part of the program
    PyObject *answer = PyObject_CallOneArg(asked, filename);
    point_reopen();
    asking = false;
    int truth = answer != NULL ? PyObject_IsTrue(answer) : -1;
    if (truth >= 0 && PyDict_SetItem(into, filename, truth ? Py_True : Py_False) < 0)
        truth = -1;
    Py_XDECREF(answer);
    Py_DECREF(asked);
    Py_DECREF(into);
    return truth;
}
