// Bounded search: every trace that some schedule within a preemption or delay bound reaches, once.
// SPDX-License-Identifier: Apache-2.0
#include "bound.h"

enum { PREFIXES_FIRST = 256 };
#define ALL_THREADS (~(tset)0)

void bound_init(struct bound *b, struct alloc *alloc) {
    *b = (struct bound){.alloc = alloc};
    lattice_init(&b->lattice, alloc);
    context_init(&b->context, alloc, &b->lattice);
    library_init(&b->library, alloc);
}

void bound_release(struct bound *b) {
    lattice_release(&b->lattice);
    context_release(&b->context);
    library_release(&b->library);
    alloc_free(b->alloc, b->races.items);
    alloc_free(b->alloc, b->prefixes);
    alloc_free(b->alloc, b->path);
    for (uint32_t i = 0; i <= BOUND_LEVELS; i++) {
        alloc_free(b->alloc, b->levels[i].items);
        alloc_free(b->alloc, b->levels[i].stretches);
    }
}

void bound_start(struct bound *b, const struct fr_plan *plan) {
    b->kind = plan->strategy == FR_STRATEGY_DPOR ? plan->bound : FR_BOUND_NONE;
    b->limit = plan->bound_max;
    b->order = (struct order){.kind = plan->order, .seed = plan->order_seed};
    b->prefix_size = b->prefix_count = 0;
    library_clear(&b->library);
    for (uint32_t i = 0; i <= BOUND_LEVELS; i++)
        b->levels[i].count = b->levels[i].stretch_count = 0;
    b->path_count = b->base = 0;
    b->path_hash = b->beyond = 0;
    b->exhausted = false;
}

// ------------------------------------------------------------------------------ choosing

// Goes on without a preemption or delay.
static fr_tid choose_free(struct bound *b, const struct run *run, tset enabled) {
    if (run->current != FR_TID_NONE && tset_has(enabled, run->current))
        return run->current;
    if (b->kind == FR_BOUND_PREEMPTIONS)
        return order_pick_thread(&b->order, run, enabled);
    tset above = enabled;
    if (run->current != FR_TID_NONE)
        above &= ~(tset_of(run->current) - 1);
    return tset_first(above != 0 ? above : enabled);
}

enum fr_status bound_choose(struct bound *b, const struct run *run, tset enabled, fr_tid *out) {
    uint32_t depth = run->trace.length - b->base;
    if (depth >= b->path_count) {
        *out = choose_free(b, run, enabled);
        return FR_OK;
    }
    *out = b->path[depth];
    bool is_last = depth + 1 == b->path_count;
    if (!tset_has(enabled, *out) || (is_last && run->trace.hash != b->path_hash))
        return FR_DIVERGED;
    return FR_OK;
}

// ------------------------------------------------------------------------------ prefixes

// A bijection, but for the one hash that would look like a free entry.
static uint64_t key_of(uint64_t hash) {
    uint64_t key = mix64(hash);
    return key != 0 ? key : 1;
}

static struct prefix *find_prefix(const struct bound *b, uint64_t key) {
    uint32_t mask = b->prefix_size - 1;
    for (uint32_t i = (uint32_t)key & mask;; i = (i + 1) & mask)
        if (b->prefixes[i].key == 0 || b->prefixes[i].key == key)
            return &b->prefixes[i];
}

// The size of the table for so many entries: a function of their number.
static uint32_t size_for(uint32_t count) {
    uint32_t size = PREFIXES_FIRST;
    while (count > size / 4 * 3 && size <= NONE / 2)
        size *= 2;
    return size;
}

enum fr_status bound_reserve(struct bound *b, uint32_t count) {
    struct prefix *old = b->prefixes;
    uint32_t old_size = b->prefix_size;
    uint32_t size = size_for(count);
    if (old_size >= size)
        return FR_OK;
    if (old_size == 0 && b->prefix_capacity >= size) {
        // What an earlier exploration has left.
        b->prefix_size = size;
        memset(b->prefixes, 0, size * sizeof *b->prefixes);
        return FR_OK;
    }
    struct prefix *grown = NULL;
    uint32_t capacity = 0;
    enum fr_status status = FR_NOMEM;
    if (count <= size / 4 * 3)
        status = ALLOC_GROW(b->alloc, grown, capacity, size);
    if (status != FR_OK)
        return status;
    memset(grown, 0, size * sizeof *grown);
    b->prefixes = grown;
    b->prefix_size = size;
    b->prefix_capacity = capacity;
    for (uint32_t i = 0; i < old_size; i++)
        if (old[i].key != 0)
            *find_prefix(b, old[i].key) = old[i];
    alloc_free(b->alloc, old);
    return FR_OK;
}

