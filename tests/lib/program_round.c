// Rounds of abstract programs: a thread comes to a wait as it came there before.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "program.h"

void program_round_step(struct program_subject *s, uint32_t t, bool succeeds) {
    struct program_round *round = &s->rounds[t];
    round->is_told = false;
    const struct instruction *i = program_next(&s->state, t);
    switch (i->opcode) {
    case OPC_READ:
    case OPC_READ_WEAK:
    case OPC_SLEEP:
        break;
    case OPC_ACQUIRE:
        round->holds++;
        break;
    case OPC_RELEASE:
        round->is_clean &= round->holds-- > 0;
        break;
    case OPC_TRY:
        // The engine's word on it: a failed attempt is a read.
        round->is_clean &= !succeeds;
        break;
    case OPC_ACQUIRE_FOR:
        round->is_clean &= s->state.threads[t].due && !succeeds;
        break;
    default:
        round->is_clean = false;
        break;
    }
}

static bool is_same_place(const struct program_thread *a, const struct program_thread *b) {
    return a->pc == b->pc && memcmp(a->registers, b->registers, sizeof a->registers) == 0;
}

// The thread is where it was.
static void close_round(struct program_round *round, const struct program_thread *thread,
                        uint32_t count) {
    bool waits_once = round->waits == 0;
    if (!round->told.is_known)
        round->told.first = round->count;
    round->told.is_known = true;
    round->told.last = round->count;
    round->told.period_ns = waits_once ? (uint64_t)(thread->deadline - round->deadline) : 0;
    round->waits = 0;
    round->count = count;
    round->deadline = thread->deadline;
}

static void begin_rounds(struct program_round *round, const struct program_thread *thread,
                         uint32_t count) {
    *round = (struct program_round){.is_known = true,
                                    .is_clean = true,
                                    .count = count,
                                    .deadline = thread->deadline,
                                    .thread = *thread};
}

// Only sleeps and acquires with a deadline are looked at. A round waits at most twice.
void program_round_tell(struct program_subject *s, uint32_t t, struct fr_op *op) {
    struct program_round *round = &s->rounds[t];
    const struct program_thread *thread = &s->state.threads[t];
    round->is_told = false;
    if (op->deadline_ns == 0 || (op->kind != FR_OP_SLEEP && op->kind != FR_OP_ACQUIRE))
        return;
    bool goes_on = round->is_known && round->is_clean && round->holds == 0;
    if (goes_on && is_same_place(&round->thread, thread))
        close_round(round, thread, s->counts[t]);
    else if (!goes_on || round->waits++ > 0)
        begin_rounds(round, thread, s->counts[t]);
    round->is_told = round->told.is_known;
    op->round = round->told;
}

void program_round_jump(struct program_subject *s, int64_t now) {
    for (uint32_t t = 0; t < s->program->thread_count; t++) {
        struct program_thread *thread = &s->state.threads[t];
        struct program_round *round = &s->rounds[t];
        int64_t period = (int64_t)round->told.period_ns;
        if (!round->is_told || thread->due || thread->deadline >= now || period == 0)
            continue;
        thread->deadline += (now - thread->deadline + period - 1) / period * period;
        round->deadline = thread->deadline;
    }
}
