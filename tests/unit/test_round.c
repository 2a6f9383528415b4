// Rounds: which are left out, when nothing is left but rounds, and what is no round.
// SPDX-License-Identifier: Apache-2.0
#include "check.h"
#include "explorer.h"
#include "round.h"
#include "stage.h"

static struct fr_explorer *e;

static void open_host(uint32_t workers) {
    struct fr_config config = stage_config();
    struct fr_plan plan = {.strategy = FR_STRATEGY_DPOR};
    CHECK_OK(fr_explorer_new(&config, &e));
    CHECK_OK(fr_explorer_start(e, &plan));
    CHECK_OK(fr_explorer_begin(e));
    for (fr_tid t = 0; t < workers; t++) {
        fr_tid tid;
        CHECK_OK(fr_run_enter(e, FR_TID_NONE, &tid));
    }
}

static enum fr_status announce_round(fr_tid tid, enum fr_op_kind kind, uint64_t deadline,
                                     struct fr_round round) {
    struct fr_access access = {.key = 7, .mode = FR_READ};
    struct fr_op op = {.kind = kind,
                       .accesses = &access,
                       .access_count = kind != FR_OP_SLEEP,
                       .deadline_ns = deadline,
                       .round = round};
    return fr_run_announce(e, tid, &op);
}

static void announce(fr_tid tid, enum fr_op_kind kind, uint64_t deadline) {
    CHECK_OK(announce_round(tid, kind, deadline, (struct fr_round){.is_known = false}));
}

static void expect(fr_tid tid, uint64_t now) {
    fr_tid next;
    CHECK_OK(fr_run_decide(e, &next));
    CHECK(next == tid, "%u goes, not %u", next, tid);
    CHECK(fr_run_now(e) == now, "it is %lu", (unsigned long)fr_run_now(e));
}

static void close_host(enum fr_stop stop) {
    fr_tid next;
    CHECK_OK(fr_run_decide(e, &next));
    CHECK(next == FR_TID_NONE && fr_run_stop(e) == stop, "it ends otherwise");
    fr_explorer_free(e);
}

// Sleeps 10, reads, and is back at the sleep: one round.
static void go_round(fr_tid tid, uint64_t from) {
    announce(tid, FR_OP_SLEEP, from + 10);
    expect(tid, from + 10);
    announce(tid, FR_OP_ACCESS, 0);
    expect(tid, from + 10);
}

static const struct fr_round first_round = {.is_known = true, .period_ns = 10};

static void test_rounds_are_left_out_until_somebody_goes_on(void) {
    open_host(2);
    announce(1, FR_OP_SLEEP, 95);
    go_round(0, 0);
    CHECK_OK(announce_round(0, FR_OP_SLEEP, 20, first_round));
    expect(1, 95);
    CHECK(fr_run_goes_round(e, 0) && !fr_run_goes_round(e, 1), "0 goes round");
    CHECK_OK(fr_run_leave(e, 1));
    expect(0, 100);
    CHECK_OK(fr_run_leave(e, 0));
    close_host(FR_STOP_FINISHED);
}

static void test_a_round_that_ends_at_that_moment_is_made(void) {
    open_host(2);
    announce(1, FR_OP_SLEEP, 90);
    go_round(0, 0);
    CHECK_OK(announce_round(0, FR_OP_SLEEP, 20, first_round));
    expect(0, 90);
    CHECK_OK(fr_run_leave(e, 0));
    expect(1, 90);
    CHECK_OK(fr_run_leave(e, 1));
    close_host(FR_STOP_FINISHED);
}

static void test_without_a_period_every_round_is_made(void) {
    open_host(2);
    announce(1, FR_OP_SLEEP, 95);
    go_round(0, 0);
    CHECK_OK(announce_round(0, FR_OP_SLEEP, 20, (struct fr_round){.is_known = true}));
    expect(0, 20);
    CHECK_OK(fr_run_leave(e, 0));
    expect(1, 95);
    CHECK_OK(fr_run_leave(e, 1));
    close_host(FR_STOP_FINISHED);
}

static void test_nothing_but_rounds_is_the_end(void) {
    open_host(1);
    go_round(0, 0);
    CHECK_OK(announce_round(0, FR_OP_SLEEP, 20, first_round));
    CHECK(fr_run_is_blocked(e, 0) && fr_run_goes_round(e, 0), "it waits");
    close_host(FR_STOP_DEADLOCK);
}

