// PCT and POS: the enabled thread, or pending event, of the highest random priority goes next.
// SPDX-License-Identifier: Apache-2.0
#include "walk.h"

// A random priority is above all priorities that PCT lowers to.
static uint64_t draw_priority(struct walk *walk) {
    return walk_draw(walk, UINT64_MAX) | (uint64_t)1 << 63;
}

static void draw_missing(struct walk *walk, tset threads) {
    for (tset rest = threads & ~walk->drawn; rest != 0; rest &= rest - 1)
        walk->priority[tset_first(rest)] = draw_priority(walk);
    walk->drawn |= threads;
}

static fr_tid highest(const struct walk *walk, tset enabled) {
    fr_tid best = tset_first(enabled);
    for (tset rest = enabled; rest != 0; rest &= rest - 1)
        if (walk->priority[tset_first(rest)] > walk->priority[best])
            best = tset_first(rest);
    return best;
}

// "When the k_i-th step is about to be executed, the priority of that thread becomes i" (i < d).
fr_tid walk_choose_pct(struct walk *walk, const struct run *run, tset enabled) {
    draw_missing(walk, run->live);
    for (uint32_t i = 0; i + 1 < walk->depth; i++)
        if (walk->change[i] == run->trace.length + 1)
            walk->priority[highest(walk, enabled)] = i;
    return highest(walk, enabled);
}

// After e: a new priority for the next event of its thread, and for every pending event of another
// thread that races with e.
fr_tid walk_choose_pos(struct walk *walk, const struct run *run, tset enabled) {
    if (run->trace.length != 0) {
        struct step last = trace_step(&run->trace, run->trace.length - 1);
        for (tset rest = run->live; rest != 0; rest &= rest - 1) {
            struct touch spare;
            struct step other = run_pending(run, tset_first(rest), &spare);
            if (step_depends(&last, &other))
                walk->drawn &= ~tset_of(other.thread);
        }
    }
    draw_missing(walk, run->live);
    return highest(walk, enabled);
}
