// How large an exploration will be: silent where nothing can be said, right at the end.
// SPDX-License-Identifier: Apache-2.0
#include "check.h"
#include "stage.h"

static struct stage stage;

static void test_where_nothing_can_be_said_it_is_0(void) {
    stage_open_model(&stage, "inc", "n=3", NULL);
    CHECK(fr_explorer_estimate(stage.explorer) == 0, "nothing was started");
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_DPOR});
    CHECK(fr_explorer_estimate(stage.explorer) == 0, "nothing was executed");
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_RANDOM});
    CHECK(stage_next(&stage) && fr_explorer_estimate(stage.explorer) == 0, "a walk has no end");
    stage_close(&stage);
}

static void check_course(const char *name, const char *constant, double traces, double factor) {
    stage_open_model(&stage, name, constant, NULL);
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_DPOR});
    double executions = 0;
    double in_the_middle = 0;
    while (stage_next(&stage)) {
        double estimate = fr_explorer_estimate(stage.explorer);
        executions++;
        CHECK(estimate == 0 || estimate >= executions, "%s: %f after %f", name, estimate,
              executions);
        if (executions * 2 <= traces)
            in_the_middle = estimate;
    }
    CHECK(executions == traces, "%s: %f executions", name, executions);
    CHECK(fr_explorer_estimate(stage.explorer) == traces, "at the end it is known");
    CHECK(in_the_middle > traces / factor && in_the_middle < traces * factor,
          "%s: halfway it says %f of %f", name, in_the_middle, traces);
    stage_close(&stage);
}

static void test_halfway_the_order_of_magnitude_is_right(void) {
    check_course("readers", "n=13", 8192, 5);
    check_course("inc", "n=4", 576, 5);
    check_course("fib_bench", "k=3", 1698, 5);
    check_course("lastzero", "n=10", 3328, 5);
}

static void test_below_a_prefix_the_prefix_does_not_count(void) {
    stage_open_model(&stage, "readers", "n=8", NULL);
    static const uint8_t choices[] = {1, 1, 1};
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_DPOR,
                                         .choices = choices,
                                         .choice_count = sizeof choices});
    uint32_t executions = 0;
    double last = 0;
    for (; stage_next(&stage); executions++)
        last = fr_explorer_estimate(stage.explorer);
    CHECK(last == executions && executions > 1, "%f for %u", last, executions);
    stage_close(&stage);
}

int main(void) {
    test_where_nothing_can_be_said_it_is_0();
    test_halfway_the_order_of_magnitude_is_right();
    test_below_a_prefix_the_prefix_does_not_count();
    return 0;
}
