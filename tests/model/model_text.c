// One execution of an abstract program as text for people.
// SPDX-License-Identifier: Apache-2.0
#include "model_text.h"

#include <inttypes.h>
#include <stdio.h>

enum { NAME_MAX_LENGTH = 64 };
#define NOBODY UINT32_MAX

static void name_of(const struct program_label *labels, uint32_t count, uint32_t number,
                    int64_t shown, char name[NAME_MAX_LENGTH]) {
    for (uint32_t i = 0; i < count; i++) {
        const struct program_label *label = &labels[i];
        if (number < label->first || number >= (uint32_t)label->first + label->count)
            continue;
        if (label->numbered)
            snprintf(name, NAME_MAX_LENGTH, "%s[%" PRId64 "]", label->name, shown - label->first);
        else
            snprintf(name, NAME_MAX_LENGTH, "%s", label->name);
        return;
    }
    snprintf(name, NAME_MAX_LENGTH, "%" PRIu32, number);
}

static void name_object(const struct program *program, uint32_t object,
                        char name[NAME_MAX_LENGTH]) {
    name_of(program->objects, program->object_labels, object, object, name);
}

// Threads are told apart by the value of their parameter.
static void name_thread(const struct program *program, uint32_t t, char name[NAME_MAX_LENGTH]) {
    for (uint32_t i = 0; i < program->thread_labels; i++) {
        const struct program_label *label = &program->threads[i];
        if (t < label->first || t >= (uint32_t)label->first + label->count)
            continue;
        if (label->numbered)
            snprintf(name, NAME_MAX_LENGTH, "%s(%" PRId64 ")", label->name, program->first[t][0]);
        else
            snprintf(name, NAME_MAX_LENGTH, "%s", label->name);
        return;
    }
    snprintf(name, NAME_MAX_LENGTH, "%" PRIu32, t);
}

// What the instruction did: `before` are the thread's registers when it began.
static void print_access(const struct program_state *state, uint32_t t, const struct instruction *i,
                         const int64_t *before, const char *object) {
    int64_t dst = state->threads[t].registers[i->dst];
    switch (i->opcode) {
    case OPC_WRITE:
        printf("%s = %" PRId64, object, before[i->src]);
        break;
    case OPC_ADD:
        printf("add(%s, %" PRId64 ")    # was %" PRId64, object, before[i->src], dst);
        break;
    case OPC_CAS:
        printf("cas(%s, %" PRId64 ", %" PRId64 ")    # %s", object, before[i->src],
               before[i->other], dst != 0 ? "succeeds" : "fails");
        break;
    case OPC_READ_WEAK:
        printf("weak(%s)    # is %" PRId64, object, dst);
        break;
    case OPC_WRITE_WEAK:
        printf("weakadd(%s, %" PRId64 ")", object, before[i->src]);
        break;
    case OPC_ACQUIRE:
        printf("acquire %s", object);
        break;
    case OPC_TRY:
        printf("try(%s)    # %s", object, dst != 0 ? "succeeds" : "fails");
        break;
    case OPC_RELEASE:
        printf("release %s", object);
        break;
    case OPC_ACQUIRE_FOR:
        printf("acquire(%s, %" PRId64 ")    # %s", object, before[i->wait],
               dst != 0 ? "succeeds" : "times out");
        break;
    case OPC_SPIN_FOR:
        printf("spin(%s, %" PRId64 ")    # is %" PRId64, object, before[i->wait], dst);
        break;
    case OPC_SPIN:
        printf("spin(%s)    # is %" PRId64, object, dst);
        break;
    default:
        printf("read %s    # is %" PRId64, object, dst);
        break;
    }
}

static void print_thread_op(const struct instruction *i, const struct program_thread *before,
                            const char *name) {
    if (i->opcode == OPC_JOIN_FOR)
        printf("join(%s, %" PRId64 ")    # %s", name, before->registers[i->wait],
               before->due ? "times out" : "has ended");
    else
        printf("%s %s", i->opcode == OPC_SPAWN ? "spawn" : "join", name);
}

