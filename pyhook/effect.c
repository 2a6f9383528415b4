// Effects: what calling a C function does to the containers it is given.
// SPDX-License-Identifier: Apache-2.0
#include "effect.h"

#include <assert.h>

static const struct {
    const char *module, *owner, *name;
    enum effect effect;
} callables[] = {
#define CALLABLE(module_, owner_, name_, effect_) {module_, owner_, name_, EFFECT_##effect_},
#include "callables.def"
#undef CALLABLE
};

// Effects by what identifies a C function: its method definition, slot definition or type. These
// stay the same when an implementation is interposed. Open addressing.
enum { EFFECTS_MAX = 1024 };
static struct {
    const void *identity;
    enum effect effect;
} effects[EFFECTS_MAX];

static unsigned slot_of(const void *identity) {
    unsigned at = (unsigned)(((uint64_t)(uintptr_t)identity >> 3) * 0x9E3779B97F4A7C15ull >> 40);
    for (at %= EFFECTS_MAX; effects[at].identity != NULL && effects[at].identity != identity;)
        at = (at + 1) % EFFECTS_MAX;
    return at;
}

// All types share the definition of a slot; what it wraps is the type's (or that of a base).
static const void *identity_of_wrapper(const PyWrapperDescrObject *wrapper) {
    uintptr_t mixed = (uintptr_t)wrapper->d_base * 31 + (uintptr_t)wrapper->d_wrapped;
    return (const void *)mixed;  // never followed
}

static const void *identity_of(PyObject *callable) {
    if (PyCFunction_Check(callable))
        return ((PyCFunctionObject *)callable)->m_ml;
    if (Py_IS_TYPE(callable, &PyMethodDescr_Type) || Py_IS_TYPE(callable, &PyClassMethodDescr_Type))
        return ((PyMethodDescrObject *)callable)->d_method;
    if (Py_IS_TYPE(callable, &PyWrapperDescr_Type))
        return identity_of_wrapper((PyWrapperDescrObject *)callable);
    return callable;
}

// A callable of callables.def, new reference; NULL without an exception if this version lacks it.
static PyObject *find_callable(size_t i) {
    PyObject *owner = PyImport_ImportModule(callables[i].module);
    if (owner != NULL && *callables[i].owner != '\0')
        Py_SETREF(owner, PyObject_GetAttrString(owner, callables[i].owner));
    PyObject *callable = owner != NULL ? PyObject_GetAttrString(owner, callables[i].name) : NULL;
    Py_XDECREF(owner);
    if (callable == NULL &&
        (PyErr_ExceptionMatches(PyExc_AttributeError) || PyErr_ExceptionMatches(PyExc_ImportError)))
        PyErr_Clear();
    return callable;
}

int effect_open(void) {
    unsigned count = 0;
    for (size_t i = 0; i < sizeof callables / sizeof *callables; i++) {
        PyObject *callable = find_callable(i);
        if (callable == NULL && PyErr_Occurred())
            return -1;
        // A function written in Python, or patched by one, is observed or unknown.
        if (callable == NULL || PyFunction_Check(callable)) {
            Py_XDECREF(callable);
            continue;
        }
        const void *identity = identity_of(callable);
        unsigned at = slot_of(identity);
        count += effects[at].identity == NULL;
        assert(3 * count < 2 * EFFECTS_MAX);
        effects[at].identity = identity;
        effects[at].effect = callables[i].effect;
        if (identity != callable)
            Py_DECREF(callable);  // the definition lives as long as its module
    }
    return 0;
}

enum effect effect_of(PyObject *callable) {
    return effects[slot_of(identity_of(callable))].effect;
}
