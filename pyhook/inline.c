// Inlining: makes comprehensions look the same before and since CPython 3.12, which inlines them.
// SPDX-License-Identifier: Apache-2.0
#include "inline.h"

bool inline_is_comprehension(PyCodeObject *code) {
#if PY_VERSION_HEX < 0x030c0000
    static const char *const names[] = {"<listcomp>", "<setcomp>", "<dictcomp>"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (PyUnicode_CompareWithASCIIString(code->co_name, names[i]) == 0)
            return (code->co_flags & CO_ASYNC_GENERATOR) == 0;
#else
    (void)code;
#endif
    return false;
}

#if PY_VERSION_HEX < 0x030c0000
static PyObject *free_names(PyCodeObject *code) {
#if PY_VERSION_HEX >= 0x030b0000
    return PyCode_GetFreevars(code);
#else
    return Py_NewRef(code->co_freevars);
#endif
}

static PyObject *cell_names(PyCodeObject *code) {
#if PY_VERSION_HEX >= 0x030b0000
    return PyCode_GetCellvars(code);
#else
    return Py_NewRef(code->co_cellvars);
#endif
}

// Removes the names that a function nested in code shares for more than a comprehension.
static int drop_shared(PyCodeObject *code, PyObject *names) {
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_consts); i++) {
        PyCodeObject *inner = (PyCodeObject *)PyTuple_GET_ITEM(code->co_consts, i);
        if (!PyCode_Check((PyObject *)inner))
            continue;
        if (inline_is_comprehension(inner)) {
            if (drop_shared(inner, names) < 0)
                return -1;
            continue;
        }
        PyObject *shared = free_names(inner);
        for (Py_ssize_t k = 0; shared != NULL && k < PyTuple_GET_SIZE(shared); k++)
            if (PySet_Discard(names, PyTuple_GET_ITEM(shared, k)) < 0)
                Py_CLEAR(shared);
        if (shared == NULL)
            return -1;
        Py_DECREF(shared);
    }
    return 0;
}
#endif

PyObject *inline_locals(PyCodeObject *code, PyObject *inherited) {
#if PY_VERSION_HEX < 0x030c0000
    PyObject *cells = cell_names(code);
    PyObject *names = cells != NULL ? PySet_New(cells) : NULL;
    Py_XDECREF(cells);
    if (names == NULL || drop_shared(code, names) < 0) {
        Py_XDECREF(names);
        return NULL;
    }
    PyObject *outer = inherited != NULL ? free_names(code) : PyTuple_New(0);
    for (Py_ssize_t i = 0; outer != NULL && i < PyTuple_GET_SIZE(outer); i++) {
        PyObject *name = PyTuple_GET_ITEM(outer, i);
        int is_local = PySet_Contains(inherited, name);
        if (is_local < 0 || (is_local && PySet_Add(names, name) < 0))
            Py_CLEAR(outer);
    }
    if (outer == NULL)
        Py_CLEAR(names);
    Py_XDECREF(outer);
    return names;
#else
    (void)code;
    (void)inherited;
    return PySet_New(NULL);
#endif
}
