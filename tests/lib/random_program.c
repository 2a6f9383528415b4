// Small random programs for comparing the engine with brute force.
// SPDX-License-Identifier: Apache-2.0
#include "random_program.h"

#include <string.h>

struct maker {
    struct program *program;
    uint64_t state;
    uint32_t variables, locks;
    uint32_t budget;  // visible instructions left for this thread
    uint32_t depth;
    bool spins;
    bool timed;
    uint32_t late;  // the late thread, 0 if there is none
};

enum {
    REGISTER_VALUE = 2,
    REGISTER_OTHER = 3,
    REGISTER_ZERO = 4,
    REGISTER_TEST = 5,
    REGISTER_WAIT = 6
};

static uint32_t below(struct maker *m, uint32_t bound) {
    m->state += 0x9E3779B97F4A7C15U;
    uint64_t x = m->state;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
    return (uint32_t)((x ^ (x >> 31)) >> 11) % bound;
}

static uint32_t emit(struct maker *m, struct instruction i) {
    m->program->code[m->program->code_count] = i;
    return m->program->code_count++;
}

static void set(struct maker *m, uint8_t dst, uint32_t value) {
    emit(m, (struct instruction){.opcode = OPC_SET, .dst = dst, .imm = (int32_t)value});
}

static struct instruction on_variable(struct maker *m, uint8_t opcode) {
    return (struct instruction){.opcode = opcode,
                                .base = (uint16_t)below(m, m->variables),
                                .size = 1,
                                .dst = REGISTER_TEST,
                                .src = REGISTER_VALUE,
                                .other = REGISTER_OTHER,
                                .index = REGISTER_ZERO};
}

static void make_block(struct maker *m);

static void make_branch(struct maker *m) {
    set(m, REGISTER_VALUE, below(m, 3));
    emit(m, (struct instruction){.opcode = OPC_CALC,
                                 .dst = REGISTER_VALUE,
                                 .src = REGISTER_TEST,
                                 .other = REGISTER_VALUE,
                                 .imm = '='});
    uint32_t skip =
        emit(m, (struct instruction){.opcode = OPC_JUMP_IF_ZERO, .src = REGISTER_VALUE});
    make_block(m);
    uint32_t end = emit(m, (struct instruction){.opcode = OPC_JUMP});
    m->program->code[skip].imm = (int32_t)m->program->code_count;
    if (below(m, 2) == 0)
        make_block(m);
    m->program->code[end].imm = (int32_t)m->program->code_count;
}

static struct instruction on_lock(struct maker *m, uint8_t opcode, uint32_t lock) {
    return (struct instruction){.opcode = opcode,
                                .base = (uint16_t)(m->variables + lock),
                                .size = 1,
                                .dst = REGISTER_TEST,
                                .index = REGISTER_ZERO};
}

// What is done if the test before holds.
static void make_guarded(struct maker *m, struct instruction last) {
    uint32_t skip = emit(m, (struct instruction){.opcode = OPC_JUMP_IF_ZERO, .src = REGISTER_TEST});
    make_block(m);
    emit(m, last);
    m->program->code[skip].imm = (int32_t)m->program->code_count;
}

// Short, so that deadlines meet; 0 is over at once.
static void set_wait(struct maker *m) {
    set(m, REGISTER_WAIT, below(m, 4));
}

static void make_timed_lock(struct maker *m, uint32_t lock) {
    set_wait(m);
    struct instruction take = on_lock(m, OPC_ACQUIRE_FOR, lock);
    take.wait = REGISTER_WAIT;
    emit(m, take);
    make_guarded(m, on_lock(m, OPC_RELEASE, lock));
}

static void make_timed(struct maker *m) {
    uint32_t what = below(m, 8);
    set_wait(m);
    struct instruction i = {.opcode = OPC_SLEEP, .dst = REGISTER_TEST, .wait = REGISTER_WAIT};
    if (what == 0) {
        i.opcode = OPC_NOW;
    } else if (what == 1) {
        i = on_variable(m, OPC_SPIN_FOR);
        i.wait = REGISTER_WAIT;
    } else if (what == 2 && m->late != 0) {
        i.opcode = OPC_JOIN_FOR;
        i.base = (uint16_t)m->late;
    } else if (what < 5 && m->locks != 0 && m->depth < 3) {
        make_timed_lock(m, below(m, m->locks));
        return;
    }
    emit(m, i);
}

static void make_locked(struct maker *m) {
    uint32_t lock = below(m, m->locks);
    if (below(m, 3) != 0) {
        emit(m, on_lock(m, OPC_ACQUIRE, lock));
        make_block(m);
        emit(m, on_lock(m, OPC_RELEASE, lock));
        return;
    }
    emit(m, on_lock(m, OPC_TRY, lock));
    make_guarded(m, on_lock(m, OPC_RELEASE, lock));
}

