// Monitoring: how CPython 3.12 and later tell of each instruction before it executes.
// SPDX-License-Identifier: Apache-2.0
//
// sys.monitoring INSTRUCTION events, set per code object; the callback answers DISABLE for every
// instruction that cannot touch shared memory. Late code is met by PY_START and PY_RESUME.
//
// A second tool without callbacks shares PY_RESUME with ours in each of our code objects. Without
// it CPython (3.12.1, 3.13.0, 3.14) drops our INSTRUCTION events for good as soon as another tool
// comes to share any event with us: the table of tools per instruction is then allocated empty.
// If somebody else is there it shares LINE, too: a tool that answers DISABLE to a line
// (coverage.py) would take the INSTRUCTION event of the line's first instruction with it, once
// (3.12.1, 3.13.0).
#include "cpython.h"

#include "backend.h"
#include "filter.h"
#include "life.h"
#include "reentry.h"
#include "site.h"
#include "spin.h"
#include "switch.h"

#if PY_VERSION_HEX >= 0x030c0000

static struct {
    PyObject *monitoring;  // the module sys.monitoring
    PyObject *disable;
    PyObject *set_local_events;
    PyObject *on_instruction;
    PyObject *on_start;
    PyObject *on_unwind;
    long instruction, py_start, py_resume, py_unwind, line;
} api;

static PyObject *instrumented;  // list of code objects; NULL: not begun
static long tool = -1, second_tool = -1;
static bool has_company;  // somebody else held a tool id when we began
static uint32_t session;

// ------------------------------------------------------------------------------ callbacks

// The code unit of an offset as CPython tells it.
static long read_unit(PyObject *offset) {
    const PyLongObject *number = (const PyLongObject *)offset;
    return (PyUnstable_Long_IsCompact(number) ? PyUnstable_Long_CompactValue(number)
                                              : PyLong_AsLong(offset)) /
           2;
}

static PyObject *on_instruction(PyObject *self, PyObject *const *arguments, size_t count,
                                PyObject *keywords) {
    (void)self;
    (void)count;
    (void)keywords;
    PyCodeObject *code = (PyCodeObject *)arguments[0];
    long unit = read_unit(arguments[1]);
    const struct site_table *table = site_table_peek(code);
    if (table == NULL || table->sites == NULL || unit < 0 || unit >= table->count)
        Py_RETURN_NONE;
    const struct site *site = &table->sites[unit];
    bool is_idle = site->kind == SITE_NONE || (site->kind == SITE_DROP && !life_wanted);
    if (is_idle && (!switch_is_wanted() || site->switches == 0))
        return Py_NewRef(api.disable);
    if (site->kind == SITE_LEAVE || site->kind == SITE_RETURN)
        spin_leave(code);
    int thread = observe_caller();
    bool is_leaving = site->kind == SITE_LEAVE || (site->kind == SITE_RETURN && !life_wanted);
    if (thread == OBSERVE_CLOSED || (is_leaving && reentry_is_empty()))
        Py_RETURN_NONE;
    cpython_frame *frame = cpython_current_frame(PyThreadState_Get());
    if (site->depth < 0 || frame == NULL || cpython_frame_code(frame) != code) {
        observe_refuse("an instruction was reached whose operands cannot be found");
        return NULL;
    }
    if (site->kind == SITE_LEAVE) {
        int failed = reentry_suspend(frame, NULL);
        reentry_forget(frame);
        return failed ? NULL : Py_NewRef(Py_None);
    }
#if PY_VERSION_HEX >= 0x030e0000
    Py_ssize_t depth = frame->stackpointer - frame->localsplus;
    PyObject *values[depth + 1];
    for (Py_ssize_t i = 0; i < depth; i++)
        values[i] = cpython_slot(frame->localsplus[i]);
#else
    // The stack pointer is not stored in the frame at this moment.
    Py_ssize_t depth = code->co_nlocalsplus + site->depth;
    PyObject **values = frame->localsplus;
#endif
    struct operands operands = {
        .thread = thread,
        .frame = frame,
        .top = values + depth,
        .locals = values,
        .code = code,
        .globals = frame->f_globals,
        .builtins = frame->f_builtins,
        .names = frame->f_locals,
    };
    if (site->kind == SITE_RETURN) {
        int failed = observe_return(site, &operands);
        reentry_forget(frame);
        return failed ? NULL : Py_NewRef(Py_None);
    }
    switch_reach(site, frame, (int)unit);
    if (!is_idle && observe_instruction(site, &operands) < 0)
        return NULL;
    switch_leave(site, &operands, frame, (int)unit);
    Py_RETURN_NONE;
}

