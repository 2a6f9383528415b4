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
    return 0;
}
