// Interposition: replaces the C function behind builtin methods in place, and puts it back.
// SPDX-License-Identifier: Apache-2.0
#include "interpose.h"

static PyMethodDef *find_method(PyObject *callable) {
    if (Py_IS_TYPE(callable, &PyMethodDescr_Type)) {
        return ((PyMethodDescrObject *)callable)->d_method;
    }
    if (PyCFunction_Check(callable)) {
        return ((PyCFunctionObject *)callable)->m_ml;
    }
    return NULL;
}

static int bind_one(PyObject *owner, struct interpose_twin *twin) {
    PyObject *callable = PyObject_GetAttrString(owner, twin->name);
    if (callable == NULL) {
        if (twin->optional && PyErr_ExceptionMatches(PyExc_AttributeError)) {
            PyErr_Clear();
            return 0;
        }
        return -1;
    }
    PyMethodDef *method = find_method(callable);
    Py_DECREF(callable);  // the definition is static, it outlives the descriptor
    if (method == NULL || method->ml_flags != twin->flags) {
        PyErr_Format(
            PyExc_ImportError,
            "%R.%s is not built as in CPython 3.10 to 3.14 (flags %d, expected %d); frontrun "
            "must be loaded before anything replaces it",
            owner, twin->name, method != NULL ? method->ml_flags : -1, twin->flags);
        return -1;
    }
    twin->method = method;
    twin->original = method->ml_meth;
    return 0;
}

int interpose_bind(PyObject *owner, struct interpose_twin *twins, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (bind_one(owner, &twins[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

// The arrays of twins that are enabled.
static struct {
    const struct interpose_twin *twins;
    size_t count;
} enabled[16];

static void remember(const struct interpose_twin *twins, size_t count) {
    for (size_t i = 0; i < sizeof enabled / sizeof enabled[0]; i++) {
        if (enabled[i].twins != NULL && enabled[i].twins != twins)
            continue;
        enabled[i].twins = twins;
        enabled[i].count = count;
        return;
    }
    // Too many: what is not remembered is not repeatable.
}

bool interpose_is_repeatable(const PyMethodDef *definition) {
    for (size_t i = 0; i < sizeof enabled / sizeof enabled[0]; i++)
        for (size_t k = 0; k < enabled[i].count; k++)
            if (enabled[i].twins[k].method == definition && definition != NULL)
                return enabled[i].twins[k].repeatable;
    return false;
}

void interpose_enable(struct interpose_twin *twins, size_t count) {
    remember(twins, count);
    for (size_t i = 0; i < count; i++) {
        if (twins[i].method != NULL) {
            twins[i].method->ml_meth = twins[i].twin;
        }
    }
}

void interpose_disable(struct interpose_twin *twins, size_t count) {
    for (size_t i = 0; i < count; i++) {
        if (twins[i].method != NULL) {
            twins[i].method->ml_meth = twins[i].original;
        }
    }
}
