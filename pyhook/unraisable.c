// Unraisable: an Abort that ends in a destructor is no news for anybody.
// SPDX-License-Identifier: Apache-2.0
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "unraisable.h"

#include <stdbool.h>

#include "errors.h"

static PyObject *before;  // the hook that was there; NULL: not enabled
static PyObject *hook;

static PyObject *on_unraisable(PyObject *self, PyObject *told) {
    (void)self;
    PyObject *type = PyObject_GetAttrString(told, "exc_type");
    if (type == NULL)
        return NULL;
    bool is_abort = type == errors_abort;
    Py_DECREF(type);
    if (is_abort)
        Py_RETURN_NONE;
    return before != NULL ? PyObject_CallOneArg(before, told) : Py_NewRef(Py_None);
}

static PyMethodDef hook_def = {"unraisablehook", on_unraisable, METH_O, NULL};

int unraisable_enable(void) {
    PyObject *now = PySys_GetObject("unraisablehook");
    if (hook == NULL)
        hook = PyCFunction_New(&hook_def, NULL);
    if (hook == NULL)
        return -1;
    if (now == NULL || now == hook)
        return 0;
    Py_XSETREF(before, Py_NewRef(now));
    return PySys_SetObject("unraisablehook", hook);
}

void unraisable_disable(void) {
    if (before == NULL)
        return;
    // Not if somebody came after us, who may call us.
    if (PySys_GetObject("unraisablehook") != hook)
        return;
    if (PySys_SetObject("unraisablehook", before) < 0)
        PyErr_WriteUnraisable(hook);
    Py_CLEAR(before);
}
