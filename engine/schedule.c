// Schedule bytes: a header, then one byte per branching point. Decoding is total.
// SPDX-License-Identifier: Apache-2.0
#include "schedule.h"

// By number in byte 0.
static const enum fr_strategy strategies[] = {
    FR_STRATEGY_DPOR, FR_STRATEGY_RANDOM, FR_STRATEGY_PCT,  FR_STRATEGY_POS,
    FR_STRATEGY_URW,  FR_STRATEGY_SURW,   FR_STRATEGY_DELAY};
static const uint64_t budgets[SCHEDULE_BUDGET_MASK + 1] = {1, 16, 256, 4096};
enum { STRATEGIES = sizeof strategies / sizeof *strategies };

uint32_t schedule_index(uint8_t choice, uint32_t width) {
    return choice >= SCHEDULE_GO_ON ? 0 : choice % width;
}

static uint8_t byte_at(const uint8_t *bytes, size_t size, size_t at) {
    return at < size ? bytes[at] : 0;
}

struct fr_plan fr_plan_decode(const uint8_t *bytes, size_t size) {
    uint8_t first = byte_at(bytes, size, 0);
    struct fr_plan plan = {
        .strategy = strategies[(first & SCHEDULE_STRATEGY_MASK) % STRATEGIES],
        .executions_max = budgets[first >> SCHEDULE_BUDGET_SHIFT & SCHEDULE_BUDGET_MASK],
    };
    if (plan.strategy == FR_STRATEGY_PCT || plan.strategy == FR_STRATEGY_DELAY)
        plan.depth = 1 + (byte_at(bytes, size, SCHEDULE_AT_DEPTH) & SCHEDULE_DEPTH_MASK);
    for (size_t i = 0; i < 4; i++)
        plan.seed |= (uint64_t)byte_at(bytes, size, SCHEDULE_AT_SEED + i) << 8 * i;
    if (size > SCHEDULE_HEADER) {
        plan.choices = bytes + SCHEDULE_HEADER;
        plan.choice_count = size - SCHEDULE_HEADER;
    }
    return plan;
}

static uint8_t first_byte(const struct fr_plan *plan) {
    uint8_t budget = 0;
    while (budget < SCHEDULE_BUDGET_MASK && budgets[budget] < plan->executions_max)
        budget++;
    uint8_t number = STRATEGIES;
    while (number-- > 1)
        if (strategies[number] == plan->strategy)
            break;
    return (uint8_t)(number | budget << SCHEDULE_BUDGET_SHIFT);
}

size_t fr_plan_encode(const struct fr_plan *plan, uint8_t *out, size_t capacity) {
    uint8_t header[SCHEDULE_HEADER] = {first_byte(plan)};
    if (plan->depth > 0)
        header[SCHEDULE_AT_DEPTH] = (uint8_t)(plan->depth - 1) & SCHEDULE_DEPTH_MASK;
    for (size_t i = 0; i < 4; i++)
        header[SCHEDULE_AT_SEED + i] = (uint8_t)(plan->seed >> 8 * i);
    size_t size = SCHEDULE_HEADER + plan->choice_count;
    for (size_t i = 0; i < size && i < capacity; i++)
        out[i] = i < SCHEDULE_HEADER ? header[i] : plan->choices[i - SCHEDULE_HEADER];
    return size;
}
