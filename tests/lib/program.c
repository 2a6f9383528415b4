// Abstract programs: a register machine per thread over shared objects and locks.
// SPDX-License-Identifier: Apache-2.0
#include "program.h"

#include <assert.h>
#include <string.h>

bool program_has_object(uint8_t opcode) {
    return opcode != OPC_SPAWN && opcode != OPC_JOIN && opcode != OPC_JOIN_FOR &&
           opcode != OPC_SLEEP;
}

bool program_has_timeout(uint8_t opcode) {
    return opcode == OPC_ACQUIRE_FOR || opcode == OPC_JOIN_FOR || opcode == OPC_SPIN_FOR ||
           opcode == OPC_SLEEP;
}

static void break_program(struct program_state *state, const char *why) {
    state->broken = true;
    state->why = why;
}

// Values wrap around.
static int64_t add(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

static int64_t calculate(int32_t operator, int64_t a, int64_t b) {
    switch (operator) {
    case '+':
        return add(a, b);
    case '-':
        return (int64_t)((uint64_t)a - (uint64_t)b);
    case '*':
        return (int64_t)((uint64_t)a * (uint64_t)b);
    case '%':
        return b == 0 || b == -1 ? 0 : a % b;
    case '<':
        return a < b;
    case '>':
        return a > b;
    case 'l':
        return a <= b;
    case 'g':
        return a >= b;
    case '=':
        return a == b;
    case '!':
        return a != b;
    case '&':
        return a != 0 && b != 0;
    default:
        return a != 0 || b != 0;
    }
}

// One local instruction. False at OPC_END and at visible ones.
static bool run_local(struct program_state *state, struct program_thread *thread) {
    const struct instruction *i = &state->program->code[thread->pc];
    int64_t *r = thread->registers;
    if (i->opcode < OPC_VISIBLE || i->opcode == OPC_END)
        return false;
    thread->pc++;
    switch (i->opcode) {
    case OPC_SET:
        r[i->dst] = i->imm;
        break;
    case OPC_MOVE:
        r[i->dst] = r[i->src];
        break;
    case OPC_CALC:
        r[i->dst] = calculate(i->imm, r[i->src], r[i->other]);
        break;
    case OPC_NOT:
        r[i->dst] = r[i->src] == 0;
        break;
    case OPC_NOW:
        r[i->dst] = state->now;
        break;
    case OPC_JUMP:
        thread->pc = (uint32_t)i->imm;
        break;
    case OPC_JUMP_IF_ZERO:
        thread->pc = r[i->src] == 0 ? (uint32_t)i->imm : thread->pc;
        break;
    default:
        if (r[i->src] == 0) {
            state->failed = true;
            state->failed_line = i->line;
        }
        break;
    }
    return true;
}

// Its timeout begins when a thread comes to an instruction. One of no length is over at once.
static void begin_timeout(const struct program_state *state, struct program_thread *thread) {
    const struct instruction *i = &state->program->code[thread->pc];
    thread->due = false;
    if (!program_has_timeout(i->opcode))
        return;
    int64_t wait = thread->registers[i->wait];
    thread->deadline = wait > 0 ? add(state->now, wait) : state->now;
    thread->due = thread->deadline <= state->now;
}

static void run_on(struct program_state *state, uint32_t t) {
    struct program_thread *thread = &state->threads[t];
    uint32_t steps = 0;
    while (run_local(state, thread)) {
        if (++steps > PROGRAM_LOCAL_STEPS) {
            break_program(state, "a thread loops without touching shared state");
            thread->finished = true;
            return;
        }
    }
    thread->finished = state->program->code[thread->pc].opcode == OPC_END;
    begin_timeout(state, thread);
}

static void start_thread(struct program_state *state, uint32_t t) {
    struct program_thread *thread = &state->threads[t];
    thread->started = true;
    thread->pc = state->program->entry[t];
    memset(thread->registers, 0, sizeof thread->registers);
    thread->registers[0] = state->program->first[t][0];
    thread->registers[1] = state->program->first[t][1];
    run_on(state, t);
}

void program_begin(struct program_state *state, const struct program *program) {
    state->program = program;
    state->failed = state->broken = false;
    state->why = "";
    state->now = 0;
    for (uint32_t i = 0; i < program->object_count; i++) {
        state->base[i] = program->init[i];
        state->bag[i] = 0;
        state->holder[i] = -1;
    }
    for (uint32_t t = 0; t < program->thread_count; t++)
        state->threads[t].started = state->threads[t].finished = false;
    for (uint32_t t = 0; t < program->thread_count; t++)
        if (!program->late[t])
            start_thread(state, t);
}

const struct instruction *program_next(const struct program_state *state, uint32_t t) {
    assert(state->threads[t].started && !state->threads[t].finished);
    return &state->program->code[state->threads[t].pc];
}

uint32_t program_object(const struct program_state *state, uint32_t t,
                        const struct instruction *i) {
    int64_t index = state->threads[t].registers[i->index];
    if (index < 0 || index >= i->size)
        return i->base;  // program_step reports it
    return i->base + (uint32_t)index;
}

int64_t program_value(const struct program_state *state, uint32_t object) {
    return add(state->base[object], state->bag[object]);
}

bool program_is_enabled(const struct program_state *state, uint32_t t) {
    const struct program_thread *thread = &state->threads[t];
    if (!thread->started || thread->finished)
        return false;
    const struct instruction *i = program_next(state, t);
    if (program_has_timeout(i->opcode) && thread->due)
        return true;
    if (i->opcode == OPC_ACQUIRE || i->opcode == OPC_ACQUIRE_FOR)
        return state->holder[program_object(state, t, i)] < 0;
    if (i->opcode == OPC_JOIN || i->opcode == OPC_JOIN_FOR)
        return state->threads[i->base].finished;
    return i->opcode != OPC_SLEEP;
}

// Does the thread stand before an instruction with a timeout?
static bool has_timeout(const struct program_state *state, uint32_t t) {
    const struct program_thread *thread = &state->threads[t];
    return thread->started && !thread->finished &&
           program_has_timeout(program_next(state, t)->opcode);
}

bool program_jump(struct program_state *state) {
    bool any = false;
    int64_t earliest = 0;
    for (uint32_t t = 0; t < state->program->thread_count; t++) {
        if (!has_timeout(state, t))
            continue;
        int64_t deadline = state->threads[t].deadline;
        earliest = !any || deadline < earliest ? deadline : earliest;
        any = true;
    }
    if (!any)
        return false;
    assert(earliest > state->now);
    state->now = earliest;
    for (uint32_t t = 0; t < state->program->thread_count; t++)
        if (has_timeout(state, t))
            state->threads[t].due = state->threads[t].deadline <= earliest;
    return true;
}

static void access_object(struct program_state *state, uint32_t t, const struct instruction *i,
                          uint32_t x) {
    int64_t *r = state->threads[t].registers;
    int64_t old = program_value(state, x);
    int64_t src = r[i->src];
    int64_t other = r[i->other];
    switch (i->opcode) {
    case OPC_WRITE:
        state->base[x] = src;
        state->bag[x] = 0;
        break;
    case OPC_ADD:
        state->base[x] = add(old, src);
        state->bag[x] = 0;
        r[i->dst] = old;
        break;
    case OPC_CAS:
        if (old == src) {
            state->base[x] = other;
            state->bag[x] = 0;
        }
        r[i->dst] = old == src;
        break;
    case OPC_READ_WEAK:
        r[i->dst] = state->base[x];
        break;
    case OPC_WRITE_WEAK:
        state->bag[x] = add(state->bag[x], src);
        break;
    case OPC_SPIN_FOR:
        r[i->dst] = state->threads[t].due ? -1 : old;
        break;
    default:
        r[i->dst] = old;
        break;
    }
}

static void synchronise(struct program_state *state, uint32_t t, const struct instruction *i,
                        uint32_t x) {
    int64_t *r = state->threads[t].registers;
    switch (i->opcode) {
    case OPC_ACQUIRE:
        assert(state->holder[x] < 0);
        state->holder[x] = (int32_t)t;
        break;
    case OPC_ACQUIRE_FOR:
        assert(state->holder[x] < 0 || state->threads[t].due);
        // fall through
    case OPC_TRY:
        r[i->dst] = state->holder[x] < 0;
        if (state->holder[x] < 0)
            state->holder[x] = (int32_t)t;
        break;
    case OPC_RELEASE:
        state->holder[x] = -1;
        break;
    case OPC_JOIN_FOR:
        r[i->dst] = !state->threads[t].due;
        break;
    case OPC_SPAWN:
        if (state->threads[i->base].started)
            break_program(state, "a thread is spawned twice");
        else
            start_thread(state, i->base);
        break;
    default:
        break;
    }
}

static bool is_access(uint8_t opcode) {
    return opcode <= OPC_WRITE_WEAK || opcode == OPC_SPIN || opcode == OPC_SPIN_FOR;
}

void program_step(struct program_state *state, uint32_t t) {
    struct program_thread *thread = &state->threads[t];
    const struct instruction *i = program_next(state, t);
    uint32_t count = i->opcode == OPC_MULTI ? (uint32_t)i->imm : 1;
    thread->pc += i->opcode == OPC_MULTI;
    for (uint32_t k = 0; k < count; k++) {
        i = &state->program->code[thread->pc++];
        int64_t index = thread->registers[i->index];
        if (program_has_object(i->opcode) && (index < 0 || index >= i->size))
            break_program(state, "an index is out of range");
        uint32_t x = program_object(state, t, i);
        if (is_access(i->opcode))
            access_object(state, t, i, x);
        else
            synchronise(state, t, i, x);
    }
    run_on(state, t);
}
