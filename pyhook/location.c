// Locations: the keys of shared memory, and the pins that keep them apart.
// SPDX-License-Identifier: Apache-2.0
#include "cpython.h"

#include "location.h"

#include <assert.h>
#include <stdlib.h>

#include "observe.h"

// Pinned objects: open addressing over slots, order lists the used slots. bases: whose address
// stands for the object. Memory is kept from one
// execution to the next, so that a warm one allocates nothing.
struct pins {
    PyObject **slots;
    PyObject **bases;
    uint32_t *order;
    uint32_t capacity;  // power of two or 0
    uint32_t count;
};

static struct pins pins;   // of the execution
static struct pins spare;  // being emptied, or empty

enum tag { TAG_OBJECT = 1, TAG_CLASS, TAG_ELEMENT, TAG_CELL, TAG_ORDER, TAG_OUTSIDE, TAG_STATE };

static uint64_t finish(uint64_t h) {
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdull;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53ull;
    return h ^ (h >> 33);
}

static uint64_t mix(const void *address, enum tag tag, uint64_t detail) {
    // Addresses are spread over all bits, and so are the distances of details: keys of two objects
    // meet no more often than any two numbers do.
    uint64_t base = finish((uint64_t)(uintptr_t)address + (uint64_t)tag);
    return base + detail * 0x9E3779B97F4A7C15ull;
}

static uint32_t find_slot(const struct pins *set, const PyObject *object) {
    uint64_t hash = ((uint64_t)(uintptr_t)object >> 4) * 0x9E3779B97F4A7C15ull;
    uint32_t at = (uint32_t)(hash >> 32) & (set->capacity - 1);
    while (set->slots[at] != NULL && set->slots[at] != object)
        at = (at + 1) & (set->capacity - 1);
    return at;
}

static void free_memory(struct pins *set) {
    free(set->slots);
    free(set->bases);
    free(set->order);
}

static bool grow(struct pins *set) {
    struct pins bigger = {.capacity = set->capacity != 0 ? set->capacity * 2 : 64,
                          .count = set->count};
    bigger.slots = calloc(bigger.capacity, sizeof *bigger.slots);
    bigger.bases = malloc(bigger.capacity * sizeof *bigger.bases);
    bigger.order = malloc(bigger.capacity * sizeof *bigger.order);
    if (bigger.slots == NULL || bigger.bases == NULL || bigger.order == NULL) {
        free_memory(&bigger);
        return false;
    }
    for (uint32_t i = 0; i < set->count; i++) {
        PyObject *object = set->slots[set->order[i]];
        uint32_t at = find_slot(&bigger, object);
        bigger.slots[at] = object;
        bigger.bases[at] = set->bases[set->order[i]];
        bigger.order[i] = at;
    }
    free_memory(set);
    *set = bigger;
    return true;
}

// The dict of an object's attributes if there is one by now; does not make it.
static PyObject *find_dict(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    if (PyType_Check(object))
        return ((PyTypeObject *)object)->tp_dict;
    if (type->tp_dictoffset == 0)
        return NULL;
    return cpython_instance_dict(object);
}

// Pins the object; whose address stands for it.
static PyObject *pin(PyObject *object) {
    if (2 * (uint64_t)pins.count >= pins.capacity && !grow(&pins) &&
        (uint64_t)pins.count + 1 >= pins.capacity) {
        // No memory to remember the pin: never letting go of the object keeps the keys right.
        return Py_NewRef(object);
    }
    uint32_t at = find_slot(&pins, object);
    if (pins.slots[at] != NULL)
        return pins.bases[at];
    pins.slots[at] = Py_NewRef(object);
    pins.order[pins.count++] = at;
    PyObject *dict = find_dict(object);
    pins.bases[at] = object;
    if (dict == NULL)
        return object;
    PyObject *base = pin(dict);  // may move what we hold
    pins.bases[find_slot(&pins, object)] = base;
    return base;
}

void location_unite(PyObject *object, PyObject *dict) {
    PyObject *base = pin(object);
    pin(dict);
    pins.bases[find_slot(&pins, dict)] = base;
}

Py_ssize_t location_references(PyObject *object) {
    return pins.capacity != 0 && pins.slots[find_slot(&pins, object)] != NULL ? 1 : 0;
}

void location_reset(void) {
    // Finalizers may run and pin again: they meet an empty set.
    struct pins full = pins;
    pins = spare;
    spare = (struct pins){0};
    for (uint32_t i = 0; i < full.count; i++) {
        PyObject *object = full.slots[full.order[i]];
        full.slots[full.order[i]] = NULL;
        Py_DECREF(object);
    }
    full.count = 0;
    if (pins.count == 0 && pins.capacity <= full.capacity) {
        spare = pins;
        pins = full;
    } else {
        free_memory(&spare);
        spare = full;
    }
}

uint64_t location_of_object(PyObject *object) {
    return mix(pin(object), TAG_OBJECT, 0);
}

// Hash of a key for which location_is_plain holds, or of an exact str: cannot fail.
static uint64_t hash_plain(PyObject *key) {
    // A str remembers its hash.
    if (PyUnicode_CheckExact(key) && ((PyASCIIObject *)key)->hash != -1)
        return (uint64_t)((PyASCIIObject *)key)->hash;
    Py_hash_t hash = PyObject_Hash(key);
    assert(hash != -1);
    return (uint64_t)hash;
}

uint64_t location_of_attribute(PyObject *object, PyObject *name) {
    assert(PyUnicode_CheckExact(name));
    return location_of_element(object, name);
}

uint64_t location_of_class_attribute(PyObject *name) {
    assert(PyUnicode_CheckExact(name));
    return mix(NULL, TAG_CLASS, hash_plain(name));
}

static bool is_plain_within(PyObject *key, int depth) {
    if (PyUnicode_CheckExact(key) || PyLong_CheckExact(key) || PyBool_Check(key) ||
        key == Py_None || PyBytes_CheckExact(key))
        return true;
    // A nan is equal to nothing and hashed by address since 3.10: each is its own element, as here.
    if (PyFloat_CheckExact(key))
        return true;
    if (!PyTuple_CheckExact(key) || depth == 0)
        return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(key); i++)
        if (!is_plain_within(PyTuple_GET_ITEM(key, i), depth - 1))
            return false;
    return true;
}

bool location_is_plain(PyObject *key) {
    return is_plain_within(key, 4);
}

uint64_t location_of_element(PyObject *container, PyObject *key) {
    return mix(pin(container), TAG_ELEMENT, hash_plain(key));
}

void location_of_part(PyObject *object, PyObject *key, uint64_t *part, uint64_t *whole) {
    PyObject *base = pin(object);
    *part = mix(base, TAG_ELEMENT, hash_plain(key));
    *whole = mix(base, TAG_OBJECT, 0);
}

uint64_t location_of_order(PyObject *dict) {
    return mix(pin(dict), TAG_ORDER, 0);
}

uint64_t location_of_cell(PyObject *cell) {
    pin(cell);
    return mix(cell, TAG_CELL, 0);
}

uint64_t location_of_outside(uint64_t identity) {
    return mix(NULL, TAG_OUTSIDE, identity);
}

uint64_t location_of_state(enum location_state which) {
    return mix(NULL, TAG_STATE, (uint64_t)which);
}
