// Truth by brute force: the least preemptions and delays of every trace of an abstract program.
// SPDX-License-Identifier: Apache-2.0
#include "brute_cost.h"

#include <stdlib.h>
#include <string.h>

struct position {
    struct program_state state;
    uint32_t length;
    uint32_t costs[FR_BOUNDS];
    enum fr_switch needed;  // the worst at a preemption so far
    uint32_t counts[PROGRAM_THREADS];
    // For spins: lengths at the last strong access per thread, at the last change.
    uint32_t seen[PROGRAM_THREADS][PROGRAM_OBJECTS];
    uint32_t changed[PROGRAM_OBJECTS];
};

struct search {
    struct brute_cost *cost;
    const struct program *program;
    uint32_t thread_of[PROGRAM_THREADS];  // by rank: those that start late come last
    uint8_t schedule[BRUTE_EVENTS];
};

static bool is_enabled(const struct position *p, uint32_t t) {
    if (!program_is_enabled(&p->state, t))
        return false;
    const struct instruction *i = program_next(&p->state, t);
    uint32_t count = i->opcode == OPC_MULTI ? (uint32_t)i->imm : 1;
    i += i->opcode == OPC_MULTI;
    bool waits = i->opcode == OPC_SPIN;
    waits |= i->opcode == OPC_SPIN_FOR && !p->state.threads[t].due;
    if (!waits)
        return true;
    for (uint32_t k = 0; k < count; k++) {
        uint32_t x = program_object(&p->state, t, i + k);
        if (p->seen[t][x] == 0 || p->changed[x] > p->seen[t][x])
            return true;
    }
    return false;
}

static void note_access(struct position *p, uint32_t t, const struct instruction *i) {
    bool timed_out = i->opcode == OPC_SPIN_FOR && p->state.threads[t].due;
    if (!program_has_object(i->opcode) || timed_out)
        return;
    uint32_t x = program_object(&p->state, t, i);
    int64_t value = p->state.base[x] + p->state.bag[x];
    bool changes = i->opcode == OPC_WRITE || i->opcode == OPC_ADD || i->opcode == OPC_WRITE_WEAK;
    changes |= i->opcode == OPC_CAS && value == p->state.threads[t].registers[i->src];
    if (changes)
        p->changed[x] = p->length;
    if (i->opcode != OPC_WRITE_WEAK && i->opcode != OPC_READ_WEAK)
        p->seen[t][x] = p->length;
}

static void step(struct position *p, uint32_t t) {
    const struct instruction *i = program_next(&p->state, t);
    uint32_t count = i->opcode == OPC_MULTI ? (uint32_t)i->imm : 1;
    i += i->opcode == OPC_MULTI;
    p->length++;
    p->counts[t]++;
    for (uint32_t k = 0; k < count; k++)
        note_access(p, t, i + k);
    program_step(&p->state, t);
}

static void note_least(struct brute_cost *cost, enum fr_bound kind, uint64_t digest,
                       uint32_t found) {
    bool is_new;
    struct digest_entry *entry = digest_set_add(&cost->least[kind], digest, found, &is_new);
    if (found < entry->value)
        entry->value = found;
}

static void note_leaf(const struct search *s, const struct position *p) {
    uint64_t value;
    uint64_t digest = brute_digest(s->program, s->schedule, p->length, &value);
    s->cost->interleavings++;
    note_least(s->cost, FR_BOUND_PREEMPTIONS, digest, p->costs[FR_BOUND_PREEMPTIONS]);
    note_least(s->cost, FR_BOUND_DELAYS, digest, p->costs[FR_BOUND_DELAYS]);
    bool is_new;
    struct digest_entry *entry = digest_set_add(&s->cost->switches, digest, p->needed, &is_new);
    if (p->needed < entry->value)
        entry->value = p->needed;
}

