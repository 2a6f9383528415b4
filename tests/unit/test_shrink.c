// Shrinking: the fewest preemptions there can be, the same failure, and an honest word about it.
// SPDX-License-Identifier: Apache-2.0
#include "check.h"
#include "stage.h"

static struct stage stage;

struct shrunk {
    uint64_t tries;
    uint32_t preemptions;
    uint32_t blocks;
    bool minimal;
};

// Shrinks the last execution, which failed. The best plan is executed last.
static struct shrunk shrink(enum fr_verdict verdict, uint64_t tries_max) {
    struct fr_shrink *s;
    struct fr_plan plan;
    struct shrunk shrunk = {0};
    CHECK_OK(fr_shrink_new(stage.explorer, verdict, 0, tries_max, &s));
    enum fr_status status;
    while ((status = fr_shrink_next(s, &plan)) == FR_OK) {
        stage_start(&stage, plan);
        CHECK(stage_next(&stage), "a candidate is one execution");
        CHECK_OK(fr_shrink_tell(s, stage.explorer, stage.verdict, 0));
        CHECK(++shrunk.tries <= 100000, "shrinking ends");
    }
    CHECK(status == FR_DONE, "%s", fr_status_text(status));
    stage_start(&stage, plan);
    CHECK(stage_next(&stage) && stage.verdict == verdict, "the best one fails in the same way");
    CHECK(fr_run_segments_done(stage.explorer) == plan.segment_count, "and says how exactly");
    shrunk.minimal = fr_shrink_is_minimal(s);
    shrunk.preemptions = fr_trace_preemptions(stage.explorer);
    shrunk.blocks = (uint32_t)plan.segment_count;
    fr_shrink_free(s);
    return shrunk;
}

// Random walks until one fails.
static void fail_at_random(uint64_t seed, enum fr_verdict verdict) {
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_RANDOM, .seed = seed});
    for (uint32_t i = 0; i < 1000; i++) {
        CHECK(stage_next(&stage), "without a budget there is always another");
        if (stage.verdict == verdict)
            return;
    }
    CHECK(false, "no walk failed");
}

// The fewest preemptions of all interleavings that end so.
static uint32_t fewest(const struct interleavings *all, enum fr_verdict verdict) {
    uint32_t least = UINT32_MAX;
    for (uint32_t i = 0; i < all->count; i++)
        if (all->items[i].verdict == verdict && all->items[i].preemptions < least)
            least = all->items[i].preemptions;
    CHECK(least != UINT32_MAX, "nothing ends so");
    return least;
}

static void check_fewest(enum fr_verdict verdict, uint32_t seeds, uint32_t expected) {
    struct interleavings all;
    interleavings_find(&all, &stage);
    CHECK(fewest(&all, verdict) == expected, "by brute force %u", fewest(&all, verdict));
    interleavings_release(&all);
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        fail_at_random(seed, verdict);
        struct shrunk shrunk = shrink(verdict, 5000);
        CHECK(shrunk.preemptions == expected, "seed %lu: %u preemptions", (unsigned long)seed,
              shrunk.preemptions);
        CHECK(shrunk.minimal, "and it was proved");
    }
}

static void test_a_lost_update_takes_one_preemption(void) {
    stage_open_model(&stage, "lost_update", "-", NULL);
    check_fewest(FR_VERDICT_INVARIANT, 50, 1);
    struct shrunk shrunk = shrink(FR_VERDICT_INVARIANT, 5000);
    CHECK(shrunk.blocks == 3, "one thread, the other, the first again: %u blocks", shrunk.blocks);
    stage_close(&stage);
}

// Only the first has to be preempted, holding its fork: whoever is on its right waits after one
// fork by itself, and so does the next on the right, all the way round.
static void test_philosophers_take_one_preemption_however_many_they_are(void) {
    static const char *const sizes[] = {"n=2", "n=3"};
    for (uint32_t i = 0; i < 2; i++) {
        stage_open_model(&stage, "philosophers", sizes[i], NULL);
        check_fewest(FR_VERDICT_DEADLOCK, 20, 1);
        stage_close(&stage);
    }
    // Too many interleavings for brute force.
    stage_open_model(&stage, "philosophers", "n=5", NULL);
    for (uint64_t seed = 1; seed <= 20; seed++) {
        fail_at_random(seed, FR_VERDICT_DEADLOCK);
        struct shrunk shrunk = shrink(FR_VERDICT_DEADLOCK, 5000);
        CHECK(shrunk.preemptions == 1 && shrunk.minimal, "five, seed %lu", (unsigned long)seed);
        CHECK(shrunk.blocks == 5, "%u blocks", shrunk.blocks);
    }
    stage_close(&stage);
}

