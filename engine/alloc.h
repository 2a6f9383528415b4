// Memory: the host's allocator, counted, and arrays that only grow.
// SPDX-License-Identifier: Apache-2.0
#ifndef ENGINE_ALLOC_H
#define ENGINE_ALLOC_H

#include "base.h"

struct alloc {
    struct fr_allocator host;
    uint64_t calls;
};

// libc's realloc as an allocator.
struct fr_allocator alloc_libc(void);

// Makes the array that the pointer at `array` points to (elements of `size` bytes, *capacity of
// them) hold at least `need`. On failure nothing has changed. Growth is geometric, so that it ends
// once the host's runs are warm. The pointer may be of any object type: it is copied as bytes.
FR_MUST_CHECK enum fr_status alloc_grow(struct alloc *alloc, void *array, uint32_t *capacity,
                                        size_t need, size_t size);
void alloc_free(struct alloc *alloc, void *block);

// alloc_grow on a typed array.
#define ALLOC_GROW(alloc, array, capacity, need)                                                   \
    alloc_grow((alloc), &(array), &(capacity), (need), sizeof *(array))

#endif
