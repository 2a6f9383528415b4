// Locations: the 64-bit keys that name shared memory within one execution.
//
// A key is mixed from the identity of an object and a detail. An identity is a number, given when
// the object is touched first, and belongs to the memory that the object is in until
// location_forget says that another object may be there from now on (death.c) or the execution
// ends. No reference is kept: objects live as long as they would without us. Keys of different
// locations may coincide: that costs executions, it hides nothing. One object must never have two
// identities. Guarded by the GIL. None of these functions runs Python code.
#ifndef PYHOOK_LOCATION_H
#define PYHOOK_LOCATION_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

// An instance and its __dict__ are one object here: the attribute and the element of that name
// meet, and so do the whole instance and the whole dict. A class is one with its namespace.

// The attribute of one object. name: an exact str.
uint64_t location_of_attribute(PyObject *object, PyObject *name);
// The attributes of this name in all classes: what every attribute lookup may end at.
uint64_t location_of_class_attribute(PyObject *name);
// Is the key of an element known by its value: an exact str, int, float, bool, bytes, None, or a
// tuple of those? Equal values have equal hashes then, and hashing runs no Python code.
bool location_is_plain(PyObject *key);
// The element of a container. Precondition: location_is_plain(key).
uint64_t location_of_element(PyObject *container, PyObject *key);
// The element of a container (or the attribute of an object) and the object as a whole.
void location_of_part(PyObject *object, PyObject *key, uint64_t *part, uint64_t *whole);
// The order of a dict's keys, apart from what is under them.
uint64_t location_of_order(PyObject *dict);
// The variable in a cell.
uint64_t location_of_cell(PyObject *cell);
// From now on the dict is the __dict__ of this object, which made it just now, or makes it
// available.
void location_unite(PyObject *object, PyObject *dict);
// Whether an object lives; of a weak reference: the object behind it, which it tells of when it was
// asked for before that was dead.
uint64_t location_of_life(PyObject *object);
// Something outside the process, by a hash of what it is (resource.h).
uint64_t location_of_outside(uint64_t identity);
// State that is no object's.
enum location_state {
    LOCATION_SPECIAL,   // what operators and calls run (special.h)
    LOCATION_THREADS,   // which threads there are
    LOCATION_ABSTRACT,  // which classes are registered with abstract ones
    LOCATION_DEEP       // what is in containers (inside_add_rest)
};
uint64_t location_of_state(enum location_state which);
// The number that stands for an object: the same as long as it lives, if it is of this execution.
uint32_t location_identity(PyObject *object);
// The object in this memory (cpython_block) is dead, and nobody can touch it any more.
void location_forget(const void *block);

#endif
