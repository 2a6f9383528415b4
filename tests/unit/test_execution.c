// An execution as the host sees it: what each call refuses, who waits for whom, what happened.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "check.h"
#include "stage.h"

static struct stage stage;

static void test_outside_an_execution_every_call_is_refused(void) {
    struct fr_explorer *e;
    CHECK_OK(fr_explorer_new(NULL, &e));
    fr_tid tid;
    struct fr_op nothing = {.kind = FR_OP_ACCESS};
    CHECK(strcmp(fr_explorer_errmsg(e), "") == 0, "nothing went wrong yet");
    CHECK(fr_run_enter(e, FR_TID_NONE, &tid) == FR_MISUSE, "enter");
    CHECK(strcmp(fr_explorer_errmsg(e), fr_status_text(FR_MISUSE)) == 0, "%s",
          fr_explorer_errmsg(e));
    CHECK(fr_run_child(e, 0, &tid) == FR_MISUSE, "child");
    CHECK(fr_run_announce(e, 0, &nothing) == FR_MISUSE, "announce");
    CHECK(fr_run_leave(e, 0) == FR_MISUSE, "leave");
    CHECK(fr_run_decide(e, &tid) == FR_MISUSE, "decide");
    CHECK(!fr_run_is_blocked(e, 0) && fr_run_waits_for(e, 0) == FR_TID_NONE, "nobody waits");
    CHECK(fr_run_taken_at(e, 0) == FR_TID_NONE, "for nothing");
    CHECK(fr_trace_length(e) == 0 && fr_trace_threads(e) == 0 && fr_trace_hash(e) == 0, "empty");
    fr_explorer_free(e);
}

static void test_who_waits_for_whom(void) {
    stage_open_model(&stage, "philosophers", "n=3", NULL);
    stage_replay(&stage, "012");
    CHECK(stage.verdict == FR_VERDICT_DEADLOCK, "each has one fork");
    for (fr_tid t = 0; t < 3; t++) {
        CHECK(fr_run_is_blocked(stage.explorer, t), "philosopher %u", t);
        CHECK(fr_run_waits_for(stage.explorer, t) == (t + 1) % 3, "the next one has it");
        CHECK(fr_run_taken_at(stage.explorer, t) == (t + 1) % 3, "since this event");
    }
    CHECK(!fr_run_is_blocked(stage.explorer, 3), "there is no fourth");
    stage_close(&stage);
}

static void test_who_waits_for_itself(void) {
    stage_open_model(&stage, "self_deadlock", "-", NULL);
    stage_replay(&stage, "");
    CHECK(stage.verdict == FR_VERDICT_DEADLOCK, "a lock taken twice");
    CHECK(fr_run_waits_for(stage.explorer, 0) == 0 && fr_run_taken_at(stage.explorer, 0) == 0,
          "by itself, with its first event");
    stage_close(&stage);
}

static void test_who_waits_for_the_end_of_a_thread(void) {
    stage_open_text(&stage,
                    "lock m; shared x; late thread child { acquire m; acquire m; }"
                    "thread main { spawn child; join child; x = 1; } thread other { x = 2; }",
                    NULL);
    stage_replay(&stage, "");
    // Workers are numbered first: main 0, other 1, child 2.
    CHECK(stage.verdict == FR_VERDICT_DEADLOCK, "the child never ends");
    CHECK(fr_run_waits_for(stage.explorer, 0) == 2, "main joins it");
    CHECK(fr_run_taken_at(stage.explorer, 0) == FR_TID_NONE, "a join waits for no lock");
    CHECK(!fr_run_is_blocked(stage.explorer, 1), "other has ended");
    stage_close(&stage);
}

static void acquire_held_outside(struct fr_explorer *e) {
    struct fr_access lock = {.key = 77};
    struct fr_op op = {
        .kind = FR_OP_ACQUIRE, .accesses = &lock, .access_count = 1, .held_outside = true};
    struct fr_plan plan = {.strategy = FR_STRATEGY_DPOR};
    fr_tid tid;
    CHECK_OK(fr_explorer_start(e, &plan));
    CHECK_OK(fr_explorer_begin(e));
    CHECK_OK(fr_run_enter(e, FR_TID_NONE, &tid));
    CHECK_OK(fr_run_announce(e, tid, &op));
}

static void test_a_lock_held_outside(void) {
    struct fr_explorer *e;
    CHECK_OK(fr_explorer_new(NULL, &e));
    acquire_held_outside(e);
    fr_tid tid;
    CHECK_OK(fr_run_decide(e, &tid));
    CHECK(tid == FR_TID_NONE && fr_run_stop(e) == FR_STOP_DEADLOCK, "nobody here releases it");
    CHECK(fr_run_is_blocked(e, 0) && fr_run_waits_for(e, 0) == FR_TID_NONE, "held from outside");
    CHECK(fr_run_taken_at(e, 0) == FR_TID_NONE, "by no event");
    CHECK_OK(fr_explorer_end(e, FR_VERDICT_DEADLOCK, 0));
    fr_explorer_free(e);
}

