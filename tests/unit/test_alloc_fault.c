// Without memory: each single allocation fails once, and nothing leaks, crashes or lies.
// SPDX-License-Identifier: Apache-2.0
#include "alloc_fault.h"

#include "check.h"
#include "explore.h"
#include "stage.h"

static struct program program;
static struct program_subject subject;

// What one exploration came to. Its statuses are FR_OK, FR_DONE or FR_NOMEM; anything else fails.
struct result {
    enum fr_status status;  // FR_DONE, or FR_NOMEM
    uint64_t distinct;
    uint64_t failures;
    enum fr_ending ending;
};

static enum fr_status execute_once(struct fr_explorer *e, struct fr_subject *s,
                                   enum fr_verdict *verdict) {
    uint64_t place;
    enum fr_status status = fr_explorer_begin(e);
    if (status == FR_OK)
        status = s->execute(s->self, e, verdict, &place);
    if (status == FR_OK)
        status = fr_explorer_end(e, *verdict, place);
    return status;
}

static enum fr_status shrink(struct fr_explorer *e, struct fr_subject *s, enum fr_verdict verdict) {
    struct fr_shrink *shrink = NULL;
    enum fr_status status = fr_shrink_new(e, verdict, 0, 500, &shrink);
    while (status == FR_OK) {
        struct fr_plan plan;
        enum fr_verdict got;
        status = fr_shrink_next(shrink, &plan);
        if (status == FR_OK)
            status = fr_explorer_start(e, &plan);
        if (status == FR_OK)
            status = execute_once(e, s, &got);
        if (status == FR_OK)
            status = fr_shrink_tell(shrink, e, got, 0);
    }
    fr_shrink_free(shrink);
    return status;
}

// What can be looked at after a failure took place: no event is half there.
static void check_trace_is_whole(const struct fr_explorer *e) {
    for (uint32_t at = 0; at < fr_trace_length(e); at++) {
        CHECK(fr_trace_event(e, at).hash != 0, "event %u has no hash", at);
        CHECK(fr_trace_happens_before(e, at, at), "event %u has no clock", at);
    }
}

static enum fr_status explore(struct fr_explorer *e, struct fr_subject *s, struct fr_seen *seen,
                              struct fr_plan plan, struct result *result) {
    enum fr_status status = fr_explorer_start(e, &plan);
    enum fr_verdict verdict = FR_VERDICT_PASS;
    while (status == FR_OK) {
        status = execute_once(e, s, &verdict);
        if (status == FR_OK && verdict != FR_VERDICT_REDUNDANT)
            status = fr_seen_add(seen, fr_trace_hash(e), NULL);
        result->failures += status == FR_OK && fr_verdict_is_failure(verdict);
    }
    check_trace_is_whole(e);
    result->ending = fr_explorer_ending(e);
    result->distinct = fr_seen_distinct(seen);
    return status;
}

// An exploration, then a failing walk that is shrunk, all with this allocator.
static struct result run(struct alloc_fault *fault, bool stable_keys, struct fr_plan plan) {
    struct result result = {.status = FR_OK};
    struct fr_config config = stage_config();
    config.allocator = alloc_fault_allocator(fault);
    config.stable_keys = stable_keys;
    struct fr_explorer *e = NULL;
    struct fr_seen *seen = NULL;
    struct fr_subject s = program_subject(&subject, &program);
    subject.vary_keys = !stable_keys;
    result.status = fr_explorer_new(&config, &e);
    if (result.status == FR_OK)
        result.status = fr_seen_new(&config.allocator, &seen);
    if (result.status == FR_OK)
        result.status = explore(e, &s, seen, plan, &result);
    if (result.status == FR_DONE && result.failures != 0) {
        struct fr_plan walk = {.strategy = FR_STRATEGY_RANDOM, .seed = 1};
        enum fr_verdict verdict = FR_VERDICT_PASS;
        result.status = fr_explorer_start(e, &walk);
        while (result.status == FR_OK && !fr_verdict_is_failure(verdict))
            result.status = execute_once(e, &s, &verdict);
        if (result.status == FR_OK)
            result.status = shrink(e, &s, verdict);
    }
    fr_seen_free(seen);
    fr_explorer_free(e);
    return result;
}

