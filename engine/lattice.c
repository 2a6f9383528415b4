// The lattice of a trace: its prefixes, and the least cost of a schedule to each.
// SPDX-License-Identifier: Apache-2.0
#include "lattice.h"

// A state that waits to be settled, or a step from it that was put off. A state whose cost has sunk
// since then waits twice.
struct lattice_turn {
    uint32_t state;
    fr_tid thread;
    uint32_t next;
};

void lattice_init(struct lattice *l, struct alloc *alloc) {
    *l = (struct lattice){.alloc = alloc};
}

void lattice_release(struct lattice *l) {
    alloc_free(l->alloc, l->states);
    alloc_free(l->alloc, l->counts);
    alloc_free(l->alloc, l->table);
    alloc_free(l->alloc, l->turns);
    alloc_free(l->alloc, l->changes);
    alloc_free(l->alloc, l->changed);
}

static uint32_t *counts_of(const struct lattice *l, uint32_t state) {
    return l->counts + (size_t)state * l->threads;
}

static bool contains(const struct lattice *l, const uint32_t *counts, uint32_t at) {
    const struct event *event = &l->run->trace.events[at];
    return event->index <= counts[event->thread];
}

// ------------------------------------------------------------------------------ who is enabled

static bool is_lock_kind(uint8_t kind) {
    return kind == FR_OP_ACQUIRE || kind == FR_OP_TRY || kind == FR_OP_RELEASE;
}

static void note_event(struct lattice *l, uint32_t at) {
    const struct event *event = &l->run->trace.events[at];
    l->changes[at] = NONE;
    if (event->kind == FR_OP_SPAWN)
        l->spawned[event->target] = at;
    if (!is_lock_kind(event->kind))
        return;
    uint32_t slot = l->run->trace.touches[event->touches_at].slot;
    l->changes[at] = l->changed[slot];
    // A try that failed has changed nothing.
    if (event->kind != FR_OP_TRY || event->outcome)
        l->changed[slot] = at;
}

static enum fr_status note_events(struct lattice *l) {
    const struct run *run = l->run;
    uint32_t objects = run->objects.count;
    enum fr_status status = ALLOC_GROW(l->alloc, l->changes, l->change_capacity, run->trace.length);
    if (status == FR_OK)
        status = ALLOC_GROW(l->alloc, l->changed, l->changed_capacity, objects);
    if (status != FR_OK)
        return status;
    for (uint32_t slot = 0; slot < objects; slot++)
        l->changed[slot] = NONE;
    for (fr_tid t = 0; t < l->threads; t++)
        l->spawned[t] = NONE;
    for (uint32_t at = 0; at < run->trace.length; at++)
        note_event(l, at);
    for (fr_tid t = 0; t < l->threads; t++) {
        const struct thread *thread = &run->threads[t];
        bool waits = thread->entered && thread->pending && thread->asked == FR_OP_ACQUIRE;
        l->change_before[t] = waits ? l->changed[thread->touches[0].slot] : NONE;
    }
    return FR_OK;
}

static bool is_started(const struct lattice *l, const uint32_t *counts, fr_tid t) {
    const struct thread *thread = &l->run->threads[t];
    if (!thread->entered)
        return false;
    if (thread->parent == FR_TID_NONE)
        return true;
    return l->spawned[t] != NONE && contains(l, counts, l->spawned[t]);
}

// change: the last operation on the lock in the trace that the prefix may contain.
static bool is_lock_free(const struct lattice *l, const uint32_t *counts, uint32_t slot,
                         uint32_t change) {
    while (change != NONE && !contains(l, counts, change))
        change = l->changes[change];
    if (change == NONE)
        return !l->run->objects.items[slot].held_outside_at_first;
    return l->run->trace.events[change].kind == FR_OP_RELEASE;
}

static bool has_left(const struct lattice *l, const uint32_t *counts, fr_tid t) {
    const struct thread *thread = &l->run->threads[t];
    return thread->left && counts[t] == thread->count && is_started(l, counts, t);
}

// Was the slot written in the prefix after the thread's last strong access of it before position
// `before`? Every write is ordered with that.
static bool is_written_behind(const struct lattice *l, const uint32_t *counts, fr_tid t,
                              uint32_t slot, uint32_t before) {
    const struct trace *trace = &l->run->trace;
    uint32_t since = trace_last_strong(trace, t, slot, before);
    if (since == NONE)
        return true;
    for (uint32_t at = since + 1; at < trace->length; at++)
        if (trace_writes(trace, at, slot) && contains(l, counts, at))
            return true;
    return false;
}

