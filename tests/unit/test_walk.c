// Walks: they draw from the seed only, choose enabled threads only, and delay only where they may.
// SPDX-License-Identifier: Apache-2.0
#include "walk.h"

#include "check.h"
#include "explorer.h"
#include "stage.h"

static struct stage stage;

enum { EXECUTIONS = 30 };

static void walk(struct fr_plan plan, uint64_t hashes[EXECUTIONS]) {
    stage_start(&stage, plan);
    for (uint32_t i = 0; i < EXECUTIONS; i++) {
        CHECK(stage_next(&stage), "there is always another");
        uint8_t choices[128];
        size_t count = fr_trace_choices(stage.explorer, choices, sizeof choices);
        hashes[i] = fr_trace_hash(stage.explorer);
        for (size_t k = 0; k < count; k++)
            hashes[i] = mix64(hashes[i] + choices[k]);
    }
}

static void test_the_seed_decides(void) {
    stage_open_model(&stage, "fib_bench", "k=3", NULL);
    for (enum fr_strategy s = FR_STRATEGY_RANDOM; s < FR_STRATEGY_REPLAY; s++) {
        uint64_t first[EXECUTIONS], again[EXECUTIONS], other[EXECUTIONS];
        struct fr_plan plan = {.strategy = s, .seed = 5, .depth = 3};
        walk(plan, first);
        walk(plan, again);
        plan.seed = 6;
        walk(plan, other);
        uint32_t different = 0;
        uint32_t varied = 0;
        for (uint32_t i = 0; i < EXECUTIONS; i++) {
            CHECK(first[i] == again[i], "%s, execution %u", fr_strategy_name(s), i);
            different += first[i] != other[i];
            varied += first[i] != first[0];
        }
        CHECK(different > EXECUTIONS / 3, "%s: another seed", fr_strategy_name(s));
        CHECK(varied > EXECUTIONS / 3, "%s: another execution", fr_strategy_name(s));
    }
    stage_close(&stage);
}

// Locks, spins, spawns and joins: run_perform asserts that who was chosen is enabled.
static void test_only_enabled_threads_are_chosen(void) {
    static const char *const names[] = {"philosophers", "semaphore", "spawn_join", "filesystem"};
    for (uint32_t i = 0; i < 4; i++) {
        stage_open_model(&stage, names[i], "-", NULL);
        for (enum fr_strategy s = FR_STRATEGY_RANDOM; s < FR_STRATEGY_REPLAY; s++) {
            uint64_t hashes[EXECUTIONS];
            walk((struct fr_plan){.strategy = s, .depth = 40}, hashes);  // deeper than there is
        }
        stage_close(&stage);
    }
}

static void test_draws_are_uniform(void) {
    struct walk w = {.random = 1};
    uint32_t counts[10] = {0};
    for (uint32_t i = 0; i < 100000; i++) {
        uint64_t draw = walk_draw(&w, 10);
        CHECK(draw < 10, "below the bound");
        counts[draw]++;
    }
    for (uint32_t i = 0; i < 10; i++)
        CHECK(counts[i] > 9500 && counts[i] < 10500, "%u: %u times", i, counts[i]);
    for (uint32_t i = 0; i < 1000; i++) {
        CHECK(walk_draw(&w, 1) == 0, "one possibility");
        CHECK(walk_draw(&w, UINT64_MAX) < UINT64_MAX, "a wide one");
        CHECK(tset_has(0x8000000000000101U, walk_draw_thread(&w, 0x8000000000000101U)), "a member");
    }
}

// Without a delay: round robin, no preemption. Thread numbers go round.
static void test_delay_without_delays_is_one_schedule(void) {
    stage_open_text(&stage, "shared x; thread t(i = 0..3) { x = 1; x = 2; }", NULL);
    struct fr_plan plan = {.strategy = FR_STRATEGY_DELAY, .seed = 1};
    stage_start(&stage, plan);
    for (uint32_t n = 0; n < 5; n++) {
        CHECK(stage_next(&stage), "always the same");
        for (uint32_t at = 0; at < 8; at++)
            CHECK(fr_trace_event(stage.explorer, at).thread == at / 2, "event %u", at);
    }
    const uint8_t start_with_2[] = {2};
    plan.choices = start_with_2;
    plan.choice_count = 1;
    static const fr_tid round[] = {2, 2, 3, 3, 0, 0, 1, 1};
    stage_start(&stage, plan);
    CHECK(stage_next(&stage), "from thread 2 on");
    for (uint32_t at = 0; at < 8; at++)
        CHECK(fr_trace_event(stage.explorer, at).thread == round[at], "event %u", at);
    stage_close(&stage);
}

static void test_the_length_of_executions_is_learned(void) {
    stage_open_model(&stage, "fib_bench", "k=2", NULL);
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_PCT, .depth = 3});
    const struct walk *w = &stage.explorer->walk;
    CHECK(w->steps_most == 0, "nothing is known");
    CHECK(stage_next(&stage) && w->steps_most == fr_trace_length(stage.explorer), "one is");
    for (uint32_t n = 0; n < 100; n++) {
        CHECK_OK(fr_explorer_begin(stage.explorer));
        for (uint32_t i = 0; i < 2; i++)
            CHECK(w->change[i] >= 1 && w->change[i] <= w->steps_most, "a step of it");
        stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_PCT, .depth = 3, .seed = n});
        CHECK(w->steps_most == 0, "a new exploration knows nothing");
        CHECK(stage_next(&stage), "it learns again");
    }
    stage_close(&stage);
}

int main(void) {
    test_the_seed_decides();
    test_only_enabled_threads_are_chosen();
    test_draws_are_uniform();
    test_delay_without_delays_is_one_schedule();
    test_the_length_of_executions_is_learned();
    return 0;
}
