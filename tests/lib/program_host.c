// Abstract programs under the engine: their instructions as operations, a program as a subject.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "program.h"

static const struct {
    enum fr_op_kind kind;
    enum fr_mode mode;
} kinds[OPC_VISIBLE] = {
    [OPC_READ] = {FR_OP_ACCESS, FR_READ},
    [OPC_WRITE] = {FR_OP_ACCESS, FR_WRITE},
    [OPC_ADD] = {FR_OP_UPDATE, FR_WRITE},
    [OPC_CAS] = {FR_OP_CAS, FR_WRITE},
    [OPC_READ_WEAK] = {FR_OP_ACCESS, FR_READ_WEAK},
    [OPC_WRITE_WEAK] = {FR_OP_ACCESS, FR_WRITE_WEAK},
    [OPC_ACQUIRE] = {FR_OP_ACQUIRE, FR_WRITE},
    [OPC_TRY] = {FR_OP_TRY, FR_WRITE},
    [OPC_RELEASE] = {FR_OP_RELEASE, FR_WRITE},
    [OPC_SPAWN] = {FR_OP_SPAWN, FR_READ},
    [OPC_JOIN] = {FR_OP_JOIN, FR_READ},
    [OPC_SPIN] = {FR_OP_SPIN, FR_READ},
    [OPC_ACQUIRE_FOR] = {FR_OP_ACQUIRE, FR_WRITE},
    [OPC_JOIN_FOR] = {FR_OP_JOIN, FR_READ},
    [OPC_SPIN_FOR] = {FR_OP_SPIN, FR_READ},
    [OPC_SLEEP] = {FR_OP_SLEEP, FR_READ},
    [OPC_MULTI] = {FR_OP_ACCESS, FR_READ},
};

static uint64_t key_of(uint32_t object, uint64_t salt) {
    // Multiplication by an odd number keeps different objects different.
    return (object + 1) * (2 * salt + 1);
}

// The engine foresees CAS with values that start at 0; ours start at init.
static int64_t from_init(int64_t value, int64_t init) {
    return (int64_t)((uint64_t)value - (uint64_t)init);
}

static void add_values(const struct program_state *state, uint32_t t, const struct instruction *i,
                       uint32_t x, struct fr_op *op) {
    const int64_t *r = state->threads[t].registers;
    int64_t init = state->program->init[x];
    switch (i->opcode) {
    case OPC_CAS:
        op->expect = from_init(r[i->src], init);
        op->value = from_init(r[i->other], init);
        break;
    case OPC_WRITE:
        op->value = from_init(r[i->src], init);
        break;
    default:
        op->value = r[i->src];
        break;
    }
}

// A deadline of 0 would be none: what is due at the start of the execution does not wait.
static void add_deadline(const struct program_thread *thread, struct fr_op *op) {
    op->deadline_ns = (uint64_t)thread->deadline;
    if (op->deadline_ns == 0)
        op->kind = op->kind == FR_OP_ACQUIRE ? FR_OP_TRY : FR_OP_SLEEP;
}

struct fr_op program_op(const struct program_state *state, uint32_t t, uint64_t salt,
                        struct fr_access *accesses) {
    const struct instruction *i = program_next(state, t);
    // The site is the instruction, whichever thread runs it.
    struct fr_op op = {.kind = kinds[i->opcode].kind,
                       .site = (uint64_t)(i - state->program->code) + 1,
                       .accesses = accesses};
    if (program_has_timeout(i->opcode))
        add_deadline(&state->threads[t], &op);
    if (op.kind == FR_OP_SPAWN || op.kind == FR_OP_JOIN)
        op.target = i->base;
    if (!program_has_object(i->opcode) || op.kind == FR_OP_SLEEP)
        return op;
    uint32_t count = i->opcode == OPC_MULTI ? (uint32_t)i->imm : 1;
    i += i->opcode == OPC_MULTI;
    if (i->opcode == OPC_SPIN)
        op.kind = FR_OP_SPIN;
    for (uint32_t k = 0; k < count; k++, i++) {
        uint32_t x = program_object(state, t, i);
        accesses[k] = (struct fr_access){.key = key_of(x, salt), .mode = kinds[i->opcode].mode};
        add_values(state, t, i, x, &op);
    }
    op.access_count = count;
    return op;
}

enum fr_switch program_switchable(uint64_t seed, uint32_t thread, uint32_t n) {
    if (seed == 0)
        return FR_SWITCH_YES;
    uint64_t mixed = (seed * 64 + thread + 1) * 0x9E3779B97F4A7C15U ^ (n + 1) * 0xD1B54A32D192ED03U;
    return (enum fr_switch)((mixed ^ mixed >> 29) * 0xBF58476D1CE4E5B9U >> 62);
}

static enum fr_status announce(struct program_subject *s, struct fr_explorer *e, uint32_t t) {
    uint64_t salt = s->vary_keys ? s->executions : 0;
    struct fr_access accesses[PROGRAM_MULTI];
    if (s->state.threads[t].finished)
        return fr_run_leave(e, s->tid_of[t]);
    struct fr_op op = program_op(&s->state, t, salt, accesses);
    if (op.kind == FR_OP_SPAWN || op.kind == FR_OP_JOIN)
        op.target = s->tid_of[op.target];
    op.switchable = (uint8_t)program_switchable(s->switch_seed, t, s->counts[t]);
    if (s->tells_rounds)
        program_round_tell(s, t, &op);
    return fr_run_announce(e, s->tid_of[t], &op);
}

