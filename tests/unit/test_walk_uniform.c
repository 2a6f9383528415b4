// URW and SURW: threads weighted by the events they have left, all of them or the chosen ones.
// SPDX-License-Identifier: Apache-2.0
//
// How uniform they are is measured in tests/model/test_strategies.c; here is what they learn.
#include "check.h"
#include "explorer.h"
#include "stage.h"

static struct stage stage;

static void test_events_per_thread_are_learned_once(void) {
    stage_open_text(&stage, "shared x; thread a { x = 1; x = 2; x = 3; } thread b { x = 4; }",
                    NULL);
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_URW, .seed = 1});
    const struct walk *w = &stage.explorer->walk;
    CHECK(w->counts[0] == 0 && w->counts[1] == 0, "nothing is known");
    CHECK(stage_next(&stage) && w->counts[0] == 3 && w->counts[1] == 1, "now it is");
    stage_close(&stage);
}

// One event of b among three of a: b is at each of the four places equally often.
static void test_the_lonely_event_is_anywhere(void) {
    stage_open_text(&stage, "shared x; thread a { x = 1; x = 2; x = 3; } thread b { x = 4; }",
                    NULL);
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_URW, .seed = 1});
    CHECK(stage_next(&stage), "the first teaches");
    uint32_t counts[4] = {0};
    for (uint32_t i = 0; i < 8000; i++) {
        CHECK(stage_next(&stage), "there is always another");
        uint32_t at = 0;
        while (fr_trace_event(stage.explorer, at).thread != 1)
            at++;
        counts[at]++;
    }
    for (uint32_t at = 0; at < 4; at++)
        CHECK(counts[at] > 1800 && counts[at] < 2200, "at %u: %u times", at, counts[at]);
    stage_close(&stage);
}

// A child's events count for its parent until it is spawned: the one event of the other worker is
// anywhere among the five of parent and child.
static void test_children_weigh_with_their_parent(void) {
    stage_open_text(&stage,
                    "shared x; late thread child { x = 1; x = 2; x = 3; }"
                    "thread main { spawn child; join child; } thread other { x = 4; }",
                    NULL);
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_URW, .seed = 2});
    CHECK(stage_next(&stage), "the first teaches");
    uint32_t counts[6] = {0};
    for (uint32_t i = 0; i < 12000; i++) {
        CHECK(stage_next(&stage), "there is always another");
        uint32_t at = 0;
        while (fr_trace_event(stage.explorer, at).thread != 1)
            at++;
        CHECK(at < 6, "one of six places");
        counts[at]++;
    }
    CHECK(counts[0] > 1750 && counts[0] < 2250, "before the spawn: %u times of 2000", counts[0]);
    stage_close(&stage);
}

// x is touched by both threads, own[i] by one: only x is interesting.
static void test_only_shared_objects_are_interesting(void) {
    stage_open_text(&stage,
                    "shared x, own[2]; thread a { own[0] = 1; x = 1; own[0] = 2; x = 2; }"
                    "thread b { x = 3; own[1] = 1; }",
                    NULL);
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_SURW, .seed = 3});
    const struct walk *w = &stage.explorer->walk;
    CHECK(stage_next(&stage), "the first teaches");
    CHECK(w->object_count == 1 && w->sample_count == 3, "x, touched three times");
    CHECK_OK(fr_explorer_begin(stage.explorer));
    CHECK(w->weight[0] == 2 && w->weight[1] == 1, "twice by a, once by b");
    CHECK(w->chosen_count == 3, "at three sites");
    stage_close(&stage);
}

static void test_without_shared_objects_it_is_a_random_walk(void) {
    stage_open_text(&stage, "shared own[2]; thread t(i = 0..1) { own[i] = 1; }", NULL);
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_SURW, .seed = 4});
    uint32_t first = 0;
    for (uint32_t i = 0; i < 2000; i++) {
        CHECK(stage_next(&stage), "there is always another");
        first += fr_trace_event(stage.explorer, 0).thread == 0;
    }
    CHECK(first > 880 && first < 1120, "half of 2000, about: %u", first);
    stage_close(&stage);
}

int main(void) {
    test_events_per_thread_are_learned_once();
    test_the_lonely_event_is_anywhere();
    test_children_weigh_with_their_parent();
    test_only_shared_objects_are_interesting();
    test_without_shared_objects_it_is_a_random_walk();
    return 0;
}
