// Search orders: which of several open choices DPOR takes first.
// SPDX-License-Identifier: Apache-2.0
#include "order.h"

const char *fr_order_name(enum fr_order order) {
    static const char *const words[] = {
#define FR_ORDER(name, word) word,
#include "fr_order.def"
#undef FR_ORDER
    };
    return order < FR_ORDERS ? words[order] : "unknown";
}

// The number below count whose bits, in reverse, come next after those of turn.
static uint32_t reverse_bits(uint64_t turn, uint32_t count) {
    uint32_t width = 0;
    while (((uint32_t)1 << width) < count)
        width++;
    uint32_t value = (uint32_t)(turn & (((uint64_t)1 << width) - 1));
    uint32_t reversed = 0;
    for (uint32_t i = 0; i < width; i++)
        reversed |= (value >> i & 1) << (width - 1 - i);
    return reversed % count;
}

static uint32_t common_divisor(uint32_t a, uint32_t b) {
    while (b != 0) {
        uint32_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

static uint32_t stride_of(uint64_t seed, uint32_t count) {
    uint32_t stride = count / 2 + 1 + (uint32_t)(mix64(seed) % count);
    while (common_divisor(stride, count) != 1)
        stride++;
    return stride;
}

uint32_t order_pick(struct order *order, uint32_t count) {
    uint64_t turn = order->turn++ + order->seed;
    switch (order->kind) {
    case FR_ORDER_BIT_REVERSAL:
        return reverse_bits(turn, count);
    case FR_ORDER_ROUND_ROBIN:
        return (uint32_t)(turn % count);
    case FR_ORDER_STRIDE:
        return (uint32_t)(turn % count * stride_of(order->seed, count) % count);
    default:
        return 0;
    }
}

uint32_t order_conflicts(const struct run *run, fr_tid tid) {
    struct touch spare;
    if (!run->threads[tid].pending)
        return 0;
    struct step step = run_pending(run, tid, &spare);
    uint32_t count = 0;
    for (tset rest = run->live & ~tset_of(tid); rest != 0; rest &= rest - 1) {
        struct touch other_spare;
        struct step other = run_pending(run, tset_first(rest), &other_spare);
        count += step_depends(&step, &other);
    }
    return count;
}

static fr_tid most_conflicting(const struct run *run, tset candidates) {
    fr_tid best = tset_first(candidates);
    uint32_t most = order_conflicts(run, best);
    for (tset rest = candidates; rest != 0; rest &= rest - 1) {
        uint32_t conflicts = order_conflicts(run, tset_first(rest));
        if (conflicts > most) {
            most = conflicts;
            best = tset_first(rest);
        }
    }
    return best;
}

fr_tid order_pick_thread(struct order *order, const struct run *run, tset candidates) {
    if (order->kind == FR_ORDER_CONFLICT_FIRST)
        return most_conflicting(run, candidates);
    if (order->kind == FR_ORDER_LOWEST_FIRST)
        return tset_first(candidates);
    if (order->kind == FR_ORDER_DFS) {
        bool stays = run->current != FR_TID_NONE && tset_has(candidates, run->current);
        return stays ? run->current : tset_first(candidates);
    }
    for (uint32_t n = order_pick(order, tset_count(candidates)); n > 0; n--)
        candidates &= candidates - 1;
    return tset_first(candidates);
}
