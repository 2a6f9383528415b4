// Virtual time: when it passes, who is due then, and what lies between before and after.
// SPDX-License-Identifier: Apache-2.0
#include "alloc_fault.h"
#include "check.h"
#include "explorer.h"
#include "race.h"
#include "stage.h"

static struct stage stage;

// ------------------------------------------------------------------------------ by hand

struct host {
    struct fr_explorer *e;
    fr_tid next;  // what the last decision answered
};

static void open_host(struct host *host, uint32_t workers) {
    *host = (struct host){0};
    struct fr_config config = stage_config();
    CHECK_OK(fr_explorer_new(&config, &host->e));
    struct fr_plan plan = {.strategy = FR_STRATEGY_DPOR};
    CHECK_OK(fr_explorer_start(host->e, &plan));
    CHECK_OK(fr_explorer_begin(host->e));
    for (fr_tid t = 0; t < workers; t++) {
        fr_tid tid;
        CHECK_OK(fr_run_enter(host->e, FR_TID_NONE, &tid));
        CHECK(tid == t, "workers count up");
    }
}

static enum fr_status try_announce(struct host *host, fr_tid tid, enum fr_op_kind kind,
                                   uint64_t what, uint64_t deadline) {
    struct fr_access access = {.key = what, .mode = FR_WRITE};
    bool is_bare = kind == FR_OP_SLEEP || kind == FR_OP_JOIN;
    struct fr_op op = {.kind = kind,
                       .accesses = &access,
                       .access_count = is_bare ? 0 : 1,
                       .target = (fr_tid)what,
                       .deadline_ns = deadline};
    return fr_run_announce(host->e, tid, &op);
}

static void announce(struct host *host, fr_tid tid, enum fr_op_kind kind, uint64_t what,
                     uint64_t deadline) {
    CHECK_OK(try_announce(host, tid, kind, what, deadline));
}

static void expect(struct host *host, fr_tid tid, bool outcome, uint64_t now) {
    CHECK_OK(fr_run_decide(host->e, &host->next));
    CHECK(host->next == tid, "%u goes, not %u", host->next, tid);
    CHECK(fr_run_outcome(host->e) == outcome, "thread %u: outcome", tid);
    CHECK(fr_run_now(host->e) == now, "it is %lu", (unsigned long)fr_run_now(host->e));
    struct fr_event event = fr_trace_event(host->e, fr_trace_length(host->e) - 1);
    CHECK(event.now == now && event.outcome == outcome, "the trace tells the same");
}

static void leave(struct host *host, fr_tid tid) {
    CHECK_OK(fr_run_leave(host->e, tid));
}

static void close_host(struct host *host, enum fr_stop stop) {
    CHECK_OK(fr_run_decide(host->e, &host->next));
    CHECK(host->next == FR_TID_NONE && fr_run_stop(host->e) == stop, "it ends otherwise");
    fr_explorer_free(host->e);
}

static void test_time_stands_still_while_anybody_is_enabled(void) {
    struct host host;
    open_host(&host, 3);
    announce(&host, 0, FR_OP_SLEEP, 0, 100);
    announce(&host, 1, FR_OP_SLEEP, 0, 50);
    announce(&host, 2, FR_OP_ACCESS, 1, 0);
    CHECK(fr_run_is_blocked(host.e, 0) && fr_run_waits_for(host.e, 0) == FR_TID_NONE, "0 sleeps");
    expect(&host, 2, true, 0);
    announce(&host, 2, FR_OP_ACCESS, 1, 0);
    expect(&host, 2, true, 0);
    leave(&host, 2);
    expect(&host, 1, true, 50);
    announce(&host, 1, FR_OP_SLEEP, 0, 100);
    // Both are due at once.
    expect(&host, 0, true, 100);
    leave(&host, 0);
    expect(&host, 1, true, 100);
    leave(&host, 1);
    CHECK(fr_trace_preemptions(host.e) == 0, "a jump is no preemption");
    CHECK_OK(fr_run_decide(host.e, &host.next));
    CHECK_OK(fr_explorer_end(host.e, FR_VERDICT_PASS, 0));
    CHECK(fr_explorer_begin(host.e) == FR_DONE, "two sleeps do not depend on each other");
    struct fr_plan plan = {.strategy = FR_STRATEGY_DPOR};
    CHECK_OK(fr_explorer_start(host.e, &plan));
    CHECK_OK(fr_explorer_begin(host.e));
    CHECK(fr_run_now(host.e) == 0, "each execution begins at 0");
    fr_explorer_free(host.e);
}