static void test_what_happened_can_be_read(void) {
    stage_open_model(&stage, "spawn_join", "-", NULL);
    stage_replay(&stage, "");
    const struct fr_explorer *e = stage.explorer;
    // other: y = 5; main: x = 1, spawn, y = 1, join; child: x = 2, r = y.
    CHECK(fr_trace_threads(e) == 3 && fr_trace_length(e) == 8, "%u events", fr_trace_length(e));
    uint32_t counts[3] = {0};
    for (uint32_t at = 0; at < fr_trace_length(e); at++) {
        struct fr_event event = fr_trace_event(e, at);
        CHECK(event.thread < 3 && event.index == ++counts[event.thread], "counted from 1");
        CHECK(event.site != 0 && event.hash != 0, "with a site and a hash");
        bool names_thread = event.kind == FR_OP_SPAWN || event.kind == FR_OP_JOIN;
        CHECK(event.access_count == (names_thread ? 0 : 1), "accesses of %s",
              fr_op_word(event.kind));
        if (names_thread)
            CHECK(event.target == 2, "the child");
        else
            CHECK(fr_trace_access(e, at, 0).key != 0, "an object");
        for (uint32_t earlier = 0; earlier < at; earlier++)
            if (fr_trace_event(e, earlier).thread == event.thread)
                CHECK(fr_trace_happens_before(e, earlier, at), "a thread is in order");
    }
    CHECK(counts[0] == 1 && counts[1] == 5 && counts[2] == 2, "events per thread");
    stage_close(&stage);
}

static void test_choices_fill_what_there_is_room_for(void) {
    stage_open_model(&stage, "inc", "n=3", NULL);
    stage_replay(&stage, "210012");
    uint8_t whole[16];
    size_t count = fr_trace_choices(stage.explorer, whole, sizeof whole);
    CHECK(count > 2 && count < sizeof whole, "%lu branching points", (unsigned long)count);
    CHECK(fr_trace_choices(stage.explorer, NULL, 0) == count, "without a buffer");
    for (size_t capacity = 0; capacity < count; capacity++) {
        uint8_t part[16];
        memset(part, 0xEE, sizeof part);
        CHECK(fr_trace_choices(stage.explorer, part, capacity) == count, "the full number");
        CHECK(memcmp(part, whole, capacity) == 0 && part[capacity] == 0xEE, "not one more");
    }
    CHECK(whole[0] == 2, "nobody has run yet: by number");
    CHECK(whole[1] == 2, "then the current one, 2, is number 0: of 2 0 1, 1 is the last");
    stage_close(&stage);
}

static void test_preemptions_are_switches_away_from_one_that_could_go_on(void) {
    stage_open_text(&stage, "shared x; thread a { x = 1; x = 2; } thread b { x = 3; x = 4; }",
                    NULL);
    stage_replay(&stage, "0011");
    CHECK(fr_trace_preemptions(stage.explorer) == 0, "a was done");
    stage_replay(&stage, "0101");
    CHECK(fr_trace_preemptions(stage.explorer) == 2, "a, then b; the last switch is free");
    stage_close(&stage);
    stage_open_text(&stage,
                    "lock m; thread a { acquire m; release m; } thread b { acquire m; release m; }",
                    NULL);
    stage_replay(&stage, "0110");
    CHECK(fr_trace_preemptions(stage.explorer) == 0, "b could not take it: passed over");
    stage_close(&stage);
}

static void test_draws_are_of_the_seed(void) {
    stage_open_model(&stage, "inc", "n=2", NULL);
    uint64_t first[100];
    for (uint32_t round = 0; round < 2; round++) {
        stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_RANDOM, .seed = 5});
        CHECK_OK(fr_explorer_begin(stage.explorer));
        uint32_t different = 0;
        for (uint32_t i = 0; i < 100; i++) {
            uint64_t draw = fr_run_draw(stage.explorer, 10);
            CHECK(draw < 10, "below the bound");
            CHECK(round == 0 || draw == first[i], "the same in the same execution");
            different += draw != first[0];
            first[i] = draw;
        }
        CHECK(different > 50, "they vary");
    }
    CHECK(fr_run_draw(stage.explorer, 1) == 0, "one possibility");
    stage_close(&stage);
}

int main(void) {
    test_outside_an_execution_every_call_is_refused();
    test_who_waits_for_whom();
    test_who_waits_for_itself();
    test_who_waits_for_the_end_of_a_thread();
    test_a_lock_held_outside();
    test_what_happened_can_be_read();
    test_choices_fill_what_there_is_room_for();
    test_preemptions_are_switches_away_from_one_that_could_go_on();
    test_draws_are_of_the_seed();
    return 0;
}
