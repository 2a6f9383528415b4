// Switch points: where a build with the GIL could take the turn from a thread.
// SPDX-License-Identifier: Apache-2.0
#include "cpython.h"

#include "switch.h"

#include "call.h"
#include "carrier.h"
#include "container.h"

// Calls of C functions that a thread is inside of, in Python frames that wait for them.
#define CALLS_MAX 64

struct waiting_call {
    const void *frame;
    enum fr_switch after;  // what its return says
};

struct stretch {
    enum fr_switch level;  // the best since the last operation
    bool lost;             // too many calls within calls: nothing is known from here on
    uint32_t call_count;
    struct waiting_call calls[CALLS_MAX];
    // The instruction before, of the frame that ran last.
    const void *frame;
    int unit;
    uint8_t flags;
    uint8_t width;
};

static bool wanted;
static struct stretch stretches[FR_THREADS_MAX];

void switch_set(bool wish) {
    wanted = wish;
}

bool switch_is_wanted(void) {
    return wanted;
}

void switch_thread_begin(int thread) {
    struct stretch *stretch = &stretches[thread];
    stretch->level = FR_SWITCH_YES;
    stretch->lost = false;
    stretch->call_count = 0;
    stretch->frame = NULL;
}

static void allow(struct stretch *stretch, enum fr_switch level) {
    if (level < stretch->level)
        stretch->level = level;
}

enum fr_switch switch_take(int thread) {
    if (!wanted)
        return FR_SWITCH_YES;
    struct stretch *stretch = &stretches[thread];
    if (stretch->lost)
        allow(stretch, FR_SWITCH_UNKNOWN);
    enum fr_switch level = stretch->level;
    stretch->level = FR_SWITCH_NO;
    return level;
}

// The calling logical thread's, or NULL.
static struct stretch *find_stretch(void) {
    int thread = wanted ? carrier_current() : CARRIER_FOREIGN;
    return thread >= 0 ? &stretches[thread] : NULL;
}

// Does the frame wait for `inner`, directly or not?
static bool is_around(const void *frame, const void *inner) {
    cpython_frame *at = (cpython_frame *)(uintptr_t)inner;
    while (at != NULL && at != frame) {
#if PY_VERSION_HEX < 0x030b0000
        at = at->f_back;
#else
        at = at->previous;
#endif
    }
    return at != NULL;
}

// Calls that have returned: made by this very frame, or by one that is not around `inner`: gone.
static void settle_calls(struct stretch *stretch, const void *frame, const void *inner) {
    while (stretch->call_count > 0) {
        const struct waiting_call *call = &stretch->calls[stretch->call_count - 1];
        if (call->frame != frame && is_around(call->frame, inner))
            return;
        allow(stretch, call->after);
        stretch->call_count--;
    }
}

#if PY_VERSION_HEX < 0x030c0000
// Every instruction of the frame comes by here: did the one before jump, or raise?
static void settle_jump(struct stretch *stretch, const struct site *site, const void *frame,
                        int unit) {
    if (stretch->frame != frame)
        return;
    bool goes_on = unit == stretch->unit + stretch->width;
    if ((stretch->flags & OPCODE_SWITCH_IF_TAKEN) != 0 && !goes_on)
        allow(stretch, FR_SWITCH_YES);
    bool is_handler = !goes_on && (stretch->flags & OPCODE_SWITCH_JUMPS) == 0;
    if (PY_VERSION_HEX < 0x030b0000 && is_handler &&
        (site->switches & OPCODE_SWITCH_SUPPRESSES) == 0)
        allow(stretch, FR_SWITCH_YES);
}
#endif

void switch_reach(const struct site *site, const void *frame, int unit) {
    struct stretch *stretch = find_stretch();
    if (stretch == NULL)
        return;
    settle_calls(stretch, frame, frame);
#if PY_VERSION_HEX < 0x030c0000
    settle_jump(stretch, site, frame, unit);
#else
    (void)unit;
    (void)site;
#endif
}

void switch_enter(const void *frame, const void *caller, enum fr_switch at_entry) {
    struct stretch *stretch = find_stretch();
    if (stretch == NULL)
        return;
    // Also what an earlier frame in the same memory left behind.
    settle_calls(stretch, frame, caller);
    allow(stretch, at_entry);
}

// ------------------------------------------------------------------------------ calls

static bool is_python_function(PyObject *callable) {
    if (Py_IS_TYPE(callable, &PyMethod_Type))
        callable = PyMethod_GET_FUNCTION(callable);
    return Py_IS_TYPE(callable, &PyFunction_Type);
}

static bool is_list_append(PyObject *callable) {
    static PyMethodDef *append;
    if (append == NULL) {
        PyObject *name = PyUnicode_InternFromString("append");
        PyObject *method = name != NULL ? _PyType_Lookup(&PyList_Type, name) : NULL;
        if (method != NULL && Py_IS_TYPE(method, &PyMethodDescr_Type))
            append = ((PyMethodDescrObject *)method)->d_method;
        Py_XDECREF(name);
        PyErr_Clear();
    }
    if (Py_IS_TYPE(callable, &PyMethodDescr_Type))
        return ((PyMethodDescrObject *)callable)->d_method == append;
    return PyCFunction_CheckExact(callable) && ((PyCFunctionObject *)callable)->m_ml == append;
}

