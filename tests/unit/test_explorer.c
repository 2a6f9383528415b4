// From execution to execution: the order of calls, prefixes, budgets, and honest endings.
// SPDX-License-Identifier: Apache-2.0
#include "explorer.h"

#include <string.h>

#include "check.h"
#include "stage.h"

static struct stage stage;

static void test_a_configuration_without_sense_is_refused(void) {
    struct fr_explorer *e = NULL;
    struct fr_config config = fr_config_default();
    CHECK(config.threads_max == 16 && config.events_max == 100000 && !config.stable_keys,
          "the defaults of fr.h");
    config.threads_max = 0;
    CHECK(fr_explorer_new(&config, &e) == FR_MISUSE, "no thread");
    config.threads_max = FR_THREADS_MAX + 1;
    CHECK(fr_explorer_new(&config, &e) == FR_MISUSE, "too many threads");
    config = fr_config_default();
    config.events_max = 0;
    CHECK(fr_explorer_new(&config, &e) == FR_MISUSE, "no event");
    config = fr_config_default();
    config.allocator.resize = NULL;
    CHECK(fr_explorer_new(&config, &e) == FR_MISUSE, "no memory");
    CHECK(e == NULL, "nothing was made");
    config = fr_config_default();
    config.threads_max = FR_THREADS_MAX;
    CHECK_OK(fr_explorer_new(&config, &e));
    fr_explorer_free(e);
    fr_explorer_free(NULL);
}

static void expect_misuse(struct fr_explorer *e, enum fr_status status, const char *sentence) {
    CHECK(status == FR_MISUSE, "%s", fr_status_name(status));
    CHECK(strcmp(fr_explorer_errmsg(e), sentence) == 0, "%s", fr_explorer_errmsg(e));
}

static void test_misuse_is_told_and_does_no_harm(void) {
    stage_open_model(&stage, "lost_update", "-", NULL);
    struct fr_explorer *e = stage.explorer;
    fr_tid tid;
    expect_misuse(e, fr_explorer_begin(e), "an exploration begins with fr_explorer_start");
    struct fr_plan plan = {.strategy = FR_STRATEGIES};
    expect_misuse(e, fr_explorer_start(e, &plan), fr_status_text(FR_MISUSE));
    plan = (struct fr_plan){.order = FR_ORDERS};
    expect_misuse(e, fr_explorer_start(e, &plan), fr_status_text(FR_MISUSE));
    struct fr_config nameless = stage_config();
    nameless.stable_keys = false;
    struct fr_explorer *other;
    CHECK_OK(fr_explorer_new(&nameless, &other));
    plan = (struct fr_plan){.strategy = FR_STRATEGY_DPOR, .apart = true};
    expect_misuse(other, fr_explorer_start(other, &plan),
                  "traces are shared out among prefixes only with stable keys");
    fr_explorer_free(other);
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_DPOR});
    CHECK(strcmp(fr_explorer_errmsg(e), "") == 0, "a new exploration, nothing wrong");
    expect_misuse(e, fr_explorer_end(e, FR_VERDICT_PASS, 0),
                  "an execution ends when nobody goes on");
    CHECK_OK(fr_explorer_begin(e));
    expect_misuse(e, fr_explorer_begin(e), "the last execution has not ended");
    expect_misuse(e, fr_explorer_end(e, FR_VERDICT_PASS, 0),
                  "an execution ends when nobody goes on");
    CHECK_OK(fr_run_enter(e, FR_TID_NONE, &tid));
    expect_misuse(e, fr_run_decide(e, &tid),
                  "every thread announces or leaves before the next decision");
    expect_misuse(e, fr_run_leave(e, 5), fr_status_text(FR_MISUSE));
    // And after all that the exploration is what it always is.
    struct digest_set hashes = {0};
    CHECK(stage_explore(&stage, (struct fr_plan){.strategy = FR_STRATEGY_DPOR}, &hashes) ==
              hashes.count,
          "each trace once");
    CHECK(hashes.count > 3 && fr_explorer_ending(e) == FR_ENDING_EXHAUSTED, "all of them");
    CHECK(fr_explorer_begin(e) == FR_DONE && fr_explorer_begin(e) == FR_DONE, "there is no more");
    digest_set_release(&hashes);
    stage_close(&stage);
}

