// A step: one operation of one thread with its footprint, and when two steps depend on each other.
// SPDX-License-Identifier: Apache-2.0
#ifndef ENGINE_STEP_H
#define ENGINE_STEP_H

#include "base.h"

// An access to an object by its slot in the object table.
struct touch {
    uint32_t slot;
    uint8_t mode;  // enum fr_mode
};

// Borrowed view of an operation, pending or performed. `touches` are in ascending order of access.
struct step {
    fr_tid thread;
    uint8_t kind;    // enum fr_op_kind
    fr_tid target;   // SPAWN, JOIN
    uint32_t index;  // 1, 2, ... in its thread
    uint32_t touch_count;
    const struct touch *touches;
    uint64_t slots;  // bit slot % 64 for each touch: a filter
    // Hash of the thread's name, index and last event: the operation is a function of it, since a
    // deterministic thread's next operation is a function of its past.
    uint64_t past;
    int64_t value;
    int64_t expect;
};

// Do accesses of these modes to one object conflict?
static inline bool step_modes_conflict(uint8_t a, uint8_t b) {
    // Row: one access, bit: the other. See enum fr_mode.
    static const uint8_t conflicts[FR_MODES] = {
        [FR_READ] = 1 << FR_WRITE | 1 << FR_WRITE_WEAK,
        [FR_WRITE] = 1 << FR_READ | 1 << FR_WRITE | 1 << FR_READ_WEAK | 1 << FR_WRITE_WEAK,
        [FR_READ_WEAK] = 1 << FR_WRITE,
        [FR_WRITE_WEAK] = 1 << FR_READ | 1 << FR_WRITE,
    };
    return (conflicts[a] >> b & 1) != 0;
}

// Direct dependence of two steps, in either order: same thread, spawn or join of the other's
// thread, or conflicting accesses.
bool step_depends(const struct step *a, const struct step *b);

// Is the footprint decided only when the operation happens (CAS, TRY)?
static inline bool step_is_conditional(uint8_t kind) {
    return kind == FR_OP_CAS || kind == FR_OP_TRY;
}

// The bit of a slot in the filter word, and the word for touches.
static inline uint64_t step_slot(uint32_t slot) {
    return (uint64_t)1 << slot % 64;
}
static inline uint64_t step_slots(const struct touch *touches, uint32_t count) {
    uint64_t slots = 0;
    for (uint32_t i = 0; i < count; i++)
        slots |= step_slot(touches[i].slot);
    return slots;
}

#endif
