// The largest prefixes of a trace that a schedule within a preemption bound reaches.
// SPDX-License-Identifier: Apache-2.0
#include "context.h"

// More than one thread touches the lock.
#define SEVERAL (FR_TID_NONE - 1)

void context_init(struct context *c, struct alloc *alloc, struct lattice *lattice) {
    *c = (struct context){.alloc = alloc, .lattice = lattice};
}

void context_release(struct context *c) {
    alloc_free(c->alloc, c->loud);
    alloc_free(c->alloc, c->lock_user);
    alloc_free(c->alloc, c->spun);
}

// ------------------------------------------------------------------------------ what is loud

// An operation, performed or waiting at the end: which objects and threads others wait for.
static void note_operation(struct context *c, uint8_t kind, fr_tid thread, fr_tid target,
                           const struct touch *touches, uint32_t touch_count, tset *joined) {
    switch (kind) {
    case FR_OP_ACQUIRE:
    case FR_OP_TRY:
    case FR_OP_RELEASE: {
        fr_tid *user = &c->lock_user[touches[0].slot];
        *user = *user == FR_TID_NONE || *user == thread ? thread : SEVERAL;
        break;
    }
    case FR_OP_SPIN:
        for (uint32_t i = 0; i < touch_count; i++)
            c->spun[touches[i].slot] = true;
        break;
    case FR_OP_JOIN:
        *joined |= tset_of(target);
        break;
    default:
        break;
    }
}

static tset note_operations(struct context *c, const struct run *run) {
    tset joined = 0;
    const struct trace *trace = &run->trace;
    for (uint32_t at = 0; at < trace->length; at++) {
        const struct event *event = &trace->events[at];
        // There are no touches at all yet if no event had one.
        const struct touch *touches =
            event->touch_count == 0 ? NULL : &trace->touches[event->touches_at];
        note_operation(c, event->kind, event->thread, event->target, touches, event->touch_count,
                       &joined);
    }
    for (fr_tid t = 0; t < run->thread_count; t++) {
        const struct thread *thread = &run->threads[t];
        if (thread->entered && thread->pending)
            note_operation(c, thread->kind, t, thread->target, thread->touches, thread->touch_count,
                           &joined);
    }
    return joined;
}

static bool is_loud(const struct context *c, const struct run *run, uint32_t at, tset joined) {
    const struct event *event = &run->trace.events[at];
    const struct thread *thread = &run->threads[event->thread];
    if (tset_has(joined, event->thread) && event->index == thread->count)
        return true;
    if (event->kind == FR_OP_SPAWN)
        return run->threads[event->target].count == 0;
    for (uint32_t i = 0; i < event->touch_count; i++) {
        struct touch touch = run->trace.touches[event->touches_at + i];
        bool writes = touch.mode == FR_WRITE || touch.mode == FR_WRITE_WEAK;
        if (c->lock_user[touch.slot] == SEVERAL || (writes && c->spun[touch.slot]))
            return true;
    }
    return false;
}

// The first of its thread behind a jump of time: there, letting another go is free.
static bool is_woken(const struct run *run, uint32_t at) {
    const struct event *event = &run->trace.events[at];
    const struct thread *thread = &run->threads[event->thread];
    if (event->index == 1)
        return event->barrier != 0;
    return run->trace.events[thread->positions[event->index - 2]].barrier != event->barrier;
}

enum fr_status context_open(struct context *c) {
    const struct run *run = c->lattice->run;
    uint32_t objects = run->objects.count;
    enum fr_status status = ALLOC_GROW(c->alloc, c->loud, c->loud_capacity, run->trace.length);
    if (status == FR_OK)
        status = ALLOC_GROW(c->alloc, c->lock_user, c->user_capacity, objects);
    if (status == FR_OK)
        status = ALLOC_GROW(c->alloc, c->spun, c->spun_capacity, objects);
    if (status != FR_OK)
        return status;
    for (uint32_t slot = 0; slot < objects; slot++) {
        c->lock_user[slot] = FR_TID_NONE;
        c->spun[slot] = false;
    }
    tset joined = note_operations(c, run);
    for (fr_tid t = 0; t < run->thread_count; t++)
        c->quiet_from[t] = run->threads[t].left ? 0 : NONE;
    for (uint32_t at = 0; at < run->trace.length; at++) {
        const struct event *event = &run->trace.events[at];
        c->loud[at] = is_loud(c, run, at, joined) || is_woken(run, at);
        if (c->loud[at] && c->quiet_from[event->thread] != NONE)
            c->quiet_from[event->thread] = event->index;
    }
    return FR_OK;
}

