// Walks: strategies that draw one schedule per execution from a seed.
// SPDX-License-Identifier: Apache-2.0
#include "walk.h"

// Before the first execution has told how long they are.
enum { STEPS_GUESS = 100 };

void walk_init(struct walk *walk, struct alloc *alloc) {
    *walk = (struct walk){.alloc = alloc};
}

void walk_release(struct walk *walk) {
    alloc_free(walk->alloc, walk->samples);
    alloc_free(walk->alloc, walk->chosen);
    alloc_free(walk->alloc, walk->ranks);
}

void walk_start(struct walk *walk, const struct fr_plan *plan) {
    walk->strategy = plan->strategy;
    walk->seed = plan->seed;
    walk->depth = plan->depth < WALK_DEPTH_MAX ? plan->depth : WALK_DEPTH_MAX;
    walk->executions = 0;
    walk->steps_most = 0;
    walk->sample_count = walk->object_count = 0;
    memset(walk->counts, 0, sizeof walk->counts);
}

// As walk_draw, if there is nothing to choose from.
static void skip(struct walk *walk) {
    walk->random += 0x9E3779B97F4A7C15U;
}

uint64_t walk_draw(struct walk *walk, uint64_t bound) {
    skip(walk);
    // Multiply and shift: the bias is below bound / 2^64.
    return (uint64_t)((unsigned __int128)mix64(walk->random) * bound >> 64);
}

fr_tid walk_draw_thread(struct walk *walk, tset set) {
    if ((set & (set - 1)) == 0) {
        skip(walk);
        return tset_first(set);
    }
    for (uint64_t n = walk_draw(walk, tset_count(set)); n > 0; n--)
        set &= set - 1;
    return tset_first(set);
}

// PCT has d - 1 change points, DELAY as many as it may delay.
static uint32_t change_count(const struct walk *walk) {
    if (walk->strategy == FR_STRATEGY_PCT)
        return walk->depth > 0 ? walk->depth - 1 : 0;
    return walk->strategy == FR_STRATEGY_DELAY ? walk->depth : 0;
}

enum fr_status walk_begin(struct walk *walk) {
    walk->random = mix64(walk->seed ^ mix64(walk->executions));
    walk->drawn = 0;
    walk->intended = FR_TID_NONE;
    uint32_t steps = walk->steps_most != 0 ? walk->steps_most : STEPS_GUESS;
    for (uint32_t i = 0; i < change_count(walk); i++)
        walk->change[i] = 1 + (uint32_t)walk_draw(walk, steps);
    return walk->strategy == FR_STRATEGY_SURW ? walk_begin_surw(walk) : FR_OK;
}

// The enabled thread that comes after `last` in the round; thread numbers go round.
static fr_tid next_in_round(tset enabled, fr_tid last) {
    if (last == FR_TID_NONE)
        return tset_first(enabled);
    tset above = last + 1 < FR_THREADS_MAX ? enabled & ~(tset_of(last + 1) - 1) : 0;
    return tset_first(above != 0 ? above : enabled);
}

// Round robin without preemption; at each delay the thread that would run is skipped.
static fr_tid choose_delay(const struct walk *walk, const struct run *run, tset enabled) {
    fr_tid next = run->current;
    if (next == FR_TID_NONE || !tset_has(enabled, next))
        next = next_in_round(enabled, run->current);
    for (uint32_t i = 0; i < walk->depth; i++)
        if (walk->change[i] == run->trace.length + 1)
            next = next_in_round(enabled, next);
    return next;
}

fr_tid walk_choose(struct walk *walk, const struct run *run, tset enabled) {
    switch (walk->strategy) {
    case FR_STRATEGY_PCT:
        return walk_choose_pct(walk, run, enabled);
    case FR_STRATEGY_POS:
        return walk_choose_pos(walk, run, enabled);
    case FR_STRATEGY_URW:
        return walk_choose_urw(walk, run, enabled);
    case FR_STRATEGY_SURW:
        return walk_choose_surw(walk, run, enabled);
    case FR_STRATEGY_DELAY:
        return choose_delay(walk, run, enabled);
    default:
        return walk_draw_thread(walk, enabled);
    }
}

enum fr_status walk_end(struct walk *walk, const struct run *run) {
    enum fr_status status = FR_OK;
    if (run->trace.length > walk->steps_most)
        walk->steps_most = run->trace.length;
    if (walk->executions++ != 0)
        return FR_OK;
    for (fr_tid t = 0; t < run->thread_count; t++)
        walk->counts[t] = run->threads[t].entered ? run->threads[t].count : 0;
    if (walk->strategy == FR_STRATEGY_SURW)
        status = walk_learn_surw(walk, run);
    return status;
}
