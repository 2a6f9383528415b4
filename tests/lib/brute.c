// Truth by brute force: every interleaving of a program, and what makes two of them equal.
// SPDX-License-Identifier: Apache-2.0
#include "brute.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct touch {
    uint32_t object;
    char mode;  // r read, w write, R weak read, W weak write
};

struct happening {
    uint8_t thread;
    uint32_t index;
    uint32_t pc;
    int64_t now;
    struct touch touches[PROGRAM_MULTI];
    uint32_t touch_count;
};

struct walk {
    struct program_state state;
    struct happening events[BRUTE_EVENTS];
    uint32_t length;
    uint32_t counts[PROGRAM_THREADS];
    // For spins: positions + 1 of the last strong access per thread, of the last change.
    uint32_t seen[PROGRAM_THREADS][PROGRAM_OBJECTS];
    uint32_t changed[PROGRAM_OBJECTS];
};

static bool modes_conflict(char a, char b) {
    if (a == 'w' || b == 'w')
        return true;
    return (a == 'r' && b == 'W') || (a == 'W' && b == 'r');
}

static bool conflict(const struct happening *a, const struct happening *b) {
    for (uint32_t i = 0; i < a->touch_count; i++)
        for (uint32_t j = 0; j < b->touch_count; j++)
            if (a->touches[i].object == b->touches[j].object &&
                modes_conflict(a->touches[i].mode, b->touches[j].mode))
                return true;
    return false;
}

static char mode_of(const struct program_state *state, uint32_t t, const struct instruction *i,
                    uint32_t x) {
    switch (i->opcode) {
    case OPC_READ:
    case OPC_SPIN:
    case OPC_SPIN_FOR:
        return 'r';
    case OPC_READ_WEAK:
        return 'R';
    case OPC_WRITE_WEAK:
        return 'W';
    case OPC_CAS:
        return program_value(state, x) == state->threads[t].registers[i->src] ? 'w' : 'r';
    case OPC_TRY:
    case OPC_ACQUIRE_FOR:
        return state->holder[x] < 0 ? 'w' : 'r';
    default:
        return 'w';
    }
}

static bool is_enabled(const struct walk *w, uint32_t t) {
    if (!program_is_enabled(&w->state, t))
        return false;
    const struct instruction *i = program_next(&w->state, t);
    uint32_t count = i->opcode == OPC_MULTI ? (uint32_t)i->imm : 1;
    i += i->opcode == OPC_MULTI;
    bool waits = i->opcode == OPC_SPIN;
    waits |= i->opcode == OPC_SPIN_FOR && !w->state.threads[t].due;
    if (!waits)
        return true;
    for (uint32_t k = 0; k < count; k++) {
        uint32_t x = program_object(&w->state, t, i + k);
        if (w->seen[t][x] == 0 || w->changed[x] > w->seen[t][x])
            return true;
    }
    return false;
}

// Time passes only while nobody can go on.
static void pass_time(struct walk *w) {
    for (uint32_t t = 0; t < w->state.program->thread_count; t++)
        if (is_enabled(w, t))
            return;
    program_jump(&w->state);
}

static void step(struct walk *w, uint32_t t) {
    struct happening *event = &w->events[w->length++];
    const struct instruction *i = program_next(&w->state, t);
    *event = (struct happening){.thread = (uint8_t)t, .index = ++w->counts[t]};
    event->pc = (uint32_t)(i - w->state.program->code);
    event->now = w->state.now;
    uint32_t count = i->opcode == OPC_MULTI ? (uint32_t)i->imm : 1;
    i += i->opcode == OPC_MULTI;
    for (uint32_t k = 0; k < count; k++, i++) {
        bool timed_out = i->opcode == OPC_SPIN_FOR && w->state.threads[t].due;
        if (!program_has_object(i->opcode) || timed_out)
            continue;
        uint32_t x = program_object(&w->state, t, i);
        char mode = mode_of(&w->state, t, i, x);
        event->touches[event->touch_count++] = (struct touch){x, mode};
    }
    for (uint32_t k = 0; k < event->touch_count; k++) {
        struct touch touch = event->touches[k];
        if (touch.mode == 'w' || touch.mode == 'W')
            w->changed[touch.object] = w->length;
        if (touch.mode == 'w' || touch.mode == 'r')
            w->seen[t][touch.object] = w->length;
    }
    program_step(&w->state, t);
}

static uint64_t fnv(uint64_t hash, uint64_t word) {
    for (int i = 0; i < 8; i++)
        hash = (hash ^ (word >> 8 * i & 255)) * 0x100000001B3U;
    return hash ^ hash >> 29;
}

static uint64_t digest(const struct walk *w) {
    uint64_t sum = 0;
    for (uint32_t j = 0; j < w->length; j++) {
        const struct happening *b = &w->events[j];
        uint64_t before = 0;
        for (uint32_t i = 0; i < j; i++) {
            const struct happening *a = &w->events[i];
            if (a->thread != b->thread && conflict(a, b))
                before += fnv(fnv(0xCBF29CE484222325U, a->thread), a->index);
        }
        uint64_t own = fnv(fnv(fnv(1469598103934665603U, b->thread), b->index), b->pc);
        own = fnv(own, (uint64_t)b->now);
        for (uint32_t k = 0; k < b->touch_count; k++)
            own = fnv(own, (uint64_t)b->touches[k].mode);
        sum += fnv(own, before);
    }
    return sum;
}

