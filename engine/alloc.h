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

// The same, at the cost of a comparison where there is room.
FR_MUST_CHECK static inline enum fr_status
alloc_room(struct alloc *alloc, void *array, uint32_t *capacity, size_t need, size_t size) {
    if (__builtin_expect(need <= *capacity, true))
        return FR_OK;
    return alloc_grow(alloc, array, capacity, need, size);
}

// alloc_room on a typed array.
#define ALLOC_GROW(alloc, array, capacity, need)                                                   \
    alloc_room((alloc), &(array), &(capacity), (need), sizeof *(array))

// A table with a number for each thread in each row. Rows are as wide as there are threads, not as
// there may be: most programs have two.
struct rows {
    uint32_t *items;
    uint32_t capacity;
    uint32_t width;  // a power of two times ROWS_WIDTH
};
enum { ROWS_WIDTH = 4 };

// Room for `count` rows; what is in them is not set.
FR_MUST_CHECK static inline enum fr_status rows_reserve(struct rows *rows, struct alloc *alloc,
                                                        size_t count) {
    return ALLOC_GROW(alloc, rows->items, rows->capacity, count * rows->width);
}
// Makes the first `count` rows, and those to come, wide enough for so many threads; new numbers
// are 0. On failure nothing has changed.
FR_MUST_CHECK enum fr_status rows_widen(struct rows *rows, struct alloc *alloc, size_t count,
                                        uint32_t threads);

#endif
