// PCT and POS: the highest priority runs, and changes only where the definition says.
// SPDX-License-Identifier: Apache-2.0
#include "check.h"
#include "explorer.h"
#include "stage.h"

static struct stage stage;

// The number of blocks of one thread each.
static uint32_t blocks(void) {
    uint32_t count = 0;
    for (uint32_t at = 0; at < fr_trace_length(stage.explorer); at++)
        count += at == 0 || fr_trace_event(stage.explorer, at).thread !=
                                fr_trace_event(stage.explorer, at - 1).thread;
    return count;
}

// PCT(d) lowers a priority at d - 1 steps: never more preemptions than that.
static void test_pct_preempts_at_its_change_points_only(void) {
    stage_open_text(
        &stage, "shared x, own[4]; thread t(i = 0..3) { own[i] = 1; x = i; x = i; x = i; }", NULL);
    uint32_t most[6] = {0};
    for (uint32_t depth = 1; depth <= 5; depth++)
        for (uint64_t seed = 0; seed < 500; seed++) {
            stage_start(&stage, (struct fr_plan){
                                    .strategy = FR_STRATEGY_PCT, .seed = seed, .depth = depth});
            for (uint32_t i = 0; i < 3; i++) {
                CHECK(stage_next(&stage), "there is always another");
                uint32_t preemptions = fr_trace_preemptions(stage.explorer);
                CHECK(preemptions < depth, "PCT(%u): %u preemptions", depth, preemptions);
                most[depth] = preemptions > most[depth] ? preemptions : most[depth];
            }
        }
    for (uint32_t depth = 1; depth <= 5; depth++)
        CHECK(most[depth] == depth - 1, "PCT(%u) makes %u at most", depth, most[depth]);
    stage_close(&stage);
}

// PCT(1): one order of threads, each as likely as the other.
static void test_pct_1_is_a_random_order_of_threads(void) {
    stage_open_text(&stage, "shared x; thread t(i = 0..2) { x = i; x = i; }", NULL);
    uint32_t counts[27] = {0};
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_PCT, .seed = 9, .depth = 1});
    for (uint32_t i = 0; i < 6000; i++) {
        CHECK(stage_next(&stage) && blocks() == 3, "each in one piece");
        uint32_t order = 0;
        for (uint32_t at = 0; at < 6; at += 2)
            order = order * 3 + fr_trace_event(stage.explorer, at).thread;
        counts[order]++;
    }
    uint32_t orders = 0;
    for (uint32_t i = 0; i < 27; i++) {
        orders += counts[i] != 0;
        CHECK(counts[i] == 0 || (counts[i] > 850 && counts[i] < 1150), "%u times", counts[i]);
    }
    CHECK(orders == 6, "%u orders", orders);
    stage_close(&stage);
}

// After e, POS draws anew for e's thread and for those whose pending event depends on e: the others
// keep their priorities.
static void test_pos_draws_anew_for_what_races(void) {
    stage_open_text(
        &stage, "shared x, y; thread a { x = 1; x = 2; } thread b { x = 3; } thread c { y = 1; }",
        NULL);
    struct fr_explorer *e = stage.explorer;
    const uint64_t *priority = e->walk.priority;
    uint32_t first_was_a = 0;
    for (uint64_t seed = 0; seed < 200; seed++) {
        fr_tid tid;
        struct fr_access accesses[] = {{1, FR_WRITE}, {1, FR_WRITE}, {2, FR_WRITE}};
        stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_POS, .seed = seed});
        CHECK_OK(fr_explorer_begin(e));
        for (uint32_t t = 0; t < 3; t++) {
            struct fr_op op = {.kind = FR_OP_ACCESS, .accesses = &accesses[t], .access_count = 1};
            CHECK_OK(fr_run_enter(e, FR_TID_NONE, &tid));
            CHECK_OK(fr_run_announce(e, tid, &op));
        }
        CHECK_OK(fr_run_decide(e, &tid));
        uint64_t before[] = {priority[0], priority[1], priority[2]};
        for (uint32_t t = 0; t < 3; t++)
            CHECK(before[tid] >= before[t], "the highest runs");
        if (tid != 0)
            continue;
        first_was_a++;
        struct fr_op again = {.kind = FR_OP_ACCESS, .accesses = accesses, .access_count = 1};
        CHECK_OK(fr_run_announce(e, 0, &again));
        CHECK_OK(fr_run_decide(e, &tid));
        CHECK(priority[0] != before[0], "a's next event has a priority of its own");
        CHECK(priority[1] != before[1], "b's pending write depends on what a did");
        CHECK(priority[2] == before[2], "c's does not");
    }
    CHECK(first_was_a > 40, "only %u of 200", first_was_a);
    stage_close(&stage);
}

int main(void) {
    test_pct_preempts_at_its_change_points_only();
    test_pct_1_is_a_random_order_of_threads();
    test_pos_draws_anew_for_what_races();
    return 0;
}