// The entry of a prefix, made if need be; borrowed until the next call.
static enum fr_status prefix_of(struct bound *b, uint64_t hash, struct prefix **out) {
    uint64_t key = key_of(hash);
    if (b->prefix_size != 0) {
        *out = find_prefix(b, key);
        if ((*out)->key != 0)
            return FR_OK;
    }
    enum fr_status status = bound_reserve(b, b->prefix_count + 1);
    if (status != FR_OK)
        return status;
    *out = find_prefix(b, key);
    **out = (struct prefix){.key = key};
    b->prefix_count++;
    b->beyond++;
    return FR_OK;
}

// What of this entry lies beyond the bound: the prefix itself, or steps from it.
static uint32_t beyond_of(const struct prefix *prefix) {
    if ((prefix->taken | prefix->judged) == 0)
        return 1;
    return tset_count(prefix->judged & ~prefix->taken);
}

bool bound_restore_prefix(struct bound *b, struct prefix prefix) {
    struct prefix *entry = find_prefix(b, prefix.key);
    if (prefix.key == 0 || entry->key != 0)
        return false;
    *entry = prefix;
    b->prefix_count++;
    b->beyond += beyond_of(entry);
    return true;
}

bool bound_is_known(const struct bound *b, uint64_t hash, fr_tid thread) {
    if (b->prefix_size == 0)
        return false;
    const struct prefix *prefix = find_prefix(b, key_of(hash));
    return prefix->key != 0 && tset_has(prefix->taken | prefix->judged, thread);
}

// ------------------------------------------------------------------------------ branching

static enum fr_status push_stretch(struct bound *b, struct level *level, uint32_t from,
                                   struct stretch stretch) {
    uint32_t count = level->stretch_count;
    if (stretch.count == 0)
        return FR_OK;
    if (count != from && level->stretches[count - 1].thread == stretch.thread) {
        level->stretches[count - 1].count += stretch.count;
        return FR_OK;
    }
    enum fr_status status =
        ALLOC_GROW(b->alloc, level->stretches, level->stretch_capacity, (size_t)count + 1);
    if (status == FR_OK)
        level->stretches[level->stretch_count++] = stretch;
    return status;
}

// Writes the schedule to a state, its last stretch first.
static enum fr_status push_schedule(struct bound *b, struct level *level, uint32_t state) {
    const struct lattice_state *states = b->lattice.states;
    uint32_t from = level->stretch_count;
    enum fr_status status = FR_OK;
    for (; status == FR_OK && states[state].parent != NONE; state = states[state].parent)
        status = push_stretch(b, level, from,
                              (struct stretch){states[state].thread, states[state].events});
    return status;
}

static enum fr_status push_item(struct bound *b, struct level *level, uint64_t hash,
                                fr_tid thread) {
    uint32_t traces = b->library.trace_count;
    struct branching item = {.hash = hash,
                             .first_stretch = level->stretch_count,
                             .trace = traces == 0 ? NONE : traces - 1,
                             .thread = thread};
    enum fr_status status =
        ALLOC_GROW(b->alloc, level->items, level->capacity, (size_t)level->count + 1);
    if (status == FR_OK)
        level->items[level->count++] = item;
    return status;
}

// The entry's sets become these, and what lies beyond is counted anew.
static void set_prefix(struct bound *b, struct prefix *prefix, tset taken, tset judged) {
    b->beyond -= beyond_of(prefix);
    prefix->taken = taken;
    prefix->judged = judged;
    b->beyond += beyond_of(prefix);
}

// Remembers a step that leads out of the last trace, unless it was remembered before, or another
// executed trace is known to have it.
static enum fr_status remember(struct bound *b, uint32_t state, fr_tid thread) {
    const struct lattice *l = &b->lattice;
    struct prefix *prefix;
    uint64_t hash = l->states[state].hash;
    enum fr_status status = prefix_of(b, hash, &prefix);
    if (status != FR_OK || tset_has(prefix->taken, thread))
        return status;
    tset bit = tset_of(thread);
    if (b->library.trace_count != 0 &&
        library_has(&b->library, b->library.trace_count - 1, lattice_counts(l, state), thread)) {
        set_prefix(b, prefix, prefix->taken | bit, prefix->judged | bit);
        return FR_OK;
    }
    set_prefix(b, prefix, prefix->taken | bit, prefix->judged & ~bit);
    struct level *level = &b->levels[l->cost < BOUND_LEVELS ? l->cost : BOUND_LEVELS - 1];
    status = push_item(b, level, hash, thread);
    return status == FR_OK ? push_schedule(b, level, state) : status;
}

