// An allocator that fails at a chosen call, and counts what is not freed.
// SPDX-License-Identifier: Apache-2.0
#include "alloc_fault.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

// Before each block; as large as the strictest alignment, so that the block keeps it.
union header {
    size_t size;
    max_align_t align;
};

static void *fail(struct alloc_fault *fault) {
    fault->failed++;
    return NULL;
}

static void release(struct alloc_fault *fault, union header *header) {
    if (header == NULL)
        return;
    fault->blocks--;
    fault->bytes -= header->size;
    free(header);
}

// Always moves, and fills what is new: nobody may rely on an address, or on zeros.
static void *resize(void *context, void *block, size_t size) {
    struct alloc_fault *fault = context;
    union header *old = block != NULL ? (union header *)block - 1 : NULL;
    if (size == 0) {
        release(fault, old);
        return NULL;
    }
    fault->requests++;
    bool is_hit = fault->fail_at != 0 && fault->requests == fault->fail_at;
    bool is_after = fault->fail_at != 0 && fault->fails_on && fault->requests > fault->fail_at;
    if (is_hit || is_after || size > SIZE_MAX - sizeof *old)
        return fail(fault);
    union header *header = malloc(sizeof *header + size);
    if (header == NULL)
        return fail(fault);
    header->size = size;
    memset(header + 1, 0xA5, size);
    if (old != NULL)
        memcpy(header + 1, block, old->size < size ? old->size : size);
    release(fault, old);
    fault->blocks++;
    fault->bytes += size;
    return header + 1;
}

struct fr_allocator alloc_fault_allocator(struct alloc_fault *fault) {
    return (struct fr_allocator){.resize = resize, .context = fault};
}
