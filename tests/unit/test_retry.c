// An execution begun once more goes on as if nothing had happened, whatever searches.
// SPDX-License-Identifier: Apache-2.0
#include "alloc_fault.h"
#include "check.h"
#include "explorer.h"
#include "stage.h"

static struct stage stage;

static const char PROGRAM[] = "shared x, y; lock l;"
                              "thread a { acquire l; r = x; x = r + 1; release l; y = 1; }"
                              "thread b { acquire l; r = x; x = r + 2; release l; y = 2; }";

static const struct fr_plan plans[] = {
    {.strategy = FR_STRATEGY_DPOR},
    {.strategy = FR_STRATEGY_DPOR, .order = FR_ORDER_STRIDE, .order_seed = 5},
    {.strategy = FR_STRATEGY_DPOR, .order = FR_ORDER_LOWEST_FIRST},
    {.strategy = FR_STRATEGY_DPOR, .bound = FR_BOUND_PREEMPTIONS, .bound_max = 1},
    {.strategy = FR_STRATEGY_DPOR, .choices = (const uint8_t *)"\1", .choice_count = 1},
    {.strategy = FR_STRATEGY_RANDOM, .seed = 1, .executions_max = 40},
    {.strategy = FR_STRATEGY_PCT, .seed = 2, .depth = 3, .executions_max = 40},
    {.strategy = FR_STRATEGY_POS, .seed = 3, .executions_max = 40},
    {.strategy = FR_STRATEGY_URW, .seed = 4, .executions_max = 40},
    {.strategy = FR_STRATEGY_SURW, .seed = 5, .executions_max = 40},
    {.strategy = FR_STRATEGY_DELAY, .seed = 6, .depth = 2, .executions_max = 40},
    {.strategy = FR_STRATEGY_REPLAY, .choices = (const uint8_t *)"\1\0\1", .choice_count = 3},
    {.strategy = FR_STRATEGY_REPLAY,
     .segments = (const struct fr_segment[]){{.thread = 1, .events = 2}, {.thread = 0}},
     .segment_count = 2},
};

enum { EXECUTIONS_MAX = 200 };

// The traces of an exploration in their order; how many there were.
static uint32_t explore(struct fr_plan plan, uint32_t retry_every, uint64_t *hashes) {
    stage.subject.retry_every = retry_every;
    stage_start(&stage, plan);
    uint32_t count = 0;
    for (; stage_next(&stage); count++) {
        CHECK(count < EXECUTIONS_MAX, "too many");
        hashes[count] = fr_trace_hash(stage.explorer);
    }
    return count;
}

static void compare(struct fr_plan plan) {
    uint64_t plain[EXECUTIONS_MAX], retried[EXECUTIONS_MAX];
    uint32_t count = explore(plan, 0, plain);
    enum fr_ending ending = fr_explorer_ending(stage.explorer);
    size_t done = fr_run_segments_done(stage.explorer);
    for (uint32_t every = 1; every <= 7; every++) {
        CHECK(explore(plan, every, retried) == count, "as many executions");
        for (uint32_t i = 0; i < count; i++)
            CHECK(plain[i] == retried[i], "execution %u, begun again every %u events", i, every);
        CHECK(fr_explorer_ending(stage.explorer) == ending, "the same ending");
        CHECK(fr_explorer_stats(stage.explorer).executions == count, "each counted once");
        CHECK(fr_run_segments_done(stage.explorer) == done, "segments are counted once");
    }
}

static void test_no_search_notices(void) {
    for (int stable = 0; stable < 2; stable++) {
        struct fr_config config = stage_config();
        config.stable_keys = stable != 0;
        stage_open_text(&stage, PROGRAM, &config);
        for (size_t i = 0; i < sizeof plans / sizeof *plans; i++)
            compare(plans[i]);
        stage_close(&stage);
    }
}

static void announce(uint64_t site, uint32_t threads) {
    for (fr_tid t = 0; t < threads; t++) {
        fr_tid tid;
        struct fr_op op = {.kind = FR_OP_ACCESS, .site = site};
        CHECK_OK(fr_run_enter(stage.explorer, FR_TID_NONE, &tid));
        CHECK_OK(fr_run_announce(stage.explorer, tid, &op));
    }
}

static void test_another_execution_than_before_is_told(void) {
    stage_open_text(&stage, PROGRAM, NULL);
    struct fr_explorer *e = stage.explorer;
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_RANDOM});
    CHECK(fr_explorer_retry(e) == FR_MISUSE, "there is no execution");
    fr_tid tid;
    CHECK_OK(fr_explorer_begin(e));
    announce(1, 1);
    CHECK_OK(fr_run_decide(e, &tid));
    CHECK_OK(fr_explorer_retry(e));
    announce(2, 1);
    CHECK(fr_run_decide(e, &tid) == FR_DIVERGED, "another operation");
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_RANDOM});
    CHECK_OK(fr_explorer_begin(e));
    announce(1, 1);
    CHECK_OK(fr_run_decide(e, &tid));
    CHECK_OK(fr_run_leave(e, tid));
    CHECK_OK(fr_run_decide(e, &tid));
    CHECK(tid == FR_TID_NONE && fr_explorer_retry(e) == FR_MISUSE, "it is over");
    stage_close(&stage);
}

static void test_what_was_not_decided_is_not_exhausted(void) {
    stage_open_text(&stage, PROGRAM, NULL);
    struct fr_explorer *e = stage.explorer;
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_DPOR});
    fr_run_admit(e);
    while (stage_next(&stage))
        continue;
    CHECK(fr_explorer_ending(e) == FR_ENDING_EXHAUSTED, "no execution ran when it was said");
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_DPOR});
    CHECK_OK(fr_explorer_begin(e));
    fr_run_admit(e);
    CHECK_OK(fr_explorer_retry(e));
    uint64_t place = 0;
    CHECK_OK(stage.driven.execute(stage.driven.self, e, &stage.verdict, &place));
    CHECK_OK(fr_explorer_end(e, stage.verdict, place));
    while (stage_next(&stage))
        continue;
    CHECK(fr_explorer_ending(e) == FR_ENDING_BOUNDED, "one execution was not ours");
    stage_close(&stage);
}

static void test_no_memory(void) {
    struct alloc_fault fault = {0};
    struct fr_config config = stage_config();
    config.allocator = alloc_fault_allocator(&fault);
    stage_open_text(&stage, PROGRAM, &config);
    struct fr_explorer *e = stage.explorer;
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_RANDOM});
    fr_tid tid;
    CHECK_OK(fr_explorer_begin(e));
    announce(1, 1);
    CHECK_OK(fr_run_decide(e, &tid));
    fault.fail_at = fault.requests + 1;
    CHECK(fr_explorer_retry(e) == FR_NOMEM, "no room for the events");
    CHECK_OK(fr_explorer_retry(e));
    stage_close(&stage);
    CHECK(fault.blocks == 0, "all is freed");
}

int main(void) {
    test_no_search_notices();
    test_another_execution_than_before_is_told();
    test_what_was_not_decided_is_not_exhausted();
    test_no_memory();
    return 0;
}
