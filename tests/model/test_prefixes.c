// Splitting: the prefixes of one length have all traces between them, and apart, each in one.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "check.h"
#include "explore.h"
#include "explorer.h"
#include "random_program.h"

enum { DEPTH_MAX = 3 };

struct split {
    const struct program *program;
    const char *name;
    struct fr_explorer *explorer;
    struct fr_plan plan;      // of each part, but for the prefix
    struct digest_set found;  // traces of all parts so far
    uint32_t depth;
    uint8_t choices[DEPTH_MAX];
    uint64_t parts, executions, redundant;
};

static struct program_subject subject;

static enum fr_verdict execute_once(struct split *split) {
    struct fr_subject s = program_subject(&subject, split->program);
    subject.vary_keys = !split->explorer->config.stable_keys && split->parts % 2 == 1;
    enum fr_verdict verdict = FR_VERDICT_PASS;
    uint64_t place = 0;
    enum fr_status status = s.execute(s.self, split->explorer, &verdict, &place);
    CHECK(status == FR_OK, "%s: %s", split->name, fr_explorer_errmsg(split->explorer));
    CHECK_OK(fr_explorer_end(split->explorer, verdict, place));
    return verdict;
}

// Explores the traces below the first `count` choices; costs: preemptions of the prefix itself.
static void explore_part(struct split *split, uint32_t count, uint32_t costs) {
    struct fr_plan plan = split->plan;
    plan.choices = split->choices;
    plan.choice_count = count;
    if (plan.bound != FR_BOUND_NONE && costs > plan.bound_max)
        return;
    plan.bound_max -= plan.bound != FR_BOUND_NONE ? costs : 0;
    CHECK_OK(fr_explorer_start(split->explorer, &plan));
    struct digest_set own = {0};
    while (fr_explorer_begin(split->explorer) == FR_OK) {
        enum fr_verdict verdict = execute_once(split);
        uint64_t hash = fr_trace_hash(split->explorer);
        bool is_new;
        split->executions++;
        if (verdict == FR_VERDICT_REDUNDANT) {
            split->redundant++;
            CHECK(plan.apart, "%s: redundant", split->name);
            continue;
        }
        digest_set_add(&own, hash, 0, &is_new);
        CHECK(is_new, "%s: a trace twice in one part", split->name);
        digest_set_add(&split->found, hash, 0, &is_new);
        CHECK(is_new || !plan.apart, "%s: a trace in two parts", split->name);
    }
    digest_set_release(&own);
    enum fr_ending ending = fr_explorer_ending(split->explorer);
    CHECK(ending == FR_ENDING_EXHAUSTED || plan.bound != FR_BOUND_NONE, "%s: ending", split->name);
    split->parts++;
}

static void split_below(struct split *split, uint32_t count) {
    // Where the prefix ends, how many threads could go on, and what it cost, a replay tells.
    struct fr_plan replay = {
        .strategy = FR_STRATEGY_REPLAY, .choices = split->choices, .choice_count = count};
    CHECK_OK(fr_explorer_start(split->explorer, &replay));
    CHECK_OK(fr_explorer_begin(split->explorer));
    execute_once(split);
    const struct trace *trace = &split->explorer->run.trace;
    uint32_t costs = fr_trace_preemptions(split->explorer);  // a replay goes on without any
    if (count >= sizeof split->choices || count == split->depth || trace->choice_count <= count) {
        explore_part(split, count, costs);
        return;
    }
    uint32_t width = trace->choices[count].width;
    for (uint32_t i = 0; i < width; i++) {
        split->choices[count] = (uint8_t)i;
        split_below(split, count + 1);
    }
}

struct totals {
    uint64_t programs, parts, traces, executions;
};

static void check_split(const struct program *program, struct fr_plan plan, uint64_t want,
                        uint32_t depth_max, const char *name, struct totals *totals) {
    struct fr_config config = fr_config_default();
    config.threads_max = FR_THREADS_MAX;
    struct split split = {.program = program, .name = name, .plan = plan};
    config.stable_keys = plan.apart;
    CHECK_OK(fr_explorer_new(&config, &split.explorer));
    for (split.depth = 0; split.depth <= depth_max; split.depth++) {
        split.parts = split.executions = split.redundant = 0;
        digest_set_clear(&split.found);
        split_below(&split, 0);
        CHECK(split.found.count == want, "%s, split at %u: %lu of %lu traces", name, split.depth,
              (unsigned long)split.found.count, (unsigned long)want);
        if (plan.apart && split.depth > 0) {
            totals->parts += split.parts;
            totals->traces += want;
            totals->executions += split.executions;
        }
    }
    totals->programs++;
    digest_set_release(&split.found);
    fr_explorer_free(split.explorer);
}

