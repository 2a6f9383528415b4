// Time: it stands still while somebody can go on, and then jumps to the earliest deadline.
// SPDX-License-Identifier: Apache-2.0
#include "round.h"

void run_fall_due(struct thread *thread) {
    thread->due = true;
    if (thread->kind == FR_OP_ACQUIRE)
        thread->kind = FR_OP_TRY;
    if (thread->kind != FR_OP_JOIN && thread->kind != FR_OP_SPIN)
        return;
    thread->kind = FR_OP_SLEEP;
    thread->touch_count = 0;
    thread->slots = 0;
}

// Not one before the last jump, which orders the two, or which found them racing then.
uint32_t run_blocked_by(const struct run *run, fr_tid tid) {
    const struct thread *thread = &run->threads[tid];
    if (!thread->pending || thread->kind != FR_OP_ACQUIRE || run_is_enabled(run, tid))
        return NONE;
    uint32_t taken = run->objects.items[thread->touches[0].slot].acquired_at;
    if (taken == NONE || taken < trace_barrier(&run->trace) ||
        run->trace.events[taken].thread == tid)
        return NONE;
    if (thread->last != NONE && trace_before(&run->trace, taken, thread->last))
        return NONE;
    return taken;
}

static enum fr_status note_waits(struct run *run) {
    for (tset rest = run->live; rest != 0; rest &= rest - 1) {
        fr_tid t = tset_first(rest);
        uint32_t taken = run_blocked_by(run, t);
        if (taken == NONE)
            continue;
        enum fr_status status =
            ALLOC_GROW(run->alloc, run->waits, run->wait_capacity, (size_t)run->wait_count + 1);
        if (status != FR_OK)
            return status;
        run->waits[run->wait_count++] =
            (struct wait){.at = run->trace.length, .taken = taken, .thread = t};
    }
    return FR_OK;
}

enum fr_status run_jump(struct run *run, bool *jumped) {
    uint64_t earliest = round_next(run);
    *jumped = earliest != 0;
    if (!*jumped)
        return FR_OK;
    // What was due before is enabled, and then there is no jump.
    assert(earliest > run->now);
    enum fr_status status = note_waits(run);
    if (status == FR_OK)
        status = trace_jump(&run->trace, earliest);
    if (status != FR_OK)
        return status;
    run->now = earliest;
    run->current = FR_TID_NONE;
    // A child may have announced before it is spawned.
    for (fr_tid t = 0; t < run->thread_count; t++) {
        struct thread *thread = &run->threads[t];
        if (thread->pending && thread->deadline != 0 && thread->deadline <= run->now)
            run_fall_due(thread);
    }
    return FR_OK;
}
