// Bounds: exactly the traces within a preemption or delay bound, each executed once, none beyond.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "brute_cost.h"
#include "check.h"
#include "explore.h"
#include "random_program.h"

struct bounded {
    uint64_t executions;
    uint64_t traces;  // distinct, and within the bound
    struct fr_stats stats;
    enum fr_ending ending;
};

// Explores under the plan. truth NULL, or the costs of all traces: every one executed must be
// within the bound.
static struct bounded explore(const struct program *program, const struct fr_plan *plan,
                              bool stable_keys, const struct brute_cost *truth, const char *name) {
    struct fr_config config = fr_config_default();
    config.threads_max = FR_THREADS_MAX;
    config.stable_keys = stable_keys;
    struct fr_explorer *e;
    CHECK_OK(fr_explorer_new(&config, &e));
    CHECK_OK(fr_explorer_start(e, plan));
    static struct program_subject subject;
    struct fr_subject s = program_subject(&subject, program);
    subject.vary_keys = !stable_keys;
    struct digest_set traces = {0};
    struct bounded bounded = {0};
    enum fr_status status;
    while ((status = fr_explorer_begin(e)) == FR_OK) {
        enum fr_verdict verdict;
        uint64_t place, value;
        status = s.execute(s.self, e, &verdict, &place);
        CHECK(status == FR_OK, "%s: %s", name, fr_explorer_errmsg(e));
        CHECK(verdict != FR_VERDICT_REDUNDANT, "%s: redundant", name);
        uint32_t least = 0;
        CHECK_OK(fr_trace_least_preemptions(e, 100, &least));
        bool is_preemptions = plan->bound == FR_BOUND_PREEMPTIONS;
        CHECK(!is_preemptions || least <= plan->bound_max, "%s: %u preemptions", name, least);
        if (truth != NULL) {
            uint64_t digest = brute_digest(program, subject.schedule, subject.length, &value);
            const struct digest_entry *entry = digest_set_find(&truth->least[plan->bound], digest);
            CHECK(entry != NULL && entry->value <= plan->bound_max, "%s: beyond", name);
            CHECK(!is_preemptions || entry->value == least, "%s: least %u, not %u", name, least,
                  (unsigned)entry->value);
        }
        bool is_new;
        digest_set_add(&traces, fr_trace_hash(e), 0, &is_new);
        CHECK(is_new, "%s: a trace was executed twice", name);
        CHECK_OK(fr_explorer_end(e, verdict, place));
        bounded.executions++;
    }
    CHECK(status == FR_DONE, "%s: %s", name, fr_explorer_errmsg(e));
    bounded.traces = traces.count;
    bounded.stats = fr_explorer_stats(e);
    bounded.ending = fr_explorer_ending(e);
    digest_set_release(&traces);
    fr_explorer_free(e);
    return bounded;
}

// ------------------------------------------------------------------------------ golden rows

static void check_row(const char *name, const char *constant, const char *numbers,
                      uint64_t totals[2]) {
    static struct program program;
    load_program(name, constant, &program);
    char *end;
    printf("%-24s %-5s", name, constant);
    for (uint32_t k = 0;; k++, numbers = end) {
        unsigned long want = strtoul(numbers, &end, 10);
        if (end == numbers)
            break;
        for (uint32_t varying = 0; varying < 2; varying++) {
            struct fr_plan plan = {.strategy = FR_STRATEGY_DPOR,
                                   .order = (enum fr_order)(k % FR_ORDERS),
                                   .bound = FR_BOUND_PREEMPTIONS,
                                   .bound_max = k};
            struct bounded got = explore(&program, &plan, varying == 0, NULL, name);
            CHECK(got.traces == want, "%s %s, %u preemptions: %lu of %lu traces", name, constant, k,
                  (unsigned long)got.traces, want);
            totals[0] += want;
            totals[1] += got.executions;
            if (varying == 0)
                printf("  %lu/%lu%s", (unsigned long)got.executions, want,
                       got.ending == FR_ENDING_EXHAUSTED ? "!" : "");
        }
    }
    printf("\n");
}