static int set_local(long of_tool, PyCodeObject *code, long events) {
    PyObject *none = PyObject_CallFunction(api.set_local_events, "lOl", of_tool, code, events);
    Py_XDECREF(none);
    return none != NULL ? 0 : -1;
}

// Instruments a code object and all that is nested in it, if it is traced.
static int instrument(PyCodeObject *code) {
    struct site_table *table = site_table_of(code);
    if (table == NULL)
        return -1;
    if (!table->traced || table->session == session)
        return 0;
    if (PyList_Append(instrumented, (PyObject *)code) < 0)
        return -1;
    table->session = session;
    long shared = has_company ? api.py_resume | api.line : api.py_resume;
    if (set_local(second_tool, code, shared) < 0 ||
        set_local(tool, code, api.py_resume | api.instruction) < 0)
        return -1;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_consts); i++) {
        PyObject *constant = PyTuple_GET_ITEM(code->co_consts, i);
        if (PyCode_Check(constant) && instrument((PyCodeObject *)constant) < 0)
            return -1;
    }
    return 0;
}

// A frame starts, or is resumed, at the RESUME instruction at `unit`, which makes the check but is
// never shown. Of foreign code it is not known which RESUME it is.
static void note_entry(PyCodeObject *code, long unit) {
    const struct site_table *table = site_table_peek(code);
    bool is_known = table != NULL && table->sites != NULL && unit >= 0 && unit < table->count;
    enum fr_switch at_entry = FR_SWITCH_UNKNOWN;
    if (unit <= code->_co_firsttraceable)
        at_entry = FR_SWITCH_YES;
    else if (is_known)
        at_entry = (table->sites[unit].switches & OPCODE_SWITCH_RESUME) != 0 ? FR_SWITCH_YES
                                                                             : FR_SWITCH_NO;
    cpython_frame *frame = cpython_current_frame(PyThreadState_Get());
    switch_enter(frame, frame != NULL ? frame->previous : NULL, at_entry);
}

static PyObject *on_start(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self;
    (void)count;
    // Another thread starts code while the filter runs: ask when it starts next.
    if (instrumented == NULL || filter_is_asking())
        Py_RETURN_NONE;
    PyCodeObject *code = (PyCodeObject *)arguments[0];
    if (instrument(code) < 0)
        return NULL;
    if (!switch_is_wanted())
        return Py_NewRef(api.disable);
    note_entry(code, PyLong_AsLong(arguments[1]) / 2);
    Py_RETURN_NONE;
}

// An exception leaves a frame, of whatever code.
static PyObject *on_unwind(PyObject *self, PyObject *const *arguments, Py_ssize_t count) {
    (void)self;
    (void)count;
    PyCodeObject *code = (PyCodeObject *)arguments[0];
    spin_leave(code);
    if (observe_caller() == OBSERVE_CLOSED || reentry_is_empty())
        Py_RETURN_NONE;
    const struct site_table *table = site_table_peek(code);
    cpython_frame *frame = cpython_current_frame(PyThreadState_Get());
    if (table == NULL || !table->traced || frame == NULL || cpython_frame_code(frame) != code)
        Py_RETURN_NONE;
    if (reentry_unwind(frame, cpython_frame_back(frame)) < 0)
        return NULL;
    Py_RETURN_NONE;
}

// A callable that is called without the wrapping of a built-in function, which is a tenth of what
// CPython itself takes for an event.
struct callback {
    PyObject_HEAD vectorcallfunc call;
};