static bool is_builtin(PyObject *callable, const char *name) {
    return PyCFunction_CheckExact(callable) && PyCFunction_GET_SELF(callable) != NULL &&
           PyModule_Check(PyCFunction_GET_SELF(callable)) &&
           strcmp(((PyCFunctionObject *)callable)->m_ml->ml_name, name) == 0;
}

// Once specialised, these calls skip the check that the general form has.
static bool is_check_free_when_warm(PyObject *callable) {
    if (callable == (PyObject *)&PyType_Type || is_list_append(callable))
        return true;
    if (is_builtin(callable, "len") || is_builtin(callable, "isinstance"))
        return true;
#if PY_VERSION_HEX >= 0x030d0000
    // A class whose __init__ is Python code: its frame is entered directly.
    static PyObject *init;
    if (init == NULL)
        init = PyUnicode_InternFromString("__init__");
    PyObject *function = PyType_Check(callable) && init != NULL
                             ? _PyType_Lookup((PyTypeObject *)callable, init)
                             : NULL;
    return function != NULL && PyFunction_Check(function);
#else
    return false;
#endif
}

static void push_call(struct stretch *stretch, const void *frame, enum fr_switch after) {
    if (stretch->call_count == CALLS_MAX) {
        stretch->lost = true;
        return;
    }
    stretch->calls[stretch->call_count++] = (struct waiting_call){.frame = frame, .after = after};
}

static void note_call(struct stretch *stretch, const struct site *site,
                      const struct operands *operands, const void *frame) {
    if ((site->switches & OPCODE_SWITCH_AFTER_CALL) != 0) {
        push_call(stretch, frame, FR_SWITCH_YES);
        return;
    }
    PyObject *callable = call_callable(site, operands);
    if (callable == NULL || is_python_function(callable))
        return;
    push_call(stretch, frame, is_check_free_when_warm(callable) ? FR_SWITCH_COLD : FR_SWITCH_YES);
}

// ------------------------------------------------------------------------------ slots

// Objects whose operators neither release the GIL nor run anything that is not seen. Python code
// that an operator runs is: its frame is entered.
static bool is_quiet(PyObject *object) {
    static PyTypeObject *const quiet[] = {
        &PyBaseObject_Type,  &PyLong_Type,          &PyUnicode_Type,      &PyList_Type,
        &PyDict_Type,        &PyTuple_Type,         &PySet_Type,          &PyFrozenSet_Type,
        &PyFloat_Type,       &PyBytes_Type,         &PyBool_Type,         &PyByteArray_Type,
        &PyType_Type,        &PyModule_Type,        &PyRange_Type,        &PyFunction_Type,
        &PyComplex_Type,     &PyGen_Type,           &PyDictKeys_Type,     &PyDictValues_Type,
        &PyDictItems_Type,   &PyListIter_Type,      &PyTupleIter_Type,    &PyRangeIter_Type,
        &PyDictIterKey_Type, &PyDictIterValue_Type, &PyDictIterItem_Type, &PySetIter_Type,
        &PyUnicodeIter_Type, &PyEnum_Type};
    if (object == NULL || object == Py_None)
        return object != NULL;
    PyTypeObject *type = container_c_type(Py_TYPE(object));
    for (size_t i = 0; i < sizeof quiet / sizeof *quiet; i++)
        if (type == quiet[i])
            return true;
    return false;
}

// Is it an instruction that asks a slot of an object on the stack to do something?
static bool uses_slot(uint8_t kind) {
    return kind == SITE_ITERATE || kind == SITE_NEXT || kind == SITE_CONTAINS ||
           kind == SITE_BINARY || kind == SITE_INPLACE || kind == SITE_COMPARE;
}

static bool may_release_in_slot(const struct site *site, const struct operands *operands) {
    if (!uses_slot(site->kind))
        return false;
    bool has_two = site->kind != SITE_ITERATE && site->kind != SITE_NEXT;
    return !is_quiet(operands->top[-1]) || (has_two && !is_quiet(operands->top[-2]));
}

void switch_leave(const struct site *site, const struct operands *operands, const void *frame,
                  int unit) {
    struct stretch *stretch = find_stretch();
    if (stretch == NULL)
        return;
    stretch->frame = frame;
    stretch->unit = unit;
    stretch->flags = site->switches;
    stretch->width = site->width;
    // Nothing shared is touched between these and what follows them.
    if ((site->switches & OPCODE_SWITCH_AFTER) != 0)
        allow(stretch, FR_SWITCH_YES);
    if ((site->switches & (OPCODE_SWITCH_AFTER_CALL | OPCODE_SWITCH_AFTER_C_CALL)) != 0)
        note_call(stretch, site, operands, frame);
    if (may_release_in_slot(site, operands))
        push_call(stretch, frame, FR_SWITCH_UNKNOWN);
}
