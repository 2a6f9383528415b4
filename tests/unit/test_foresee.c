// Foreseeing operations after another order of events than the one that was executed.
// SPDX-License-Identifier: Apache-2.0
#include "foresee.h"

#include "check.h"
#include "explorer.h"
#include "stage.h"

static struct stage stage;

static const struct run *execute(const char *text, const char *order) {
    stage_open_text(&stage, text, NULL);
    stage_replay(&stage, order);
    return &stage.explorer->run;
}

static void test_the_next_event_of_a_thread(void) {
    const struct run *run =
        execute("shared x; thread a { x = 1; x = 2; } thread b { x = 3; }", "010");
    CHECK(foresee_next(run, 0, 0) == 0 && foresee_next(run, 0, 1) == 2, "a is at 0 and 2");
    CHECK(foresee_next(run, 0, 2) == 2 && foresee_next(run, 0, 3) == 3, "then it has none");
    CHECK(foresee_next(run, 1, 0) == 1 && foresee_next(run, 1, 2) == 3, "b is at 1");
    stage_close(&stage);
}

static void test_an_operation_is_the_next_event_or_what_is_pending(void) {
    const struct run *run = execute("shared x; lock m; thread a { x = 1; acquire m; acquire m; }"
                                    "thread b { r = x; }",
                                    "0001");
    struct step step;
    struct touch spare;
    CHECK(foresee_operation(run, 1, 0, NULL, 0, &step, &spare), "b is about to read");
    CHECK(step.thread == 1 && step.kind == FR_OP_ACCESS && step.touches[0].mode == FR_READ, "x");
    CHECK(foresee_operation(run, 0, 1, NULL, 0, &step, &spare), "a is about to lock");
    CHECK(step.kind == FR_OP_ACQUIRE && step.index == 2, "its second event");
    CHECK(foresee_operation(run, 0, 3, NULL, 0, &step, &spare), "and waits with another");
    CHECK(step.kind == FR_OP_ACQUIRE && step.index == 3, "which did not happen");
    CHECK(!foresee_operation(run, 1, 3, NULL, 0, &step, &spare), "b is done");
    stage_close(&stage);
}

// a: x = 1, b: cas(x, 0, 7). Executed as a b: it failed. Before a it would have succeeded.
static void test_a_compare_and_swap_in_another_order(void) {
    const struct run *run =
        execute("shared x; thread a { x = 1; } thread b { cas(x, 0, 7); }", "01");
    CHECK(!stage.explorer->run.trace.events[1].outcome, "after a it fails");
    struct step step;
    struct touch spare;
    CHECK(foresee_operation(run, 1, 0, NULL, 0, &step, &spare), "before a");
    CHECK(step.touches == &spare && spare.mode == FR_WRITE, "it would have succeeded");
    CHECK(foresee_operation(run, 1, 1, NULL, 0, &step, &spare), "after a");
    CHECK(spare.mode == FR_READ, "it fails");
    uint32_t then[] = {0};
    CHECK(foresee_operation(run, 1, 0, then, 1, &step, &spare), "before all, then a");
    CHECK(spare.mode == FR_READ, "the same as after a");
    stage_close(&stage);
}

static bool succeeds(const struct run *run, uint32_t at, const uint32_t *then, uint32_t count) {
    struct step step = trace_step(&run->trace, run->trace.length - 1);
    return foresee_success(run, &step, at, then, count);
}

static void test_values_are_replayed(void) {
    // The last event swaps 6: only after all four others.
    const struct run *run =
        execute("shared x, y; thread a { x = 1; add(x, 2); weakadd(x, 3); y = 9; }"
                "thread b { cas(x, 6, 0); }",
                "00001");
    CHECK(succeeds(run, 4, NULL, 0) && succeeds(run, 3, NULL, 0), "1 + 2 + 3; y is another object");
    CHECK(!succeeds(run, 2, NULL, 0) && !succeeds(run, 0, NULL, 0), "not before");
    const uint32_t rest[] = {2, 3};
    CHECK(succeeds(run, 2, rest, 2), "in two parts");
    const uint32_t swapped[] = {1, 0, 2};
    CHECK(!succeeds(run, 0, swapped, 3), "2, then 1, then 1 + 3");
    stage_close(&stage);
    // A swap that succeeded is a write of the new value.
    run = execute(
        "shared x = 5; thread a { cas(x, 5, 8); cas(x, 5, 9); } thread b { cas(x, 8, 1); }", "001");
    CHECK(succeeds(run, 2, NULL, 0) && succeeds(run, 1, NULL, 0), "8 it is, the second failed");
    CHECK(!succeeds(run, 0, NULL, 0), "5 it was");
    stage_close(&stage);
}

static void test_locks_are_replayed(void) {
    const struct run *run =
        execute("lock m; thread a { acquire m; release m; try(m); } thread b { try(m); }", "0001");
    CHECK(succeeds(run, 0, NULL, 0), "free at first");
    CHECK(!succeeds(run, 1, NULL, 0), "a has it");
    CHECK(succeeds(run, 2, NULL, 0), "a has given it back");
    CHECK(!succeeds(run, 3, NULL, 0), "and taken it again");
    stage_close(&stage);
    // A try that failed took nothing.
    run =
        execute("lock m; thread a { acquire m; try(m); release m; } thread b { try(m); }", "0001");
    CHECK(succeeds(run, 3, NULL, 0), "the failed try holds nothing");
    const uint32_t then[] = {2};
    CHECK(succeeds(run, 2, then, 1) && !succeeds(run, 2, NULL, 0), "the release counts");
    const uint32_t reordered[] = {0, 2, 1};
    CHECK(succeeds(run, 0, reordered, 3), "nor after the release: as a read it changes nothing");
    stage_close(&stage);
}

static void test_a_lock_held_outside_is_held_from_the_start(void) {
    struct fr_explorer *e;
    CHECK_OK(fr_explorer_new(NULL, &e));
    struct fr_plan plan = {.strategy = FR_STRATEGY_REPLAY};
    CHECK_OK(fr_explorer_start(e, &plan));
    CHECK_OK(fr_explorer_begin(e));
    struct fr_access lock = {.key = 3};
    struct fr_op op = {
        .kind = FR_OP_RELEASE, .accesses = &lock, .access_count = 1, .held_outside = true};
    fr_tid tid;
    CHECK_OK(fr_run_enter(e, FR_TID_NONE, &tid));
    CHECK_OK(fr_run_announce(e, tid, &op));
    CHECK_OK(fr_run_decide(e, &tid));
    op.kind = FR_OP_TRY;
    op.held_outside = false;  // true by now, and not asked again
    CHECK_OK(fr_run_announce(e, tid, &op));
    CHECK_OK(fr_run_decide(e, &tid));
    CHECK(fr_run_outcome(e), "it was released");
    CHECK(!succeeds(&e->run, 0, NULL, 0), "before that it would have failed");
    CHECK(succeeds(&e->run, 1, NULL, 0), "after that not");
    fr_explorer_free(e);
}

int main(void) {
    test_the_next_event_of_a_thread();
    test_an_operation_is_the_next_event_or_what_is_pending();
    test_a_compare_and_swap_in_another_order();
    test_values_are_replayed();
    test_locks_are_replayed();
    test_a_lock_held_outside_is_held_from_the_start();
    return 0;
}
