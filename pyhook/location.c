// Locations: the keys of shared memory, and the identities that keep them apart.
// SPDX-License-Identifier: Apache-2.0
#include "cpython.h"

#include "location.h"

#include <assert.h>
#include <stdlib.h>

#include "observe.h"

// Objects that were touched, by the memory they are in: open addressing over blocks, order lists
// the used slots. Memory is kept from one execution to the next, so that a warm one allocates
// nothing.
struct table {
    const void **blocks;
    uint32_t *identities;  // 0: who was there is dead
    uint32_t *lives;       // of a weak reference: the identity of its object; or 0
    uint32_t *order;
    uint32_t capacity;  // power of two or 0
    uint32_t count;
    uint32_t last;  // identity given
    bool is_full;   // no memory: whoever comes from now on is one and the same
};

enum { IDENTITY_NONE = 0, IDENTITY_REST = 1 };
static struct table table = {.last = IDENTITY_REST};

enum tag {
    TAG_OBJECT = 1,
    TAG_CLASS,
    TAG_ELEMENT,
    TAG_CELL,
    TAG_ORDER,
    TAG_OUTSIDE,
    TAG_STATE,
    TAG_LIFE
};

static uint64_t finish(uint64_t h) {
    h ^= h >> 33;
    h *= 0xff51afd7ed558ccdull;
    h ^= h >> 33;
    h *= 0xc4ceb9fe1a85ec53ull;
    return h ^ (h >> 33);
}

static uint64_t mix(uint32_t identity, enum tag tag, uint64_t detail) {
    // Numbers are spread over all bits, and so are the distances of details: keys of two objects
    // meet no more often than any two numbers do.
    uint64_t base = finish((uint64_t)identity * 16 + (uint64_t)tag);
    return base + detail * 0x9E3779B97F4A7C15ull;
}

static uint32_t find_slot(const struct table *in, const void *block) {
    uint64_t hash = ((uint64_t)(uintptr_t)block >> 4) * 0x9E3779B97F4A7C15ull;
    uint32_t at = (uint32_t)(hash >> 32) & (in->capacity - 1);
    while (in->blocks[at] != NULL && in->blocks[at] != block)
        at = (at + 1) & (in->capacity - 1);
    return at;
}

static void free_memory(struct table *of) {
    free(of->blocks);
    free(of->identities);
    free(of->lives);
    free(of->order);
}

static bool grow(void) {
    struct table bigger = table;
    bigger.capacity = table.capacity != 0 ? table.capacity * 2 : 64;
    bigger.blocks = calloc(bigger.capacity, sizeof *bigger.blocks);
    bigger.identities = malloc(bigger.capacity * sizeof *bigger.identities);
    bigger.lives = malloc(bigger.capacity * sizeof *bigger.lives);
    bigger.order = malloc(bigger.capacity * sizeof *bigger.order);
    if (bigger.blocks == NULL || bigger.identities == NULL || bigger.lives == NULL ||
        bigger.order == NULL) {
        free_memory(&bigger);
        return false;
    }
    for (uint32_t i = 0; i < table.count; i++) {
        uint32_t from = table.order[i];
        uint32_t at = find_slot(&bigger, table.blocks[from]);
        bigger.blocks[at] = table.blocks[from];
        bigger.identities[at] = table.identities[from];
        bigger.lives[at] = table.lives[from];
        bigger.order[i] = at;
    }
    free_memory(&table);
    table = bigger;
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

// The slot of an object; one more than the last if there is no room.
static uint32_t slot_of(PyObject *object) {
    const void *block = cpython_block(object);
    if (2 * (uint64_t)table.count >= table.capacity && !table.is_full)
        table.is_full = !grow();
    if (table.capacity == 0)
        return 0;
    uint32_t at = find_slot(&table, block);
    if (table.blocks[at] == block)
        return at;
    if (table.is_full)
        return table.capacity;
    table.blocks[at] = block;
    table.identities[at] = IDENTITY_NONE;
    table.order[table.count++] = at;
    return at;
}

uint32_t location_identity(PyObject *object) {
    uint32_t at = slot_of(object);
    if (at == table.capacity)
        return IDENTITY_REST;
    if (table.identities[at] != IDENTITY_NONE)
        return table.identities[at];
    PyObject *dict = find_dict(object);
    uint32_t identity = dict != NULL ? location_identity(dict) : ++table.last;
    if (dict != NULL)
        at = slot_of(object);  // it may have moved
    table.identities[at] = identity;
    table.lives[at] = IDENTITY_NONE;
    return identity;
}

void location_unite(PyObject *object, PyObject *dict) {
    uint32_t identity = location_identity(object);
    uint32_t at = slot_of(dict);
    if (at == table.capacity)
        return;
    table.identities[at] = identity;
    table.lives[at] = IDENTITY_NONE;
}

void location_forget(const void *block) {
    if (table.count == 0)
        return;
    uint32_t at = find_slot(&table, block);
    if (table.blocks[at] == block)
        table.identities[at] = IDENTITY_NONE;
}

void location_reset(void) {
    for (uint32_t i = 0; i < table.count; i++)
        table.blocks[table.order[i]] = NULL;
    table.count = 0;
    table.last = IDENTITY_REST;
    table.is_full = false;
}

uint64_t location_of_object(PyObject *object) {
    return mix(location_identity(object), TAG_OBJECT, 0);
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
    return mix(IDENTITY_NONE, TAG_CLASS, hash_plain(name));
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
    return mix(location_identity(container), TAG_ELEMENT, hash_plain(key));
}

void location_of_part(PyObject *object, PyObject *key, uint64_t *part, uint64_t *whole) {
    uint32_t base = location_identity(object);
    *part = mix(base, TAG_ELEMENT, hash_plain(key));
    *whole = mix(base, TAG_OBJECT, 0);
}

uint64_t location_of_order(PyObject *dict) {
    return mix(location_identity(dict), TAG_ORDER, 0);
}

uint64_t location_of_cell(PyObject *cell) {
    return mix(location_identity(cell), TAG_CELL, 0);
}

// Whose life a weak reference tells of, also when that is over.
static uint32_t identity_behind(PyObject *reference) {
    uint32_t identity = location_identity(reference);
    uint32_t at = slot_of(reference);
    if (at == table.capacity)
        return IDENTITY_REST;
    PyObject *object = ((PyWeakReference *)reference)->wr_object;
    if (object != Py_None && Py_REFCNT(object) > 0) {
        uint32_t life = location_identity(object);
        at = slot_of(reference);  // it may have moved, and the arrays with it
        if (at != table.capacity)
            table.lives[at] = life;
        return life;
    }
    return table.lives[at] != IDENTITY_NONE ? table.lives[at] : identity;
}

uint64_t location_of_life(PyObject *object) {
    bool is_reference = PyWeakref_Check(object);
    return mix(is_reference ? identity_behind(object) : location_identity(object), TAG_LIFE, 0);
}

uint64_t location_of_outside(uint64_t identity) {
    return mix(IDENTITY_NONE, TAG_OUTSIDE, identity);
}

uint64_t location_of_state(enum location_state which) {
    return mix(IDENTITY_NONE, TAG_STATE, (uint64_t)which);
}