// ------------------------------------------------------------------------------ the rules

// How many events the thread performs without being left: quiet ones as far as they go, else one,
// or none if it has none next.
static uint32_t stretch_of(const struct context *c, uint32_t state, fr_tid t) {
    const struct lattice *l = c->lattice;
    uint32_t length = 0;
    for (;; length++) {
        uint32_t at = lattice_next_after(l, state, t, length);
        if (at == NONE)
            return length;
        if (c->loud[at])
            return length == 0 ? 1 : length;
    }
}

// Rule 2: how many events, or 0.
static uint32_t rest_of(const struct context *c, uint32_t state, fr_tid t) {
    const struct lattice *l = c->lattice;
    uint32_t done = lattice_counts(l, state)[t];
    uint32_t count = l->run->threads[t].count;
    if (c->quiet_from[t] == NONE || done < c->quiet_from[t] || done == count)
        return 0;
    // What the last one needs includes what those before it need.
    return lattice_next_after(l, state, t, count - done - 1) == NONE ? 0 : count - done;
}

// No thread runs, or it costs nothing to let another.
static enum fr_status start_any(struct context *c, uint32_t state, fr_tid stays) {
    struct lattice *l = c->lattice;
    uint32_t cost = l->states[state].cost;
    for (fr_tid t = 0; t < l->threads; t++) {
        uint32_t rest = t == stays ? 0 : rest_of(c, state, t);
        if (rest != 0)
            return lattice_run(l, state, t, rest, cost);
    }
    enum fr_status status = FR_OK;
    for (fr_tid t = 0; status == FR_OK && t < l->threads; t++) {
        uint32_t length = stretch_of(c, state, t);
        if (length != 0)
            status = lattice_run(l, state, t, length, cost);
    }
    return status;
}

enum fr_status context_expand(struct context *c, uint32_t state, fr_tid stays) {
    struct lattice *l = c->lattice;
    fr_tid last = l->states[state].last;
    uint32_t cost = l->states[state].cost;
    if (last == FR_TID_NONE)
        return start_any(c, state, stays);
    enum fr_status status = FR_OK;
    uint32_t at = lattice_next(l, state, last);
    if (at != NONE)
        status = lattice_run(l, state, last, stretch_of(c, state, last), cost);
    bool must_go_on = at != NONE && !c->loud[at];
    if (status == FR_OK && !must_go_on && cost < l->limit)
        status = lattice_leave(l, state, cost + 1);
    return status;
}

bool context_may_leave(const struct context *c, uint32_t state, fr_tid thread) {
    const struct lattice *l = c->lattice;
    fr_tid last = l->states[state].last;
    if (last != FR_TID_NONE && last != thread)
        return false;
    if (last == FR_TID_NONE)
        for (fr_tid t = 0; t < l->threads; t++)
            if (t != thread && rest_of(c, state, t) != 0)
                return false;
    return lattice_is_enabled(l, state, thread);
}

// ------------------------------------------------------------------------------ least cost

// What delays cost depends on all threads, and time on all events: no rule leaves anything out.
static enum fr_status step_all(struct lattice *l, uint32_t state) {
    tset enabled = lattice_enabled(l, state);
    enum fr_status status = FR_OK;
    for (tset rest = enabled; status == FR_OK && rest != 0; rest &= rest - 1) {
        fr_tid t = tset_first(rest);
        uint32_t at = lattice_next(l, state, t);
        uint32_t cost = l->states[state].cost + lattice_price(l, state, enabled, t);
        if (at != NONE && cost <= l->limit)
            status = lattice_step(l, state, at, cost);
    }
    return status;
}

enum fr_status context_least(struct context *c, const struct run *run, enum fr_bound kind,
                             uint32_t limit, uint32_t *out) {
    struct lattice *l = c->lattice;
    *out = 0;
    enum fr_status status = lattice_open(l, run, kind, limit, 0);
    if (status == FR_OK)
        status = context_open(c);
    uint32_t state;
    fr_tid none;
    while (status == FR_OK && run->trace.length != 0) {
        bool is_within = lattice_settle(l, &state, &none);
        *out = is_within ? l->states[state].cost : limit + 1;
        if (!is_within || lattice_is_whole(l, state))
            break;
        bool has_rules = kind == FR_BOUND_PREEMPTIONS && run->trace.jump_count == 0;
        status = has_rules ? context_expand(c, state, FR_TID_NONE) : step_all(l, state);
    }
    return status;
}
