// Races of an execution: pairs of events that another execution performs in the other order.
// SPDX-License-Identifier: Apache-2.0
#include "race.h"

#include "foresee.h"

static enum fr_status add_race(struct races *races, const struct run *run, uint32_t first,
                               uint32_t second, fr_tid thread) {
    enum fr_status status =
        ALLOC_GROW(run->alloc, races->items, races->capacity, (size_t)races->count + 1);
    if (status == FR_OK)
        races->items[races->count++] =
            (struct race){.first = first, .second = second, .thread = thread};
    return status;
}

// No other direct cause of b lies between d and b. Not only a short cut: without it some reversals
// would not be executable.
static bool is_immediate(const struct trace *trace, const struct event *b, uint32_t d) {
    for (uint32_t i = 0; i < b->cause_count; i++) {
        uint32_t other = trace->causes[b->causes_at + i].at;
        if (other != d && trace_before(trace, d, other))
            return false;
    }
    return true;
}

// Is the slot written behind the last access that the thread of event `at` made of it, by an event
// that stays when d and all after it are taken away?
static bool has_other_write(const struct trace *trace, uint32_t d, uint32_t at, uint32_t slot) {
    uint32_t since = trace_last_strong(trace, trace->events[at].thread, slot, at);
    if (since == NONE)
        return true;
    for (uint32_t k = since + 1; k < at; k++)
        if (k != d && trace_writes(trace, k, slot) && !trace_before(trace, d, k))
            return true;
    return false;
}

// A SPIN re-read can be performed before the write d only if another write lets it go.
static bool spin_has_other_write(const struct trace *trace, uint32_t d, uint32_t at) {
    const struct event *b = &trace->events[at];
    for (uint32_t i = 0; i < b->touch_count; i++)
        if (has_other_write(trace, d, at, trace->touches[b->touches_at + i].slot))
            return true;
    return false;
}

static bool is_reversible(const struct trace *trace, uint32_t at, struct cause cause) {
    const struct event *a = &trace->events[cause.at];
    const struct event *b = &trace->events[at];
    if (cause.at < b->barrier || a->thread == b->thread || (cause.through & CAUSE_ORDER) != 0)
        return false;
    // An acquire cannot be performed before the release that frees its lock. (A release of a free
    // lock frees nothing.)
    if (b->kind == FR_OP_ACQUIRE && a->kind == FR_OP_RELEASE && a->outcome)
        return false;
    if (!is_immediate(trace, b, cause.at))
        return false;
    return b->kind != FR_OP_SPIN || spin_has_other_write(trace, cause.at, at);
}

// Does acquisition a happen before acquire b by more than the lock itself?
static bool is_ordered_otherwise(const struct trace *trace, uint32_t a, const struct event *b) {
    if (trace->events[a].thread == b->thread)
        return true;
    for (uint32_t i = 0; i < b->cause_count; i++) {
        struct cause cause = trace->causes[b->causes_at + i];
        if ((cause.through & CAUSE_ORDER) != 0 && trace_before(trace, a, cause.at))
            return true;
    }
    return false;
}

// A rival that is also a cause through the lock (a release by another thread lies not between)
// would be counted twice.
static bool is_direct_race(const struct trace *trace, uint32_t at, uint32_t first) {
    const struct event *b = &trace->events[at];
    for (uint32_t i = 0; i < b->cause_count; i++) {
        struct cause cause = trace->causes[b->causes_at + i];
        if (cause.at == first)
            return is_reversible(trace, at, cause);
    }
    return false;
}

static enum fr_status find_of_causes(struct races *races, const struct run *run, uint32_t at) {
    const struct trace *trace = &run->trace;
    const struct event *b = &trace->events[at];
    enum fr_status status = FR_OK;
    for (uint32_t i = 0; status == FR_OK && i < b->cause_count; i++) {
        struct cause cause = trace->causes[b->causes_at + i];
        if (is_reversible(trace, at, cause))
            status = add_race(races, run, cause.at, at, b->thread);
    }
    return status;
}

static enum fr_status find_of_event(struct races *races, const struct run *run, uint32_t at) {
    const struct trace *trace = &run->trace;
    const struct event *b = &trace->events[at];
    enum fr_status status = find_of_causes(races, run, at);
    if (status == FR_OK && b->kind == FR_OP_ACQUIRE && b->rival != NONE && b->rival >= b->barrier &&
        !is_ordered_otherwise(trace, b->rival, b) && !is_direct_race(trace, at, b->rival))
        status = add_race(races, run, b->rival, at, b->thread);
    return status;
}

// A thread that waits for a lock at the end, or when time passed, races with the acquisition that
// took it. What it waited with may have been performed since then, or have become a try: before
// that acquisition it takes the lock, as whoever reverses the race foresees.
static enum fr_status find_of_blocked(struct races *races, const struct run *run) {
    enum fr_status status = FR_OK;
    for (uint32_t i = 0; status == FR_OK && i < run->wait_count; i++) {
        struct wait wait = run->waits[i];
        uint32_t second = foresee_next(run, wait.thread, wait.at);
        status = add_race(races, run, wait.taken, second, wait.thread);
    }
    for (tset rest = run->live; status == FR_OK && rest != 0; rest &= rest - 1) {
        uint32_t taken = run_blocked_by(run, tset_first(rest));
        if (taken != NONE)
            status = add_race(races, run, taken, run->trace.length, tset_first(rest));
    }
    return status;
}