// Fails every call in turn; then every call and all that follow.
static uint64_t check_every_failure(const char *name, bool stable_keys, struct fr_plan plan,
                                    bool fails_on) {
    struct alloc_fault none = {0};
    struct result whole = run(&none, stable_keys, plan);
    CHECK(whole.status == FR_DONE && none.failed == 0 && none.blocks == 0, "%s: all is well", name);
    for (uint64_t n = 1; n <= none.requests; n++) {
        struct alloc_fault fault = {.fail_at = n, .fails_on = fails_on};
        struct result got = run(&fault, stable_keys, plan);
        CHECK(fault.failed == 1, "%s: call %lu: %lu failed: nobody asks again", name,
              (unsigned long)n, (unsigned long)fault.failed);
        CHECK(got.status == FR_NOMEM, "%s: call %lu: %s", name, (unsigned long)n,
              fr_status_name(got.status));
        CHECK(got.ending != FR_ENDING_EXHAUSTED || got.distinct == whole.distinct,
              "%s: call %lu: exhausted, with traces missing", name, (unsigned long)n);
        CHECK(fault.blocks == 0 && fault.bytes == 0, "%s: call %lu: %lu bytes in %lu blocks leaked",
              name, (unsigned long)n, (unsigned long)fault.bytes, (unsigned long)fault.blocks);
    }
    struct alloc_fault after = {0};
    struct result again = run(&after, stable_keys, plan);
    CHECK(again.status == FR_DONE && again.distinct == whole.distinct, "%s: a new one works", name);
    return none.requests;
}

static void test_every_allocation_may_fail(void) {
    static const char *const names[][2] = {{"lost_update", "-"},    {"fib_bench", "k=1"},
                                           {"philosophers", "n=3"}, {"timed_philosophers", "n=3"},
                                           {"spawn_join", "-"},     {"lastzero", "n=5"},
                                           {"casw", "n=3"},         {"indexer", "n=12"}};
    static const uint8_t choices[40] = {1, 1};
    uint64_t failures = 0;
    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++) {
        load_program(names[i][0], names[i][1], &program);
        for (uint32_t which = 0; which < 4; which++) {
            struct fr_plan plan = {.strategy = FR_STRATEGY_DPOR, .order = FR_ORDER_DFS};
            if (which == 3)
                plan = (struct fr_plan){.strategy = FR_STRATEGY_SURW,
                                        .seed = 3,
                                        .executions_max = 60,
                                        .choices = choices,
                                        .choice_count = sizeof choices};
            bool stable = which != 1;
            failures += check_every_failure(names[i][0], stable, plan, which == 2);
        }
    }
    CHECK(failures > 500, "only %lu allocations", (unsigned long)failures);
}

// The failed explorer itself: it forgets the exploration that failed, and begins another.
static enum fr_status explore_all(struct fr_explorer *e, struct fr_subject *s, uint64_t *count) {
    struct fr_plan plan = {.strategy = FR_STRATEGY_DPOR};
    enum fr_status status = fr_explorer_start(e, &plan);
    enum fr_verdict verdict;
    for (*count = 0; status == FR_OK; ++*count)
        status = execute_once(e, s, &verdict);
    --*count;
    return status;
}

static void test_the_explorer_can_start_anew(void) {
    load_program("fib_bench", "k=1", &program);
    struct fr_subject s = program_subject(&subject, &program);
    for (uint64_t n = 3;; n++) {
        struct alloc_fault fault = {.fail_at = n};
        struct fr_config config = stage_config();
        config.allocator = alloc_fault_allocator(&fault);
        struct fr_explorer *e;
        CHECK_OK(fr_explorer_new(&config, &e));
        uint64_t count;
        enum fr_status status = explore_all(e, &s, &count);
        CHECK(status == (fault.failed != 0 ? FR_NOMEM : FR_DONE), "call %lu", (unsigned long)n);
        if (status == FR_NOMEM)
            CHECK(explore_all(e, &s, &count) == FR_DONE && count == 11, "call %lu: then %lu",
                  (unsigned long)n, (unsigned long)count);
        fr_explorer_free(e);
        CHECK(fault.blocks == 0, "all is free");
        if (status == FR_DONE)
            break;
    }
}