static void test_what_another_one_did_meanwhile_is_looked_at(void) {
    open_host(2);
    announce(0, FR_OP_SLEEP, 10);
    announce(1, FR_OP_SLEEP, 10);
    expect(0, 10);
    announce(0, FR_OP_ACCESS, 0);
    expect(0, 10);
    CHECK_OK(announce_round(0, FR_OP_SLEEP, 20, first_round));
    expect(1, 10);
    CHECK_OK(fr_run_leave(e, 1));
    expect(0, 20);
    announce(0, FR_OP_ACCESS, 0);
    expect(0, 20);
    CHECK_OK(announce_round(0, FR_OP_SLEEP, 30,
                            (struct fr_round){.is_known = true, .last = 2, .period_ns = 10}));
    close_host(FR_STOP_DEADLOCK);
}

// Thread 1 takes the lock in each of its rounds, thread 0 asks for it.
static void test_who_may_meet_goes_on(void) {
    open_host(2);
    announce(1, FR_OP_SLEEP, 25);
    go_round(0, 0);
    CHECK_OK(announce_round(0, FR_OP_SLEEP, 20, first_round));
    expect(1, 25);
    announce(1, FR_OP_ACQUIRE, 0);
    expect(1, 25);
    announce(1, FR_OP_RELEASE, 0);
    expect(1, 25);
    struct fr_round round = {.is_known = true, .period_ns = 25};
    CHECK_OK(announce_round(1, FR_OP_SLEEP, 50, round));
    expect(0, 30);
    fr_explorer_free(e);
}

static void test_rounds_that_cannot_be_are_refused(void) {
    open_host(1);
    struct fr_round round = {.is_known = true};
    CHECK(announce_round(0, FR_OP_SLEEP, 10, round) == FR_MISUSE, "no event yet");
    go_round(0, 0);
    CHECK(announce_round(0, FR_OP_SLEEP, 0, round) == FR_MISUSE, "it does not wait");
    round.last = 2;
    CHECK(announce_round(0, FR_OP_SLEEP, 20, round) == FR_MISUSE, "two events so far");
    round = (struct fr_round){.is_known = true, .first = 1};
    CHECK(announce_round(0, FR_OP_SLEEP, 20, round) == FR_MISUSE, "the first is after the last");
    fr_explorer_free(e);
}

static void test_a_period_that_is_too_long_is_left_alone(void) {
    open_host(2);
    announce(1, FR_OP_SLEEP, UINT64_MAX);
    go_round(0, 0);
    struct fr_round round = {.is_known = true, .period_ns = UINT64_MAX - 15};
    CHECK_OK(announce_round(0, FR_OP_SLEEP, 20, round));
    expect(0, 20);
    fr_explorer_free(e);
}

static void test_what_is_left_out_is_not_claimed(void) {
    open_host(1);
    CHECK(!fr_run_holds(e, 0, 7), "nobody touched it");
    announce(0, FR_OP_ACQUIRE, 0);
    CHECK(!fr_run_holds(e, 0, 7), "not yet");
    expect(0, 0);
    CHECK(fr_run_holds(e, 0, 7), "now it does");
    fr_run_leave_out(e);
    CHECK_OK(fr_run_leave(e, 0));
    fr_tid next;
    CHECK_OK(fr_run_decide(e, &next));
    CHECK_OK(fr_explorer_end(e, FR_VERDICT_PASS, 0));
    CHECK(fr_explorer_begin(e) == FR_DONE, "one trace");
    CHECK(fr_explorer_ending(e) == FR_ENDING_BOUNDED, "it claims too much");
    fr_explorer_free(e);
}

int main(void) {
    test_rounds_are_left_out_until_somebody_goes_on();
    test_a_round_that_ends_at_that_moment_is_made();
    test_without_a_period_every_round_is_made();
    test_nothing_but_rounds_is_the_end();
    test_what_another_one_did_meanwhile_is_looked_at();
    test_who_may_meet_goes_on();
    test_rounds_that_cannot_be_are_refused();
    test_a_period_that_is_too_long_is_left_alone();
    test_what_is_left_out_is_not_claimed();
    return 0;
}
