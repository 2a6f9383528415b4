// Tracing: how CPython 3.10 and 3.11 tell of each instruction before it executes.
// SPDX-License-Identifier: Apache-2.0
//
// A C trace function with opcode events sees all code of a thread. A frame evaluator (PEP 523) in
// front of it turns tracing off for frames of foreign code, which then run at full speed.
#include "cpython.h"

#include "backend.h"
#include "life.h"
#include "reentry.h"
#include "site.h"
#include "spin.h"
#include "switch.h"

#if PY_VERSION_HEX < 0x030c0000

static _PyFrameEvalFunction evaluate;  // what was there before us
static bool is_begun;

static const char stolen[] =
    "something in the program replaced the trace function of its thread (sys.settrace: a debugger "
    "or a coverage tool?), so that its accesses are no longer seen";

static void read_operands(cpython_frame *frame, PyCodeObject *code, struct operands *operands) {
#if PY_VERSION_HEX < 0x030b0000
    operands->top = frame->f_valuestack + frame->f_stackdepth;
    operands->locals = frame->f_localsplus;
#else
    operands->top = frame->localsplus + frame->stacktop;
    operands->locals = frame->localsplus;
#endif
    operands->frame = frame;
    operands->code = code;
    operands->globals = frame->f_globals;
    operands->builtins = frame->f_builtins;
    operands->names = frame->f_locals;
}

// Is it the instruction by which a generator of 3.10 yields what an iterator without Python code of
// its own yields? (What a generator yields is announced where that one yields it.)
static bool is_yield_from(const struct site *site, const struct operands *operands) {
    return PY_VERSION_HEX < 0x030b0000 && site->kind == SITE_SEND &&
           !PyGen_Check(operands->top[-2]) && !PyCoro_CheckExact(operands->top[-2]);
}

static int on_opcode(PyFrameObject *object) {
#if PY_VERSION_HEX < 0x030b0000
    cpython_frame *frame = object;
#else
    cpython_frame *frame = object->f_frame;
#endif
    PyCodeObject *code = cpython_frame_code(frame);
    const struct site_table *table = site_table_peek(code);
    if (table == NULL || table->sites == NULL)
        return 0;
    int unit = cpython_frame_unit(frame);
    if (unit < 0 || unit >= table->count)
        return 0;
    const struct site *site = &table->sites[unit];
    bool is_idle = site->kind == SITE_NONE || (site->kind == SITE_DROP && !life_wanted);
    if (is_idle && !switch_is_wanted())
        return 0;
    int thread = observe_caller();
    if (thread == OBSERVE_CLOSED)
        return 0;
    if (site->kind == SITE_LEAVE)
        return reentry_suspend(frame, NULL);
    struct operands operands = {.thread = thread};
    read_operands(frame, code, &operands);
    if (site->kind == SITE_RETURN)
        return observe_return(site, &operands);
    switch_reach(site, frame, unit);
    if (!is_idle && observe_instruction(site, &operands) < 0)
        return -1;
    switch_leave(site, &operands, frame, unit);
    return is_yield_from(site, &operands) ? reentry_suspend(frame, NULL) : 0;
}

static int on_event(PyObject *self, PyFrameObject *frame, int what, PyObject *argument) {
    (void)self;
    (void)argument;
    if (what == PyTrace_OPCODE)
        return on_opcode(frame);
    if (what == PyTrace_CALL) {
        // The evaluator lets traced frames only come here.
        frame->f_trace_lines = 0;
        frame->f_trace_opcodes = 1;
    }
    return 0;
}

// A frame starts, or is resumed: is there a check before or in its first instruction? Of foreign
// code that is not known if it is resumed.
static void note_entry(const struct site_table *table, cpython_frame *frame,
                       cpython_frame *caller) {
    int unit = cpython_frame_unit(frame);
    Py_ssize_t next = unit + 1;
    bool is_known = table->sites != NULL && next >= 0 && next < table->count;
    uint8_t flags = is_known ? table->sites[next].switches : 0;
#if PY_VERSION_HEX < 0x030b0000
    bool at_check = (flags & OPCODE_SWITCH_SUPPRESSES) == 0;
#else
    bool at_check = unit < 0 || (flags & OPCODE_SWITCH_RESUME) != 0;
#endif
    enum fr_switch at_entry = at_check ? FR_SWITCH_YES : FR_SWITCH_NO;
    switch_enter(frame, caller, unit >= 0 && !is_known ? FR_SWITCH_UNKNOWN : at_entry);
}

