// Death: tells location.c when memory is no longer that of the object that was there.
// SPDX-License-Identifier: Apache-2.0
#include "cpython.h"

#include "death.h"

#include <stdbool.h>

#include "location.h"

// ------------------------------------------------------------------------------ the allocator

static PyMemAllocatorEx allocator;  // of objects, what was there before us
static bool is_installed;

static void free_block(void *context, void *block) {
    location_forget(block);
    allocator.free(context, block);
}

// An object that moves is not touched while it does; what it leaves is free.
static void *move_block(void *context, void *block, size_t size) {
    void *moved = allocator.realloc(context, block, size);
    if (moved != NULL && moved != block)
        location_forget(block);
    return moved;
}

// ------------------------------------------------------------------------------ free lists

// Types that keep the memory of their dead, and whose objects are shared. The wrapper of a type
// that may nest without limit takes part in the trashcan: the type's own dealloc does so only if it
// is in the slot. (Since 3.14 the trashcan is around all of them.)
#if PY_VERSION_HEX >= 0x030e0000
#define TRASHCAN_BEGIN(object, dealloc)
#define TRASHCAN_END
#else
#define TRASHCAN_BEGIN(object, dealloc)                                                            \
    PyObject_GC_UnTrack(object);                                                                   \
    Py_TRASHCAN_BEGIN(object, dealloc)
#define TRASHCAN_END Py_TRASHCAN_END
#endif

static destructor list_dealloc, dict_dealloc, tuple_dealloc, context_dealloc;

// An object of a subclass gives its memory back.
static void let_go(PyObject *object, PyTypeObject *type) {
    if (Py_IS_TYPE(object, type))
        location_forget(cpython_block(object));
}

static void end_list(PyObject *object) {
    TRASHCAN_BEGIN(object, end_list)
    let_go(object, &PyList_Type);
    list_dealloc(object);
    TRASHCAN_END
}

static void end_dict(PyObject *object) {
    TRASHCAN_BEGIN(object, end_dict)
    let_go(object, &PyDict_Type);
    dict_dealloc(object);
    TRASHCAN_END
}

static void end_tuple(PyObject *object) {
    TRASHCAN_BEGIN(object, end_tuple)
    let_go(object, &PyTuple_Type);
    tuple_dealloc(object);
    TRASHCAN_END
}

static void end_context(PyObject *object) {
    let_go(object, &PyContext_Type);
    context_dealloc(object);
}

#if PY_VERSION_HEX >= 0x030e0000
static destructor list_iterator_dealloc, tuple_iterator_dealloc, range_iterator_dealloc;

static void end_list_iterator(PyObject *object) {
    let_go(object, &PyListIter_Type);
    list_iterator_dealloc(object);
}

static void end_tuple_iterator(PyObject *object) {
    let_go(object, &PyTupleIter_Type);
    tuple_iterator_dealloc(object);
}

static void end_range_iterator(PyObject *object) {
    let_go(object, &PyRangeIter_Type);
    range_iterator_dealloc(object);
}
#endif

static const struct {
    PyTypeObject *type;
    destructor wrapper;
    destructor *dealloc;
} recycled[] = {
    {&PyList_Type, end_list, &list_dealloc},
    {&PyDict_Type, end_dict, &dict_dealloc},
    {&PyTuple_Type, end_tuple, &tuple_dealloc},
    {&PyContext_Type, end_context, &context_dealloc},
#if PY_VERSION_HEX >= 0x030e0000
    {&PyListIter_Type, end_list_iterator, &list_iterator_dealloc},
    {&PyTupleIter_Type, end_tuple_iterator, &tuple_iterator_dealloc},
    {&PyRangeIter_Type, end_range_iterator, &range_iterator_dealloc},
#endif
};

// ------------------------------------------------------------------------------ sessions

void death_enable(void) {
    PyMemAllocatorEx now;
    PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &now);
    if (!is_installed) {
        allocator = now;
        now.free = free_block;
        now.realloc = move_block;
        PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &now);
        is_installed = true;
    }
    for (size_t i = 0; i < sizeof recycled / sizeof *recycled; i++)
        if (recycled[i].type->tp_dealloc != recycled[i].wrapper) {
            *recycled[i].dealloc = recycled[i].type->tp_dealloc;
            recycled[i].type->tp_dealloc = recycled[i].wrapper;
        }
}

void death_disable(void) {
    for (size_t i = 0; i < sizeof recycled / sizeof *recycled; i++)
        if (recycled[i].type->tp_dealloc == recycled[i].wrapper)
            recycled[i].type->tp_dealloc = *recycled[i].dealloc;
    PyMemAllocatorEx now;
    PyMem_GetAllocator(PYMEM_DOMAIN_OBJ, &now);
    // Somebody who came after us (tracemalloc) calls us; then we must stay.
    if (is_installed && now.free == free_block && now.ctx == allocator.ctx) {
        PyMem_SetAllocator(PYMEM_DOMAIN_OBJ, &allocator);
        is_installed = false;
    }
}
