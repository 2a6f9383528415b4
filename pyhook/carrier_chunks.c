// Chunks: a cache of data-stack blocks, which makes a fresh thread state cheap on CPython 3.11+.
// SPDX-License-Identifier: Apache-2.0
//
// From 3.11 on every thread state maps one 16 KiB block for its frames when it first calls a Python
// function, and unmaps it at its end: about 15 microseconds each time, six times the cost of a
// whole short execution. The block comes from the arena allocator, which is ours to replace.
#include "carrier_ops.h"

#define CHUNK_SIZE ((size_t)16 << 10)
#define CHUNKS_KEPT 128

static struct {
    PyObjectArenaAllocator below;
    atomic_flag taken;
    int count;
    void *free[CHUNKS_KEPT];
} chunks = {.taken = ATOMIC_FLAG_INIT};

// Not every caller holds the GIL (a thread state may be deleted without it); whoever comes while
// the list is in use goes to the allocator below.
static bool enter(void) {
    return !atomic_flag_test_and_set_explicit(&chunks.taken, memory_order_acquire);
}

static void leave(void) {
    atomic_flag_clear_explicit(&chunks.taken, memory_order_release);
}

static void *take(void *Py_UNUSED(context), size_t size) {
    void *block = NULL;
    if (size == CHUNK_SIZE && enter()) {
        if (chunks.count > 0)
            block = chunks.free[--chunks.count];
        leave();
    }
    return block ? block : chunks.below.alloc(chunks.below.ctx, size);
}

static void give(void *Py_UNUSED(context), void *block, size_t size) {
    bool kept = false;
    if (size == CHUNK_SIZE && enter()) {
        kept = chunks.count < CHUNKS_KEPT;
        if (kept)
            chunks.free[chunks.count++] = block;
        leave();
    }
    if (!kept)
        chunks.below.free(chunks.below.ctx, block, size);
}

void carrier_chunks_install(void) {
#if PY_VERSION_HEX >= 0x030B0000
    PyObjectArenaAllocator now;
    PyObject_GetArenaAllocator(&now);
    if (now.alloc == take)
        return;
    chunks.below = now;
    PyObjectArenaAllocator ours = {.alloc = take, .free = give};
    PyObject_SetArenaAllocator(&ours);
#else
    (void)take;
    (void)give;
#endif
}
