// Imports: operations inside an import do not count, so that no import is ever interrupted.
// SPDX-License-Identifier: Apache-2.0
#include "imports.h"

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "point.h"

// The interpreter looks this name up in importlib's module for every import that sys.modules does
// not answer.
#define FIND_AND_LOAD "_find_and_load"

static PyObject *importlib;  // the frozen importlib._bootstrap
static PyObject *original;   // its _find_and_load

static PyObject *find_and_load(PyObject *Py_UNUSED(self), PyObject *const *args, Py_ssize_t count,
                               PyObject *names) {
    point_close();
    PyObject *module = PyObject_Vectorcall(original, args, (size_t)count, names);
    point_reopen();
    return module;
}

static PyMethodDef replacement = {FIND_AND_LOAD, (PyCFunction)(void (*)(void))find_and_load,
                                  METH_FASTCALL | METH_KEYWORDS,
                                  "importlib's own, without scheduling points inside."};

int imports_enable(void) {
    if (importlib == NULL)
        importlib = PyImport_ImportModule("_frozen_importlib");
    if (importlib == NULL)
        return -1;
    Py_XSETREF(original, PyObject_GetAttrString(importlib, FIND_AND_LOAD));
    PyObject *function = original != NULL ? PyCFunction_New(&replacement, NULL) : NULL;
    int status = function != NULL ? PyObject_SetAttrString(importlib, FIND_AND_LOAD, function) : -1;
    Py_XDECREF(function);
    return status;
}

void imports_disable(void) {
    if (PyObject_SetAttrString(importlib, FIND_AND_LOAD, original) < 0)
        PyErr_WriteUnraisable(importlib);
}
