// The bounded search: orders, prefixes, cut executions, its ending, and running out of memory.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "alloc_fault.h"
#include "check.h"
#include "stage.h"

static struct fr_plan plan_of(enum fr_bound kind, uint32_t limit) {
    return (struct fr_plan){.strategy = FR_STRATEGY_DPOR, .bound = kind, .bound_max = limit};
}

static uint64_t explore(struct stage *stage, struct fr_plan plan, enum fr_ending want) {
    struct digest_set hashes = {0};
    uint64_t executions = stage_explore(stage, plan, &hashes);
    CHECK(executions == hashes.count, "%lu executions of %lu traces", (unsigned long)executions,
          (unsigned long)hashes.count);
    CHECK(fr_explorer_ending(stage->explorer) == want, "ending");
    digest_set_release(&hashes);
    return executions;
}

static void check_endings(struct stage *stage) {
    CHECK(explore(stage, plan_of(FR_BOUND_PREEMPTIONS, 1), FR_ENDING_BOUNDED) == 24, "inc(3)");
    CHECK(fr_explorer_stats(stage->explorer).beyond_bound != 0, "nothing beyond");
    CHECK(explore(stage, plan_of(FR_BOUND_PREEMPTIONS, 9), FR_ENDING_EXHAUSTED) == 36, "inc(3)");
    CHECK(fr_explorer_stats(stage->explorer).beyond_bound == 0, "something beyond");
    CHECK(explore(stage, plan_of(FR_BOUND_DELAYS, 0), FR_ENDING_BOUNDED) == 1, "one schedule");
    struct fr_plan plan = plan_of(FR_BOUND_PREEMPTIONS, 1);
    plan.executions_max = 5;
    CHECK(explore(stage, plan, FR_ENDING_BUDGET) == 5, "budget");
    plan.bound = FR_BOUNDS;
    CHECK(fr_explorer_start(stage->explorer, &plan) == FR_MISUSE, "an unknown bound");
}

// Traces come with their least number of preemptions in ascending order.
static void check_cheapest_first(struct stage *stage) {
    uint32_t before = 0;
    stage_start(stage, plan_of(FR_BOUND_PREEMPTIONS, 9));
    while (stage_next(stage)) {
        uint32_t least;
        CHECK_OK(fr_trace_least_preemptions(stage->explorer, 9, &least));
        CHECK(least >= before, "%u after %u", least, before);
        before = least;
    }
    CHECK(before == 2, "inc(3) needs at most 2, not %u", before);
}

// A walk has no bound.
static void check_walk(struct stage *stage) {
    struct fr_plan plan = plan_of(FR_BOUND_PREEMPTIONS, 0);
    plan.strategy = FR_STRATEGY_RANDOM;
    plan.executions_max = 200;
    stage_start(stage, plan);
    uint32_t most = 0;
    while (stage_next(stage))
        if (fr_trace_preemptions(stage->explorer) > most)
            most = fr_trace_preemptions(stage->explorer);
    CHECK(most > 1, "a walk was bounded");
}

// Below every prefix: exactly the traces of the interleavings that extend it and preempt at most
// `limit` times behind it.
static void check_prefixes(const char *name, const char *constant) {
    static struct stage stage;
    stage_open_model(&stage, name, constant, NULL);
    struct interleavings all = {0};
    interleavings_find(&all, &stage);
    for (uint32_t i = 0; i < all.count; i += 1 + all.count / 40) {
        for (uint32_t count = 0; count <= all.items[i].choice_count; count++) {
            const uint8_t *prefix = all.items[i].choices;
            // What the prefix itself preempts: replayed, it goes on without.
            struct fr_plan plan = {
                .strategy = FR_STRATEGY_REPLAY, .choices = prefix, .choice_count = count};
            stage_start(&stage, plan);
            CHECK(stage_next(&stage), "no replay");
            uint32_t free = fr_trace_preemptions(stage.explorer);
            for (uint32_t limit = 0; limit < 2; limit++) {
                struct digest_set want = {0}, got = {0};
                for (uint32_t j = 0; j < all.count; j++)
                    if (interleaving_extends(&all.items[j], prefix, count) &&
                        all.items[j].preemptions <= free + limit)
                        digest_set_add(&want, all.items[j].hash, 0, &(bool){0});
                plan = plan_of(FR_BOUND_PREEMPTIONS, limit);
                plan.choices = prefix;
                plan.choice_count = count;
                uint64_t executions = stage_explore(&stage, plan, &got);
                CHECK(executions == want.count && got.count == want.count,
                      "%s below %u choices: %lu executions of %lu traces", name, count,
                      (unsigned long)executions, (unsigned long)want.count);
                for (uint64_t k = 0; k < got.size; k++)
                    CHECK(!got.entries[k].used ||
                              digest_set_find(&want, got.entries[k].digest) != NULL,
                          "%s: a trace beyond the prefix", name);
                digest_set_release(&want);
                digest_set_release(&got);
            }
        }
    }
    interleavings_release(&all);
    stage_close(&stage);
}

