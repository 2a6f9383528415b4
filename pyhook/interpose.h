// Interposition: replaces the C function behind builtin methods in place, and puts it back.
//
// A builtin method is reached through a descriptor or function object that points to one static
// PyMethodDef. Exchanging the function pointer in that struct redirects every way in: instances
// made earlier, bound methods captured earlier, subclasses, specialised call sites. See
// docs/decisions/interposition.md. All functions need the GIL.
#ifndef PYHOOK_INTERPOSE_H
#define PYHOOK_INTERPOSE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

struct interpose_twin {
    const char *name;      // of the method in its owner
    int flags;             // the calling convention that twin has
    PyCFunction twin;      // takes its place; falls through to original where it does not apply
    bool optional;         // some supported Python versions do not have it
    bool repeatable;       // leaves nothing behind but its operations, see pure.h
    PyMethodDef *method;   // set by interpose_bind; NULL: this Python does not have it
    PyCFunction original;  // set by interpose_bind
};

// A function of any calling convention as the type that PyMethodDef wants.
#define INTERPOSE_FUNCTION(function) ((PyCFunction)(void (*)(void))(function))

// Finds the methods in owner (a type or a module), without changing anything. -1 with an
// ImportError if one is missing or has another calling convention than its twin.
int interpose_bind(PyObject *owner, struct interpose_twin *twins, size_t count);
// Puts the twins in place.
void interpose_enable(struct interpose_twin *twins, size_t count);
// Is it the definition of an enabled twin that is repeatable?
bool interpose_is_repeatable(const PyMethodDef *definition);
// Puts the originals back.
void interpose_disable(struct interpose_twin *twins, size_t count);

typedef PyObject *(*interpose_fastcall)(PyObject *self, PyObject *const *args, Py_ssize_t count);

// The originals, by calling convention.
static inline PyObject *interpose_call(const struct interpose_twin *twin, PyObject *self,
                                       PyObject *args) {
    return twin->original(self, args);
}

static inline PyObject *interpose_call_keywords(const struct interpose_twin *twin, PyObject *self,
                                                PyObject *args, PyObject *kwargs) {
    return ((PyCFunctionWithKeywords)(void (*)(void))twin->original)(self, args, kwargs);
}

#endif