// The table of the code that a frame starts, or resumes; may run Python code to build it. The
// exception that is being thrown into a generator is kept.
static struct site_table *enter(PyCodeObject *code, int throwing) {
    PyObject *type, *value, *traceback;
    if (throwing)
        PyErr_Fetch(&type, &value, &traceback);
    struct site_table *table = site_table_of(code);
    if (throwing && table != NULL)
        PyErr_Restore(type, value, traceback);
    else if (throwing) {
        Py_XDECREF(type);
        Py_XDECREF(value);
        Py_XDECREF(traceback);
    }
    return table;
}

// An exception left a traced frame. What C code goes on with then is announced here, the rest at
// the instruction that leaves the frame.
static void unwind(cpython_frame *frame) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    cpython_frame *caller = cpython_frame_skip(cpython_current_frame(PyThreadState_Get()));
    if (reentry_unwind(frame, caller) == 0) {
        PyErr_Restore(type, value, traceback);
        return;
    }
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
}

static PyObject *evaluate_filtered(PyThreadState *state, cpython_frame *frame, int throwing) {
    if (state->c_tracefunc != on_event) {
        if (!state->tracing && observe_caller() != OBSERVE_CLOSED) {
            observe_refuse(stolen);
            return NULL;
        }
        return evaluate(state, frame, throwing);
    }
    if (state->tracing)
        return evaluate(state, frame, throwing);
    PyCodeObject *code = cpython_frame_code(frame);
    struct site_table *table = enter(code, throwing);
    if (table == NULL)
        return NULL;
    if (switch_is_wanted())
        note_entry(table, frame, cpython_current_frame(state));
    // The default evaluator takes over the flag of the frame below, and gives it back.
    int before = state->cframe->use_tracing;
    state->cframe->use_tracing = table->traced ? 255 : 0;
    PyObject *result = evaluate(state, frame, throwing);
    state->cframe->use_tracing = before && state->c_tracefunc != NULL ? 255 : 0;
    if (table->traced)
        spin_leave(code);
    if (table->traced && !reentry_is_empty()) {
        if (result == NULL)
            unwind(frame);
        else
            reentry_forget(frame);
    }
    return result;
}

int backend_open(void) {
    return 0;
}

int backend_begin(PyObject *callables) {
    // Frames that run already get their trace function with their thread, generators when they are
    // resumed: there is nothing to do ahead.
    (void)callables;
    if (is_begun) {
        PyErr_SetString(PyExc_RuntimeError, "observation has begun already");
        return -1;
    }
    PyInterpreterState *interpreter = PyInterpreterState_Get();
    evaluate = _PyInterpreterState_GetEvalFrameFunc(interpreter);
    _PyInterpreterState_SetEvalFrameFunc(interpreter, evaluate_filtered);
    is_begun = true;
    return 0;
}

void backend_end(void) {
    if (!is_begun)
        return;
    PyInterpreterState *interpreter = PyInterpreterState_Get();
    // Somebody who came after us calls us; then we must stay.
    if (_PyInterpreterState_GetEvalFrameFunc(interpreter) == evaluate_filtered)
        _PyInterpreterState_SetEvalFrameFunc(interpreter, evaluate);
    is_begun = false;
}

int backend_thread_begin(void) {
    PyEval_SetTrace(on_event, NULL);
    if (PyThreadState_Get()->c_tracefunc == on_event)
        return 0;
    if (!PyErr_Occurred())
        PyErr_SetString(PyExc_RuntimeError, "the trace function of a thread cannot be set here");
    return -1;
}

void backend_thread_end(void) {
    PyThreadState *state = PyThreadState_Get();
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    if (state->c_tracefunc == on_event) {
        PyEval_SetTrace(NULL, NULL);
        PyErr_Clear();
    } else {
        // Too late to raise anything in the program, and the door is closed by now: it is opened
        // for this refusal, which ends the campaign.
        point_reopen();
        observe_refuse(stolen);
        point_close();
        PyErr_Clear();
    }
    PyErr_Restore(type, value, traceback);
}

#else
typedef int observe_trace_not_compiled;
#endif