// How many traces there are without a bound and with one, by plain exploration from the root.
static uint64_t count_traces(const struct program *program, struct fr_plan plan, const char *name) {
    struct fr_config config = fr_config_default();
    config.threads_max = FR_THREADS_MAX;
    struct split split = {.program = program, .name = name, .plan = plan};
    CHECK_OK(fr_explorer_new(&config, &split.explorer));
    explore_part(&split, 0, 0);
    uint64_t count = split.found.count;
    digest_set_release(&split.found);
    fr_explorer_free(split.explorer);
    return count;
}

static void check_program(const struct program *program, uint64_t want, uint32_t depth_max,
                          const char *name, struct totals *totals) {
    struct fr_plan plan = {.strategy = FR_STRATEGY_DPOR, .apart = true};
    plan.order = (enum fr_order)(totals->programs % FR_ORDERS);
    check_split(program, plan, want, depth_max, name, totals);
    plan.apart = false;
    check_split(program, plan, want, depth_max < 2 ? depth_max : 2, name, totals);
    // Many threads that share locks are slow under a bound.
    if (program->thread_count > 16)
        return;
    plan.bound = FR_BOUND_PREEMPTIONS;
    for (plan.bound_max = 0; plan.bound_max < 3; plan.bound_max++)
        check_split(program, plan, count_traces(program, plan, name), depth_max < 2 ? depth_max : 2,
                    name, totals);
}

static void check_golden(const char *path, bool is_long, struct totals *totals) {
    FILE *file = fopen(path, "r");
    CHECK(file != NULL, "run from the project's root");
    static struct program program;
    char line[160];
    while (fgets(line, sizeof line, file) != NULL) {
        char name[64], constant[16], title[96];
        unsigned long traces;
        if (line[0] == '#' || sscanf(line, "%63s %15s %lu", name, constant, &traces) != 3)
            continue;
        load_program(name, constant, &program);
        snprintf(title, sizeof title, "%s %s", name, constant);
        // A split executes up to so many: each prefix may have every trace below it.
        uint64_t most = is_long ? 1000000 : 10000;
        uint64_t work = traces * program.thread_count;
        uint32_t depth = 1;
        for (; depth < DEPTH_MAX && work * program.thread_count <= most; depth++)
            work *= program.thread_count;
        if (is_long || work <= most)
            check_program(&program, traces, depth, title, totals);
    }
    fclose(file);
}

int main(int argc, char **argv) {
    bool is_long = getenv("FRONTRUN_LONG") != NULL;
    unsigned long count = argc > 1 ? strtoul(argv[1], NULL, 10) : is_long ? 20000 : 1000;
    static struct program program;
    struct totals totals = {0};
    char name[64];
    check_golden("tests/model/traces.txt", is_long, &totals);
    printf("golden programs: %lu splits, %lu parts apart with %lu traces in %lu executions\n",
           (unsigned long)totals.programs, (unsigned long)totals.parts,
           (unsigned long)totals.traces, (unsigned long)totals.executions);
    for (unsigned long seed = 1; seed <= count; seed++) {
        snprintf(name, sizeof name, "random program %lu", seed);
        if (seed % 10 == 0)
            random_lock_ring(&program, 2 + (uint32_t)(seed / 10) % 4, seed);
        else
            random_program(&program, seed);
        uint64_t want =
            count_traces(&program, (struct fr_plan){.strategy = FR_STRATEGY_DPOR}, name);
        if (want < 150)
            check_program(&program, want, DEPTH_MAX, name, &totals);
    }
    printf("%lu splits in all, %lu parts apart with %lu traces in %lu executions\n",
           (unsigned long)totals.programs, (unsigned long)totals.parts,
           (unsigned long)totals.traces, (unsigned long)totals.executions);
    return 0;
}
