// The completion of a prefix: what follows if always the lowest thread that is enabled goes on.
// SPDX-License-Identifier: Apache-2.0
#include "completion.h"

void completion_init(struct completion *c, struct alloc *alloc) {
    *c = (struct completion){.alloc = alloc};
}

void completion_release(struct completion *c) {
    alloc_free(c->alloc, c->lock_events);
    alloc_free(c->alloc, c->held);
    alloc_free(c->alloc, c->influence);
    alloc_free(c->alloc, c->detours);
}

static bool is_of_lock(uint8_t kind) {
    return kind == FR_OP_ACQUIRE || kind == FR_OP_TRY || kind == FR_OP_RELEASE;
}

// Threads that could still go on when the execution was stopped.
static bool was_cut(const struct run *run) {
    return run_enabled(run) != 0 || !run_is_settled(run);
}

static void note_kinds(struct completion *c, const struct run *run) {
    c->has_spins = c->has_joins = false;
    for (uint32_t at = 0; at < run->trace.length; at++) {
        c->has_spins |= run->trace.events[at].asked == FR_OP_SPIN;
        c->has_joins |= run->trace.events[at].asked == FR_OP_JOIN;
    }
    for (fr_tid t = 0; t < run->thread_count; t++) {
        if (!tset_has(run->live, t) || !run->threads[t].pending)
            continue;
        c->has_spins |= run->threads[t].kind == FR_OP_SPIN;
        c->has_joins |= run->threads[t].kind == FR_OP_JOIN;
    }
}

// May the event, or the end of its thread behind it, change which threads are enabled?
static bool may_enable(const struct completion *c, const struct run *run,
                       const struct event *event) {
    if (is_of_lock(event->kind) || event->kind == FR_OP_SPAWN || event->kind == FR_OP_JOIN)
        return true;
    bool is_last = event->index == run->threads[event->thread].count;
    return c->has_spins || (c->has_joins && is_last);
}

enum fr_status completion_begin(struct completion *c, const struct run *run, uint32_t settled) {
    c->settled = settled;
    c->is_cut = was_cut(run);
    c->lock_event_count = c->detour_count = 0;
    note_kinds(c, run);
    uint32_t length = run->trace.length;
    enum fr_status status = ALLOC_GROW(c->alloc, c->held, c->held_capacity, run->objects.count);
    if (status == FR_OK)
        status = ALLOC_GROW(c->alloc, c->influence, c->influence_capacity, length);
    uint32_t influences[FR_THREADS_MAX];
    memset(influences, 0, run->thread_count * sizeof *influences);
    for (uint32_t at = 0; status == FR_OK && at < length; at++) {
        const struct event *event = &run->trace.events[at];
        influences[event->thread] += may_enable(c, run, event);
        c->influence[at] = influences[event->thread];
        if (!is_of_lock(event->kind))
            continue;
        status = ALLOC_GROW(c->alloc, c->lock_events, c->lock_event_capacity,
                            (size_t)c->lock_event_count + 1);
        if (status == FR_OK)
            c->lock_events[c->lock_event_count++] = at;
    }
    return status;
}

enum fr_status completion_detour(struct completion *c, struct detour detour) {
    enum fr_status status =
        ALLOC_GROW(c->alloc, c->detours, c->detour_capacity, (size_t)c->detour_count + 1);
    if (status == FR_OK)
        c->detours[c->detour_count++] = detour;
    return status;
}

static bool has_event(const struct run *run, const uint32_t *counts, uint32_t at) {
    const struct event *event = &run->trace.events[at];
    return event->index <= counts[event->thread];
}

static void set_locks(struct completion *c, const struct run *run, const uint32_t *counts) {
    const struct trace *trace = &run->trace;
    for (uint32_t i = 0; i < run->objects.count; i++)
        c->held[i] = run->objects.items[i].held_outside_at_first;
    for (uint32_t i = 0; i < c->lock_event_count; i++) {
        const struct event *event = &trace->events[c->lock_events[i]];
        if (event->index > counts[event->thread])
            continue;
        if (event->kind == FR_OP_RELEASE)
            c->held[trace->touches[event->touches_at].slot] = false;
        else if (event->outcome)
            c->held[trace->touches[event->touches_at].slot] = true;
    }
}

// What a thread can do after the prefix: nothing, the operation as the trace has it next, or the
// operation as another trace has it.
enum next { NEXT_DISABLED, NEXT_EVENT, NEXT_OTHER };

// Was an object that the spin waits for written, in the prefix, after its thread's last look?
static bool is_released(const struct run *run, const uint32_t *counts, uint32_t spin) {
    const struct trace *trace = &run->trace;
    const struct event *event = &trace->events[spin];
    for (uint32_t i = 0; i < event->touch_count; i++) {
        uint32_t slot = trace->touches[event->touches_at + i].slot;
        uint32_t since = trace_last_strong(trace, event->thread, slot, spin);
        if (since == NONE)
            return true;
        for (uint32_t at = since + 1; at < trace->length; at++)
            if (has_event(run, counts, at) && trace_writes(trace, at, slot))
                return true;
    }
    return false;
}

// The first event after the next jump of time, behind a prefix of so many events.
static uint32_t find_jump(const struct trace *trace, uint32_t total) {
    for (uint32_t i = 0; i < trace->jump_count; i++)
        if (trace->jumps[i].at > total)
            return trace->jumps[i].at;
    return NONE;
}

// Was the thread of the event spawned in the prefix?
static bool is_started(const struct run *run, const uint32_t *counts, uint32_t at) {
    uint32_t last = trace_last(&run->trace, at);
    return last == NONE || has_event(run, counts, last);
}

