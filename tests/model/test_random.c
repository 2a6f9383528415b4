// Random programs: exactly the traces of brute force, each once; hash and trace match one to one.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "check.h"
#include "explore.h"
#include "random_program.h"

struct totals {
    unsigned long programs, skipped, traces, deadlocked, interleavings;
};

static void check_dpor(const struct program *program, const struct brute *truth,
                       enum fr_order order, bool stable_keys, const char *name) {
    struct explore_options options = {
        .plan = {.strategy = FR_STRATEGY_DPOR, .order = order, .order_seed = 3},
        .stable_keys = stable_keys,
        .executions_max = 4 * truth->traces.count};
    struct explored got = explore_program(program, &options, truth, name);
    CHECK(got.traces == truth->traces.count, "%s: %lu of %lu traces", name,
          (unsigned long)got.traces, (unsigned long)truth->traces.count);
    CHECK(got.deadlocked == truth->deadlocked, "%s: deadlocks", name);
    CHECK(got.ending == FR_ENDING_EXHAUSTED, "%s: not exhausted", name);
    CHECK(got.redundant == 0 && got.repeated == 0, "%s: %lu redundant, %lu repeated", name,
          (unsigned long)got.redundant, (unsigned long)got.repeated);
}

// Linearisations of one trace have one hash; those of different traces have different ones.
static void check_walks(const struct program *program, const struct brute *truth,
                        const char *name) {
    struct explore_options options = {
        .plan = {.strategy = FR_STRATEGY_RANDOM, .seed = 7, .executions_max = 40},
        .stable_keys = false};
    struct explored got = explore_program(program, &options, truth, name);
    CHECK(got.executions == 40 && got.ending == FR_ENDING_BUDGET, "%s: budget", name);
}

static void check_program(const struct program *program, const char *name, struct totals *totals) {
    static struct brute truth;
    truth.leaves_max = 20000;
    brute_force(&truth, program);
    if (truth.gave_up) {
        totals->skipped++;
        return;
    }
    for (enum fr_order order = 0; order < FR_ORDERS; order++)
        check_dpor(program, &truth, order, true, name);
    check_dpor(program, &truth, FR_ORDER_DFS, false, name);
    check_dpor(program, &truth, FR_ORDER_BIT_REVERSAL, false, name);
    check_dpor(program, &truth, FR_ORDER_LOWEST_FIRST, false, name);
    check_walks(program, &truth, name);
    totals->programs++;
    totals->traces += truth.traces.count;
    totals->deadlocked += truth.deadlocked;
    totals->interleavings += truth.interleavings;
}

struct family {
    const char *name;
    void (*program)(struct program *program, uint64_t seed);
    void (*ring)(struct program *program, uint32_t threads, uint64_t seed);
};

enum { FAMILIES = 2 };

static const struct family families[FAMILIES] = {
    {"random program", random_program, random_lock_ring},
    {"random program with time", random_timed_program, random_timed_lock_ring},
};

// Programs whose objects have other keys in each execution, and which wakeup trees explored with
// traces lost: 60 of 62, 182 of 184, 371 of 372 and so on.
static void check_names(void) {
    static const struct {
        uint32_t threads;  // of a ring, 0: no ring
        bool timed;
        enum fr_order order;
        uint64_t seed;
    } rows[] = {{5, true, FR_ORDER_CONFLICT_FIRST, 205814},
                {5, true, FR_ORDER_DFS, 201242},
                {4, true, FR_ORDER_DFS, 203635},
                {5, true, FR_ORDER_BIT_REVERSAL, 217412},
                {5, false, FR_ORDER_DFS, 202046},
                {5, false, FR_ORDER_STRIDE, 201344},
                {4, true, FR_ORDER_ROUND_ROBIN, 205560},
                {4, true, FR_ORDER_STRIDE, 101142},
                {0, false, FR_ORDER_CONFLICT_FIRST, 211854}};
    static struct program program;
    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char name[64];
        snprintf(name, sizeof name, "row %u of programs without names", i);
        if (rows[i].threads == 0)
            random_program(&program, rows[i].seed);
        else if (rows[i].timed)
            random_timed_lock_ring(&program, rows[i].threads, rows[i].seed);
        else
            random_lock_ring(&program, rows[i].threads, rows[i].seed);
        struct explore_options options = {.plan = {.strategy = FR_STRATEGY_DPOR},
                                          .stable_keys = true};
        uint64_t want = explore_program(&program, &options, NULL, name).traces;
        options.plan.order = rows[i].order;
        options.plan.order_seed = 3;
        options.stable_keys = false;
        struct explored got = explore_program(&program, &options, NULL, name);
        CHECK(got.traces == want && got.executions == want, "%s: %lu of %lu traces in %lu", name,
              (unsigned long)got.traces, (unsigned long)want, (unsigned long)got.executions);
    }
}

