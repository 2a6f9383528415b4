// Memory: the host's allocator, counted, and arrays that only grow.
// SPDX-License-Identifier: Apache-2.0
#include "alloc.h"

#include <stdlib.h>

static void *resize_libc(void *context, void *block, size_t size) {
    (void)context;
    if (size == 0) {
        free(block);
        return NULL;
    }
    return realloc(block, size);
}

struct fr_allocator alloc_libc(void) {
    return (struct fr_allocator){.resize = resize_libc, .context = NULL};
}

enum fr_status alloc_grow(struct alloc *alloc, void *array, uint32_t *capacity, size_t need,
                          size_t size) {
    if (need <= *capacity)
        return FR_OK;
    size_t wanted = *capacity < 16 ? 16 : (size_t)*capacity * 2;
    if (wanted < need)
        wanted = need;
    if (wanted >= NONE || wanted > SIZE_MAX / size)
        return FR_NOMEM;
    alloc->calls++;
    void *block;
    memcpy(&block, array, sizeof block);
    void *grown = alloc->host.resize(alloc->host.context, block, wanted * size);
    if (grown == NULL)
        return FR_NOMEM;
    memcpy(array, &grown, sizeof grown);
    *capacity = (uint32_t)wanted;
    return FR_OK;
}

enum fr_status rows_widen(struct rows *rows, struct alloc *alloc, size_t count, uint32_t threads) {
    uint32_t width = rows->width;
    while (width < threads)
        width *= 2;
    if (width == rows->width)
        return FR_OK;
    enum fr_status status = ALLOC_GROW(alloc, rows->items, rows->capacity, count * width);
    if (status != FR_OK)
        return status;
    // From the last to the first: each moves up.
    for (size_t at = count; at-- > 0;) {
        uint32_t *row = rows->items + at * width;
        memmove(row, rows->items + at * rows->width, rows->width * sizeof *row);
        memset(row + rows->width, 0, (width - rows->width) * sizeof *row);
    }
    rows->width = width;
    return FR_OK;
}

void alloc_free(struct alloc *alloc, void *block) {
    if (block != NULL)
        alloc->host.resize(alloc->host.context, block, 0);
}