static void make_multi(struct maker *m) {
    static const uint8_t parts[] = {OPC_READ, OPC_WRITE, OPC_READ_WEAK, OPC_WRITE_WEAK};
    uint32_t count = 2 + below(m, 2);
    emit(m, (struct instruction){.opcode = OPC_MULTI, .imm = (int32_t)count});
    bool spins = m->spins && below(m, 3) == 0;
    for (uint32_t i = 0; i < count; i++)
        emit(m, on_variable(m, spins ? OPC_SPIN : parts[below(m, 4)]));
}

static void make_access(struct maker *m) {
    static const uint8_t opcodes[] = {OPC_READ, OPC_READ,      OPC_WRITE,      OPC_WRITE,
                                      OPC_ADD,  OPC_READ_WEAK, OPC_WRITE_WEAK, OPC_CAS};
    uint8_t opcode = opcodes[below(m, 8)];
    set(m, REGISTER_VALUE, below(m, 3));
    set(m, REGISTER_OTHER, 1 + below(m, 3));
    if (m->spins && below(m, 6) == 0)
        opcode = OPC_SPIN;
    emit(m, on_variable(m, opcode));
}

static void make_statement(struct maker *m) {
    m->budget--;
    if (m->timed && below(m, 3) == 0) {
        make_timed(m);
        return;
    }
    uint32_t what = below(m, 16);
    if (what < 3 && m->depth < 3)
        make_branch(m);
    else if (what < 6 && m->depth < 3 && m->locks != 0)
        make_locked(m);
    else if (what < 7)
        make_multi(m);
    else
        make_access(m);
}

static void make_block(struct maker *m) {
    m->depth++;
    for (uint32_t n = 1 + below(m, 2); n > 0 && m->budget > 0; n--)
        make_statement(m);
    m->depth--;
}

static void begin_thread(struct maker *m) {
    m->program->entry[m->program->thread_count++] = m->program->code_count;
    set(m, REGISTER_ZERO, 0);
    m->depth = 0;
}

static void end_thread(struct maker *m) {
    emit(m, (struct instruction){.opcode = OPC_END});
}

// The first thread spawns the late ones somewhere in the middle, and may join them.
static void make_thread(struct maker *m, uint32_t statements) {
    uint32_t t = m->program->thread_count;
    begin_thread(m);
    m->budget = statements;
    uint32_t spawn_at = below(m, statements) + 1;
    while (m->budget > 0) {
        if (t == 0 && m->budget == spawn_at)
            for (uint32_t late = m->late; late != 0 && late < 4 && m->program->late[late]; late++)
                emit(m, (struct instruction){.opcode = OPC_SPAWN, .base = (uint16_t)late});
        make_statement(m);
    }
    if (t == 0 && m->late != 0 && below(m, 2) == 0)
        emit(m, (struct instruction){.opcode = OPC_JOIN, .base = (uint16_t)m->late});
    end_thread(m);
}

static void make_program(struct maker *m) {
    struct program *program = m->program;
    uint32_t threads = 2 + below(m, 3);
    m->variables = 1 + below(m, 4);
    m->locks = below(m, 3);
    m->spins = below(m, 5) == 0;
    program->object_count = m->variables + m->locks;
    if (threads > 2 && below(m, 4) == 0)
        m->late = threads - 1;
    if (m->late != 0)
        program->late[m->late] = true;
    static const uint32_t most[] = {0, 0, 6, 4, 3};
    for (uint32_t t = 0; t < threads; t++)
        make_thread(m, 1 + below(m, most[threads]));
}

void random_program(struct program *program, uint64_t seed) {
    memset(program, 0, sizeof *program);
    struct maker m = {.program = program, .state = seed * 0x2545F4914F6CDD1DU + 1};
    make_program(&m);
}

void random_timed_program(struct program *program, uint64_t seed) {
    memset(program, 0, sizeof *program);
    struct maker m = {.program = program, .state = seed * 0x2545F4914F6CDD1DU + 3, .timed = true};
    make_program(&m);
}

static void take_second(struct maker *m, uint32_t lock) {
    if (m->timed && below(m, 3) != 0) {
        make_timed_lock(m, lock);
        return;
    }
    emit(m, on_lock(m, OPC_ACQUIRE, lock));
    emit(m, on_lock(m, OPC_RELEASE, lock));
}