// Everything the host calls in the middle, at the wrong moment, and the execution goes on.
static void test_misuse_within_an_execution_does_no_harm(void) {
    stage_open_text(&stage, "thread t { }", NULL);
    struct fr_explorer *e = stage.explorer;
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_DPOR});
    CHECK_OK(fr_explorer_begin(e));
    struct fr_access access = {.key = 1, .mode = FR_WRITE};
    struct fr_op op = {.kind = FR_OP_ACCESS, .accesses = &access, .access_count = 1};
    fr_tid tid;
    CHECK_OK(fr_run_enter(e, FR_TID_NONE, &tid));
    CHECK_OK(fr_run_announce(e, tid, &op));
    CHECK(fr_run_announce(e, tid, &op) == FR_MISUSE, "it has announced");
    CHECK(fr_run_leave(e, tid) == FR_MISUSE, "it has announced");
    CHECK(fr_run_enter(e, 7, &tid) == FR_MISUSE, "no such parent");
    CHECK(fr_explorer_end(e, FR_VERDICT_DEADLOCK, 0) == FR_MISUSE, "it goes on");
    CHECK_OK(fr_run_decide(e, &tid));
    CHECK(tid == 0, "and so it does");
    CHECK(fr_run_decide(e, &tid) == FR_MISUSE, "thread 0 has not announced");
    CHECK_OK(fr_run_leave(e, 0));
    CHECK_OK(fr_run_decide(e, &tid));
    CHECK(tid == FR_TID_NONE && fr_run_stop(e) == FR_STOP_FINISHED, "it has ended");
    CHECK_OK(fr_run_decide(e, &tid));
    CHECK(tid == FR_TID_NONE, "and stays so");
    expect_misuse(e, fr_explorer_end(e, FR_VERDICTS, 0), "an unknown verdict");
    expect_misuse(e, fr_explorer_end(e, FR_VERDICT_REDUNDANT, 0),
                  "only an execution given up as redundant is redundant");
    CHECK_OK(fr_explorer_end(e, FR_VERDICT_PASS, 0));
    CHECK(fr_explorer_ending(e) == FR_ENDING_EXHAUSTED, "one trace");
    stage_close(&stage);
}

static void test_only_what_finished_can_pass(void) {
    stage_open_model(&stage, "abba", "-", NULL);
    struct fr_explorer *e = stage.explorer;
    uint32_t deadlocks = 0;
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_DPOR});
    while (fr_explorer_begin(e) == FR_OK) {
        enum fr_verdict verdict;
        uint64_t place;
        CHECK_OK(stage.driven.execute(stage.driven.self, e, &verdict, &place));
        if (fr_run_stop(e) == FR_STOP_DEADLOCK) {
            deadlocks++;
            expect_misuse(e, fr_explorer_end(e, FR_VERDICT_PASS, 0),
                          "an execution that did not finish is no pass");
        }
        CHECK_OK(fr_explorer_end(e, verdict, 0));
    }
    CHECK(deadlocks == 1, "one of the traces");
    struct fr_stats stats = fr_explorer_stats(e);
    CHECK(stats.executions == 3 && stats.deadlocks == 1 && stats.failures == 1, "counted");
    stage_close(&stage);
}