static bool is_deadlocked(const struct walk *w) {
    for (uint32_t t = 0; t < w->state.program->thread_count; t++)
        if (w->state.threads[t].started && !w->state.threads[t].finished)
            return true;
    return false;
}

static uint64_t value_of(const struct walk *w) {
    return (is_deadlocked(w) ? BRUTE_DEADLOCKED : 0U) | (w->state.failed ? BRUTE_FAILED : 0U);
}

uint64_t brute_end(const struct program_state *state) {
    uint64_t hash = fnv(1469598103934665603U, state->failed);
    for (uint32_t x = 0; x < state->program->object_count; x++)
        hash = fnv(fnv(hash, (uint64_t)program_value(state, x)), (uint64_t)state->holder[x]);
    for (uint32_t t = 0; t < state->program->thread_count; t++)
        hash = fnv(hash, state->threads[t].started && !state->threads[t].finished);
    return hash;
}

static void note_leaf(struct brute *brute, const struct walk *w) {
    bool is_new;
    uint64_t value = value_of(w);
    brute->interleavings++;
    digest_set_add(&brute->ends, brute_end(&w->state), 0, &is_new);
    digest_set_add(&brute->traces, digest(w), value, &is_new);
    brute->deadlocked += is_new && (value & BRUTE_DEADLOCKED) != 0;
    brute->failed += is_new && (value & BRUTE_FAILED) != 0;
}

// Copies only what the program uses.
static void copy_walk(struct walk *to, const struct walk *from) {
    const struct program *program = from->state.program;
    uint32_t threads = program->thread_count;
    uint32_t objects = program->object_count;
    to->state.program = program;
    to->state.failed = from->state.failed;
    to->state.broken = from->state.broken;
    to->state.now = from->state.now;
    memcpy(to->state.threads, from->state.threads, threads * sizeof *to->state.threads);
    memcpy(to->state.base, from->state.base, objects * sizeof *to->state.base);
    memcpy(to->state.bag, from->state.bag, objects * sizeof *to->state.bag);
    memcpy(to->state.holder, from->state.holder, objects * sizeof *to->state.holder);
    memcpy(to->events, from->events, from->length * sizeof *to->events);
    memcpy(to->counts, from->counts, threads * sizeof *to->counts);
    memcpy(to->changed, from->changed, objects * sizeof *to->changed);
    for (uint32_t t = 0; t < threads; t++)
        memcpy(to->seen[t], from->seen[t], objects * sizeof *to->seen[t]);
    to->length = from->length;
}

static void enumerate(struct brute *brute, struct walk *stack, struct walk *w) {
    pass_time(w);
    bool any = false;
    bool has_ended = brute->ends_at_failure && w->state.failed;
    has_ended |= brute->time_max != 0 && w->state.now >= brute->time_max;
    for (uint32_t t = 0; !has_ended && !brute->gave_up && t < w->state.program->thread_count; t++) {
        if (!is_enabled(w, t))
            continue;
        any = true;
        if (brute->interleavings >= brute->leaves_max || w->length == BRUTE_EVENTS ||
            w->state.broken) {
            brute->gave_up = true;
            return;
        }
        copy_walk(stack, w);
        step(stack, t);
        enumerate(brute, stack + 1, stack);
    }
    if (!any)
        note_leaf(brute, w);
}

static struct walk *new_walks(const struct program *program) {
    struct walk *walks = calloc(BRUTE_EVENTS + 1, sizeof *walks);
    if (walks == NULL)
        abort();
    program_begin(&walks[0].state, program);
    return walks;
}

void brute_force(struct brute *brute, const struct program *program) {
    static struct walk *walks;  // kept: large, mostly untouched
    if (walks == NULL)
        walks = new_walks(program);
    memset(&walks[0], 0, sizeof walks[0]);
    program_begin(&walks[0].state, program);
    brute->interleavings = brute->deadlocked = brute->failed = 0;
    brute->gave_up = false;
    digest_set_clear(&brute->traces);
    digest_set_clear(&brute->ends);
    enumerate(brute, walks + 1, &walks[0]);
}

void brute_release(struct brute *brute) {
    digest_set_release(&brute->traces);
    digest_set_release(&brute->ends);
}

uint64_t brute_digest(const struct program *program, const uint8_t *schedule, uint32_t length,
                      uint64_t *value) {
    static struct walk w;
    memset(&w, 0, sizeof w);
    program_begin(&w.state, program);
    assert(length <= BRUTE_EVENTS);
    for (uint32_t i = 0; i < length; i++) {
        pass_time(&w);
        assert(is_enabled(&w, schedule[i]));
        step(&w, schedule[i]);
    }
    *value = value_of(&w);
    return digest(&w);
}