static void test_what_a_deadline_makes_of_an_operation(void) {
    struct host host;
    open_host(&host, 4);
    announce(&host, 0, FR_OP_ACQUIRE, 7, 0);
    announce(&host, 1, FR_OP_ACQUIRE, 7, 10);
    announce(&host, 2, FR_OP_JOIN, 0, 10);
    announce(&host, 3, FR_OP_ACQUIRE, 7, 40);
    expect(&host, 0, true, 0);
    announce(&host, 0, FR_OP_SLEEP, 0, 30);
    CHECK(fr_run_waits_for(host.e, 1) == 0 && fr_run_taken_at(host.e, 3) == 0, "0 has the lock");
    expect(&host, 1, false, 10);
    CHECK(fr_trace_event(host.e, 1).kind == FR_OP_ACQUIRE, "shown as announced");
    leave(&host, 1);
    expect(&host, 2, false, 10);
    CHECK(fr_trace_event(host.e, 2).kind == FR_OP_JOIN, "shown as announced");
    leave(&host, 2);
    expect(&host, 0, true, 30);
    announce(&host, 0, FR_OP_RELEASE, 7, 0);
    expect(&host, 0, true, 30);
    leave(&host, 0);
    expect(&host, 3, true, 30);
    leave(&host, 3);
    for (uint32_t b = 1; b < fr_trace_length(host.e); b++)
        for (uint32_t a = 0; a < b; a++)
            if (fr_trace_event(host.e, a).now < fr_trace_event(host.e, b).now)
                CHECK(fr_trace_happens_before(host.e, a, b), "%u is before the jump, %u behind", a,
                      b);
    CHECK(!fr_trace_happens_before(host.e, 1, 2), "1 and 2 are on the same side");
    close_host(&host, FR_STOP_FINISHED);
}

static void test_a_deadline_that_has_passed_does_not_wait(void) {
    struct host host;
    open_host(&host, 2);
    announce(&host, 0, FR_OP_SLEEP, 0, 0);
    announce(&host, 1, FR_OP_SLEEP, 0, 20);
    expect(&host, 0, true, 0);
    announce(&host, 0, FR_OP_SLEEP, 0, 20);
    expect(&host, 0, true, 20);
    announce(&host, 0, FR_OP_ACQUIRE, 7, 20);
    expect(&host, 0, true, 20);
    announce(&host, 0, FR_OP_ACQUIRE, 7, 10);
    expect(&host, 0, false, 20);
    announce(&host, 0, FR_OP_JOIN, 1, 20);
    expect(&host, 0, false, 20);
    announce(&host, 0, FR_OP_SPIN, 8, 1);
    expect(&host, 0, false, 20);
    CHECK(fr_trace_event(host.e, fr_trace_length(host.e) - 1).access_count == 0, "it did not look");
    leave(&host, 0);
    expect(&host, 1, true, 20);
    leave(&host, 1);
    close_host(&host, FR_STOP_FINISHED);
}

static void test_without_a_deadline_nobody_is_waited_for(void) {
    struct host host;
    open_host(&host, 2);
    announce(&host, 0, FR_OP_JOIN, 1, 0);
    announce(&host, 1, FR_OP_JOIN, 0, 5);
    expect(&host, 1, false, 5);
    announce(&host, 1, FR_OP_JOIN, 0, 0);
    close_host(&host, FR_STOP_DEADLOCK);
}