static PyObject *new_instruction_callback(void) {
    static PyMemberDef members[] = {
        {"__vectorcalloffset__", Py_T_PYSSIZET, offsetof(struct callback, call), Py_READONLY, NULL},
        {0}};
    static PyType_Slot slots[] = {
        {Py_tp_call, (void *)(uintptr_t)PyVectorcall_Call}, {Py_tp_members, members}, {0, NULL}};
    static PyType_Spec spec = {.name = "frontrun._core.on_instruction",
                               .basicsize = (int)sizeof(struct callback),
                               .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL |
                                        Py_TPFLAGS_DISALLOW_INSTANTIATION,
                               .slots = slots};
    PyObject *type = PyType_FromSpec(&spec);
    struct callback *made =
        type != NULL ? PyObject_New(struct callback, (PyTypeObject *)type) : NULL;
    Py_XDECREF(type);
    if (made != NULL)
        made->call = on_instruction;
    return (PyObject *)made;
}

static PyMethodDef on_start_def = {"on_start", (PyCFunction)(void (*)(void))on_start, METH_FASTCALL,
                                   NULL};
static PyMethodDef on_unwind_def = {"on_unwind", (PyCFunction)(void (*)(void))on_unwind,
                                    METH_FASTCALL, NULL};

// ------------------------------------------------------------------------------ tools

static long read_event(PyObject *events, const char *name) {
    PyObject *number = PyObject_GetAttrString(events, name);
    long value = number != NULL ? PyLong_AsLong(number) : -1;
    Py_XDECREF(number);
    return value;
}

int backend_open(void) {
    if (api.on_start != NULL)
        return 0;
    api.monitoring = Py_XNewRef(PySys_GetObject("monitoring"));
    if (api.monitoring == NULL) {
        PyErr_SetString(PyExc_ImportError, "this interpreter has no sys.monitoring");
        return -1;
    }
    PyObject *events = PyObject_GetAttrString(api.monitoring, "events");
    api.disable = PyObject_GetAttrString(api.monitoring, "DISABLE");
    api.set_local_events = PyObject_GetAttrString(api.monitoring, "set_local_events");
    if (events == NULL || api.disable == NULL || api.set_local_events == NULL) {
        Py_XDECREF(events);
        return -1;
    }
    api.instruction = read_event(events, "INSTRUCTION");
    api.py_start = read_event(events, "PY_START");
    api.py_resume = read_event(events, "PY_RESUME");
    api.py_unwind = read_event(events, "PY_UNWIND");
    api.line = read_event(events, "LINE");
    Py_DECREF(events);
    if (PyErr_Occurred())
        return -1;
    api.on_instruction = new_instruction_callback();
    api.on_start = PyCFunction_New(&on_start_def, NULL);
    api.on_unwind = PyCFunction_New(&on_unwind_def, NULL);
    return api.on_instruction != NULL && api.on_start != NULL && api.on_unwind != NULL ? 0 : -1;
}

// Takes a tool id that nobody has, from the ones without a meaning of their own. -1: none is left
// (no exception), -2 with an exception.
static long take_tool(void) {
    static const long free_ids[] = {4, 3, 0, 1, 2, 5};
    for (size_t i = 0; i < sizeof free_ids / sizeof *free_ids; i++) {
        PyObject *none =
            PyObject_CallMethod(api.monitoring, "use_tool_id", "ls", free_ids[i], "frontrun");
        if (none != NULL) {
            Py_DECREF(none);
            return free_ids[i];
        }
        if (!PyErr_ExceptionMatches(PyExc_ValueError))
            return -2;
        PyErr_Clear();
    }
    return -1;
}

static int register_callback(long event, PyObject *callback) {
    PyObject *before =
        PyObject_CallMethod(api.monitoring, "register_callback", "llO", tool, event, callback);
    Py_XDECREF(before);
    return before != NULL ? 0 : -1;
}

static int set_global(long events) {
    PyObject *none = PyObject_CallMethod(api.monitoring, "set_events", "ll", tool, events);
    Py_XDECREF(none);
    return none != NULL ? 0 : -1;
}

static void free_tool(long *id) {
    if (*id < 0)
        return;
    PyObject *none = PyObject_CallMethod(api.monitoring, "free_tool_id", "l", *id);
    if (none == NULL)
        PyErr_WriteUnraisable(api.monitoring);
    Py_XDECREF(none);
    *id = -1;
}