// A thread waits for a lock that is held since before; it need not end.
static void test_who_is_excused_is_no_deadlock(void) {
    stage_open_text(&stage, "thread t { }", NULL);
    struct fr_explorer *e = stage.explorer;
    struct fr_access access = {.key = 1};
    struct fr_op op = {
        .kind = FR_OP_ACQUIRE, .accesses = &access, .access_count = 1, .held_outside = true};
    for (int early = 0; early < 2; early++) {
        stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_DPOR});
        CHECK_OK(fr_explorer_begin(e));
        CHECK(fr_run_excuse(e, 0) == FR_MISUSE, "it has not entered");
        fr_tid first, second;
        CHECK_OK(fr_run_enter(e, FR_TID_NONE, &first));
        CHECK_OK(fr_run_enter(e, FR_TID_NONE, &second));
        CHECK_OK(fr_run_announce(e, first, &op));
        CHECK_OK(fr_run_announce(e, second, &op));
        if (early)
            CHECK_OK(fr_run_excuse(e, first));
        CHECK_OK(fr_run_excuse(e, second));
        fr_tid next;
        CHECK_OK(fr_run_decide(e, &next));
        CHECK(next == FR_TID_NONE, "both wait");
        CHECK(fr_run_stop(e) == (early ? FR_STOP_FINISHED : FR_STOP_DEADLOCK), "only one is");
        CHECK_OK(fr_run_excuse(e, first));
        CHECK(fr_run_stop(e) == FR_STOP_FINISHED, "now both are");
        CHECK(fr_run_is_blocked(e, first), "and still wait");
        CHECK_OK(fr_explorer_end(e, FR_VERDICT_PASS, 0));
        CHECK(fr_run_excuse(e, first) == FR_MISUSE, "it is over");
        CHECK(fr_explorer_begin(e) == FR_DONE, "one trace");
        CHECK(fr_explorer_stats(e).deadlocks == 0, "and no deadlock");
    }
    stage_close(&stage);
}

// Counters are those of the present exploration, not of the explorer's life.
static void test_each_exploration_counts_anew(void) {
    stage_open_model(&stage, "abba", "-", NULL);
    struct digest_set hashes = {0};
    struct fr_stats first = {0};
    for (uint32_t round = 0; round < 2; round++) {
        struct fr_plan plan = {.strategy = FR_STRATEGY_DPOR};
        CHECK(stage_explore(&stage, plan, &hashes) == 3, "three traces");
        struct fr_stats stats = fr_explorer_stats(stage.explorer);
        first = round == 0 ? stats : first;
        stats.allocations = first.allocations;
        CHECK(memcmp(&stats, &first, sizeof stats) == 0, "round %u", round);
        CHECK(stats.executions == 3 && stats.deadlocks == 1 && stats.events != 0, "counted");
    }
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_RANDOM});
    CHECK(fr_explorer_stats(stage.explorer).executions == 0, "nothing has happened yet");
    CHECK(fr_explorer_stats(stage.explorer).races_reversed == 0, "nor here");
    digest_set_release(&hashes);
    stage_close(&stage);
}

static void test_a_budget_is_not_exhaustion(void) {
    stage_open_model(&stage, "inc", "n=3", NULL);
    struct digest_set hashes = {0};
    struct fr_plan plan = {.strategy = FR_STRATEGY_DPOR, .executions_max = 35};
    CHECK(stage_explore(&stage, plan, &hashes) == 35, "as many as it says");
    CHECK(fr_explorer_ending(stage.explorer) == FR_ENDING_BUDGET, "one is left");
    plan.executions_max = 36;
    CHECK(stage_explore(&stage, plan, &hashes) == 36, "all of them");
    CHECK(fr_explorer_ending(stage.explorer) == FR_ENDING_EXHAUSTED, "the last was the last");
    CHECK(hashes.count == 36, "36 traces");
    for (enum fr_strategy s = FR_STRATEGY_RANDOM; s < FR_STRATEGY_REPLAY; s++) {
        plan = (struct fr_plan){.strategy = s, .executions_max = 50, .depth = 2};
        CHECK(stage_explore(&stage, plan, &hashes) == 50, "%s", fr_strategy_name(s));
        CHECK(fr_explorer_ending(stage.explorer) == FR_ENDING_BUDGET, "a walk knows no end");
    }
    CHECK(hashes.count == 36, "and there is no 37th trace");
    digest_set_release(&hashes);
    stage_close(&stage);
}