// Copies only what the program uses.
static void copy_position(struct position *to, const struct position *from) {
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
    memcpy(to->costs, from->costs, sizeof to->costs);
    to->needed = from->needed;
    memcpy(to->counts, from->counts, threads * sizeof *to->counts);
    memcpy(to->changed, from->changed, objects * sizeof *to->changed);
    for (uint32_t t = 0; t < threads; t++)
        memcpy(to->seen[t], from->seen[t], objects * sizeof *to->seen[t]);
    to->length = from->length;
}

// The thread that ran last could go on and is left: what that takes.
static void note_preemption(const struct search *s, struct position *p, uint32_t last) {
    p->costs[FR_BOUND_PREEMPTIONS]++;
    uint32_t t = s->thread_of[last];
    enum fr_switch level = program_switchable(s->cost->switch_seed, t, p->counts[t]);
    if (level > p->needed)
        p->needed = level;
}

// Time passes only while nobody can go on. True if it did: then nobody is the last that ran.
static bool pass_time(struct search *s, struct position *p) {
    for (uint32_t t = 0; t < s->program->thread_count; t++)
        if (is_enabled(p, t))
            return false;
    return program_jump(&p->state);
}

// last: rank of the thread that ran last, or the number of threads.
static void enumerate(struct search *s, struct position *p, uint32_t last) {
    uint32_t threads = s->program->thread_count;
    if (pass_time(s, p))
        last = threads;
    bool last_enabled = last < threads && is_enabled(p, s->thread_of[last]);
    uint32_t skipped = 0;
    // In the order of the round-robin scheduler: it would run the first that is enabled, and each
    // delay makes it skip one.
    for (uint32_t i = 0; i < threads; i++) {
        uint32_t rank = (i + (last < threads ? last : 0)) % threads;
        uint32_t t = s->thread_of[rank];
        if (!is_enabled(p, t))
            continue;
        if (s->cost->interleavings >= s->cost->leaves_max || p->length == BRUTE_EVENTS) {
            s->cost->gave_up = true;
            return;
        }
        copy_position(p + 1, p);
        p[1].costs[FR_BOUND_DELAYS] += skipped++;
        if (last_enabled && rank != last)
            note_preemption(s, p + 1, last);
        s->schedule[p->length] = (uint8_t)t;
        step(p + 1, t);
        enumerate(s, p + 1, rank);
    }
    if (skipped == 0)
        note_leaf(s, p);
}

void brute_cost(struct brute_cost *cost, const struct program *program) {
    static struct position *positions;  // kept: large, mostly untouched
    if (positions == NULL)
        positions = calloc(BRUTE_EVENTS + 1, sizeof *positions);
    if (positions == NULL)
        abort();
    struct search search = {.cost = cost, .program = program};
    uint32_t count = 0;
    for (uint32_t late = 0; late < 2; late++)
        for (uint32_t t = 0; t < program->thread_count; t++)
            if (program->late[t] == (late == 1))
                search.thread_of[count++] = t;
    cost->interleavings = 0;
    cost->gave_up = false;
    for (uint32_t kind = 0; kind < FR_BOUNDS; kind++)
        digest_set_clear(&cost->least[kind]);
    digest_set_clear(&cost->switches);
    memset(&positions[0], 0, sizeof positions[0]);
    program_begin(&positions[0].state, program);
    enumerate(&search, &positions[0], program->thread_count);
}

void brute_cost_release(struct brute_cost *cost) {
    for (uint32_t kind = 0; kind < FR_BOUNDS; kind++)
        digest_set_release(&cost->least[kind]);
    digest_set_release(&cost->switches);
}

uint64_t brute_cost_within(const struct brute_cost *cost, enum fr_bound kind, uint32_t limit) {
    const struct digest_set *set = &cost->least[kind];
    uint64_t within = 0;
    for (uint64_t i = 0; i < set->size; i++)
        within += set->entries[i].used && set->entries[i].value <= limit;
    return within;
}