// Executions stopped by events_max: the rest is explored, and the ending is no claim of everything.
static void check_cut(void) {
    static struct stage stage;
    struct fr_config config = stage_config();
    config.events_max = 4;
    stage_open_model(&stage, "inc", "n=3", &config);
    stage_start(&stage, plan_of(FR_BOUND_PREEMPTIONS, 9));
    struct digest_set hashes = {0};
    bool is_new;
    while (stage_next(&stage)) {
        CHECK(stage.verdict == FR_VERDICT_STEP_LIMIT, "verdict");
        digest_set_add(&hashes, fr_trace_hash(stage.explorer), 0, &is_new);
        CHECK(is_new, "a prefix was executed twice");
    }
    CHECK(fr_explorer_ending(stage.explorer) == FR_ENDING_BOUNDED, "ending");
    CHECK(fr_explorer_stats(stage.explorer).cut == hashes.count, "cut");
    digest_set_release(&hashes);
    stage_close(&stage);
}

static enum fr_status explore_until_failure(struct fr_explorer *e, const struct program *program,
                                            uint64_t *executions) {
    static struct program_subject subject;
    struct fr_subject driven = program_subject(&subject, program);
    struct fr_plan plan = plan_of(FR_BOUND_PREEMPTIONS, 2);
    enum fr_status status = fr_explorer_start(e, &plan);
    *executions = 0;
    while (status == FR_OK && (status = fr_explorer_begin(e)) == FR_OK) {
        enum fr_verdict verdict;
        uint64_t place;
        status = driven.execute(driven.self, e, &verdict, &place);
        if (status != FR_OK)
            return status;
        status = fr_explorer_end(e, verdict, place);
        *executions += status == FR_OK;
        if (status != FR_OK)
            CHECK(fr_explorer_begin(e) == FR_MISUSE, "it goes on after it has forgotten something");
    }
    return status;
}

// The n-th allocation fails, for every n: a clean status, no leak, no claim.
static void check_no_memory(const struct program *program) {
    for (uint64_t n = 1;; n++) {
        struct alloc_fault fault = {.fail_at = n};
        struct fr_config config = fr_config_default();
        config.allocator = alloc_fault_allocator(&fault);
        struct fr_explorer *e;
        uint64_t executions = 0;
        enum fr_status status = fr_explorer_new(&config, &e);
        if (status == FR_OK) {
            status = explore_until_failure(e, program, &executions);
            CHECK(status == FR_NOMEM || status == FR_DONE, "%s", fr_status_text(status));
            CHECK(status == FR_DONE || fr_explorer_ending(e) == FR_ENDING_RUNNING, "a claim");
            fr_explorer_free(e);
        }
        CHECK(fault.blocks == 0, "%lu blocks leaked", (unsigned long)fault.blocks);
        if (fault.failed == 0) {
            CHECK(status == FR_DONE && executions == 432, "%lu", (unsigned long)executions);
            printf("%lu allocations, each failed once\n", (unsigned long)n - 1);
            return;
        }
    }
}

int main(void) {
    static struct stage stage;
    stage_open_model(&stage, "inc", "n=3", NULL);
    check_endings(&stage);
    check_cheapest_first(&stage);
    check_walk(&stage);
    stage_close(&stage);
    check_prefixes("inc", "n=3");
    check_prefixes("philosophers", "n=3");
    check_prefixes("timed_philosophers", "n=2");
    check_prefixes("timed_acquire", "wait=20");
    check_prefixes("spawn_join", "-");
    check_cut();
    stage_open_model(&stage, "inc", "n=4", NULL);
    check_no_memory(&stage.program);
    stage_close(&stage);
    return 0;
}
