// Places: what is done on a line of source, interned for the life of the process.
// SPDX-License-Identifier: Apache-2.0
#include "place.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

// Open addressing; capacity is a power of two, at most half full. Guarded by the GIL.
static struct {
    struct place **slots;
    size_t capacity;
    size_t count;
} table;

static PyObject *source_line;  // linecache.getline

// Feeds a string and a NUL (end: no NUL). -1 with an exception.
static int hash_string(XXH3_state_t *state, PyObject *string, bool end) {
    PyObject *bytes = PyUnicode_AsEncodedString(string, "utf-8", "surrogatepass");
    if (bytes == NULL)
        return -1;
    XXH3_64bits_update(state, PyBytes_AS_STRING(bytes), (size_t)PyBytes_GET_SIZE(bytes));
    if (!end)
        XXH3_64bits_update(state, "", 1);
    Py_DECREF(bytes);
    return 0;
}

static int hash_place(const struct place *place, uint64_t *site) {
    XXH3_state_t state;
    XXH3_64bits_reset(&state);
    if (hash_string(&state, place->function, false) < 0 ||
        hash_string(&state, place->text, false) < 0)
        return -1;
    XXH3_64bits_update(&state, place->action, strlen(place->action) + 1);
    if (hash_string(&state, place->name, true) < 0)
        return -1;
    *site = XXH3_64bits_digest(&state);
    return 0;
}

// The stripped source line, or NULL without an exception if the source cannot be had.
static PyObject *read_source(PyObject *filename, int line) {
    if (source_line == NULL) {
        PyObject *module = PyImport_ImportModule("linecache");
        if (module == NULL)
            return NULL;
        source_line = PyObject_GetAttrString(module, "getline");
        Py_DECREF(module);
        if (source_line == NULL)
            return NULL;
    }
    PyObject *raw = PyObject_CallFunction(source_line, "Oi", filename, line);
    if (raw == NULL) {
        // An unreadable or undecodable file is no reason to stop; the line number will do.
        if (PyErr_ExceptionMatches(PyExc_Exception) && !PyErr_ExceptionMatches(PyExc_MemoryError))
            PyErr_Clear();
        return NULL;
    }
    PyObject *text = PyObject_CallMethod(raw, "strip", NULL);
    Py_DECREF(raw);
    if (text != NULL && PyUnicode_GET_LENGTH(text) == 0)
        Py_CLEAR(text);
    return text;
}

// By site alone: the same text on two lines of a function is two places with one site.
static size_t home_of(uint64_t site) {
    return (size_t)(site >> 32);
}

static int grow(void) {
    size_t capacity = table.capacity != 0 ? table.capacity * 2 : 256;
    struct place **slots = calloc(capacity, sizeof *slots);
    if (slots == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (size_t i = 0; i < table.capacity; i++) {
        struct place *place = table.slots[i];
        if (place == NULL)
            continue;
        size_t at = home_of(place->site) & (capacity - 1);
        while (slots[at] != NULL)
            at = (at + 1) & (capacity - 1);
        slots[at] = place;
    }
    free(table.slots);
    table.slots = slots;
    table.capacity = capacity;
    return 0;
}

static void release_place(struct place *place) {
    Py_XDECREF(place->filename);
    Py_XDECREF(place->function);
    Py_XDECREF(place->text);
    Py_XDECREF(place->name);
    free(place);
}

// Keeps the place, or the one that is there already. Takes ownership.
static const struct place *insert(struct place *place) {
    if (2 * table.count >= table.capacity && grow() < 0) {
        release_place(place);
        return NULL;
    }
    size_t at = home_of(place->site) & (table.capacity - 1);
    for (; table.slots[at] != NULL; at = (at + 1) & (table.capacity - 1)) {
        struct place *other = table.slots[at];
        if (other->site == place->site && other->line == place->line &&
            PyUnicode_Compare(other->filename, place->filename) == 0) {
            release_place(place);
            return other;
        }
    }
    table.slots[at] = place;
    table.count++;
    return place;
}

const struct place *place_intern(PyCodeObject *code, int line, const char *action, PyObject *name) {
    return place_intern_in(code, code->co_name, line, action, name);
}

// Takes ownership of the text, which is NULL with an exception if there is none.
static const struct place *intern(PyCodeObject *code, PyObject *function, int line, PyObject *text,
                                  const char *action, PyObject *name) {
    PyObject *word = name != NULL ? Py_NewRef(name) : PyUnicode_FromString("");
    struct place *place = malloc(sizeof *place);
    if (text == NULL || word == NULL || place == NULL) {
        if (!PyErr_Occurred())
            PyErr_NoMemory();
        Py_XDECREF(text);
        Py_XDECREF(word);
        free(place);
        return NULL;
    }
    *place = (struct place){.filename = Py_NewRef(code->co_filename),
                            .function = Py_NewRef(function),
                            .text = text,
                            .name = word,
                            .action = action,
                            .line = line};
    if (hash_place(place, &place->site) < 0) {
        release_place(place);
        return NULL;
    }
    return insert(place);
}

const struct place *place_intern_in(PyCodeObject *code, PyObject *function, int line,
                                    const char *action, PyObject *name) {
    assert(action != NULL);
    // Instructions that the compiler added have no line of their own.
    if (line <= 0)
        line = code->co_firstlineno;
    PyObject *text = read_source(code->co_filename, line);
    if (text == NULL && !PyErr_Occurred())
        text = PyUnicode_FromFormat("+%d", line - code->co_firstlineno);
    return intern(code, function, line, text, action, name);
}

const struct place *place_intern_hidden(PyCodeObject *code, const char *action, PyObject *name) {
    return intern(code, code->co_name, code->co_firstlineno, PyUnicode_FromString(""), action,
                  name);
}

const struct place *place_with_action(const struct place *place, const char *action) {
    struct place *other = malloc(sizeof *other);
    if (other == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    *other = *place;
    other->action = action;
    Py_INCREF(other->filename);
    Py_INCREF(other->function);
    Py_INCREF(other->text);
    Py_INCREF(other->name);
    if (hash_place(other, &other->site) < 0) {
        release_place(other);
        return NULL;
    }
    return insert(other);
}

int place_site(PyObject *function, PyObject *text, const char *action, PyObject *name,
               uint64_t *site) {
    const struct place place = {.function = function, .text = text, .name = name, .action = action};
    return hash_place(&place, site);
}

const struct place *place_find(uint64_t site) {
    if (table.capacity == 0)
        return NULL;
    size_t at = home_of(site) & (table.capacity - 1);
    while (table.slots[at] != NULL && table.slots[at]->site != site)
        at = (at + 1) & (table.capacity - 1);
    return table.slots[at];
}