static void check_rows(void) {
    FILE *file = fopen("tests/model/preemptions.txt", "r");
    CHECK(file != NULL, "run from the project's root");
    char line[160];
    unsigned rows = 0;
    uint64_t totals[2] = {0};
    printf("executions/traces within 0, 1, 2 ... preemptions; ! exhausted\n");
    while (fgets(line, sizeof line, file) != NULL) {
        char name[64], constant[16];
        int used = 0;
        if (line[0] == '#')
            continue;
        CHECK(sscanf(line, "%63s %15s %n", name, constant, &used) == 2, "cannot read: %s", line);
        check_row(name, constant, line + used, totals);
        rows++;
    }
    fclose(file);
    CHECK(rows >= 26, "only %u rows", rows);
    printf("%u rows exact: %.3f executions per trace\n", rows,
           (double)totals[1] / (double)totals[0]);
}

// Traces by their least preemptions, from plain DPOR: a truth for programs of many threads.
static void count_by_least(const struct program *program, uint64_t within[4], const char *name) {
    struct fr_config config = fr_config_default();
    config.threads_max = FR_THREADS_MAX;
    struct fr_explorer *e;
    CHECK_OK(fr_explorer_new(&config, &e));
    CHECK_OK(fr_explorer_start(e, &(struct fr_plan){.strategy = FR_STRATEGY_DPOR}));
    static struct program_subject subject;
    struct fr_subject s = program_subject(&subject, program);
    memset(within, 0, 4 * sizeof *within);
    while (fr_explorer_begin(e) == FR_OK) {
        enum fr_verdict verdict;
        uint64_t place;
        uint32_t least;
        CHECK_OK(s.execute(s.self, e, &verdict, &place));
        CHECK_OK(fr_trace_least_preemptions(e, 3, &least));
        for (uint32_t k = least; k < 4; k++)
            within[k]++;
        CHECK_OK(fr_explorer_end(e, verdict, place));
    }
    CHECK(fr_explorer_ending(e) == FR_ENDING_EXHAUSTED, "%s: not exhausted", name);
    fr_explorer_free(e);
}

// The bounded search finds as many traces as plain DPOR, filtered; each is new and within the bound
// (explore checks that).
static void check_filtered(const struct program *program, const char *name) {
    uint64_t within[4];
    count_by_least(program, within, name);
    for (uint32_t k = 0; k < 4; k++) {
        struct fr_plan plan = {.strategy = FR_STRATEGY_DPOR,
                               .order = (enum fr_order)((k + 1) % FR_ORDERS),
                               .bound = FR_BOUND_PREEMPTIONS,
                               .bound_max = k};
        struct bounded got = explore(program, &plan, k % 2 == 0, NULL, name);
        CHECK(got.executions == within[k], "%s, %u preemptions: %lu of %lu traces", name, k,
              (unsigned long)got.executions, (unsigned long)within[k]);
    }
}

static void check_many_threads(bool is_long) {
    static const char *const rows[][2] = {
        {"filesystem", "n=16"}, {"filesystem", "n=18"},  {"indexer", "n=13"},
        {"indexer", "n=14"},    {"readers", "n=10"},     {"lastzero", "n=8"},
        {"casrot", "n=8"},      {"philosophers", "n=5"}, {"philosophers", "n=7"},
        {"manywrite", "n=4"},   {"reorder", "-"},        {"twostage", "writers=2"},
        {"lastzero", "n=10"},   {"readers", "n=13"},     {"filesystem", "n=19"}};
    static struct program program;
    uint32_t count = is_long ? sizeof rows / sizeof *rows : 12;
    for (uint32_t i = 0; i < count; i++) {
        load_program(rows[i][0], rows[i][1], &program);
        check_filtered(&program, rows[i][0]);
    }
    printf("%u programs of many threads: as many as plain DPOR has within the bound\n", count);
}

// Concuerror's counts for its delay-bounded optimal DPOR of readers(3) and readers(6).
static void check_delays(const char *constant, const unsigned *want, unsigned count) {
    static struct program program;
    load_program("readers", constant, &program);
    for (uint32_t k = 0; k < count; k++) {
        struct fr_plan plan = {
            .strategy = FR_STRATEGY_DPOR, .bound = FR_BOUND_DELAYS, .bound_max = k};
        struct bounded got = explore(&program, &plan, true, NULL, "readers");
        CHECK(got.traces == want[k], "readers %s, %u delays: %lu, not %u", constant, k,
              (unsigned long)got.traces, want[k]);
    }
}