// An endless loop reaches the limit of events: what was explored is cut, and the ending says so.
static void test_the_limit_of_events_gives_a_bounded_ending(void) {
    struct fr_config config = stage_config();
    config.events_max = 6;
    stage_open_text(&stage, "shared x; thread a { x = 1; } thread b { while (x == 0) { } }",
                    &config);
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_DPOR});
    uint32_t cut = 0;
    uint32_t passed = 0;
    while (stage_next(&stage)) {
        CHECK(fr_trace_length(stage.explorer) <= 6, "no event more");
        cut += stage.verdict == FR_VERDICT_STEP_LIMIT;
        passed += stage.verdict == FR_VERDICT_PASS;
    }
    CHECK(cut > 0 && passed > 0, "%u cut, %u passed", cut, passed);
    CHECK(fr_explorer_ending(stage.explorer) == FR_ENDING_BOUNDED, "not all was seen");
    stage_close(&stage);
}

// The loop goes first and leaves the writer no event: what the writer would have done is reversed
// all the same, so that the loop's end is seen after 0, 1 ... reads.
static void test_what_a_cut_execution_left_undone_is_reversed(void) {
    struct fr_config config = stage_config();
    config.events_max = 6;
    stage_open_text(&stage, "shared x; thread b { while (x == 0) { } } thread a { x = 1; }",
                    &config);
    struct digest_set hashes = {0};
    CHECK(stage_explore(&stage, (struct fr_plan){.strategy = FR_STRATEGY_DPOR}, &hashes) == 7,
          "the write before read 1 ... 6, and never");
    CHECK(hashes.count == 7, "seven traces");
    CHECK(fr_explorer_stats(stage.explorer).cut == 2, "before read 6 and never");
    CHECK(fr_explorer_ending(stage.explorer) == FR_ENDING_BOUNDED, "not all was seen");
    digest_set_release(&hashes);
    stage_close(&stage);
}

// The same with a lock that is free when the execution is cut, and was taken before.
static void test_a_cut_acquire_is_reversed(void) {
    struct fr_config config = stage_config();
    config.events_max = 6;
    stage_open_text(&stage,
                    "shared y; lock m; thread b { while (1) { acquire m; release m; } }"
                    "thread a { acquire m; y = 1; release m; }",
                    &config);
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_DPOR});
    uint32_t first_positions = 0;
    while (stage_next(&stage))
        for (uint32_t at = 0; at < fr_trace_length(stage.explorer); at++) {
            struct fr_event event = fr_trace_event(stage.explorer, at);
            if (event.thread == 1 && event.index == 1)
                first_positions |= 1U << at;
        }
    CHECK(first_positions == 025, "before the first, second and third acquire of the loop");
    CHECK(fr_explorer_ending(stage.explorer) == FR_ENDING_BOUNDED, "not all was seen");
    stage_close(&stage);
}

static void expect_at_any_time(enum fr_verdict verdict) {
    stage_open_text(&stage, "thread t { }", NULL);
    struct fr_explorer *e = stage.explorer;
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_DPOR});
    CHECK_OK(fr_explorer_begin(e));
    fr_tid tid;
    CHECK_OK(fr_run_enter(e, FR_TID_NONE, &tid));
    // It never announces: it hangs in a call that we know nothing of.
    CHECK_OK(fr_explorer_end(e, verdict, 3));
    CHECK(fr_explorer_ending(e) == FR_ENDING_BOUNDED, "what would have come is unknown");
    CHECK(fr_explorer_stats(e).failures == 1, "and it is a failure");
    stage_close(&stage);
}

static void test_two_verdicts_may_come_at_any_time(void) {
    expect_at_any_time(FR_VERDICT_BLOCKED);
    expect_at_any_time(FR_VERDICT_TIMEOUT);
}

// ------------------------------------------------------------------------------ prefixes