// An acquire that has not been performed races with the last acquisition of its lock.
static enum fr_status find_of_acquire(struct races *races, const struct run *run, fr_tid tid) {
    const struct thread *thread = &run->threads[tid];
    uint32_t taken = run->objects.items[thread->touches[0].slot].acquired_at;
    if (taken == NONE || taken < trace_barrier(&run->trace) ||
        run->trace.events[taken].thread == tid)
        return FR_OK;
    if (thread->last != NONE && trace_before(&run->trace, taken, thread->last))
        return FR_OK;
    return add_race(races, run, taken, run->trace.length, tid);
}

// Does the event at `at` come before the thread's pending operation whatever the order of accesses?
static bool is_ordered_before(const struct run *run, uint32_t at, const struct step *pending) {
    uint32_t own = run->threads[pending->thread].last;
    if (own != NONE && trace_before(&run->trace, at, own))
        return true;
    if (pending->kind != FR_OP_JOIN)
        return false;
    uint32_t joined = run->threads[pending->target].last;
    return joined != NONE && trace_before(&run->trace, at, joined);
}

// From the last event to the first: who depends on the operation, and lies before no event found
// already. Who is enabled after a jump is so because of it: nothing before it is in question. A
// spin is left out: whether it can be earlier is asked of performed ones only.
static enum fr_status find_of_pending(struct races *races, const struct run *run, fr_tid tid) {
    const struct trace *trace = &run->trace;
    struct touch spare;
    struct step pending = run_pending(run, tid, &spare);
    uint32_t first_race = races->count;
    uint32_t freed = NONE;  // by a release, which stays in front of an acquire
    enum fr_status status = FR_OK;
    if (pending.kind == FR_OP_SPIN || pending.kind == FR_OP_JOIN || pending.kind == FR_OP_SPAWN)
        return FR_OK;
    for (uint32_t at = trace->length; status == FR_OK && at-- > trace_barrier(trace);) {
        struct step event = trace_step(trace, at);
        if (is_ordered_before(run, at, &pending) || !step_depends(&event, &pending))
            continue;
        bool is_immediate = freed == NONE || !trace_before(trace, at, freed);
        for (uint32_t i = first_race; is_immediate && i < races->count; i++)
            is_immediate = !trace_before(trace, at, races->items[i].first);
        if (!is_immediate)
            continue;
        if (pending.kind == FR_OP_ACQUIRE && event.kind == FR_OP_RELEASE &&
            trace->events[at].outcome)
            freed = at;
        else
            status = add_race(races, run, at, trace->length, tid);
    }
    return status;
}

enum fr_status races_find_cut(struct races *races, const struct run *run, tset threads) {
    enum fr_status status = FR_OK;
    for (tset rest = threads; status == FR_OK && rest != 0; rest &= rest - 1) {
        fr_tid t = tset_first(rest);
        status = find_of_pending(races, run, t);
        if (status == FR_OK && run->threads[t].kind == FR_OP_ACQUIRE)
            status = find_of_acquire(races, run, t);
    }
    return status;
}

enum fr_status races_find(struct races *races, const struct run *run) {
    races->count = 0;
    enum fr_status status = FR_OK;
    for (uint32_t at = 0; status == FR_OK && at < run->trace.length; at++)
        status = find_of_event(races, run, at);
    return status == FR_OK ? find_of_blocked(races, run) : status;
}

// Adds races of a blocking acquire with the acquisitions of its lock from `taken` back to the last
// jump of time or one that happens before `last`, the event before the acquire in its thread.
static enum fr_status find_of_chain(struct races *races, const struct run *run, uint32_t taken,
                                    struct race race, uint32_t last, uint32_t barrier) {
    const struct trace *trace = &run->trace;
    enum fr_status status = FR_OK;
    for (; status == FR_OK && taken != NONE && taken >= barrier;
         taken = trace->events[taken].rival) {
        if (last != NONE && trace_before(trace, taken, last))
            break;
        status = add_race(races, run, taken, race.second, race.thread);
        if (status == FR_OK)
            races->items[races->count - 1].waits = true;
    }
    return status;
}

static enum fr_status find_all_of_event(struct races *races, const struct run *run, uint32_t at) {
    const struct trace *trace = &run->trace;
    const struct event *b = &trace->events[at];
    enum fr_status status = find_of_causes(races, run, at);
    struct race race = {.second = at, .thread = b->thread};
    if (status == FR_OK && b->kind == FR_OP_ACQUIRE)
        status = find_of_chain(races, run, b->rival, race, trace_last(trace, at), b->barrier);
    return status;
}

enum fr_status races_find_all(struct races *races, const struct run *run) {
    const struct trace *trace = &run->trace;
    races->count = 0;
    enum fr_status status = FR_OK;
    for (uint32_t at = 0; status == FR_OK && at < trace->length; at++)
        status = find_all_of_event(races, run, at);
    for (uint32_t i = 0; status == FR_OK && i < run->wait_count; i++) {
        struct wait wait = run->waits[i];
        uint32_t second = foresee_next(run, wait.thread, wait.at);
        struct race race = {.second = second, .thread = wait.thread};
        uint32_t last =
            second < trace->length ? trace_last(trace, second) : run->threads[wait.thread].last;
        status = find_of_chain(races, run, wait.taken, race, last, trace_since(trace, wait.at - 1));
    }
    for (tset rest = run->live; status == FR_OK && rest != 0; rest &= rest - 1) {
        struct race race = {.second = trace->length, .thread = tset_first(rest)};
        uint32_t taken = run_blocked_by(run, race.thread);
        status = find_of_chain(races, run, taken, race, run->threads[race.thread].last,
                               trace_barrier(trace));
    }
    return status;
}
