// Value log: a dict from (thread, index of the operation, part) to words.
// SPDX-License-Identifier: Apache-2.0
//
// What a call of C code changes is seen by looking at the container again when the call is over,
// and before another thread can run.
//
// What cannot be found out, or not be kept, is not told: none of this may change what happens.
#include "cpython.h"

#include "value_log.h"

#include "caller.h"
#include "carrier.h"
#include "errors.h"
#include "library.h"
#include "place_log.h"
#include "point.h"

bool value_log_wanted;

static struct {
    const struct fr_explorer *explorer;  // only compared
    PyObject *words;                     // dict, or NULL
    PyObject *name_of;                   // frontrun._naming.name_of, or NULL
} room;

// The container that a thread's last call may change.
static struct pending {
    PyObject *object;   // NULL: none
    const void *frame;  // that calls
    uint32_t index;     // of the operation
} pendings[FR_THREADS_MAX];

int value_log_open(const struct fr_explorer *explorer) {
    // Now: nothing is imported while an execution runs.
    PyObject *module = PyImport_ImportModule("frontrun._naming");
    PyObject *name_of = module != NULL ? PyObject_GetAttrString(module, "name_of") : NULL;
    PyObject *words = name_of != NULL ? PyDict_New() : NULL;
    Py_XDECREF(module);
    if (words == NULL) {
        Py_XDECREF(name_of);
        return -1;
    }
    Py_XSETREF(room.name_of, name_of);
    Py_XSETREF(room.words, words);
    room.explorer = explorer;
    value_log_wanted = true;
    return 0;
}

void value_log_close(void) {
    value_log_wanted = false;
    for (uint32_t t = 0; t < FR_THREADS_MAX; t++)
        Py_CLEAR(pendings[t].object);
}

void value_log_begin(const struct fr_explorer *explorer) {
    if (room.explorer == explorer && room.words != NULL)
        PyDict_Clear(room.words);
    for (uint32_t t = 0; value_log_wanted && t < FR_THREADS_MAX; t++)
        Py_CLEAR(pendings[t].object);
}

static PyObject *make_key(fr_tid thread, uint32_t index, enum value_part part) {
    return Py_BuildValue("(IIi)", thread, index, (int)part);
}

// Takes ownership of the words; NULL: nothing is known.
static void keep(fr_tid thread, uint32_t index, enum value_part part, PyObject *words) {
    PyObject *key = words != NULL ? make_key(thread, index, part) : NULL;
    if (key == NULL || PyDict_SetItem(room.words, key, words) < 0)
        PyErr_Clear();
    Py_XDECREF(key);
    Py_XDECREF(words);
}

void value_log_note(const struct site *site, const struct operands *operands) {
    int self = carrier_current();
    if (self < 0 || site->library != LIBRARY_NONE)  // the library's own variables tell nobody much
        return;
    uint32_t index = place_log_count((fr_tid)self);
    point_close();
    keep((fr_tid)self, index, VALUE_FOUND, value_found(site, operands));
    keep((fr_tid)self, index, VALUE_STORED, value_stored(site, operands));
    PyObject *changed = value_changed(site, operands);
    Py_XSETREF(pendings[self].object, Py_XNewRef(changed));
    pendings[self].frame = operands->frame;
    pendings[self].index = index;
    point_reopen();
}

// Is the call over? Its frame runs again, or is gone.
static bool is_over(const struct pending *pending) {
    cpython_frame *frame = cpython_frame_skip(cpython_current_frame(PyThreadState_Get()));
    if (frame == pending->frame)
        return true;
    while (frame != NULL && frame != pending->frame)
        frame = cpython_frame_back(frame);
    return frame == NULL;
}

void value_log_settle(bool is_leaving) {
    int self = carrier_current();
    struct pending *pending = self >= 0 ? &pendings[self] : NULL;
    if (pending == NULL || pending->object == NULL)
        return;
    bool over = is_over(pending);
    if (!over && !is_leaving)
        return;
    PyObject *error = errors_take();
    point_close();
    PyObject *words = over ? value_words(pending->object) : NULL;
    PyObject *before = value_log_find(room.explorer, (fr_tid)self, pending->index, VALUE_FOUND);
    if (words != NULL && before != NULL && PyUnicode_Compare(words, before) == 0)
        Py_CLEAR(words);
    keep((fr_tid)self, pending->index, VALUE_STORED, words);
    Py_CLEAR(pending->object);
    point_reopen();
    if (error != NULL)
        errors_restore(error);
}

void value_log_name(PyObject *object, const struct place *place) {
    int self = carrier_current();
    if (self < 0)
        return;
    PyObject *error = errors_take();
    point_close();
    PyObject *globals = NULL;
    PyObject *variables = caller_variables(&globals);
    PyObject *name = variables != NULL
                         ? PyObject_CallFunctionObjArgs(room.name_of, object, variables, globals,
                                                        place->text, NULL)
                         : NULL;
    Py_XDECREF(variables);
    Py_XDECREF(globals);
    if (name == NULL)
        PyErr_Clear();
    else if (PyUnicode_GET_LENGTH(name) == 0)
        Py_CLEAR(name);
    keep((fr_tid)self, place_log_count((fr_tid)self) + 1, VALUE_OBJECT, name);
    point_reopen();
    if (error != NULL)
        errors_restore(error);
}

PyObject *value_log_find(const struct fr_explorer *explorer, fr_tid thread, uint32_t index,
                         enum value_part part) {
    if (room.explorer != explorer || room.words == NULL)
        return NULL;
    PyObject *key = make_key(thread, index, part);
    PyObject *words = key != NULL ? PyDict_GetItemWithError(room.words, key) : NULL;
    Py_XDECREF(key);
    PyErr_Clear();
    return words;
}
