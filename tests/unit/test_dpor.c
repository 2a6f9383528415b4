// DPOR from execution to execution: what it allocates, and a host that does not repeat itself.
// SPDX-License-Identifier: Apache-2.0
#include "dpor.h"

#include <string.h>

#include "alloc_fault.h"
#include "check.h"
#include "explorer.h"
#include "stage.h"

static struct stage stage;

// ------------------------------------------------------------------------------ memory

// Allocations in the later half of so many executions.
static uint64_t late_allocations(struct fr_plan plan, uint64_t executions) {
    uint64_t before = 0;
    stage_start(&stage, plan);
    for (uint64_t i = 0; i < executions; i++) {
        if (i == executions / 2)
            before = fr_explorer_stats(stage.explorer).allocations;
        CHECK(stage_next(&stage), "there are so many");
    }
    return fr_explorer_stats(stage.explorer).allocations - before;
}

static void check_warm(const char *name, const char *constant, struct fr_plan plan,
                       uint64_t executions, bool stable_keys, uint64_t most) {
    struct fr_config config = stage_config();
    config.stable_keys = stable_keys;
    stage_open_model(&stage, name, constant, &config);
    uint64_t late = late_allocations(plan, executions);
    CHECK(late <= most, "%s %s: %lu allocations in the later half of %lu executions", name,
          fr_strategy_name(plan.strategy), (unsigned long)late, (unsigned long)executions);
    stage_close(&stage);
}

static void test_once_warm_nothing_is_allocated(void) {
    struct fr_plan dpor = {.strategy = FR_STRATEGY_DPOR};
    check_warm("fib_bench", "k=4", dpor, 19605, true, 0);
    check_warm("lastzero", "n=10", dpor, 3328, true, 0);
    check_warm("readers", "n=13", dpor, 8192, true, 0);
    check_warm("timed_philosophers", "n=8", dpor, 509, true, 0);
    // The most branches at once come late here: the pools of branches and touches double once more.
    check_warm("fib_bench", "k=3", dpor, 1698, false, 2);
    struct fr_plan walk = {.strategy = FR_STRATEGY_RANDOM, .seed = 1};
    check_warm("fib_bench", "k=4", walk, 100000, false, 0);
    check_warm("indexer", "n=12", walk, 20000, false, 0);
    for (enum fr_strategy s = FR_STRATEGY_PCT; s < FR_STRATEGY_REPLAY; s++) {
        walk = (struct fr_plan){.strategy = s, .seed = 2, .depth = 3};
        check_warm("fib_bench", "k=4", walk, 20000, false, 0);
    }
}

// A second exploration of the same program finds the memory of the first.
static void test_a_second_exploration_allocates_nothing(void) {
    stage_open_model(&stage, "fib_bench", "k=3", NULL);
    struct fr_plan dpor = {.strategy = FR_STRATEGY_DPOR};
    (void)late_allocations(dpor, 1698);
    CHECK(fr_explorer_stats(stage.explorer).allocations != 0, "the first asks for memory");
    (void)late_allocations(dpor, 1698);
    CHECK(fr_explorer_stats(stage.explorer).allocations == 0, "the second asks for nothing");
    stage_close(&stage);
}

// What waits in wakeup trees does not pile up: memory follows depth, not the number of traces.
static void test_memory_stays_small(void) {
    struct alloc_fault fault = {0};
    struct fr_config config = stage_config();
    config.allocator = alloc_fault_allocator(&fault);
    stage_open_model(&stage, "fib_bench", "k=4", &config);
    struct digest_set hashes = {0};
    struct fr_plan dpor = {.strategy = FR_STRATEGY_DPOR};
    CHECK(stage_explore(&stage, dpor, &hashes) == 19605, "all traces");
    CHECK(fault.bytes < 1 << 20, "%lu bytes", (unsigned long)fault.bytes);
    CHECK(stage.explorer->dpor.wakeup.live == 0, "no branch is left: each was taken or dropped");
    stage_close(&stage);
    CHECK(fault.blocks == 0, "all is free");
    digest_set_release(&hashes);
}

// ------------------------------------------------------------------------------ divergence

// A host of two threads that read, write and write one object, whose thread 1 changes its mind at
// one execution.
struct fickle {
    uint32_t execution;
    uint32_t changes_at;  // from this execution on; 0: never
    enum { MIND_SITE, MIND_KIND, MIND_LEAVES, MIND_LATE_SITE } how;
};

static enum fr_status announce_fickle(struct fr_explorer *e, const struct fickle *f, fr_tid tid,
                                      uint32_t done) {
    bool changed = tid == 1 && f->changes_at != 0 && f->execution >= f->changes_at;
    if (done == 3 || (changed && f->how == MIND_LEAVES && done == 1))
        return fr_run_leave(e, tid);
    struct fr_access access = {.key = 1, .mode = done == 0 ? FR_READ : FR_WRITE};
    struct fr_op op = {
        .kind = FR_OP_ACCESS, .site = 10 + done, .accesses = &access, .access_count = 1};
    if (changed && f->how == (done == 0 ? MIND_SITE : MIND_LATE_SITE))
        op.site = 99;
    if (changed && f->how == MIND_KIND)
        op.kind = FR_OP_UPDATE;
    return fr_run_announce(e, tid, &op);
}