// An event behind a jump of time: its thread waited when time passed. Before that it could go on
// only if the lock was free.
static enum next next_behind_jump(const struct completion *c, const struct run *run, uint32_t at) {
    const struct event *event = &run->trace.events[at];
    if (event->asked != FR_OP_ACQUIRE)
        return NEXT_DISABLED;
    return c->held[run->trace.touches[event->touches_at].slot] ? NEXT_DISABLED : NEXT_OTHER;
}

static enum next next_event(const struct completion *c, const struct run *run,
                            const uint32_t *counts, uint32_t at) {
    const struct trace *trace = &run->trace;
    const struct event *event = &trace->events[at];
    bool is_possible = true;
    for (uint32_t i = 0; i < event->cause_count; i++) {
        struct cause cause = trace->causes[event->causes_at + i];
        if (has_event(run, counts, cause.at))
            continue;
        // Not spawned yet, or waits for the end of a thread.
        if ((cause.through & CAUSE_ORDER) != 0)
            return NEXT_DISABLED;
        is_possible = false;
    }
    if (is_possible)
        return NEXT_EVENT;
    if (event->kind == FR_OP_ACQUIRE)
        return c->held[trace->touches[event->touches_at].slot] ? NEXT_DISABLED : NEXT_OTHER;
    if (event->kind == FR_OP_SPIN && !is_released(run, counts, at))
        return NEXT_DISABLED;
    return NEXT_OTHER;
}

// The operation that was never performed. Others than an acquire can, once enabled, not be disabled
// by other threads: such a one would have been performed.
static enum next next_pending(const struct completion *c, const struct run *run,
                              const uint32_t *counts, const struct thread *thread) {
    if (thread->count == 0 && thread->last != NONE && !has_event(run, counts, thread->last))
        return NEXT_DISABLED;
    if (thread->kind == FR_OP_ACQUIRE)
        return c->held[thread->touches[0].slot] ? NEXT_DISABLED : NEXT_OTHER;
    return c->is_cut ? NEXT_OTHER : NEXT_DISABLED;
}

static enum next next_of(const struct completion *c, const struct run *run, const uint32_t *counts,
                         uint32_t jump, fr_tid t) {
    const struct thread *thread = &run->threads[t];
    if (!thread->entered)
        return NEXT_DISABLED;
    if (counts[t] < thread->count) {
        uint32_t at = thread->positions[counts[t]];
        if (at < jump)
            return next_event(c, run, counts, at);
        return is_started(run, counts, at) ? next_behind_jump(c, run, at) : NEXT_DISABLED;
    }
    if (!tset_has(run->live, t))
        return NEXT_DISABLED;
    return thread->pending ? next_pending(c, run, counts, thread) : NEXT_OTHER;
}

static void perform(struct completion *c, const struct run *run, uint32_t *counts,
                    const struct event *event) {
    counts[event->thread]++;
    uint32_t slot = event->touch_count != 0 ? run->trace.touches[event->touches_at].slot : NONE;
    if (event->kind == FR_OP_RELEASE)
        c->held[slot] = false;
    else if (is_of_lock(event->kind) && event->outcome)
        c->held[slot] = true;
}

static bool follows(struct completion *c, const struct run *run, uint32_t *counts) {
    uint32_t total = 0;
    uint32_t end = 0;  // all events of the prefix are before this position
    for (fr_tid t = 0; t < run->thread_count; t++) {
        total += counts[t];
        uint32_t last = counts[t] != 0 ? run->threads[t].positions[counts[t] - 1] + 1 : 0;
        end = last > end ? last : end;
    }
    set_locks(c, run, counts);
    uint32_t jump = find_jump(&run->trace, total);
    fr_tid t = 0;
    while (t < run->thread_count) {
        // The rest is what the execution itself did.
        if (total == end && end >= c->settled)
            return true;
        enum next next = next_of(c, run, counts, jump, t);
        if (next == NEXT_DISABLED) {
            t++;
            continue;
        }
        if (next == NEXT_OTHER)
            return c->is_cut && counts[t] == run->threads[t].count;
        uint32_t at = run->threads[t].positions[counts[t]];
        perform(c, run, counts, &run->trace.events[at]);
        total++;
        end = at + 1 > end ? at + 1 : end;
        if (total == jump || may_enable(c, run, &run->trace.events[at]))
            t = 0;
        if (total == jump)
            jump = find_jump(&run->trace, total);
    }
    return true;
}

// Do the events by which counts is ahead of before change which threads are enabled?
static bool has_influence(const struct completion *c, const struct run *run, const uint32_t *before,
                          const uint32_t *counts) {
    for (fr_tid t = 0; t < run->thread_count; t++) {
        if (counts[t] == before[t])
            continue;
        const uint32_t *positions = run->threads[t].positions;
        uint32_t first = before[t] != 0 ? c->influence[positions[before[t] - 1]] : 0;
        if (c->influence[positions[counts[t] - 1]] != first)
            return true;
    }
    return false;
}

static bool has_detour(const struct run *run, const uint32_t *counts, struct detour detour) {
    for (uint32_t at = detour.from; at < detour.end; at++)
        if (!has_event(run, counts, at))
            return false;
    return true;
}

bool completion_holds(struct completion *c, const struct run *run, uint32_t at,
                      const uint32_t *before, uint32_t *counts) {
    if (c->settled == NONE || has_influence(c, run, before, counts))
        return follows(c, run, counts);
    // With the events moved forward, the same threads are enabled as without at every point. So the
    // execution follows the rule wherever it did, and else only if a detour is one no longer.
    for (uint32_t i = c->detour_count; i-- > 0 && c->detours[i].from > at;)
        if (!has_detour(run, counts, c->detours[i]))
            return false;
    return true;
}