// Rings of 3 to 5 threads, with and without time, too large for brute force: the traces with and
// without names of objects, which are found by two different algorithms, are as many.
static void check_rings(uint64_t from, uint64_t count) {
    static struct program program;
    enum { EXECUTIONS_MAX = 400 };
    uint64_t programs = 0;
    uint64_t traces = 0;
    for (uint64_t seed = from; seed < from + count; seed++) {
        char name[64];
        uint32_t threads = 3 + (uint32_t)(seed / 2 % 3);
        snprintf(name, sizeof name, "ring of %u, seed %lu", threads, (unsigned long)seed);
        if (seed % 2 == 0)
            random_lock_ring(&program, threads, seed);
        else
            random_timed_lock_ring(&program, threads, seed);
        struct explore_options options = {.plan = {.strategy = FR_STRATEGY_DPOR},
                                          .stable_keys = true,
                                          .executions_max = EXECUTIONS_MAX};
        options.plan.order = (enum fr_order)(seed / 6 % FR_ORDERS);
        struct explored want = explore_program(&program, &options, NULL, name);
        if (want.ending != FR_ENDING_EXHAUSTED)
            continue;
        options.stable_keys = false;
        options.executions_max = 0;
        struct explored got = explore_program(&program, &options, NULL, name);
        CHECK(want.traces == want.executions, "%s: redundant", name);
        CHECK(got.traces == want.traces && got.executions == want.traces,
              "%s: %lu of %lu traces in %lu executions", name, (unsigned long)got.traces,
              (unsigned long)want.traces, (unsigned long)got.executions);
        programs++;
        traces += got.traces;
    }
    printf("lock rings: %lu, %lu traces, as many without names of objects\n",
           (unsigned long)programs, (unsigned long)traces);
}

static void check_family(const struct family *family, unsigned long from, unsigned long count) {
    static struct program program;
    struct totals totals = {0};
    char name[64];
    for (unsigned long seed = from; seed < from + count; seed++) {
        snprintf(name, sizeof name, "%s %lu", family->name, seed);
        family->program(&program, seed);
        check_program(&program, name, &totals);
        if (seed % 20 != 0)
            continue;
        unsigned threads = 2 + (unsigned)(seed / 20) % 4;
        snprintf(name, sizeof name, "%s, ring of %u, seed %lu", family->name, threads, seed);
        family->ring(&program, threads, seed);
        check_program(&program, name, &totals);
    }
    printf("%ss: %lu (%lu too large for brute force), %lu traces, %lu deadlocked, "
           "%lu interleavings: all equal, in every order, with and without names of objects\n",
           family->name, totals.programs, totals.skipped, totals.traces, totals.deadlocked,
           totals.interleavings);
    CHECK(totals.programs > count / 2, "too many programs skipped");
}

int main(int argc, char **argv) {
    bool is_long = getenv("FRONTRUN_LONG") != NULL;
    unsigned long from = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 10) : is_long ? 100000 : 4000;
    uint32_t only = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : FAMILIES;
    for (uint32_t i = 0; i < FAMILIES; i++)
        if (only == i || only >= FAMILIES)
            check_family(&families[i], from, count);
    check_names();
    check_rings(100000 + from, count);
    return 0;
}