// The traces of all interleavings that begin with these choices.
static void traces_below(const struct interleavings *all, const uint8_t *prefix, uint32_t count,
                         struct digest_set *hashes) {
    bool is_new;
    digest_set_clear(hashes);
    for (uint32_t i = 0; i < all->count; i++)
        if (interleaving_extends(&all->items[i], prefix, count))
            digest_set_add(hashes, all->items[i].hash, 0, &is_new);
}

static void check_prefix(const struct interleavings *all, const uint8_t *prefix, uint32_t count,
                         enum fr_order order) {
    struct digest_set expected = {0};
    struct digest_set explored = {0};
    traces_below(all, prefix, count, &expected);
    struct fr_plan plan = {
        .strategy = FR_STRATEGY_DPOR, .order = order, .choices = prefix, .choice_count = count};
    uint64_t executions = stage_explore(&stage, plan, &explored);
    CHECK(explored.count == expected.count, "%lu traces below a prefix of %u, not %lu",
          (unsigned long)explored.count, count, (unsigned long)expected.count);
    CHECK(executions == expected.count, "each once: %lu", (unsigned long)executions);
    for (uint64_t i = 0; i < explored.size; i++)
        if (explored.entries[i].used)
            CHECK(digest_set_find(&expected, explored.entries[i].digest) != NULL, "not below");
    CHECK(fr_explorer_ending(stage.explorer) == FR_ENDING_EXHAUSTED, "all below the prefix");
    digest_set_release(&expected);
    digest_set_release(&explored);
}

static uint32_t check_prefixes(const char *name, const char *constant) {
    stage_open_model(&stage, name, constant, NULL);
    struct interleavings all;
    interleavings_find(&all, &stage);
    uint32_t checked = 0;
    uint8_t prefix[3];
    for (uint32_t count = 0; count <= 3; count++) {
        for (uint32_t i = 0; i < all.count; i++) {
            const struct interleaving *one = &all.items[i];
            // Interleavings come in the order of their choices: each prefix once.
            bool again = i != 0 && interleaving_extends(&all.items[i - 1], one->choices, count);
            if (one->choice_count < count || again)
                continue;
            memcpy(prefix, one->choices, count);
            check_prefix(&all, prefix, count, (enum fr_order)(checked % FR_ORDERS));
            checked++;
        }
    }
    interleavings_release(&all);
    stage_close(&stage);
    return checked;
}

static void test_dpor_below_a_prefix_explores_what_extends_it(void) {
    // 1 + 3 + 9 + 27 prefixes: three threads are enabled in the first three states, or two.
    uint32_t checked = check_prefixes("fib_bench", "k=1");
    CHECK(checked > 30, "only %u prefixes", checked);
    check_prefixes("philosophers", "n=3");
    check_prefixes("casw", "n=3");
    check_prefixes("semaphore", "-");
    check_prefixes("timed_philosophers", "n=3");
    check_prefixes("timed_acquire", "wait=20");
    check_prefixes("spawn_join", "-");
    check_prefixes("iriw", "-");
}

static void test_incompatible_prefixes_share_no_trace(void) {
    stage_open_model(&stage, "inc", "n=3", NULL);
    // After thread 0's read: its write, or somebody's read before it. No: who reads first is no
    // difference. The three prefixes that write first are: 0 0, 1 0, 2 0 (run, go on).
    struct digest_set together = {0};
    uint64_t sum = 0;
    for (uint8_t first = 0; first < 3; first++) {
        const uint8_t prefix[] = {first, 0};
        struct digest_set own = {0};
        sum += stage_explore(
            &stage,
            (struct fr_plan){.strategy = FR_STRATEGY_DPOR, .choices = prefix, .choice_count = 2},
            &own);
        bool is_new;
        for (uint64_t i = 0; i < own.size; i++) {
            if (!own.entries[i].used)
                continue;
            digest_set_add(&together, own.entries[i].digest, 0, &is_new);
            CHECK(is_new,
                  "a trace in which two threads are the only one to read 0 and write first");
        }
        digest_set_release(&own);
    }
    CHECK(together.count == sum && sum == 12, "%lu traces", (unsigned long)sum);
    digest_set_release(&together);
    stage_close(&stage);
}