// ------------------------------------------------------------------------------ random programs

struct totals {
    unsigned long programs, skipped, wanted, executions, all, exhausted, closed;
};

static void check_bound(const struct program *program, const struct brute_cost *truth,
                        enum fr_bound kind, uint32_t limit, unsigned long seed, const char *name,
                        struct totals *totals) {
    uint64_t all = truth->least[kind].count;
    uint64_t want = brute_cost_within(truth, kind, limit);
    struct fr_plan plan = {.strategy = FR_STRATEGY_DPOR,
                           .order = (enum fr_order)((seed + limit) % FR_ORDERS),
                           .order_seed = seed,
                           .bound = kind,
                           .bound_max = limit};
    for (uint32_t varying = 0; varying < 2; varying++) {
        struct bounded got = explore(program, &plan, varying == 0, truth, name);
        CHECK(got.traces == want, "%s, bound %u of kind %u: %lu of %lu traces", name, limit,
              (unsigned)kind, (unsigned long)got.traces, (unsigned long)want);
        CHECK(got.ending == FR_ENDING_BOUNDED || got.ending == FR_ENDING_EXHAUSTED, "%s", name);
        CHECK(got.ending != FR_ENDING_EXHAUSTED || want == all, "%s: not exhausted", name);
        CHECK((got.stats.beyond_bound == 0) == (got.ending == FR_ENDING_EXHAUSTED), "%s", name);
        totals->executions += got.executions;
        totals->wanted += want;
        totals->all += all;
        totals->closed += want == all;
        totals->exhausted += got.ending == FR_ENDING_EXHAUSTED;
    }
}

static void check_program(const struct program *program, unsigned long seed, const char *name,
                          struct totals *totals) {
    static struct brute_cost truth;
    truth.leaves_max = 4000;
    brute_cost(&truth, program);
    if (truth.gave_up) {
        totals->skipped++;
        return;
    }
    totals->programs++;
    for (uint32_t limit = 0; limit < 3; limit++) {
        check_bound(program, &truth, FR_BOUND_PREEMPTIONS, limit, seed, name, totals);
        check_bound(program, &truth, FR_BOUND_DELAYS, limit, seed, name, totals);
    }
    // Every trace costs something finite: then nothing is left out and nothing is beyond.
    check_bound(program, &truth, FR_BOUND_PREEMPTIONS, 1000, seed, name, totals);
    check_bound(program, &truth, FR_BOUND_DELAYS, UINT32_MAX, seed, name, totals);
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
        check_program(&program, seed, name, &totals);
        if (seed % 10 != 0)
            continue;
        unsigned threads = 2 + (unsigned)(seed / 10) % 4;
        snprintf(name, sizeof name, "%s, ring of %u, seed %lu", family->name, threads, seed);
        family->ring(&program, threads, seed);
        check_program(&program, seed, name, &totals);
    }
    printf("%ss: %lu (%lu too large for brute force), %lu traces within the bounds of %lu, "
           "%lu executions: all equal; %lu of %lu explorations of everything said so\n",
           family->name, totals.programs, totals.skipped, totals.wanted, totals.all,
           totals.executions, totals.exhausted, totals.closed);
    CHECK(totals.programs > count / 2, "too many programs skipped");
}

int main(int argc, char **argv) {
    bool is_long = getenv("FRONTRUN_LONG") != NULL;
    unsigned long from = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 10) : is_long ? 40000 : 2000;
    check_rows();
    check_many_threads(is_long);
    check_delays("n=3", (const unsigned[]){1, 2, 5, 8, 8, 8, 8}, 7);
    check_delays("n=6", (const unsigned[]){1, 2, 8, 23, 43, 58, 64}, 7);
    uint32_t only = argc > 3 ? (uint32_t)strtoul(argv[3], NULL, 10) : FAMILIES;
    for (uint32_t i = 0; i < FAMILIES; i++)
        if (only == i || only >= FAMILIES)
            check_family(&families[i], from, count);
    return 0;
}