// ------------------------------------------------------------------------------ sessions

// The code of a function or a bound method; NULL for others, which are met when they start.
static PyCodeObject *code_of(PyObject *callable) {
    if (PyMethod_Check(callable))
        callable = PyMethod_GET_FUNCTION(callable);
    return PyFunction_Check(callable) ? (PyCodeObject *)PyFunction_GET_CODE(callable) : NULL;
}

static int instrument_all(PyObject *callables) {
    PyObject *list = PySequence_Fast(callables, "callables must be a sequence");
    if (list == NULL)
        return -1;
    int failed = 0;
    for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(list) && !failed; i++) {
        PyCodeObject *code = code_of(PySequence_Fast_GET_ITEM(list, i));
        failed = code != NULL && instrument(code) < 0;
    }
    Py_DECREF(list);
    return failed ? -1 : 0;
}

// Does anybody have a tool id? -1 with an exception.
static int find_company(void) {
    for (long id = 0; id <= 5; id++) {
        PyObject *name = PyObject_CallMethod(api.monitoring, "get_tool", "l", id);
        if (name == NULL)
            return -1;
        bool is_free = name == Py_None;
        Py_DECREF(name);
        if (!is_free)
            return 1;
    }
    return 0;
}

static int begin(PyObject *callables) {
    int company = find_company();
    if (company < 0)
        return -1;
    has_company = company != 0;
    tool = take_tool();
    second_tool = tool >= 0 ? take_tool() : -1;
    if (tool < 0 || second_tool < 0) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_RuntimeError, "two tool ids of sys.monitoring are needed, but "
                                                "other tools hold them");
        return -1;
    }
    if (register_callback(api.instruction, api.on_instruction) < 0 ||
        register_callback(api.py_start, api.on_start) < 0 ||
        register_callback(api.py_resume, api.on_start) < 0 ||
        register_callback(api.py_unwind, api.on_unwind) < 0)
        return -1;
    // What an earlier session disabled is wanted again.
    PyObject *none = PyObject_CallMethod(api.monitoring, "restart_events", NULL);
    Py_XDECREF(none);
    if (none == NULL || instrument_all(callables) < 0)
        return -1;
    return set_global(api.py_start | api.py_resume | api.py_unwind);
}

int backend_begin(PyObject *callables) {
    if (instrumented != NULL) {
        PyErr_SetString(PyExc_RuntimeError, "observation has begun already");
        return -1;
    }
    instrumented = PyList_New(0);
    if (instrumented == NULL)
        return -1;
    if (++session == 0)
        session = 1;
    if (begin(callables) == 0)
        return 0;
    PyObject *error = PyErr_GetRaisedException();
    backend_end();
    PyErr_SetRaisedException(error);
    return -1;
}

// 3.12 and 3.13 leave local events behind when a tool id is given back.
static int clear(void) {
    if (tool < 0 || second_tool < 0)
        return 0;
    int failed = set_global(0) < 0;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(instrumented); i++) {
        PyCodeObject *code = (PyCodeObject *)PyList_GET_ITEM(instrumented, i);
        failed |= set_local(tool, code, 0) < 0 || set_local(second_tool, code, 0) < 0;
    }
    failed |= register_callback(api.instruction, Py_None) < 0 ||
              register_callback(api.py_start, Py_None) < 0 ||
              register_callback(api.py_resume, Py_None) < 0 ||
              register_callback(api.py_unwind, Py_None) < 0;
    return failed ? -1 : 0;
}

void backend_end(void) {
    if (instrumented == NULL)
        return;
    PyObject *error = PyErr_GetRaisedException();
    if (clear() < 0)
        PyErr_WriteUnraisable(api.monitoring);
    free_tool(&tool);
    free_tool(&second_tool);
    Py_CLEAR(instrumented);
    PyErr_SetRaisedException(error);
}

int backend_thread_begin(void) {
    return 0;
}

void backend_thread_end(void) {}

#else
typedef int observe_monitor_not_compiled;
#endif