static enum fr_status execute_fickle(struct fr_explorer *e, const struct fickle *f) {
    uint32_t done[2] = {0};
    enum fr_status status = fr_explorer_begin(e);
    for (fr_tid t = 0; status == FR_OK && t < 2; t++) {
        fr_tid tid;
        status = fr_run_enter(e, FR_TID_NONE, &tid);
        if (status == FR_OK)
            status = announce_fickle(e, f, t, 0);
    }
    while (status == FR_OK) {
        fr_tid tid;
        status = fr_run_decide(e, &tid);
        if (status != FR_OK || tid == FR_TID_NONE)
            break;
        status = announce_fickle(e, f, tid, ++done[tid]);
    }
    if (status != FR_OK)
        return status;
    bool redundant = fr_run_stop(e) == FR_STOP_REDUNDANT;
    return fr_explorer_end(e, redundant ? FR_VERDICT_REDUNDANT : FR_VERDICT_PASS, 0);
}

// Explores all. Answers with what status it ended.
static enum fr_status explore_fickle(struct fr_explorer *e, struct fickle *f) {
    struct fr_plan plan = {.strategy = FR_STRATEGY_DPOR};
    CHECK_OK(fr_explorer_start(e, &plan));
    enum fr_status status = FR_OK;
    for (f->execution = 1; status == FR_OK; f->execution++)
        status = execute_fickle(e, f);
    f->execution -= 2;
    return status;
}

static void test_a_host_that_does_not_repeat_itself_is_found_out(void) {
    struct fr_explorer *e;
    CHECK_OK(fr_explorer_new(NULL, &e));
    struct fickle faithful = {0};
    CHECK(explore_fickle(e, &faithful) == FR_DONE, "faithful");
    uint32_t executions = faithful.execution;
    CHECK(executions == 14, "it has 14 traces, not %u", executions);
    for (uint32_t how = MIND_SITE; how <= MIND_LATE_SITE; how++) {
        uint32_t found = 0;
        for (uint32_t at = 2; at <= executions; at++) {
            struct fickle f = {.changes_at = at, .how = how};
            enum fr_status status = explore_fickle(e, &f);
            CHECK(status == FR_DIVERGED || status == FR_DONE, "%s", fr_status_name(status));
            if (status == FR_DIVERGED)
                CHECK(strcmp(fr_explorer_errmsg(e), fr_status_text(FR_DIVERGED)) == 0,
                      "a sentence");
            found += status == FR_DIVERGED;
        }
        // Only what repeats can be compared: a change behind the repeated part shows later or
        // never. What a thread announces first is repeated by every execution.
        bool always = how == MIND_SITE || how == MIND_KIND;
        CHECK(found >= (always ? executions - 1 : 7), "mind %u: found out %u times", how, found);
        CHECK_OK(fr_explorer_start(e, &(struct fr_plan){.strategy = FR_STRATEGY_DPOR}));
        faithful = (struct fickle){0};
        CHECK(explore_fickle(e, &faithful) == FR_DONE, "usable after a divergence");
    }
    fr_explorer_free(e);
}

// ------------------------------------------------------------------------------ exploration

// With stable keys no execution is cut short and none repeated, whatever the order.
static void test_no_execution_is_in_vain(void) {
    static const char *const names[] = {"popl14_example5", "lastzero", "spawn_join",
                                        "semaphore",       "coa",      "indexer"};
    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++) {
        stage_open_model(&stage, names[i], "-", NULL);
        uint64_t count = 0;
        for (enum fr_order order = 0; order < FR_ORDERS; order++) {
            struct digest_set hashes = {0};
            struct fr_plan plan = {.strategy = FR_STRATEGY_DPOR, .order = order, .order_seed = 7};
            uint64_t executions = stage_explore(&stage, plan, &hashes);
            CHECK(executions == hashes.count, "%s by %s: %lu for %lu traces", names[i],
                  fr_order_name(order), (unsigned long)executions, (unsigned long)hashes.count);
            CHECK(order == 0 || hashes.count == count, "%s: another set", names[i]);
            count = hashes.count;
            digest_set_release(&hashes);
        }
        stage_close(&stage);
    }
}

// Reversals above a prefix belong to whoever explores there: nothing is left over from them.
static void test_nothing_is_kept_above_a_prefix(void) {
    static const uint8_t choices[] = {1, 0, 1};
    stage_open_model(&stage, "inc", "n=3", NULL);
    struct digest_set hashes = {0};
    struct fr_plan plan = {.strategy = FR_STRATEGY_DPOR, .choices = choices, .choice_count = 3};
    uint64_t executions = stage_explore(&stage, plan, &hashes);
    struct fr_stats stats = fr_explorer_stats(stage.explorer);
    CHECK(stats.races_reversed == executions - 1, "%lu reversals for %lu executions",
          (unsigned long)stats.races_reversed, (unsigned long)executions);
    CHECK(stage.explorer->dpor.wakeup.live == 0, "no branch is left");
    digest_set_release(&hashes);
    stage_close(&stage);
}

static void test_what_is_counted(void) {
    stage_open_model(&stage, "inc", "n=2", NULL);
    struct digest_set hashes = {0};
    stage_explore(&stage, (struct fr_plan){.strategy = FR_STRATEGY_DPOR}, &hashes);
    struct fr_stats stats = fr_explorer_stats(stage.explorer);
    CHECK(stats.executions == 4 && stats.redundant == 0 && stats.failures == 0, "4 traces");
    CHECK(stats.events == 16, "of 4 events each: %lu", (unsigned long)stats.events);
    CHECK(stats.races_reversed == 3, "each but the first was a reversal: %lu",
          (unsigned long)stats.races_reversed);
    digest_set_release(&hashes);
    stage_close(&stage);
}

int main(void) {
    test_once_warm_nothing_is_allocated();
    test_a_second_exploration_allocates_nothing();
    test_memory_stays_small();
    test_a_host_that_does_not_repeat_itself_is_found_out();
    test_no_execution_is_in_vain();
    test_nothing_is_kept_above_a_prefix();
    test_what_is_counted();
    return 0;
}