static void test_what_fails_anyway_takes_none(void) {
    stage_open_text(&stage,
                    "shared x, y; thread a { x = 1; x = 2; assert 0; } thread b { y = 1; y = 2; }",
                    NULL);
    check_fewest(FR_VERDICT_INVARIANT, 20, 0);
    struct shrunk shrunk = shrink(FR_VERDICT_INVARIANT, 5000);
    CHECK(shrunk.blocks == 2, "two threads, one after the other");
    stage_close(&stage);
}

// Three that have to meet: two preemptions, which brute force confirms.
static void test_two_preemptions(void) {
    stage_open_text(&stage,
                    "shared x; thread a { x = 1; x = 2; } thread b { r = x; s = x; assert !(r == 1 "
                    "&& s == 2); }",
                    NULL);
    check_fewest(FR_VERDICT_INVARIANT, 30, 2);
    stage_close(&stage);
}

// Letting the other one go when both wake up is no preemption.
static void test_a_switch_when_time_passes_is_free(void) {
    stage_open_model(&stage, "expiring_entry", "work=10", NULL);
    check_fewest(FR_VERDICT_INVARIANT, 20, 0);
    stage_close(&stage);
}

// Other failures are not the one we look for, however simple they are.
static void test_the_failure_stays_the_same(void) {
    stage_open_text(&stage,
                    "shared x; lock p, q;"
                    "thread a { acquire p; acquire q; release q; release p; x = 1; }"
                    "thread b { acquire q; acquire p; release p; release q; assert x == 1; }",
                    NULL);
    check_fewest(FR_VERDICT_DEADLOCK, 20, 1);
    check_fewest(FR_VERDICT_INVARIANT, 20, 0);
    stage_close(&stage);
}

static void test_the_place_counts_too(void) {
    stage_open_model(&stage, "lost_update", "-", NULL);
    fail_at_random(1, FR_VERDICT_INVARIANT);
    uint32_t events = fr_trace_length(stage.explorer);
    struct fr_shrink *s;
    struct fr_plan plan;
    CHECK_OK(fr_shrink_new(stage.explorer, FR_VERDICT_INVARIANT, 7, 1000, &s));
    enum fr_status status;
    while ((status = fr_shrink_next(s, &plan)) == FR_OK) {
        stage_start(&stage, plan);
        CHECK(stage_next(&stage), "one execution");
        CHECK_OK(fr_shrink_tell(s, stage.explorer, stage.verdict, 8));  // somewhere else
    }
    CHECK(status == FR_DONE, "nothing simpler");
    uint32_t kept = 0;
    for (size_t i = 0; i < plan.segment_count; i++)
        kept += plan.segments[i].events;
    CHECK(kept == events, "the best is the one it began with");
    fr_shrink_free(s);
    stage_close(&stage);
}

static void test_without_tries_nothing_is_claimed(void) {
    stage_open_model(&stage, "philosophers", "n=3", NULL);
    fail_at_random(3, FR_VERDICT_DEADLOCK);
    struct shrunk shrunk = shrink(FR_VERDICT_DEADLOCK, 0);
    CHECK(shrunk.tries == 0 && !shrunk.minimal, "no try, no claim");
    fail_at_random(3, FR_VERDICT_DEADLOCK);
    shrunk = shrink(FR_VERDICT_DEADLOCK, 3);
    CHECK(shrunk.tries <= 2 * 3, "tries are bounded: %lu", (unsigned long)shrunk.tries);
    CHECK(!shrunk.minimal, "three are too few to be sure");
    stage_close(&stage);
}

static void test_misuse(void) {
    stage_open_model(&stage, "lost_update", "-", NULL);
    fail_at_random(1, FR_VERDICT_INVARIANT);
    struct fr_shrink *s;
    CHECK(fr_shrink_new(stage.explorer, FR_VERDICT_PASS, 0, 9, &s) == FR_MISUSE, "no failure");
    CHECK(fr_shrink_new(stage.explorer, FR_VERDICT_REDUNDANT, 0, 9, &s) == FR_MISUSE, "nor this");
    CHECK_OK(fr_shrink_new(stage.explorer, FR_VERDICT_INVARIANT, 0, 9, &s));
    CHECK_OK(fr_explorer_begin(stage.explorer));
    CHECK(fr_shrink_tell(s, stage.explorer, FR_VERDICT_PASS, 0) == FR_MISUSE, "it still runs");
    fr_shrink_free(s);
    CHECK(fr_shrink_new(stage.explorer, FR_VERDICT_INVARIANT, 0, 9, &s) == FR_MISUSE,
          "it still runs");
    fr_shrink_free(NULL);
    stage_close(&stage);
}

int main(void) {
    test_a_lost_update_takes_one_preemption();
    test_philosophers_take_one_preemption_however_many_they_are();
    test_what_fails_anyway_takes_none();
    test_two_preemptions();
    test_a_switch_when_time_passes_is_free();
    test_the_failure_stays_the_same();
    test_the_place_counts_too();
    test_without_tries_nothing_is_claimed();
    test_misuse();
    return 0;
}
