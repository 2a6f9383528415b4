// Trace view: the last execution of an explorer as Python objects.
// SPDX-License-Identifier: Apache-2.0
#include "trace_view.h"

#include <string.h>

#include "place_log.h"
#include "resource.h"
#include "value_log.h"

static PyObject *failure_class;
static PyObject *event_class;
static PyObject *wait_class;

static int make_class(PyObject *module, PyObject **out, const char *name, const char *fields) {
    PyObject *collections = PyImport_ImportModule("collections");
    PyObject *factory =
        collections != NULL ? PyObject_GetAttrString(collections, "namedtuple") : NULL;
    Py_XDECREF(collections);
    PyObject *args = Py_BuildValue("(ss)", name, fields);
    PyObject *kwargs = Py_BuildValue("{s:s}", "module", "frontrun._core");
    if (factory != NULL && args != NULL && kwargs != NULL)
        *out = PyObject_Call(factory, args, kwargs);
    Py_XDECREF(factory);
    Py_XDECREF(args);
    Py_XDECREF(kwargs);
    return *out != NULL ? PyModule_AddObjectRef(module, name, *out) : -1;
}

int trace_view_open(PyObject *module) {
    if (make_class(module, &failure_class, "Failure", "kind thread exception place") < 0 ||
        make_class(module, &event_class, "Event",
                   "thread index kind action name function text file line site hash outcome "
                   "accesses found stored object") < 0)
        return -1;
    return make_class(module, &wait_class, "Wait",
                      "thread waits_for action function text file line taken_at name object");
}

// Steals a reference to args (NULL passes an exception on).
static PyObject *make(PyObject *class, PyObject *args) {
    PyObject *object = args != NULL ? PyObject_Call(class, args, NULL) : NULL;
    Py_XDECREF(args);
    return object;
}

// A number, or None for FR_TID_NONE.
static PyObject *number_or_none(uint32_t number) {
    return number != FR_TID_NONE ? PyLong_FromUnsignedLong(number) : Py_NewRef(Py_None);
}

// The same for a thread, by the number that repeats.
static PyObject *thread_or_none(const struct fr_explorer *engine, fr_tid thread) {
    return number_or_none(thread != FR_TID_NONE ? fr_run_number(engine, thread) : thread);
}

// Appends item and releases it. -1 with an exception, also if item is NULL.
static int append(PyObject *list, PyObject *item) {
    int status = item != NULL ? PyList_Append(list, item) : -1;
    Py_XDECREF(item);
    return status;
}

static const char *mode_word(enum fr_mode mode) {
    static const char *const words[FR_MODES] = {
        [FR_READ] = "read",
        [FR_WRITE] = "write",
        [FR_READ_WEAK] = "weak read",
        [FR_WRITE_WEAK] = "weak write",
    };
    return words[mode];
}

// Objects are numbered in the order in which the trace touches them: numbers is a dict key -> int.
static PyObject *number_of(PyObject *numbers, uint64_t object) {
    PyObject *key = PyLong_FromUnsignedLongLong(object);
    PyObject *next = PyLong_FromSsize_t(PyDict_Size(numbers));
    PyObject *number = NULL;
    if (key != NULL && next != NULL)
        number = PyDict_SetDefault(numbers, key, next);  // borrowed
    Py_XDECREF(key);
    Py_XDECREF(next);
    return number;
}

static PyObject *make_access(PyObject *numbers, struct fr_access access) {
    PyObject *number = number_of(numbers, access.key);
    return number != NULL ? Py_BuildValue("(Os)", number, mode_word(access.mode)) : NULL;
}

static PyObject *make_accesses(const struct fr_explorer *engine, uint32_t at, uint32_t count,
                               PyObject *numbers) {
    PyObject *accesses = PyTuple_New((Py_ssize_t)count);
    for (uint32_t n = 0; accesses != NULL && n < count; n++) {
        PyObject *made = make_access(numbers, fr_trace_access(engine, at, n));
        if (made == NULL)
            Py_CLEAR(accesses);
        else
            PyTuple_SET_ITEM(accesses, (Py_ssize_t)n, made);
    }
    return accesses;
}

// "?" for a site that no place of this process has.
struct words {
    const char *action;
    PyObject *name;
    PyObject *function;
    PyObject *text;
    PyObject *file;
    int line;
};

// All borrowed; unknown stands in where there is no place.
static struct words words_of(const struct place *place, PyObject *unknown) {
    if (place == NULL)
        return (struct words){"?", unknown, unknown, unknown, unknown, 0};
    return (struct words){place->action, place->name,     place->function,
                          place->text,   place->filename, place->line};
}

// What the value log has, or None; borrowed.
static PyObject *told(const struct fr_explorer *engine, fr_tid thread, uint32_t index,
                      enum value_part part) {
    PyObject *words = value_log_find(engine, thread, index, part);
    return words != NULL ? words : Py_None;
}

static PyObject *make_event(const struct fr_explorer *engine, uint32_t at, PyObject *numbers,
                            PyObject *unknown) {
    struct fr_event event = fr_trace_event(engine, at);
    struct words words = words_of(place_log_find(engine, &event), unknown);
    PyObject *accesses = make_accesses(engine, at, event.access_count, numbers);
    if (accesses == NULL)
        return NULL;
    return make(event_class,
                Py_BuildValue("(IIssOOOOiKKNNOOO)", fr_run_number(engine, event.thread),
                              event.index, fr_op_word(event.kind), words.action, words.name,
                              words.function, words.text, words.file, words.line,
                              (unsigned long long)event.site, (unsigned long long)event.hash,
                              PyBool_FromLong(event.outcome), accesses,
                              told(engine, event.thread, event.index, VALUE_FOUND),
                              told(engine, event.thread, event.index, VALUE_STORED),
                              told(engine, event.thread, event.index, VALUE_OBJECT)));
}