// Of a SPIN with these touches, performed at a position or (the trace's length) not yet.
static bool is_spin_enabled(const struct lattice *l, const uint32_t *counts, fr_tid t,
                            const struct touch *touches, uint32_t count, uint32_t at) {
    for (uint32_t i = 0; i < count; i++)
        if (is_written_behind(l, counts, t, touches[i].slot, at))
            return true;
    return false;
}

static uint32_t length_of(const struct lattice *l, const uint32_t *counts) {
    uint32_t length = 0;
    for (fr_tid t = 0; t < l->threads; t++)
        length += counts[t];
    return length;
}

// A prefix holds all events before a jump of time or none of those after it: its length tells what
// time it is.
static bool is_due(const struct lattice *l, const uint32_t *counts, uint8_t asked,
                   uint64_t deadline) {
    if (deadline == 0)
        return asked == FR_OP_SLEEP;
    return deadline <= trace_now(&l->run->trace, length_of(l, counts));
}

static bool is_next_enabled(const struct lattice *l, const uint32_t *counts, fr_tid t) {
    const struct trace *trace = &l->run->trace;
    const struct event *event = &trace->events[l->run->threads[t].positions[counts[t]]];
    uint32_t slot = event->touch_count == 0 ? NONE : trace->touches[event->touches_at].slot;
    if (is_due(l, counts, event->asked, event->deadline))
        return true;
    switch (event->kind) {
    case FR_OP_TRY:
        // It was an acquire before its deadline.
        if (event->asked == FR_OP_TRY)
            return true;
        // fall through
    case FR_OP_ACQUIRE:
        return is_lock_free(l, counts, slot, l->changes[event - trace->events]);
    case FR_OP_JOIN:
        return has_left(l, counts, event->target);
    case FR_OP_SPIN:
        return is_spin_enabled(l, counts, t, &trace->touches[event->touches_at], event->touch_count,
                               (uint32_t)(event - trace->events));
    case FR_OP_SLEEP:
        // A join or spin that timed out had to wait until then.
        return false;
    default:
        return true;
    }
}

// The same for what the thread had announced when the execution ended.
static bool is_pending_enabled(const struct lattice *l, const uint32_t *counts, fr_tid t) {
    const struct thread *thread = &l->run->threads[t];
    uint32_t slot = thread->touch_count == 0 ? NONE : thread->touches[0].slot;
    if (is_due(l, counts, thread->asked, thread->deadline))
        return true;
    switch (thread->kind) {
    case FR_OP_TRY:
        if (thread->asked == FR_OP_TRY)
            return true;
        // fall through
    case FR_OP_ACQUIRE:
        return is_lock_free(l, counts, slot, l->change_before[t]);
    case FR_OP_JOIN:
        return has_left(l, counts, thread->target);
    case FR_OP_SPIN:
        return is_spin_enabled(l, counts, t, thread->touches, thread->touch_count,
                               l->run->trace.length);
    case FR_OP_SLEEP:
        return false;
    default:
        return true;
    }
}

static bool is_enabled(const struct lattice *l, const uint32_t *counts, fr_tid t) {
    const struct thread *thread = &l->run->threads[t];
    if (!is_started(l, counts, t))
        return false;
    if (counts[t] < thread->count)
        return is_next_enabled(l, counts, t);
    return thread->pending && is_pending_enabled(l, counts, t);
}

bool lattice_is_enabled(const struct lattice *l, uint32_t state, fr_tid thread) {
    return is_enabled(l, counts_of(l, state), thread);
}

const uint32_t *lattice_counts(const struct lattice *l, uint32_t state) {
    return counts_of(l, state);
}

tset lattice_enabled(const struct lattice *l, uint32_t state) {
    const uint32_t *counts = counts_of(l, state);
    tset enabled = 0;
    for (fr_tid t = 0; t < l->threads; t++)
        if (is_enabled(l, counts, t))
            enabled |= tset_of(t);
    return enabled;
}

// ------------------------------------------------------------------------------ states

static uint32_t *find_entry(const struct lattice *l, const uint32_t *counts, fr_tid last,
                            uint64_t hash) {
    uint32_t mask = l->table_size - 1;
    for (uint32_t i = (uint32_t)mix64(hash + last) & mask;; i = (i + 1) & mask) {
        uint32_t *entry = &l->table[i];
        if (*entry == NONE)
            return entry;
        const struct lattice_state *state = &l->states[*entry];
        if (state->hash == hash && state->last == last &&
            memcmp(counts_of(l, *entry), counts, l->threads * sizeof *counts) == 0)
            return entry;
    }
}

