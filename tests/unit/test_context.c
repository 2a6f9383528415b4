// The rules that leave prefixes out lose nothing: least costs, and the steps out of a trace.
// SPDX-License-Identifier: Apache-2.0
#include "check.h"
#include "context.h"
#include "explorer.h"
#include "random_program.h"
#include "stage.h"

enum { LEAVES_MAX = 20000 };

// A prefix within the bound after which a step of the thread leads out of the trace.
struct leaving {
    fr_tid thread;
    uint32_t cost;
    uint32_t counts[PROGRAM_THREADS];
};

struct found {
    struct leaving items[LEAVES_MAX];
    uint32_t count;
    uint32_t states;
};

static struct stage stage;
static struct found all, largest;

static void note(struct found *found, const struct lattice *l, uint32_t state, fr_tid thread,
                 uint32_t cost) {
    CHECK(found->count < LEAVES_MAX, "too many");
    struct leaving *leaving = &found->items[found->count++];
    *leaving = (struct leaving){.thread = thread, .cost = cost};
    for (fr_tid t = 0; t < l->threads; t++)
        leaving->counts[t] = lattice_counts(l, state)[t];
}

// Every prefix, no rule. Answers the least cost of the whole trace.
static uint32_t find_all(struct lattice *l, uint32_t limit) {
    uint32_t least = limit + 1;
    uint32_t state;
    fr_tid none;
    all.count = all.states = 0;
    CHECK_OK(lattice_open(l, &stage.explorer->run, FR_BOUND_PREEMPTIONS, limit, 0));
    while (lattice_settle(l, &state, &none)) {
        tset enabled = lattice_enabled(l, state);
        all.states++;
        if (lattice_is_whole(l, state) && l->states[state].cost < least)
            least = l->states[state].cost;
        for (tset rest = enabled; rest != 0; rest &= rest - 1) {
            fr_tid t = tset_first(rest);
            uint32_t at = lattice_next(l, state, t);
            uint32_t cost = l->states[state].cost + lattice_price(l, state, enabled, t);
            if (at != NONE && cost <= limit)
                CHECK_OK(lattice_step(l, state, at, cost));
            else if (at == NONE && cost <= limit)
                note(&all, l, state, t, cost);
        }
    }
    return least;
}

static void find_largest_at(struct context *c, struct race race) {
    struct lattice *l = c->lattice;
    const struct trace *trace = &stage.explorer->run.trace;
    uint32_t ends[FR_THREADS_MAX] = {0};
    uint32_t state;
    fr_tid none;
    for (uint32_t at = 0; at < trace->length; at++) {
        bool is_after = trace_before(trace, race.first, at) ||
                        (race.second < trace->length && trace_before(trace, race.second, at));
        ends[trace->events[at].thread] += !is_after;
    }
    CHECK_OK(lattice_reopen(l, ends));
    while (lattice_settle(l, &state, &none)) {
        largest.states++;
        if (lattice_counts(l, state)[race.thread] == ends[race.thread] &&
            context_may_leave(c, state, race.thread))
            note(&largest, l, state, race.thread, l->states[state].cost);
        CHECK_OK(context_expand(c, state, race.thread));
    }
}

static bool covers(const struct leaving *larger, const struct leaving *leaving) {
    if (larger->thread != leaving->thread || larger->cost > leaving->cost ||
        larger->counts[larger->thread] != leaving->counts[leaving->thread])
        return false;
    for (fr_tid t = 0; t < PROGRAM_THREADS; t++)
        if (larger->counts[t] < leaving->counts[t])
            return false;
    return true;
}

// Each way out of the trace is part of one that the rules find, at no more cost.
static void check_covered(const char *name) {
    for (uint32_t i = 0; i < all.count; i++) {
        bool is_covered = false;
        for (uint32_t k = 0; k < largest.count && !is_covered; k++)
            is_covered = covers(&largest.items[k], &all.items[i]);
        CHECK(is_covered, "%s: a step of thread %u is lost", name, all.items[i].thread);
    }
}

static void check_trace(const char *name, uint64_t states[2]) {
    struct lattice lattice;
    struct context context;
    struct races races = {0};
    struct fr_explorer *e = stage.explorer;
    lattice_init(&lattice, &e->alloc);
    context_init(&context, &e->alloc, &lattice);
    for (uint32_t limit = 0; limit < 3; limit++) {
        uint32_t least;
        uint32_t want = find_all(&lattice, limit);
        CHECK_OK(context_least(&context, &e->run, FR_BOUND_PREEMPTIONS, limit, &least));
        CHECK(least == want, "%s, limit %u: %u, not %u", name, limit, least, want);
        largest.count = largest.states = 0;
        CHECK_OK(races_find(&races, &e->run));
        for (uint32_t i = 0; i < races.count; i++)
            find_largest_at(&context, races.items[i]);
        check_covered(name);
        states[0] += all.count;
        states[1] += largest.count;
    }
    alloc_free(&e->alloc, races.items);
    context_release(&context);
    lattice_release(&lattice);
}

static void check_random(uint32_t programs) {
    uint64_t states[2] = {0};
    stage_open_model(&stage, "inc", "n=2", NULL);
    for (uint32_t seed = 1; seed <= programs; seed++) {
        char name[64];
        snprintf(name, sizeof name, "program %u", seed);
        if (seed % 4 == 0)
            random_lock_ring(&stage.program, 2 + seed / 4 % 5, seed);
        else
            random_program(&stage.program, seed);
        stage_start(&stage, (struct fr_plan){
                                .strategy = FR_STRATEGY_RANDOM, .seed = seed, .executions_max = 3});
        while (stage_next(&stage))
            check_trace(name, states);
    }
    stage_close(&stage);
    printf("%lu steps out of traces, covered by %lu\n", (unsigned long)states[0],
           (unsigned long)states[1]);
}

// 20 threads of which no two have anything in common: as many states as threads, not 2 to the 20.
static void check_many_threads(void) {
    struct lattice *l;
    uint32_t least;
    struct fr_config config = stage_config();
    config.threads_max = 20;
    stage_open_text(&stage, "shared own[20]; thread t(i = 0..19) { own[i] = 1; own[i] = 2; }",
                    &config);
    stage_start(&stage,
                (struct fr_plan){.strategy = FR_STRATEGY_RANDOM, .seed = 1, .executions_max = 1});
    CHECK(stage_next(&stage), "one walk");
    CHECK_OK(fr_trace_least_preemptions(stage.explorer, 3, &least));
    l = &stage.explorer->bound.lattice;
    CHECK(least == 0 && l->state_count == 21, "%u, %u states", least, l->state_count);
    stage_close(&stage);
}

// Threads that touch nothing: there is no touch in the whole trace. Found by fuzzing, under UBSan.
static void check_untouched(void) {
    struct stage own;
    stage_open_text(&own, "late thread child { }\nthread main { spawn child; join child; }", NULL);
    stage_start(&own, (struct fr_plan){.strategy = FR_STRATEGY_DPOR,
                                       .bound = FR_BOUND_PREEMPTIONS,
                                       .bound_max = 2});
    uint32_t executions = 0;
    while (stage_next(&own))
        executions++;
    CHECK(executions == 1, "%u executions", executions);
    stage_close(&own);
}

int main(void) {
    check_untouched();
    check_many_threads();
    check_random(getenv("FRONTRUN_LONG") != NULL ? 20000 : 1500);
    return 0;
}
