// A step: one operation of one thread with its footprint, and when two steps depend on each other.
// SPDX-License-Identifier: Apache-2.0
#include "step.h"

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