// Choices beyond the end of the execution are not needed.
static void test_a_prefix_may_be_too_long(void) {
    stage_open_model(&stage, "inc", "n=2", NULL);
    uint8_t choices[100] = {0};
    struct digest_set hashes = {0};
    struct fr_plan plan = {.strategy = FR_STRATEGY_DPOR, .choices = choices, .choice_count = 100};
    CHECK(stage_explore(&stage, plan, &hashes) == 1, "one trace is below it");
    CHECK(fr_explorer_ending(stage.explorer) == FR_ENDING_EXHAUSTED, "all of it");
    digest_set_release(&hashes);
    stage_close(&stage);
}

static void test_a_plan_is_copied(void) {
    stage_open_model(&stage, "inc", "n=3", NULL);
    uint8_t choices[] = {2, 0};
    struct fr_plan plan = {.strategy = FR_STRATEGY_RANDOM, .choices = choices, .choice_count = 2};
    stage_start(&stage, plan);
    choices[0] = 0;
    CHECK(stage_next(&stage) && fr_trace_event(stage.explorer, 0).thread == 2, "as it was given");
    CHECK(stage_next(&stage) && fr_trace_event(stage.explorer, 0).thread == 2, "every time");
    stage_close(&stage);
}

// ------------------------------------------------------------------------------ starting anew

static void test_starting_anew_forgets_everything(void) {
    stage_open_model(&stage, "casw", "n=3", NULL);
    struct fr_plan dpor = {.strategy = FR_STRATEGY_DPOR};
    for (uint32_t interrupted = 0; interrupted < 20; interrupted++) {
        stage_start(&stage, dpor);
        for (uint32_t i = 0; i < interrupted; i++)
            CHECK(stage_next(&stage), "66 there are");
        if (interrupted % 2 == 0)
            CHECK_OK(fr_explorer_begin(stage.explorer));  // in the middle of an execution
        struct digest_set hashes = {0};
        CHECK(stage_explore(&stage, dpor, &hashes) == 66 && hashes.count == 66, "all 66 again");
        digest_set_release(&hashes);
    }
    stage_close(&stage);
}

static void test_two_explorers_know_nothing_of_each_other(void) {
    static struct stage other;
    stage_open_model(&stage, "casw", "n=3", NULL);
    stage_open_model(&other, "rw", "n=3", NULL);
    struct fr_plan dpor = {.strategy = FR_STRATEGY_DPOR};
    stage_start(&stage, dpor);
    stage_start(&other, dpor);
    uint32_t counts[2] = {0};
    for (bool more = true; more;) {
        more = false;
        if (stage_next(&stage)) {
            counts[0]++;
            more = true;
        }
        if (stage_next(&other)) {
            counts[1]++;
            more = true;
        }
    }
    CHECK(counts[0] == 66 && counts[1] == 36, "%u and %u, in turns", counts[0], counts[1]);
    stage_close(&stage);
    stage_close(&other);
}

int main(void) {
    test_a_configuration_without_sense_is_refused();
    test_misuse_is_told_and_does_no_harm();
    test_misuse_within_an_execution_does_no_harm();
    test_only_what_finished_can_pass();
    test_who_is_excused_is_no_deadlock();
    test_each_exploration_counts_anew();
    test_a_budget_is_not_exhaustion();
    test_the_limit_of_events_gives_a_bounded_ending();
    test_what_a_cut_execution_left_undone_is_reversed();
    test_a_cut_acquire_is_reversed();
    test_two_verdicts_may_come_at_any_time();
    test_dpor_below_a_prefix_explores_what_extends_it();
    test_incompatible_prefixes_share_no_trace();
    test_a_prefix_may_be_too_long();
    test_a_plan_is_copied();
    test_starting_anew_forgets_everything();
    test_two_explorers_know_nothing_of_each_other();
    return 0;
}