static enum fr_status grow_table(struct lattice *l, uint32_t size) {
    enum fr_status status = ALLOC_GROW(l->alloc, l->table, l->table_capacity, size);
    if (status != FR_OK)
        return status;
    l->table_size = size;
    memset(l->table, 0xFF, size * sizeof *l->table);
    for (uint32_t i = 0; i < l->state_count; i++)
        *find_entry(l, counts_of(l, i), l->states[i].last, l->states[i].hash) = i;
    return FR_OK;
}

static enum fr_status enqueue(struct lattice *l, uint32_t state, fr_tid thread, uint32_t cost) {
    uint32_t turn = l->free_turn;
    if (turn != NONE) {
        l->free_turn = l->turns[turn].next;
    } else {
        enum fr_status status =
            ALLOC_GROW(l->alloc, l->turns, l->turn_capacity, (size_t)l->turn_count + 1);
        if (status != FR_OK)
            return status;
        turn = l->turn_count++;
    }
    uint32_t *bucket = &l->buckets[cost % LATTICE_BUCKETS];
    l->turns[turn] = (struct lattice_turn){.state = state, .thread = thread, .next = *bucket};
    *bucket = turn;
    l->waiting++;
    return FR_OK;
}

// Makes room for one more state, and table entries for it.
static enum fr_status reserve(struct lattice *l) {
    size_t count = (size_t)l->state_count + 1;
    enum fr_status status = ALLOC_GROW(l->alloc, l->states, l->state_capacity, count);
    if (status == FR_OK)
        status = ALLOC_GROW(l->alloc, l->counts, l->count_capacity, count * l->threads);
    if (status == FR_OK && count > l->table_size / 2)
        status = grow_table(l, l->table_size * 2);
    return status;
}

// Leaving a thread that cannot go on is no preemption, whichever thread it is; and after a jump of
// time nobody is the last.
static fr_tid last_that_counts(const struct lattice *l, const uint32_t *counts, fr_tid thread) {
    const struct trace *trace = &l->run->trace;
    if (trace->jump_count != 0 && trace_is_jump(trace, length_of(l, counts)))
        return FR_TID_NONE;
    bool counts_as_last =
        l->kind == FR_BOUND_DELAYS || thread == FR_TID_NONE || is_enabled(l, counts, thread);
    return counts_as_last ? thread : FR_TID_NONE;
}

enum fr_status lattice_open(struct lattice *l, const struct run *run, enum fr_bound kind,
                            uint32_t limit, uint32_t base) {
    l->run = run;
    l->kind = kind;
    l->limit = limit;
    l->base = base;
    l->threads = run->thread_count;
    enum fr_status status = note_events(l);
    return status == FR_OK ? lattice_reopen(l, NULL) : status;
}

enum fr_status lattice_reopen(struct lattice *l, const uint32_t *ends) {
    const struct run *run = l->run;
    l->state_count = l->turn_count = l->waiting = l->cost = 0;
    l->free_turn = NONE;
    for (uint32_t i = 0; i < LATTICE_BUCKETS; i++)
        l->buckets[i] = NONE;
    for (fr_tid t = 0; t < l->threads; t++)
        l->ends[t] = ends != NULL ? ends[t] : run->threads[t].count;
    enum fr_status status = grow_table(l, 256);
    if (status == FR_OK)
        status = reserve(l);
    if (status != FR_OK || l->threads == 0)
        return status;
    uint32_t *counts = counts_of(l, 0);
    memset(counts, 0, l->threads * sizeof *counts);
    struct lattice_state root = {.parent = NONE, .thread = FR_TID_NONE};
    for (uint32_t at = 0; at < l->base; at++) {
        root.thread = run->trace.events[at].thread;
        root.hash += mix64(run->trace.events[at].hash);
        counts[root.thread]++;
    }
    root.last = last_that_counts(l, counts, root.thread);
    l->states[l->state_count++] = root;
    *find_entry(l, counts, root.last, root.hash) = 0;
    return enqueue(l, 0, FR_TID_NONE, 0);
}

bool lattice_settle(struct lattice *l, uint32_t *out, fr_tid *thread) {
    while (l->waiting != 0 && l->cost <= l->limit) {
        uint32_t *bucket = &l->buckets[l->cost % LATTICE_BUCKETS];
        if (*bucket == NONE) {
            l->cost++;
            continue;
        }
        uint32_t turn = *bucket;
        *bucket = l->turns[turn].next;
        l->turns[turn].next = l->free_turn;
        l->free_turn = turn;
        l->waiting--;
        *out = l->turns[turn].state;
        *thread = l->turns[turn].thread;
        struct lattice_state *state = &l->states[*out];
        if (*thread != FR_TID_NONE)
            return true;
        if (state->settled)
            continue;
        assert(state->cost == l->cost);
        state->settled = true;
        return true;
    }
    return false;
}