// A host that does not look at statuses: it ends what failed as BLOCKED, and goes on as long as it
// may. Answers how many distinct traces it saw.
static uint64_t go_on_regardless(struct fr_explorer *e, struct fr_subject *s) {
    struct fr_seen *seen;
    CHECK_OK(fr_seen_new(NULL, &seen));
    struct fr_plan plan = {.strategy = FR_STRATEGY_DPOR};
    if (fr_explorer_start(e, &plan) == FR_OK)
        for (uint32_t i = 0; i < 100 && fr_explorer_begin(e) == FR_OK; i++) {
            enum fr_verdict verdict = FR_VERDICT_BLOCKED;
            uint64_t place = 0;
            if (s->execute(s->self, e, &verdict, &place) == FR_OK)
                CHECK_OK(fr_seen_add(seen, fr_trace_hash(e), NULL));
            if (fr_explorer_end(e, verdict, place) != FR_OK)
                (void)!fr_explorer_end(e, FR_VERDICT_BLOCKED, place);
        }
    uint64_t distinct = fr_seen_distinct(seen);
    fr_seen_free(seen);
    return distinct;
}

static void test_a_failed_exploration_claims_nothing(void) {
    load_program("fib_bench", "k=1", &program);
    struct fr_subject s = program_subject(&subject, &program);
    uint32_t failed = 0;
    for (uint64_t n = 3; n < 60; n++) {
        struct alloc_fault fault = {.fail_at = n};
        struct fr_config config = stage_config();
        config.allocator = alloc_fault_allocator(&fault);
        struct fr_explorer *e;
        CHECK_OK(fr_explorer_new(&config, &e));
        uint64_t distinct = go_on_regardless(e, &s);
        bool claims = fr_explorer_ending(e) == FR_ENDING_EXHAUSTED;
        CHECK(claims == (fault.failed == 0), "call %lu: %s", (unsigned long)n,
              claims ? "exhausted, after a failure" : "nothing failed, and not exhausted");
        CHECK(!claims || distinct == 11, "exhausted with %lu traces", (unsigned long)distinct);
        failed += fault.failed != 0;
        fr_explorer_free(e);
        CHECK(fault.blocks == 0, "all is free");
    }
    CHECK(failed > 10, "only %u failed", failed);
}

// The allocator under test is one itself.
static void test_the_faulty_allocator(void) {
    struct alloc_fault fault = {.fail_at = 3};
    struct fr_allocator a = alloc_fault_allocator(&fault);
    char *block = a.resize(a.context, NULL, 3);
    CHECK(block != NULL && fault.blocks == 1 && fault.bytes == 3, "the first call");
    block[0] = 'x';
    char *grown = a.resize(a.context, block, 1000);
    CHECK(grown != NULL && grown != block && grown[0] == 'x', "the second keeps what is there");
    CHECK(fault.blocks == 1 && fault.bytes == 1000, "counted");
    CHECK(a.resize(a.context, grown, 2000) == NULL && grown[0] == 'x', "the third fails");
    CHECK(fault.failed == 1 && fault.blocks == 1, "and changes nothing");
    CHECK(a.resize(a.context, grown, 0) == NULL && fault.blocks == 0 && fault.bytes == 0, "freed");
    fault = (struct alloc_fault){.fail_at = 1, .fails_on = true};
    for (uint32_t i = 0; i < 3; i++)
        CHECK(a.resize(a.context, NULL, 1) == NULL, "all fail");
}

int main(void) {
    test_the_faulty_allocator();
    test_every_allocation_may_fail();
    test_the_explorer_can_start_anew();
    test_a_failed_exploration_claims_nothing();
    return 0;
}