static void print_step(struct program_state *state, uint32_t number, uint32_t t) {
    const struct instruction *i = program_next(state, t);
    struct program_thread before = state->threads[t];
    uint32_t object = program_object(state, t, i);
    bool failed = state->failed;
    state->failed = false;
    program_step(state, t);
    char name[NAME_MAX_LENGTH];
    name_thread(state->program, t, name);
    printf("%5" PRIu32 "  %-16s line %3u  ", number, name, i->line);
    if (i->opcode == OPC_SLEEP) {
        printf("sleep %" PRId64, before.registers[i->wait]);
    } else if (!program_has_object(i->opcode)) {
        name_thread(state->program, i->base, name);
        print_thread_op(i, &before, name);
    } else {
        name_object(state->program, object, name);
        print_access(state, t, i, before.registers, name);
    }
    if (state->failed)
        printf("    # then the assertion of line %" PRIu32 " fails", state->failed_line);
    printf("\n");
    state->failed |= failed;
}

static void print_waiting(const struct program_state *state, uint32_t t) {
    const struct instruction *i = program_next(state, t);
    char name[NAME_MAX_LENGTH];
    char other[NAME_MAX_LENGTH];
    name_thread(state->program, t, name);
    printf("       %-16s line %3u  ", name, i->line);
    if (i->opcode == OPC_JOIN) {
        name_thread(state->program, i->base, other);
        printf("waits for the end of %s\n", other);
        return;
    }
    uint32_t object = program_object(state, t, i);
    name_object(state->program, object, other);
    printf("waits for %s", other);
    if (i->opcode == OPC_ACQUIRE) {
        uint32_t holder = (uint32_t)state->holder[object];
        name_thread(state->program, holder, other);
        printf(", which %s %s", other,
               state->threads[holder].finished ? "never released" : "holds");
    } else {
        printf(" to be written");
    }
    printf("\n");
}

// The thread that the started, unfinished thread waits for, itself included; NOBODY if none is
// known.
static uint32_t waits_for(const struct program_state *state, uint32_t t) {
    const struct instruction *i = program_next(state, t);
    if (i->opcode == OPC_JOIN)
        return i->base;
    if (i->opcode != OPC_ACQUIRE)
        return NOBODY;
    int32_t holder = state->holder[program_object(state, t, i)];
    return holder < 0 ? NOBODY : (uint32_t)holder;
}

static bool is_waiting(const struct program_state *state, uint32_t t) {
    return t != NOBODY && state->threads[t].started && !state->threads[t].finished;
}

// Each cycle of waiting threads once, from its first thread on.
static void print_cycle(const struct program_state *state, uint32_t first) {
    uint32_t t = waits_for(state, first);
    for (uint32_t n = 0; n < state->program->thread_count && t != first; n++) {
        if (!is_waiting(state, t) || t < first)
            return;
        t = waits_for(state, t);
    }
    if (t != first)
        return;
    char name[NAME_MAX_LENGTH];
    name_thread(state->program, first, name);
    printf("       cycle: %s", name);
    do {
        t = waits_for(state, t);
        name_thread(state->program, t, name);
        printf(" -> %s", name);
    } while (t != first);
    printf("\n");
}

void model_text_print(const struct program *program, const uint8_t *schedule, const int64_t *times,
                      uint32_t stored, uint32_t length) {
    static struct program_state state;
    program_begin(&state, program);
    if (state.failed)
        printf("       the assertion of line %" PRIu32 " fails at the start\n", state.failed_line);
    for (uint32_t k = 0; k < length && k < stored; k++) {
        if (times[k] != state.now && program_jump(&state))
            printf("       %-16s time passes, it is %" PRId64 "\n", "", state.now);
        print_step(&state, k + 1, schedule[k]);
    }
    if (length > stored) {
        printf("       ... %" PRIu32 " steps more\n", length - stored);
        return;
    }
    for (uint32_t t = 0; t < program->thread_count; t++)
        if (is_waiting(&state, t))
            print_waiting(&state, t);
    for (uint32_t t = 0; t < program->thread_count; t++)
        if (is_waiting(&state, t))
            print_cycle(&state, t);
}
