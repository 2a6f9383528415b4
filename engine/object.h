// The table of shared objects of one execution: who touched what last, who holds which lock.
// SPDX-License-Identifier: Apache-2.0
#ifndef ENGINE_OBJECT_H
#define ENGINE_OBJECT_H

#include "alloc.h"

// Holder of a lock that nobody holds, or that something outside the logical threads holds.
#define HOLDER_NOBODY FR_TID_NONE
#define HOLDER_OUTSIDE (FR_TID_NONE - 1)

// Rows of `since`: the last access per mode and thread since the last write, and (SINCE_STRONG) the
// last read or write per thread in the whole execution.
enum { SINCE_READ, SINCE_READ_WEAK, SINCE_WRITE_WEAK, SINCE_STRONG, SINCE_ROWS };

struct object {
    uint64_t key;
    uint32_t generation;         // execution that last used this slot
    uint32_t last_write;         // position, or NONE
    uint32_t last_change;        // position of the last write or weak write, or NONE
    uint32_t acquired_at;        // position of the last acquisition, or NONE
    fr_tid holder;               // of the lock
    bool held_outside_at_first;  // as the host said on first touch
    int64_t value;
    tset accessed[SINCE_ROWS];  // which entries of `since` are valid
};

struct objects {
    struct object *items;
    struct rows since;  // [slot][row][thread]
    struct object_entry *table;
    uint32_t count;
    uint32_t item_capacity;
    uint32_t table_capacity;
    uint32_t table_size;  // power of two, 0 before the first object
    uint32_t generation;
    bool stable_keys;
};

void objects_init(struct objects *objects, bool stable_keys);
void objects_release(struct objects *objects, struct alloc *alloc);
// A new execution: contents are forgotten; slots too, unless keys are stable.
void objects_begin(struct objects *objects);
// Forgets slots as well: a new exploration.
void objects_clear(struct objects *objects);
// Room for accesses of that many threads.
FR_MUST_CHECK enum fr_status objects_widen(struct objects *objects, struct alloc *alloc,
                                           uint32_t threads);
// The slot of the object with this key, NONE if it was not touched in this execution.
uint32_t objects_find(const struct objects *objects, uint64_t key);
// The slot of the object with this key, made if need be; held_outside is its lock's state if new in
// this execution.
FR_MUST_CHECK enum fr_status objects_slot(struct objects *objects, struct alloc *alloc,
                                          uint64_t key, bool held_outside, uint32_t *slot);

static inline uint32_t *objects_since(const struct objects *objects, uint32_t slot, uint32_t row) {
    return objects->since.items + ((size_t)slot * SINCE_ROWS + row) * objects->since.width;
}

#endif