// The threads from `first` up to but without `end`, going round.
static tset threads_between(fr_tid first, fr_tid end) {
    tset below_end = tset_of(end) - 1;
    tset below_first = tset_of(first) - 1;
    return first <= end ? below_end & ~below_first : below_end | ~below_first;
}

uint32_t lattice_price(const struct lattice *l, uint32_t state, tset enabled, fr_tid t) {
    fr_tid last = l->states[state].last;
    if (l->kind == FR_BOUND_DELAYS)
        return tset_count(enabled & threads_between(last == FR_TID_NONE ? 0 : last, t));
    return last != FR_TID_NONE && last != t && tset_has(enabled, last);
}

uint32_t lattice_next(const struct lattice *l, uint32_t state, fr_tid t) {
    return lattice_next_after(l, state, t, 0);
}

uint32_t lattice_next_after(const struct lattice *l, uint32_t state, fr_tid t, uint32_t events) {
    const uint32_t *counts = counts_of(l, state);
    const struct thread *thread = &l->run->threads[t];
    if (!thread->entered || counts[t] + events >= l->ends[t])
        return NONE;
    uint32_t at = thread->positions[counts[t] + events];
    const uint32_t *clock = trace_clock(&l->run->trace, at);
    for (fr_tid q = 0; q < l->threads; q++)
        if (q != t && clock[q] > counts[q])
            return NONE;
    return at;
}

// The state of the prefix in the scratch room behind the last one.
static enum fr_status add_state(struct lattice *l, struct lattice_state added) {
    uint32_t *entry = find_entry(l, counts_of(l, l->state_count), added.last, added.hash);
    if (*entry == NONE) {
        *entry = l->state_count++;
        l->states[*entry] = added;
        return enqueue(l, *entry, FR_TID_NONE, added.cost);
    }
    struct lattice_state *state = &l->states[*entry];
    if (added.cost >= state->cost)
        return FR_OK;
    *state = added;
    return enqueue(l, *entry, FR_TID_NONE, added.cost);
}

enum fr_status lattice_run(struct lattice *l, uint32_t from, fr_tid thread, uint32_t events,
                           uint32_t cost) {
    enum fr_status status = reserve(l);
    if (status != FR_OK)
        return status;
    const uint32_t *positions = l->run->threads[thread].positions;
    uint32_t *counts = counts_of(l, l->state_count);
    memcpy(counts, counts_of(l, from), l->threads * sizeof *counts);
    uint64_t hash = l->states[from].hash;
    for (uint32_t n = 0; n < events; n++)
        hash += mix64(l->run->trace.events[positions[counts[thread]++]].hash);
    return add_state(l, (struct lattice_state){.hash = hash,
                                               .cost = cost,
                                               .parent = from,
                                               .thread = thread,
                                               .events = events,
                                               .last = last_that_counts(l, counts, thread)});
}

enum fr_status lattice_step(struct lattice *l, uint32_t from, uint32_t at, uint32_t cost) {
    return lattice_run(l, from, l->run->trace.events[at].thread, 1, cost);
}

enum fr_status lattice_leave(struct lattice *l, uint32_t from, uint32_t cost) {
    enum fr_status status = reserve(l);
    if (status != FR_OK)
        return status;
    memcpy(counts_of(l, l->state_count), counts_of(l, from), l->threads * sizeof *l->counts);
    return add_state(l, (struct lattice_state){.hash = l->states[from].hash,
                                               .cost = cost,
                                               .parent = from,
                                               .thread = FR_TID_NONE,
                                               .last = FR_TID_NONE});
}

enum fr_status lattice_defer(struct lattice *l, uint32_t state, fr_tid thread, uint32_t cost) {
    return enqueue(l, state, thread, cost);
}

uint32_t lattice_length(const struct lattice *l, uint32_t state) {
    return length_of(l, counts_of(l, state));
}

bool lattice_is_whole(const struct lattice *l, uint32_t state) {
    return lattice_length(l, state) == l->run->trace.length;
}

bool lattice_is_stuck(const struct lattice *l, uint32_t state) {
    const uint32_t *counts = counts_of(l, state);
    for (tset rest = l->run->live; rest != 0; rest &= rest - 1) {
        fr_tid t = tset_first(rest);
        const struct thread *thread = &l->run->threads[t];
        if (!thread->pending && counts[t] == thread->count && is_started(l, counts, t))
            return true;
    }
    return false;
}