static void make_ring(struct maker *m, uint32_t threads) {
    m->variables = 2;
    m->locks = threads;
    m->program->object_count = m->variables + m->locks;
    for (uint32_t t = 0; t < threads; t++) {
        begin_thread(m);
        bool reversed = below(m, 4) == 0;
        uint32_t first = reversed ? (t + 1) % threads : t;
        uint32_t second = reversed ? t : (t + 1) % threads;
        emit(m, on_lock(m, OPC_ACQUIRE, first));
        if (below(m, 3) == 0)
            make_access(m);
        m->budget = 1;
        take_second(m, second);
        emit(m, on_lock(m, OPC_RELEASE, first));
        end_thread(m);
    }
}

void random_lock_ring(struct program *program, uint32_t threads, uint64_t seed) {
    memset(program, 0, sizeof *program);
    struct maker m = {.program = program, .state = seed * 0x2545F4914F6CDD1DU + 7};
    make_ring(&m, threads);
}

void random_timed_lock_ring(struct program *program, uint32_t threads, uint64_t seed) {
    memset(program, 0, sizeof *program);
    struct maker m = {.program = program, .state = seed * 0x2545F4914F6CDD1DU + 9, .timed = true};
    make_ring(&m, threads);
}

// Jumps back to `loop` if the test failed.
static void repeat_unless(struct maker *m, uint32_t loop) {
    emit(m, (struct instruction){
                .opcode = OPC_JUMP_IF_ZERO, .src = REGISTER_TEST, .imm = (int32_t)loop});
}

static void make_sleep(struct maker *m) {
    emit(m, (struct instruction){.opcode = OPC_SLEEP, .wait = REGISTER_WAIT});
}

// Waits in the middle of the loop: the wait comes first, so that a test can end it.
static void make_look(struct maker *m, bool locked) {
    uint32_t lock = below(m, m->locks);
    struct instruction look = on_variable(m, OPC_READ);
    struct instruction is_there = {.opcode = OPC_CALC,
                                   .dst = REGISTER_TEST,
                                   .src = REGISTER_TEST,
                                   .other = REGISTER_VALUE,
                                   .imm = '='};
    set(m, REGISTER_VALUE, 1 + below(m, 2));
    uint32_t loop = m->program->code_count;
    make_sleep(m);
    if (below(m, 4) == 0)
        make_sleep(m);
    if (locked)
        emit(m, on_lock(m, OPC_ACQUIRE, lock));
    emit(m, look);
    if (locked)
        emit(m, on_lock(m, OPC_RELEASE, lock));
    emit(m, is_there);
    repeat_unless(m, loop);
}

static void make_attempts(struct maker *m, bool sleeps) {
    uint32_t lock = below(m, m->locks);
    struct instruction take = on_lock(m, sleeps ? OPC_TRY : OPC_ACQUIRE_FOR, lock);
    take.wait = REGISTER_WAIT;
    uint32_t loop = m->program->code_count;
    if (sleeps)
        make_sleep(m);
    emit(m, take);
    repeat_unless(m, loop);
    if (below(m, 4) != 0)
        emit(m, on_lock(m, OPC_RELEASE, lock));
}

static void make_poller(struct maker *m, bool may_lock) {
    begin_thread(m);
    for (uint32_t loops = below(m, 3) == 0 ? 2 : 1; loops > 0; loops--) {
        set(m, REGISTER_WAIT, 1 + below(m, 4));
        uint32_t what = below(m, 4);
        if (what < 2)
            make_look(m, what == 1 && may_lock);
        else
            make_attempts(m, what == 2);
        m->budget = 1;
        if (below(m, 2) == 0)
            make_access(m);
    }
    end_thread(m);
}

void random_polling_program(struct program *program, bool locked, uint64_t seed) {
    memset(program, 0, sizeof *program);
    struct maker m = {.program = program, .state = seed * 0x2545F4914F6CDD1DU + 11, .timed = true};
    m.variables = 1 + below(&m, 2);
    m.locks = 1 + below(&m, 2);
    program->object_count = m.variables + m.locks;
    for (uint32_t n = 1 + below(&m, 2); n > 0; n--)
        make_poller(&m, locked);
    uint32_t workers = 1 + below(&m, 2);
    for (uint32_t n = workers; n > 0; n--)
        make_thread(&m, 1 + below(&m, workers == 1 ? 5 : 3));
}

void random_mixed_program(struct program *program, uint64_t seed) {
    uint32_t threads = 2 + (uint32_t)(seed / 10 % 3);
    if (seed % 10 == 0)
        random_lock_ring(program, threads, seed);
    else if (seed % 10 == 5)
        random_timed_lock_ring(program, threads, seed);
    else if (seed % 2 == 0)
        random_timed_program(program, seed);
    else
        random_program(program, seed);
}