static void test_only_what_may_be_disabled_has_a_deadline(void) {
    struct host host;
    open_host(&host, 2);
    static const enum fr_op_kind kinds[] = {FR_OP_ACCESS, FR_OP_UPDATE,  FR_OP_CAS,
                                            FR_OP_TRY,    FR_OP_RELEASE, FR_OP_SPAWN};
    for (uint32_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        CHECK(try_announce(&host, 0, kinds[i], 1, 5) == FR_MISUSE, "%s", fr_op_word(kinds[i]));
    struct fr_access access = {.key = 1};
    struct fr_op sleep = {.kind = FR_OP_SLEEP, .accesses = &access, .access_count = 1};
    CHECK(fr_run_announce(host.e, 0, &sleep) == FR_MISUSE, "a sleep touches nothing");
    fr_explorer_free(host.e);
}

static void test_a_spin_that_times_out_leaves_later_ones_as_they_were(void) {
    struct host host;
    open_host(&host, 2);
    announce(&host, 0, FR_OP_SPIN, 8, 0);
    announce(&host, 1, FR_OP_SLEEP, 0, 30);
    expect(&host, 0, true, 0);
    announce(&host, 0, FR_OP_SPIN, 8, 10);
    expect(&host, 0, false, 10);
    announce(&host, 0, FR_OP_SPIN, 8, 40);
    expect(&host, 1, true, 30);
    announce(&host, 1, FR_OP_ACCESS, 8, 0);
    expect(&host, 1, true, 30);
    leave(&host, 1);
    expect(&host, 0, true, 30);
    leave(&host, 0);
    close_host(&host, FR_STOP_FINISHED);
}

static void test_a_child_that_announced_early_is_due_when_it_starts(void) {
    struct host host;
    fr_tid child;
    open_host(&host, 1);
    CHECK_OK(fr_run_enter(host.e, 0, &child));
    announce(&host, child, FR_OP_SLEEP, 0, 10);
    announce(&host, 0, FR_OP_SLEEP, 0, 20);
    expect(&host, 0, true, 20);
    struct fr_op spawn = {.kind = FR_OP_SPAWN, .target = child};
    CHECK_OK(fr_run_announce(host.e, 0, &spawn));
    expect(&host, 0, true, 20);
    leave(&host, 0);
    expect(&host, child, true, 20);
    leave(&host, child);
    close_host(&host, FR_STOP_FINISHED);
}

// ------------------------------------------------------------------------------ races

// b waits through two jumps for what a has taken: one race, at the first.
static void test_who_waited_when_time_passed_races_with_the_acquisition(void) {
    struct races races = {0};
    stage_open_text(&stage,
                    "lock m; thread a { acquire m; sleep 10; sleep 10; release m; }"
                    "thread b { acquire m; release m; }",
                    NULL);
    stage_replay(&stage, "0");
    const struct run *run = &stage.explorer->run;
    CHECK(run->trace.jump_count == 2 && run->trace.length == 6, "two jumps");
    CHECK_OK(races_find(&races, run));
    CHECK(races.count == 1, "one waited, once, and nothing races across a jump");
    CHECK(races.items[0].first == 0 && races.items[0].second == 4 && races.items[0].thread == 1,
          "b's acquire with a's");
    alloc_free(run->alloc, races.items);
    stage_close(&stage);
}

// What happens behind a jump does not race with what was before it, although both touch x.
static void test_nothing_races_across_a_jump(void) {
    struct races races = {0};
    stage_open_text(&stage, "shared x; thread a { x = 1; } thread b { sleep 10; x = 2; }", NULL);
    stage_replay(&stage, "0");
    const struct run *run = &stage.explorer->run;
    CHECK(run->trace.length == 3 && trace_before(&run->trace, 0, 1), "the sleep is behind");
    CHECK_OK(races_find(&races, run));
    CHECK(races.count == 0, "no race");
    alloc_free(run->alloc, races.items);
    stage_close(&stage);
}

static uint64_t hash_of_third(const char *text, const char *order) {
    stage_open_text(&stage, text, NULL);
    stage_replay(&stage, order);
    uint64_t hash = fr_trace_event(stage.explorer, 2).hash;
    stage_close(&stage);
    return hash;
}

// The hash of an event covers what was before the jump, and not the order in which it was written.
static void test_what_was_before_a_jump_is_in_the_hash_behind_it(void) {
    const char *racing = "shared x; thread a { x = 1; } thread b { x = 2; } thread c { sleep 9; }";
    const char *apart =
        "shared x, y; thread a { x = 1; } thread b { y = 2; } thread c { sleep 9; }";
    CHECK(hash_of_third(racing, "01") != hash_of_third(racing, "10"), "two pasts");
    CHECK(hash_of_third(apart, "01") == hash_of_third(apart, "10"), "one past");
}

static void test_the_time_of_each_event(void) {
    stage_open_text(&stage, "shared x; thread a { x = 1; sleep 5; x = 2; sleep 7; }", NULL);
    stage_replay(&stage, "0000");
    const struct trace *trace = &stage.explorer->run.trace;
    static const uint64_t times[] = {0, 5, 5, 12, 12};
    for (uint32_t at = 0; at < 5; at++)
        CHECK(trace_now(trace, at) == times[at], "after %u events", at);
    CHECK(!trace_is_jump(trace, 0) && trace_is_jump(trace, 1) && !trace_is_jump(trace, 2) &&
              trace_is_jump(trace, 3),
          "jumps behind the first and third event");
    CHECK(trace_barrier(trace) == 3, "the last one");
    stage_close(&stage);
}

// ------------------------------------------------------------------------------ memory

static void test_jumps_without_memory(void) {
    for (uint64_t fail_at = 1;; fail_at++) {
        struct alloc_fault fault = {.fail_at = fail_at};
        struct alloc alloc = {.host = alloc_fault_allocator(&fault)};
        struct run run;
        bool jumped = false;
        fr_tid tid;
        struct fr_op op = {.kind = FR_OP_SLEEP, .deadline_ns = 9};
        enum fr_status status = run_init(&run, &alloc, 1, true);
        if (status == FR_OK) {
            run_forget(&run);
            status = run_enter(&run, FR_TID_NONE, &tid);
        }
        if (status == FR_OK)
            status = run_announce(&run, tid, &op);
        if (status == FR_OK)
            status = run_jump(&run, &jumped);
        CHECK(jumped || status == FR_NOMEM, "a status");
        CHECK(status == FR_OK || run.now == 0, "time has not passed");
        run_release(&run);
        CHECK(fault.blocks == 0, "no leak");
        if (status == FR_OK)
            return;
    }
}

int main(void) {
    test_time_stands_still_while_anybody_is_enabled();
    test_what_a_deadline_makes_of_an_operation();
    test_a_deadline_that_has_passed_does_not_wait();
    test_without_a_deadline_nobody_is_waited_for();
    test_only_what_may_be_disabled_has_a_deadline();
    test_a_spin_that_times_out_leaves_later_ones_as_they_were();
    test_a_child_that_announced_early_is_due_when_it_starts();
    test_who_waited_when_time_passed_races_with_the_acquisition();
    test_nothing_races_across_a_jump();
    test_what_was_before_a_jump_is_in_the_hash_behind_it();
    test_the_time_of_each_event();
    test_jumps_without_memory();
    return 0;
}
