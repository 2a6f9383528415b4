// URW and SURW: threads weighted by the events they have left.
// SPDX-License-Identifier: Apache-2.0
#include "walk.h"

// A thread weighted by `weight` among those in `set`; uniform if all weights are 0.
static fr_tid draw_weighted(struct walk *walk, tset set, const uint32_t *weight) {
    uint64_t sum = 0;
    for (tset rest = set; rest != 0; rest &= rest - 1)
        sum += weight[tset_first(rest)];
    if (sum == 0)
        return walk_draw_thread(walk, set);
    uint64_t draw = walk_draw(walk, sum);
    for (tset rest = set;; rest &= rest - 1) {
        fr_tid t = tset_first(rest);
        if (draw < weight[t])
            return t;
        draw -= weight[t];
    }
}

// The events of threads that were not spawned yet are their parent's.
static void lend_to_parents(const struct run *run, uint32_t *weight) {
    for (fr_tid t = run->thread_count; t-- > 0;) {
        fr_tid parent = run->threads[t].parent;
        if (run->threads[t].started || parent == FR_TID_NONE)
            continue;
        weight[parent] += weight[t];
        weight[t] = 0;
    }
}

// With exact counts and no blocking every interleaving is equally likely.
fr_tid walk_choose_urw(struct walk *walk, const struct run *run, tset enabled) {
    uint32_t left[FR_THREADS_MAX];
    for (fr_tid t = 0; t < run->thread_count; t++) {
        uint32_t done = run->threads[t].count;
        left[t] = walk->counts[t] > done ? walk->counts[t] - done : 0;
    }
    lend_to_parents(run, left);
    return draw_weighted(walk, enabled, left);
}

// ------------------------------------------------------------------------------ SURW

static bool is_chosen(const struct walk *walk, uint64_t site) {
    for (uint32_t i = 0; i < walk->chosen_count; i++)
        if (walk->chosen[i] == site)
            return true;
    return false;
}

static enum fr_status choose_site(struct walk *walk, uint64_t site) {
    if (is_chosen(walk, site))
        return FR_OK;
    enum fr_status status = ALLOC_GROW(walk->alloc, walk->chosen, walk->chosen_capacity,
                                       (size_t)walk->chosen_count + 1);
    if (status == FR_OK)
        walk->chosen[walk->chosen_count++] = site;
    return status;
}

// Interesting events: those at the sites of up to 20 random objects that several threads touch.
enum fr_status walk_begin_surw(struct walk *walk) {
    enum fr_status status = FR_OK;
    walk->chosen_count = 0;
    memset(walk->weight, 0, sizeof walk->weight);
    for (uint32_t i = 0; i < WALK_OBJECTS_MAX && i < walk->object_count; i++) {
        uint32_t object = (uint32_t)walk_draw(walk, walk->object_count);
        for (uint32_t k = 0; status == FR_OK && k < walk->sample_count; k++)
            if (walk->samples[k].object == object)
                status = choose_site(walk, walk->samples[k].site);
    }
    for (uint32_t k = 0; k < walk->sample_count; k++) {
        const struct sample *sample = &walk->samples[k];
        // An event that touches several objects has its samples side by side, and counts once.
        bool counted = k != 0 && sample[-1].at == sample->at;
        if (!counted && is_chosen(walk, sample->site))
            walk->weight[sample->thread]++;
    }
    return status;
}

static bool is_shared(const struct object *object) {
    tset threads = 0;
    for (uint32_t row = 0; row < SINCE_ROWS; row++)
        threads |= object->accessed[row];
    return tset_count(threads) > 1;
}

// Numbers the objects of several threads; NONE for the others.
static enum fr_status rank_objects(struct walk *walk, const struct run *run) {
    const struct objects *objects = &run->objects;
    enum fr_status status =
        ALLOC_GROW(walk->alloc, walk->ranks, walk->rank_capacity, objects->count);
    walk->object_count = 0;
    for (uint32_t slot = 0; status == FR_OK && slot < objects->count; slot++)
        walk->ranks[slot] = is_shared(&objects->items[slot]) ? walk->object_count++ : NONE;
    return status;
}

enum fr_status walk_learn_surw(struct walk *walk, const struct run *run) {
    const struct trace *trace = &run->trace;
    enum fr_status status = rank_objects(walk, run);
    walk->sample_count = 0;
    for (uint32_t at = 0; status == FR_OK && at < trace->length; at++) {
        const struct event *event = &trace->events[at];
        for (uint32_t i = 0; status == FR_OK && i < event->touch_count; i++) {
            uint32_t object = walk->ranks[trace->touches[event->touches_at + i].slot];
            if (object == NONE)
                continue;
            status = ALLOC_GROW(walk->alloc, walk->samples, walk->sample_capacity,
                                (size_t)walk->sample_count + 1);
            if (status == FR_OK)
                walk->samples[walk->sample_count++] = (struct sample){
                    .site = event->site, .at = at, .object = object, .thread = event->thread};
        }
    }
    return status;
}

// Threads whose pending event is interesting.
static tset interested(const struct walk *walk, const struct run *run, tset enabled) {
    tset set = 0;
    for (tset rest = enabled; rest != 0; rest &= rest - 1)
        if (is_chosen(walk, run->threads[tset_first(rest)].site))
            set |= tset_of(tset_first(rest));
    return set;
}

static fr_tid draw_intended(struct walk *walk, const struct run *run, tset set) {
    uint32_t weight[FR_THREADS_MAX];
    memcpy(weight, walk->weight, sizeof weight);
    lend_to_parents(run, weight);
    return draw_weighted(walk, set, weight);
}

// The intention for a thread that has just spawned another may have been one for its child.
static void hand_over(struct walk *walk, const struct run *run) {
    if (run->trace.length == 0)
        return;
    const struct event *last = &run->trace.events[run->trace.length - 1];
    if (last->kind == FR_OP_SPAWN && last->thread == walk->intended &&
        tset_has(run->live, last->target))
        walk->intended = draw_intended(walk, run, tset_of(last->target) | tset_of(walk->intended));
}

// Interesting events of threads that are not the intended one are held back; all others go as a
// random walk. If everybody is held back, another thread is intended.
fr_tid walk_choose_surw(struct walk *walk, const struct run *run, tset enabled) {
    tset waiting = interested(walk, run, enabled);
    hand_over(walk, run);
    if (walk->intended == FR_TID_NONE || !tset_has(run->live, walk->intended))
        walk->intended = draw_intended(walk, run, run->live);
    tset held = waiting & ~tset_of(walk->intended);
    if (held == enabled) {
        walk->intended = draw_intended(walk, run, enabled);
        held = waiting & ~tset_of(walk->intended);
    }
    fr_tid next = walk_draw_thread(walk, enabled & ~held);
    if (next == walk->intended && tset_has(waiting, next)) {
        walk->weight[next] -= walk->weight[next] > 0;
        walk->intended = FR_TID_NONE;
    }
    return next;
}
