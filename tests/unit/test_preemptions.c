// Least preemptions and delays of a trace, whatever linearisation was executed: equal brute force.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "brute_cost.h"
#include "check.h"
#include "explorer.h"
#include "random_program.h"
#include "stage.h"

// Random walks preempt often, so that the answer is seldom that of the execution itself.
static uint32_t check_walks(struct stage *stage, const struct brute_cost *truth, uint32_t walks,
                            const char *name) {
    uint32_t below = 0;
    struct fr_explorer *e = stage->explorer;
    stage_start(stage, (struct fr_plan){
                           .strategy = FR_STRATEGY_RANDOM, .seed = 5, .executions_max = walks});
    while (stage_next(stage)) {
        uint64_t value;
        uint64_t digest =
            brute_digest(&stage->program, stage->subject.schedule, stage->subject.length, &value);
        uint32_t want =
            (uint32_t)digest_set_find(&truth->least[FR_BOUND_PREEMPTIONS], digest)->value;
        uint32_t delays = (uint32_t)digest_set_find(&truth->least[FR_BOUND_DELAYS], digest)->value;
        uint32_t got;
        for (uint32_t limit = 0; limit < want + 3; limit++) {
            CHECK_OK(fr_trace_least_preemptions(e, limit, &got));
            uint32_t expected = want <= limit ? want : limit + 1;
            CHECK(got == expected, "%s, limit %u: %u, not %u", name, limit, got, expected);
        }
        CHECK_OK(fr_trace_least_preemptions(e, UINT32_MAX, &got));
        CHECK(got == want, "%s: %u, not %u", name, got, want);
        CHECK_OK(context_least(&e->bound.context, &e->run, FR_BOUND_DELAYS, UINT32_MAX, &got));
        CHECK(got == delays, "%s: %u delays, not %u", name, got, delays);
        CHECK_OK(context_least(&e->bound.context, &e->run, FR_BOUND_DELAYS, delays, &got));
        CHECK(got == delays, "%s: %u delays, not %u", name, got, delays);
        CHECK(fr_trace_preemptions(e) >= want, "%s: fewer than the least", name);
        below += fr_trace_preemptions(e) > want;
    }
    return below;
}

static void check_random(uint32_t programs) {
    uint32_t below = 0, compared = 0;
    static struct brute_cost truth;
    static struct stage stage;
    stage_open_model(&stage, "inc", "n=2", NULL);
    for (uint32_t seed = 1; seed <= programs; seed++) {
        char name[64];
        snprintf(name, sizeof name, "program %u", seed);
        random_mixed_program(&stage.program, seed);
        truth.leaves_max = 3000;
        brute_cost(&truth, &stage.program);
        if (truth.gave_up)
            continue;
        below += check_walks(&stage, &truth, 10, name);
        compared += 10;
    }
    stage_close(&stage);
    brute_cost_release(&truth);
    printf("%u executions, %u of them with more preemptions than their trace needs\n", compared,
           below);
    CHECK(below > compared / 10, "the executions hardly preempt");
}

static void announce(struct fr_explorer *e, fr_tid thread, enum fr_op_kind kind, uint64_t key,
                     enum fr_mode mode, bool held_outside) {
    struct fr_access access = {.key = key, .mode = mode};
    struct fr_op op = {.kind = kind,
                       .site = key,
                       .accesses = &access,
                       .access_count = 1,
                       .held_outside = held_outside};
    CHECK_OK(fr_run_announce(e, thread, &op));
}

static void expect_turn(struct fr_explorer *e, fr_tid want) {
    fr_tid got;
    CHECK_OK(fr_run_decide(e, &got));
    CHECK(got == want, "thread %u goes on", got);
}

// A lock taken before the execution: leaving a thread that waits for it is no preemption.
//   thread 0: write x; acquire L; write y      thread 1: read x; release L; read y
static void check_held_outside(void) {
    struct fr_explorer *e;
    CHECK_OK(fr_explorer_new(NULL, &e));
    // Thread 0 first; when L is free it goes on at once, and then thread 1: 2 preemptions too many.
    const uint8_t choices[] = {0, 1, 1};
    struct fr_plan plan = {
        .strategy = FR_STRATEGY_REPLAY, .choices = choices, .choice_count = sizeof choices};
    CHECK_OK(fr_explorer_start(e, &plan));
    CHECK_OK(fr_explorer_begin(e));
    fr_tid thread;
    uint32_t least;
    CHECK_OK(fr_run_enter(e, FR_TID_NONE, &thread));
    CHECK_OK(fr_run_enter(e, FR_TID_NONE, &thread));
    announce(e, 0, FR_OP_ACCESS, 1, FR_WRITE, false);
    announce(e, 1, FR_OP_ACCESS, 1, FR_READ, false);
    expect_turn(e, 0);
    announce(e, 0, FR_OP_ACQUIRE, 2, FR_WRITE, true);
    expect_turn(e, 1);
    announce(e, 1, FR_OP_RELEASE, 2, FR_WRITE, true);
    expect_turn(e, 1);
    announce(e, 1, FR_OP_ACCESS, 3, FR_READ, false);
    expect_turn(e, 0);
    announce(e, 0, FR_OP_ACCESS, 3, FR_WRITE, false);
    expect_turn(e, 1);
    CHECK_OK(fr_run_leave(e, 1));
    CHECK(fr_trace_least_preemptions(e, 9, &least) == FR_MISUSE, "not complete");
    expect_turn(e, 0);
    CHECK_OK(fr_run_leave(e, 0));
    expect_turn(e, FR_TID_NONE);
    CHECK_OK(fr_trace_least_preemptions(e, 9, &least));
    CHECK(fr_trace_preemptions(e) == 2 && least == 0, "%u", least);
    CHECK_OK(fr_explorer_end(e, FR_VERDICT_PASS, 0));
    CHECK_OK(fr_trace_least_preemptions(e, 9, &least));
    fr_explorer_free(e);
}

// inc(2), one increment inside the other: one preemption, however often the execution switched.
static void check_by_hand(void) {
    static struct stage stage;
    uint32_t least;
    stage_open_model(&stage, "inc", "n=2", NULL);
    stage_replay(&stage, "0101");
    CHECK(fr_trace_preemptions(stage.explorer) == 2, "0101");
    CHECK_OK(fr_trace_least_preemptions(stage.explorer, 5, &least));
    CHECK(least == 1, "0101 needs %u", least);
    CHECK_OK(fr_trace_least_preemptions(stage.explorer, 0, &least));
    CHECK(least == 1, "limit 0: %u", least);
    stage_replay(&stage, "1100");
    CHECK_OK(fr_trace_least_preemptions(stage.explorer, 5, &least));
    CHECK(least == 0, "1100 needs %u", least);
    CHECK_OK(context_least(&stage.explorer->bound.context, &stage.explorer->run, FR_BOUND_DELAYS, 5,
                           &least));
    CHECK(least == 1, "1100 needs %u delays", least);
    stage_close(&stage);
}

int main(void) {
    check_by_hand();
    check_held_outside();
    check_random(getenv("FRONTRUN_LONG") != NULL ? 20000 : 1500);
    return 0;
}
