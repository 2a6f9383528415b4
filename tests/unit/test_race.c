// Races of small executions, as text: "a1-b2" says that b's second event could be before a1.
// SPDX-License-Identifier: Apache-2.0
#include "race.h"

#include <string.h>

#include "check.h"
#include "explorer.h"
#include "stage.h"

static void append(char *text, size_t room, fr_tid thread, uint32_t index, const char *before) {
    size_t size = strlen(text);
    snprintf(text + size, room - size, "%s%c%u", before, 'a' + (int)thread, index);
}

static const char *races_of(struct fr_explorer *e) {
    static char out[512];
    struct races races = {0};
    const struct trace *trace = &e->run.trace;
    CHECK_OK(races_find(&races, &e->run));
    out[0] = '\0';
    for (uint32_t i = 0; i < races.count; i++) {
        struct race race = races.items[i];
        const struct event *first = &trace->events[race.first];
        append(out, sizeof out, first->thread, first->index, i == 0 ? "" : " ");
        // What waits at the end would be its thread's next event.
        uint32_t index = e->run.threads[race.thread].count + 1;
        if (race.second < trace->length) {
            CHECK(trace->events[race.second].thread == race.thread, "the thread of the second");
            index = trace->events[race.second].index;
        }
        append(out, sizeof out, race.thread, index, "-");
    }
    alloc_free(e->run.alloc, races.items);
    return out;
}

static void expect(const char *text, const char *order, const char *expected) {
    static struct stage stage;
    stage_open_text(&stage, text, NULL);
    stage_replay(&stage, order);
    const char *got = races_of(stage.explorer);
    CHECK(strcmp(got, expected) == 0, "%s in order %s: \"%s\", not \"%s\"", text, order, got,
          expected);
    stage_close(&stage);
}

static void test_conflicting_accesses_race(void) {
    expect("shared x; thread a { x = 1; } thread b { x = 2; }", "01", "a1-b1");
    expect("shared x; thread a { x = 1; } thread b { r = x; }", "01", "a1-b1");
    expect("shared x; thread a { r = x; } thread b { r = x; }", "01", "");
    expect("shared x, y; thread a { x = 1; } thread b { y = 1; }", "01", "");
    expect("shared x; thread a { weakadd(x, 1); } thread b { weakadd(x, 1); }", "01", "");
    expect("shared x; thread a { weakadd(x, 1); } thread b { r = x; }", "01", "a1-b1");
    // Both reads race with the write.
    expect("shared x; thread a { r = x; } thread b { r = x; } thread c { x = 1; }", "012",
           "a1-c1 b1-c1");
}

// "No third event lies between them": a1 and c1 are ordered through b1.
static void test_only_immediate_pairs_race(void) {
    expect("shared x; thread a { x = 1; } thread b { x = 2; } thread c { x = 3; }", "012",
           "a1-b1 b1-c1");
    // The lost update: a reads and writes, b reads and writes.
    expect("shared x; thread a { r = x; x = r + 1; } thread b { r = x; x = r + 1; }", "0011",
           "a2-b1");
    // b2 with a1: b1 only reads, so nothing lies between a1 and b2 in another thread.
    expect("shared x; thread a { r = x; x = r + 1; } thread b { r = x; x = r + 1; }", "0101",
           "b1-a2 a2-b2");
    // x orders y: the accesses of y are protected.
    expect("shared x, y; thread a { y = 1; x = 1; } thread b { r = x; s = y; }", "0011", "a2-b1");
}

static void test_program_order_spawn_and_join_are_no_races(void) {
    expect("shared x; late thread child { x = 1; }"
           "thread main { x = 2; spawn child; join child; x = 3; }",
           "00101", "");
    expect("shared x; late thread child { x = 1; } thread main { spawn child; x = 2; }", "001",
           "a2-b1");
}

// What races is the two acquisitions, not a release with an acquire: that one cannot be first.
static void test_acquisitions_race(void) {
    expect("lock m; thread a { acquire m; release m; } thread b { acquire m; release m; }", "0011",
           "a1-b1");
    expect("lock m; thread a { acquire m; release m; } thread b { acquire m; release m; }"
           "thread c { acquire m; release m; }",
           "001122", "a1-b1 b1-c1");
    // The same thread's acquisitions do not race, and what program order orders does not either.
    expect("lock m; thread a { acquire m; release m; acquire m; release m; }", "0000", "");
    expect("shared x; lock m; thread a { acquire m; release m; x = 1; }"
           "thread b { if (x) { acquire m; release m; } }",
           "000111", "a3-b1");
}

static void test_who_waits_at_the_end_races_with_who_has_the_lock(void) {
    // ABBA, deadlocked: a waits for what b took with b1, b for what a took with a1.
    expect("lock p, q; thread a { acquire p; acquire q; } thread b { acquire q; acquire p; }", "01",
           "b1-a2 a1-b2");
    // Held by itself: nothing to reverse.
    expect("lock m; thread a { acquire m; acquire m; }", "", "");
    // Ordered by a write after the acquisition: no race.
    expect("shared x; lock m; thread a { acquire m; x = 1; } thread b { if (x) acquire m; }", "001",
           "a2-b1");
}

// As with threading.Lock, anybody may release.
static void test_a_release_by_another_thread(void) {
    // b frees what a took: they race (b first would free nothing); c waits for the release.
    expect("lock m; thread a { acquire m; } thread b { release m; }", "01", "a1-b1");
    expect("lock m; thread a { acquire m; } thread b { release m; } thread c { acquire m; }", "012",
           "a1-b1 a1-c1");
    // A release of a free lock frees nothing: the acquire can be first.
    expect("lock m; thread a { release m; } thread b { acquire m; }", "01", "a1-b1");
    // Two releases: the second frees nothing, and each could be the one that frees.
    expect("lock m; thread a { acquire m; } thread b { release m; } thread c { release m; }", "012",
           "a1-b1 b1-c1");
}