// ------------------------------------------------------------------------------ all prefixes

// A step that the trace has after the prefix.
static enum fr_status follow(struct bound *b, uint32_t state, uint32_t at, uint32_t cost) {
    struct lattice *l = &b->lattice;
    if (cost <= b->limit)
        return lattice_step(l, state, at, cost);
    struct prefix *over;
    return prefix_of(b, l->states[state].hash + mix64(l->run->trace.events[at].hash), &over);
}

// All steps from a state: those of the trace are covered, others lead to other traces.
static enum fr_status expand(struct bound *b, uint32_t state, bool may_branch) {
    struct lattice *l = &b->lattice;
    tset enabled = lattice_enabled(l, state);
    tset covered = 0;
    tset refused = 0;
    enum fr_status status = FR_OK;
    for (tset rest = enabled; status == FR_OK && rest != 0; rest &= rest - 1) {
        fr_tid t = tset_first(rest);
        uint32_t at = lattice_next(l, state, t);
        uint32_t cost = l->states[state].cost + lattice_price(l, state, enabled, t);
        if (at != NONE) {
            covered |= tset_of(t);
            status = follow(b, state, at, cost);
        } else if (may_branch && cost <= b->limit) {
            // Another state of the same prefix may do it at less cost.
            status = lattice_defer(l, state, t, cost);
        } else if (may_branch) {
            refused |= tset_of(t);
        }
    }
    struct prefix *prefix;
    if (status == FR_OK)
        status = prefix_of(b, l->states[state].hash, &prefix);
    if (status != FR_OK)
        return status;
    // What was taken already is not refused: some cheaper schedule leads there.
    tset taken = prefix->taken | covered;
    tset judged = prefix->judged | covered | (refused & ~taken);
    if (enabled == 0)
        taken = judged = ALL_THREADS;  // a whole trace: nothing is left to do
    set_prefix(b, prefix, taken, judged);
    return FR_OK;
}

static enum fr_status branch_everywhere(struct bound *b, uint32_t events_max) {
    struct lattice *l = &b->lattice;
    enum fr_status status = FR_OK;
    uint32_t state;
    fr_tid thread;
    while (status == FR_OK && lattice_settle(l, &state, &thread)) {
        bool may_branch = !lattice_is_stuck(l, state) && lattice_length(l, state) < events_max;
        status = thread == FR_TID_NONE ? expand(b, state, may_branch) : remember(b, state, thread);
    }
    return status;
}

// ------------------------------------------------------------------------------ largest prefixes

