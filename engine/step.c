// A step: one operation of one thread with its footprint, and when two steps depend on each other.
// SPDX-License-Identifier: Apache-2.0
#include "step.h"

bool step_modes_conflict(uint8_t a, uint8_t b) {
    // Row: one access, bit: the other. See enum fr_mode.
    static const uint8_t conflicts[FR_MODES] = {
        [FR_READ] = 1 << FR_WRITE | 1 << FR_WRITE_WEAK,
        [FR_WRITE] = 1 << FR_READ | 1 << FR_WRITE | 1 << FR_READ_WEAK | 1 << FR_WRITE_WEAK,
        [FR_READ_WEAK] = 1 << FR_WRITE,
        [FR_WRITE_WEAK] = 1 << FR_READ | 1 << FR_WRITE,
    };
    return (conflicts[a] >> b & 1) != 0;
}

static bool order_depends(const struct step *a, const struct step *b) {
    bool a_targets = a->kind == FR_OP_SPAWN || a->kind == FR_OP_JOIN;
    bool b_targets = b->kind == FR_OP_SPAWN || b->kind == FR_OP_JOIN;
    if (a_targets && a->target == b->thread)
        return true;
    if (b_targets && b->target == a->thread)
        return true;
    bool spawns = a->kind == FR_OP_SPAWN || b->kind == FR_OP_SPAWN;
    return a_targets && b_targets && a->target == b->target && spawns;
}

bool step_depends(const struct step *a, const struct step *b) {
    if (a->thread == b->thread || order_depends(a, b))
        return true;
    if ((a->slots & b->slots) == 0)
        return false;
    for (uint32_t i = 0; i < a->touch_count; i++)
        for (uint32_t j = 0; j < b->touch_count; j++)
            if (a->touches[i].slot == b->touches[j].slot &&
                step_modes_conflict(a->touches[i].mode, b->touches[j].mode))
                return true;
    return false;
}

bool step_is_conditional(uint8_t kind) {
    return kind == FR_OP_CAS || kind == FR_OP_TRY;
}

uint64_t step_slots(const struct touch *touches, uint32_t count) {
    uint64_t slots = 0;
    for (uint32_t i = 0; i < count; i++)
        slots |= (uint64_t)1 << touches[i].slot % 64;
    return slots;
}