static void test_attempts_race_as_what_they_turned_out_to_be(void) {
    expect("lock m; thread a { try(m); } thread b { try(m); }", "01", "a1-b1");
    expect("lock m; thread a { acquire m; } thread b { try(m); } thread c { try(m); }", "012",
           "a1-b1 a1-c1");
    // A failed try before the release races with it; so does nothing else.
    expect("lock m; thread a { acquire m; release m; } thread b { try(m); }", "010", "a1-b1 b1-a2");
    expect("shared x = 5; thread a { cas(x, 1, 2); } thread b { cas(x, 2, 3); }", "01", "");
    expect("shared x = 1; thread a { cas(x, 1, 2); } thread b { cas(x, 2, 3); }", "01", "a1-b1");
}

// A spin re-reads only after a write: with one write it cannot be before it, with two it can be
// between them.
static void test_a_spin_races_only_where_it_can_be_performed(void) {
    expect("shared x; thread a { x = 1; } thread b { r = x; spin(x); }", "101", "b1-a1");
    expect("shared x; thread a { x = 1; x = 2; } thread b { r = x; spin(x); }", "1001",
           "b1-a1 a2-b2");
    // Never looked before: it can be first.
    expect("shared x; thread a { x = 1; } thread b { spin(x); }", "01", "a1-b1");
}

// key 1 is a lock that something outside holds when it is first touched.
static void announce(struct fr_explorer *e, fr_tid tid, enum fr_op_kind kind) {
    struct fr_access lock = {.key = 1};
    struct fr_op op = {.kind = kind, .accesses = &lock, .access_count = 1, .held_outside = true};
    CHECK_OK(fr_run_announce(e, tid, &op));
}

static struct fr_explorer *begin(const uint8_t *choices, size_t count) {
    struct fr_explorer *e;
    CHECK_OK(fr_explorer_new(NULL, &e));
    struct fr_plan plan = {
        .strategy = FR_STRATEGY_REPLAY, .choices = choices, .choice_count = count};
    CHECK_OK(fr_explorer_start(e, &plan));
    CHECK_OK(fr_explorer_begin(e));
    for (fr_tid t = 0; t < 3; t++) {
        fr_tid tid;
        CHECK_OK(fr_run_enter(e, FR_TID_NONE, &tid));
        CHECK(tid == t, "workers count up");
    }
    return e;
}

static void decide(struct fr_explorer *e, fr_tid expected) {
    fr_tid tid;
    CHECK_OK(fr_run_decide(e, &tid));
    CHECK(tid == expected, "thread %u, not %u", tid, expected);
}

static void test_a_lock_held_outside_at_first(void) {
    // a waits for it, b releases it, c tries.
    struct fr_explorer *e = begin((const uint8_t[]){1}, 1);
    announce(e, 0, FR_OP_ACQUIRE);
    announce(e, 1, FR_OP_RELEASE);
    announce(e, 2, FR_OP_TRY);
    decide(e, 2);
    CHECK(!fr_run_outcome(e), "held from outside");
    CHECK_OK(fr_run_leave(e, 2));
    decide(e, 1);
    CHECK_OK(fr_run_leave(e, 1));
    decide(e, 0);
    CHECK_OK(fr_run_leave(e, 0));
    CHECK(strcmp(races_of(e), "c1-b1") == 0, "the acquire cannot be before the release: %s",
          races_of(e));
    fr_explorer_free(e);
    // Nobody took it in here, so nobody's acquisition races with the one that waits.
    e = begin(NULL, 0);
    announce(e, 0, FR_OP_ACQUIRE);
    CHECK_OK(fr_run_leave(e, 1));
    CHECK_OK(fr_run_leave(e, 2));
    decide(e, FR_TID_NONE);
    CHECK(strcmp(races_of(e), "") == 0, "nothing to reverse: %s", races_of(e));
    fr_explorer_free(e);
}

// An execution that is cut: b is about to take a lock that is free again. That is no waiting.
static void test_who_could_go_on_does_not_wait(void) {
    struct fr_explorer *e = begin(NULL, 0);
    struct fr_access lock = {.key = 1};
    struct fr_op op = {.kind = FR_OP_ACQUIRE, .accesses = &lock, .access_count = 1};
    CHECK_OK(fr_run_announce(e, 0, &op));
    CHECK_OK(fr_run_announce(e, 1, &op));
    CHECK_OK(fr_run_leave(e, 2));
    decide(e, 0);
    op.kind = FR_OP_RELEASE;
    CHECK_OK(fr_run_announce(e, 0, &op));
    CHECK(strcmp(races_of(e), "a1-b1") == 0, "now it waits: %s", races_of(e));
    decide(e, 0);
    CHECK_OK(fr_run_leave(e, 0));
    CHECK(strcmp(races_of(e), "") == 0, "now it does not: %s", races_of(e));
    fr_explorer_free(e);
}

int main(void) {
    test_conflicting_accesses_race();
    test_only_immediate_pairs_race();
    test_program_order_spawn_and_join_are_no_races();
    test_acquisitions_race();
    test_who_waits_at_the_end_races_with_who_has_the_lock();
    test_a_release_by_another_thread();
    test_attempts_race_as_what_they_turned_out_to_be();
    test_a_spin_races_only_where_it_can_be_performed();
    test_a_lock_held_outside_at_first();
    test_who_could_go_on_does_not_wait();
    return 0;
}
