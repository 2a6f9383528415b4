// A round: a thread waits in a loop that changes nothing, so that time alone passes.
// SPDX-License-Identifier: Apache-2.0
#include "round.h"

static bool goes_round(const struct run *run, fr_tid tid) {
    const struct thread *thread = &run->threads[tid];
    return thread->pending && thread->round.is_known &&
           (thread->asked == FR_OP_ACQUIRE || thread->asked == FR_OP_SLEEP);
}

static tset find_rounds(const struct run *run) {
    tset rounds = 0;
    for (tset rest = run->live; rest != 0; rest &= rest - 1)
        if (goes_round(run, tset_first(rest)))
            rounds |= tset_of(tset_first(rest));
    return rounds;
}

// The earliest deadline of these threads, 0 if there is none.
static uint64_t find_deadline(const struct run *run, tset threads) {
    uint64_t earliest = 0;
    for (tset rest = threads; rest != 0; rest &= rest - 1) {
        uint64_t deadline = run->threads[tset_first(rest)].deadline;
        if (deadline != 0 && (earliest == 0 || deadline < earliest))
            earliest = deadline;
    }
    return earliest;
}

// Position from which on nobody may have done anything but go round: the first event after the jump
// of time before the earliest of all last rounds. (Not the round's own first event: where that lies
// among others of its epoch is not the same in all linearisations.)
static uint32_t find_start(const struct run *run, tset rounds) {
    uint32_t start = run->trace.length;
    for (tset rest = rounds; rest != 0; rest &= rest - 1) {
        const struct thread *thread = &run->threads[tset_first(rest)];
        uint32_t at = trace_since(&run->trace, thread->positions[thread->round.last]);
        start = at < start ? at : start;
    }
    return start;
}

// Did the thread hold the lock that it tried to take? Then it fails whatever the others do.
static bool tried_its_own(const struct trace *trace, uint32_t at, uint32_t slot) {
    const struct event *event = &trace->events[at];
    if (event->kind != FR_OP_TRY || event->rival == NONE ||
        trace->events[event->rival].thread != event->thread)
        return false;
    for (uint32_t k = event->rival + 1; k < at; k++)
        if (trace_writes(trace, k, slot))
            return false;
    return true;
}

// Somebody takes a lock in his rounds, and this event would see him hold it if they met: what has
// not happened in the last round may happen in the next one.
static bool may_see_another(const struct trace *trace, uint32_t at, uint32_t start) {
    const struct event *event = &trace->events[at];
    for (uint32_t i = 0; i < event->touch_count; i++) {
        struct touch touch = trace->touches[event->touches_at + i];
        if (touch.mode == FR_WRITE || tried_its_own(trace, at, touch.slot))
            continue;
        for (uint32_t k = start; k < trace->length; k++)
            if (trace->events[k].thread != event->thread && trace_writes(trace, k, touch.slot))
                return true;
    }
    return false;
}

// Has nobody done anything but go round since the last round of each of them began?
static bool is_quiet(const struct run *run, tset rounds) {
    const struct trace *trace = &run->trace;
    uint32_t start = find_start(run, rounds);
    for (uint32_t at = trace->length; at-- > start;) {
        const struct event *event = &trace->events[at];
        if (!tset_has(rounds, event->thread) ||
            event->index <= run->threads[event->thread].round.first)
            return false;
    }
    for (uint32_t at = start; at < trace->length; at++)
        if (may_see_another(trace, at, start))
            return false;
    return true;
}

// The end of the first round that is over at `now` or after it.
static void leave_out_rounds(struct thread *thread, uint64_t now) {
    uint64_t period = thread->round.period_ns;
    if (period == 0 || thread->deadline >= now)
        return;
    uint64_t left_out = (now - thread->deadline + period - 1) / period;
    if (left_out <= (UINT64_MAX - thread->deadline) / period)
        thread->deadline += left_out * period;
}

uint64_t round_next(struct run *run) {
    tset rounds = find_rounds(run);
    if (rounds == 0 || !is_quiet(run, rounds))
        return find_deadline(run, run->live);
    uint64_t next = find_deadline(run, run->live & ~rounds);
    for (tset rest = rounds; next != 0 && rest != 0; rest &= rest - 1)
        leave_out_rounds(&run->threads[tset_first(rest)], next);
    return next == 0 ? 0 : find_deadline(run, run->live);
}