static enum fr_status enter(struct program_subject *s, struct fr_explorer *e, uint32_t t,
                            fr_tid parent) {
    enum fr_status status = fr_run_enter(e, parent, &s->tid_of[t]);
    if (status == FR_OK)
        s->thread_of[s->tid_of[t]] = (uint8_t)t;
    return status;
}

// Late threads are children of the first worker in name, whoever spawns them.
static enum fr_status enter_all(struct program_subject *s, struct fr_explorer *e) {
    const struct program *program = s->program;
    enum fr_status status = FR_OK;
    for (uint32_t t = 0; status == FR_OK && t < program->thread_count; t++)
        if (!program->late[t])
            status = enter(s, e, t, FR_TID_NONE);
    for (uint32_t t = 0; status == FR_OK && t < program->thread_count; t++)
        if (program->late[t])
            status = enter(s, e, t, 0);
    for (uint32_t t = 0; status == FR_OK && t < program->thread_count; t++)
        if (!program->late[t])
            status = announce(s, e, t);
    return status;
}

// Takes the step that the engine decided on. The engine's time and outcome must be the program's.
static enum fr_status take_step(struct program_subject *s, const struct fr_explorer *e,
                                uint32_t t) {
    struct program_state *state = &s->state;
    if (s->tells_rounds)
        program_round_jump(s, (int64_t)fr_run_now(e));
    if (fr_run_now(e) != (uint64_t)state->now && !program_jump(state))
        return FR_HOST;
    if (fr_run_now(e) != (uint64_t)state->now || !program_is_enabled(state, t))
        return FR_HOST;
    if (s->length < sizeof s->schedule) {
        s->schedule[s->length] = (uint8_t)t;
        s->times[s->length] = state->now;
    }
    s->length++;
    const struct instruction *i = program_next(state, t);
    bool has_deadline = program_has_timeout(i->opcode) && state->threads[t].deadline != 0;
    bool due = has_deadline && state->threads[t].due;
    bool timed_out = due && i->opcode != OPC_SLEEP;
    if (i->opcode == OPC_ACQUIRE_FOR)
        timed_out = due && state->holder[program_object(state, t, i)] >= 0;
    if (s->tells_rounds)
        program_round_step(s, t, fr_run_outcome(e));
    program_step(state, t);
    bool is_other = has_deadline && fr_run_outcome(e) == timed_out;
    return state->broken || is_other ? FR_HOST : FR_OK;
}

static enum fr_status begin(struct program_subject *s, struct fr_explorer *e) {
    s->length = 0;
    memset(s->counts, 0, sizeof s->counts);
    for (uint32_t t = 0; t < PROGRAM_THREADS; t++)
        s->rounds[t].is_known = s->rounds[t].is_told = false;
    program_begin(&s->state, s->program);
    return s->state.broken ? FR_HOST : enter_all(s, e);
}

static enum fr_status go_on(struct program_subject *s, struct fr_explorer *e) {
    for (uint32_t limit = s->retry_every;;) {
        fr_tid tid;
        if (limit != 0 && s->length == limit) {
            limit += s->retry_every;
            enum fr_status again = fr_explorer_retry(e);
            if (again == FR_OK)
                again = begin(s, e);
            if (again != FR_OK)
                return again;
        }
        enum fr_status status = fr_run_decide(e, &tid);
        if (status != FR_OK || tid == FR_TID_NONE)
            return status;
        uint32_t t = s->thread_of[tid];
        s->counts[t]++;
        const struct instruction *i = program_next(&s->state, t);
        status = take_step(s, e, t);
        if (status == FR_OK && i->opcode == OPC_SPAWN)
            status = announce(s, e, i->base);
        if (status == FR_OK)
            status = announce(s, e, t);
        if (status != FR_OK)
            return status;
    }
}

static enum fr_status execute(void *self, struct fr_explorer *e, enum fr_verdict *verdict,
                              uint64_t *place) {
    struct program_subject *s = self;
    s->executions++;
    enum fr_status status = begin(s, e);
    if (status == FR_OK)
        status = go_on(s, e);
    if (status != FR_OK)
        return status;
    static const enum fr_verdict verdict_of[] = {
        [FR_STOP_FINISHED] = FR_VERDICT_PASS,
        [FR_STOP_DEADLOCK] = FR_VERDICT_DEADLOCK,
        [FR_STOP_REDUNDANT] = FR_VERDICT_REDUNDANT,
        [FR_STOP_STEPS] = FR_VERDICT_STEP_LIMIT,
    };
    *place = 0;
    *verdict = verdict_of[fr_run_stop(e)];
    if (s->state.failed && *verdict == FR_VERDICT_PASS)
        *verdict = FR_VERDICT_INVARIANT;
    return FR_OK;
}

struct fr_subject program_subject(struct program_subject *subject, const struct program *program) {
    *subject = (struct program_subject){.program = program};
    return (struct fr_subject){.self = subject, .execute = execute};
}
