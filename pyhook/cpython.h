// The one include of CPython's internals: frames, thread states, and what differs about them.
// SPDX-License-Identifier: Apache-2.0
//
// Include it before anything that includes Python.h. The layouts are those of the minor version
// compiled against; the self-test (selftest.c) refuses an interpreter whose layout differs.
#ifndef PYHOOK_CPYTHON_H
#define PYHOOK_CPYTHON_H

#define PY_SSIZE_T_CLEAN
#define Py_BUILD_CORE 1

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#include <Python.h>

#include <frameobject.h>
#if PY_VERSION_HEX >= 0x030e0000
#include <internal/pycore_interpframe.h>
#elif PY_VERSION_HEX >= 0x030b0000
#include <internal/pycore_frame.h>
#endif
#if PY_VERSION_HEX >= 0x030d0000
#include <internal/pycore_setobject.h>
#include <internal/pycore_tstate.h>
#endif
#pragma GCC diagnostic pop

#if PY_VERSION_HEX < 0x030b0000
typedef PyFrameObject cpython_frame;
#else
typedef _PyInterpreterFrame cpython_frame;
#endif

// All that CPython allocates for a thread state.
#if PY_VERSION_HEX < 0x030d0000
typedef PyThreadState cpython_thread_state;
#else
typedef _PyThreadStateImpl cpython_thread_state;
#endif

// The frame that runs Python code now, borrowed; NULL if none.
static inline cpython_frame *cpython_current_frame(PyThreadState *state) {
#if PY_VERSION_HEX < 0x030b0000
    return state->frame;
#elif PY_VERSION_HEX < 0x030d0000
    return state->cframe->current_frame;
#else
    return state->current_frame;
#endif
}

// The Python frame that called this one, borrowed; NULL if none. Skips the interpreter's own frames
// and frames that are still being made.
static inline cpython_frame *cpython_frame_skip(cpython_frame *frame) {
#if PY_VERSION_HEX >= 0x030e0000
    while (frame != NULL &&
           (frame->owner >= FRAME_OWNED_BY_INTERPRETER || _PyFrame_IsIncomplete(frame)))
        frame = frame->previous;
#elif PY_VERSION_HEX >= 0x030c0000
    while (frame != NULL && (frame->owner == FRAME_OWNED_BY_CSTACK || _PyFrame_IsIncomplete(frame)))
        frame = frame->previous;
#elif PY_VERSION_HEX >= 0x030b0000
    while (frame != NULL && _PyFrame_IsIncomplete(frame))
        frame = frame->previous;
#endif
    return frame;
}

static inline cpython_frame *cpython_frame_back(cpython_frame *frame) {
#if PY_VERSION_HEX < 0x030b0000
    return frame->f_back;
#else
    return cpython_frame_skip(frame->previous);
#endif
}

static inline PyCodeObject *cpython_frame_code(cpython_frame *frame) {
#if PY_VERSION_HEX < 0x030d0000
    return frame->f_code;
#else
    return _PyFrame_GetCode(frame);
#endif
}

// Index of the code unit that is being executed.
static inline int cpython_frame_unit(cpython_frame *frame) {
#if PY_VERSION_HEX < 0x030b0000
    return frame->f_lasti;
#else
    return _PyInterpreterFrame_LASTI(frame);
#endif
}

#if PY_VERSION_HEX >= 0x030e0000
// A slot holds a reference, perhaps borrowed from another slot, or a small number of the
// interpreter's own: NULL then.
static inline PyObject *cpython_slot(_PyStackRef slot) {
    return PyStackRef_IsNull(slot) || PyStackRef_IsTaggedInt(slot)
               ? NULL
               : PyStackRef_AsPyObjectBorrow(slot);
}
#endif

// How many local variables, cells and free variables a frame of this code has.
static inline Py_ssize_t cpython_frame_locals(const PyCodeObject *code) {
#if PY_VERSION_HEX < 0x030b0000
    return code->co_nlocals + PyTuple_GET_SIZE(code->co_cellvars) +
           PyTuple_GET_SIZE(code->co_freevars);
#else
    return code->co_nlocalsplus;
#endif
}

// One of them, borrowed, or NULL.
static inline PyObject *cpython_frame_local(cpython_frame *frame, Py_ssize_t index) {
#if PY_VERSION_HEX < 0x030b0000
    return frame->f_localsplus[index];
#elif PY_VERSION_HEX < 0x030e0000
    return frame->localsplus[index];
#else
    return cpython_slot(frame->localsplus[index]);
#endif
}

// The index among them of the cell that the argument of an instruction means.
static inline int cpython_cell_index(const PyCodeObject *code, int argument) {
#if PY_VERSION_HEX < 0x030b0000
    return argument + code->co_nlocals;
#else
    (void)code;
    return argument;
#endif
}

// Where the memory of an object begins, as its allocator knows it: before it there may be the links
// of the collector, and since 3.11 its __dict__ and weak references.
static inline const void *cpython_block(PyObject *object) {
    unsigned long flags = Py_TYPE(object)->tp_flags;
#if PY_VERSION_HEX >= 0x030c0000
    const unsigned long more = Py_TPFLAGS_MANAGED_DICT | Py_TPFLAGS_MANAGED_WEAKREF;
#elif PY_VERSION_HEX >= 0x030b0000
    const unsigned long more = Py_TPFLAGS_MANAGED_DICT;
#else
    const unsigned long more = 0;
#endif
    size_t pairs = (flags & Py_TPFLAGS_HAVE_GC) != 0 ? 1 : 0;
    pairs += (flags & more) != 0 ? 1 : 0;
    return (const char *)object - pairs * 2 * sizeof(void *);
}

// The __dict__ of an instance whose type has one, borrowed; NULL if it was not made yet. (Up
// to 3.10 every instance with attributes has one; later they are kept apart until somebody asks for
// it.)
static inline PyObject *cpython_instance_dict(PyObject *object) {
#if PY_VERSION_HEX >= 0x030b0000
    if (Py_TYPE(object)->tp_flags & Py_TPFLAGS_MANAGED_DICT) {
        PyObject *dict = ((PyObject **)object)[-3];
#if PY_VERSION_HEX >= 0x030c0000 && PY_VERSION_HEX < 0x030d0000
        if ((uintptr_t)dict & 1)  // the values
            return NULL;
#endif
        return dict;
    }
#endif
    PyObject **dict = _PyObject_GetDictPtr(object);
    return dict != NULL ? *dict : NULL;
}

#endif
