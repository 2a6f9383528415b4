// Schedule bytes: a header, then one byte per branching point. Decoding is total.
// SPDX-License-Identifier: Apache-2.0
#ifndef ENGINE_SCHEDULE_H
#define ENGINE_SCHEDULE_H

#include "base.h"

// docs/schedule-format.md is normative; these are its names.
enum {
    SCHEDULE_STRATEGY_MASK = 0x07,
    SCHEDULE_BUDGET_SHIFT = 3,
    SCHEDULE_BUDGET_MASK = 0x03,
    SCHEDULE_AT_DEPTH = 1,
    SCHEDULE_DEPTH_MASK = 0x07,
    SCHEDULE_AT_SEED = 2,
    SCHEDULE_HEADER = 6,
    SCHEDULE_GO_ON = 0x80,  // a choice with this bit: the current thread goes on
};

// Which of `width` enabled threads a choice byte means, the current one being number 0.
uint32_t schedule_index(uint8_t choice, uint32_t width);

#endif