// How many events of t happen neither after the event at `first` nor after that at `second` (if
// there is one).
static uint32_t events_outside(const struct run *run, fr_tid t, uint32_t first, uint32_t second) {
    const struct thread *thread = &run->threads[t];
    uint32_t low = 0;
    uint32_t high = thread->entered ? thread->count : 0;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        uint32_t at = thread->positions[middle];
        bool is_after = trace_before(&run->trace, first, at) ||
                        (second < run->trace.length && trace_before(&run->trace, second, at));
        if (is_after)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

// The step of the race's thread, before its first event, is beyond the bound as far as we know.
static enum fr_status note_beyond(struct bound *b, struct race race) {
    const struct lattice *l = &b->lattice;
    uint64_t hash = 0;
    for (fr_tid t = 0; t < l->threads; t++)
        for (uint32_t i = 0; i < l->ends[t]; i++)
            hash += mix64(l->run->trace.events[l->run->threads[t].positions[i]].hash);
    struct prefix *prefix;
    enum fr_status status = prefix_of(b, hash, &prefix);
    if (status != FR_OK || tset_has(prefix->taken | prefix->judged, race.thread))
        return status;
    set_prefix(b, prefix, prefix->taken, prefix->judged | tset_of(race.thread));
    struct level *level = &b->levels[BOUND_BEYOND];
    uint32_t from = level->stretch_count;
    status = push_item(b, level, hash, race.thread);
    for (fr_tid t = 0; status == FR_OK && t < l->threads; t++)
        status = push_stretch(b, level, from, (struct stretch){t, l->ends[t] - b->base_counts[t]});
    return status;
}

// All steps that reverse the race: from the largest prefixes without its first event.
static enum fr_status branch_at_race(struct bound *b, struct race race) {
    struct lattice *l = &b->lattice;
    uint32_t ends[FR_THREADS_MAX];
    uint32_t total = 0;
    for (fr_tid t = 0; t < l->threads; t++) {
        ends[t] = events_outside(l->run, t, race.first, race.second);
        total += ends[t];
    }
    enum fr_status status = lattice_reopen(l, ends);
    uint32_t state;
    fr_tid none;
    while (status == FR_OK && lattice_settle(l, &state, &none)) {
        bool leaves = lattice_counts(l, state)[race.thread] == ends[race.thread] &&
                      context_may_leave(&b->context, state, race.thread);
        if (leaves)
            status = remember(b, state, race.thread);
        // Everything without the first event: there is no larger prefix.
        if (leaves && lattice_length(l, state) == total)
            return status;
        if (status == FR_OK)
            status = context_expand(&b->context, state, race.thread);
    }
    return status == FR_OK ? note_beyond(b, race) : status;
}

static enum fr_status branch_at_races(struct bound *b) {
    enum fr_status status = context_open(&b->context);
    if (status == FR_OK)
        status = races_find(&b->races, b->lattice.run);
    for (uint32_t i = 0; status == FR_OK && i < b->races.count; i++)
        if (b->races.items[i].first >= b->base)
            status = branch_at_race(b, b->races.items[i]);
    return status;
}

// ------------------------------------------------------------------------------ going on

// Does an executed trace have the step?
static bool is_covered(const struct bound *b, const struct level *level,
                       const struct branching *item) {
    const struct prefix *prefix = find_prefix(b, key_of(item->hash));
    if (tset_has(prefix->taken & prefix->judged, item->thread))
        return true;
    if (item->trace == NONE)
        return false;
    uint32_t counts[FR_THREADS_MAX];
    memcpy(counts, b->base_counts, sizeof counts);
    for (uint32_t i = item->first_stretch; i < level->stretch_count; i++)
        counts[level->stretches[i].thread] += level->stretches[i].count;
    return library_has(&b->library, item->trace, counts, item->thread);
}

// The schedule of a branching, from base, and its last step.
static enum fr_status set_path(struct bound *b, const struct level *level,
                               const struct branching *item) {
    uint32_t count = 0;
    for (uint32_t i = item->first_stretch; i < level->stretch_count; i++)
        count += level->stretches[i].count;
    b->path_count = count + 1;
    b->path_hash = item->hash;
    enum fr_status status = ALLOC_GROW(b->alloc, b->path, b->path_capacity, b->path_count);
    if (status != FR_OK)
        return status;
    b->path[count] = item->thread;
    for (uint32_t i = item->first_stretch; i < level->stretch_count; i++)
        for (uint32_t n = level->stretches[i].count; n > 0; n--)
            b->path[--count] = level->stretches[i].thread;
    return FR_OK;
}

// What seemed beyond the bound may have been executed since.
static void look_beyond(struct bound *b) {
    struct level *level = &b->levels[BOUND_BEYOND];
    while (level->count > 0) {
        const struct branching *item = &level->items[--level->count];
        struct prefix *prefix = find_prefix(b, key_of(item->hash));
        if (is_covered(b, level, item))
            set_prefix(b, prefix, prefix->taken | tset_of(item->thread), prefix->judged);
        level->stretch_count = item->first_stretch;
    }
}

// Takes the next branching that no execution since has covered.
static enum fr_status take_next(struct bound *b) {
    for (uint32_t cost = 0; cost < BOUND_LEVELS; cost++) {
        struct level *level = &b->levels[cost];
        while (level->count > 0) {
            const struct branching *item = &level->items[--level->count];
            bool covered = is_covered(b, level, item);
            enum fr_status status = covered ? FR_OK : set_path(b, level, item);
            level->stretch_count = item->first_stretch;
            if (status != FR_OK || !covered)
                return status;
        }
    }
    look_beyond(b);
    b->path_count = 0;
    b->exhausted = true;
    return FR_OK;
}

// Did the execution end when its threads did, without time having passed? Jumps of time order all
// events before and after them, and enable threads: the rules know nothing of them.
static bool is_plain(const struct run *run) {
    return run_is_settled(run) && run_enabled(run) == 0 && run->trace.jump_count == 0;
}

enum fr_status bound_finish(struct bound *b, const struct run *run, uint32_t events_max) {
    if (run->trace.length < b->base)
        return FR_DIVERGED;  // the plan's prefix was longer before
    memset(b->base_counts, 0, sizeof b->base_counts);
    for (uint32_t at = 0; at < b->base; at++)
        b->base_counts[run->trace.events[at].thread]++;
    bool has_rules = b->kind == FR_BOUND_PREEMPTIONS;
    enum fr_status status = has_rules ? library_add(&b->library, run) : FR_OK;
    if (status == FR_OK)
        status = lattice_open(&b->lattice, run, b->kind, b->limit, b->base);
    if (status == FR_OK)
        status = has_rules && is_plain(run) ? branch_at_races(b) : branch_everywhere(b, events_max);
    return status == FR_OK ? take_next(b) : status;
}