PyObject *trace_view_events(const struct fr_explorer *engine) {
    PyObject *numbers = PyDict_New();
    PyObject *unknown = PyUnicode_FromString("?");
    PyObject *events = PyList_New(0);
    uint32_t length = fr_trace_length(engine);
    bool good = numbers != NULL && unknown != NULL && events != NULL;
    for (uint32_t at = 0; good && at < length; at++)
        good = append(events, make_event(engine, at, numbers, unknown)) == 0;
    if (!good)
        Py_CLEAR(events);
    Py_XDECREF(numbers);
    Py_XDECREF(unknown);
    return events;
}

PyObject *trace_view_resources(const struct fr_explorer *engine) {
    PyObject *numbers = PyDict_New();
    PyObject *resources = PyDict_New();
    uint32_t length = fr_trace_length(engine);
    bool good = numbers != NULL && resources != NULL;
    for (uint32_t at = 0; good && at < length; at++) {
        uint32_t count = fr_trace_event(engine, at).access_count;
        for (uint32_t n = 0; good && n < count; n++) {
            uint64_t key = fr_trace_access(engine, at, n).key;
            PyObject *number = number_of(numbers, key);
            PyObject *label = number != NULL ? resource_label(key) : NULL;
            good = number != NULL && PyErr_Occurred() == NULL &&
                   (label == NULL || PyDict_SetItem(resources, number, label) == 0);
            Py_XDECREF(label);
        }
    }
    if (!good)
        Py_CLEAR(resources);
    Py_XDECREF(numbers);
    return resources;
}

static PyObject *make_wait(const struct fr_explorer *engine, fr_tid thread,
                           const struct place *place, PyObject *unknown) {
    struct words words = words_of(place, unknown);
    // Who emptied a queue is not who keeps the others from getting something.
    bool is_lock = strcmp(words.action, "get") != 0;
    bool goes_round = fr_run_goes_round(engine, thread);
    // In Condition.wait it waits for a lock that it took itself, to be woken up.
    is_lock &= !goes_round || fr_run_waits_for(engine, thread) != thread;
    uint32_t waits_for = is_lock ? fr_run_waits_for(engine, thread) : FR_TID_NONE;
    uint32_t taken_at = is_lock ? fr_run_taken_at(engine, thread) : FR_TID_NONE;
    PyObject *object = told(engine, thread, place_log_count(thread), VALUE_OBJECT);
    return make(wait_class, Py_BuildValue("(INsOOOiNOO)", thread, number_or_none(waits_for),
                                          goes_round ? "spin" : words.action, words.function,
                                          words.text, words.file, words.line,
                                          number_or_none(taken_at), words.name, object));
}

PyObject *trace_view_waits(const struct fr_explorer *engine, const struct runner_outcome *outcome) {
    PyObject *unknown = PyUnicode_FromString("?");
    PyObject *waits = PyList_New(0);
    bool good = unknown != NULL && waits != NULL;
    for (fr_tid t = 0; good && t < outcome->thread_count; t++) {
        if (fr_run_is_blocked(engine, t) || outcome->asleep[t])
            good = append(waits, make_wait(engine, t, outcome->pending[t], unknown)) == 0;
    }
    // By thread: their order here is that of earlier executions.
    if (!good || PyList_Sort(waits) < 0)
        Py_CLEAR(waits);
    Py_XDECREF(unknown);
    return waits;
}

PyObject *trace_view_failure(const struct fr_explorer *engine, enum fr_verdict verdict,
                             const struct runner_outcome *outcome) {
    if (!fr_verdict_is_failure(verdict))
        Py_RETURN_NONE;
    PyObject *exception = outcome->exception != NULL ? outcome->exception : Py_None;
    uint32_t thread = outcome->thread >= 0 ? (uint32_t)outcome->thread : FR_TID_NONE;
    return make(failure_class,
                Py_BuildValue("(sNOK)", fr_verdict_word(verdict), thread_or_none(engine, thread),
                              exception, (unsigned long long)outcome->site));
}

PyObject *trace_view_order(const struct fr_explorer *engine, const fr_tid *order, uint32_t length) {
    PyObject *blocks = PyList_New(0);
    for (uint32_t start = 0; blocks != NULL && start < length;) {
        uint32_t end = start + 1;
        while (end < length && order[end] == order[start])
            end++;
        if (append(blocks,
                   Py_BuildValue("(II)", fr_run_number(engine, order[start]), end - start)) < 0)
            Py_CLEAR(blocks);
        start = end;
    }
    return blocks;
}

PyObject *trace_view_blocks(const struct fr_explorer *engine) {
    uint32_t length = fr_trace_length(engine);
    fr_tid *order = PyMem_Calloc((size_t)length + 1, sizeof *order);
    if (order == NULL)
        return PyErr_NoMemory();
    for (uint32_t at = 0; at < length; at++)
        order[at] = fr_trace_event(engine, at).thread;
    PyObject *blocks = trace_view_order(engine, order, length);
    PyMem_Free(order);
    return blocks;
}
