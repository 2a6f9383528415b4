// Performing events: which of them happen before which, what they read from, how they come out.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "check.h"
#include "explorer.h"
#include "stage.h"

static struct stage stage;

// Every pair of events of different threads: does the earlier one happen before the later one? As
// a list of "a1<b1", in the order of positions, only those that are ordered.
static const char *order_of(const char *text, const char *order) {
    static char out[1024];
    stage_open_text(&stage, text, NULL);
    stage_replay(&stage, order);
    struct fr_explorer *e = stage.explorer;
    size_t size = 0;
    out[0] = '\0';
    for (uint32_t b = 0; b < fr_trace_length(e); b++)
        for (uint32_t a = 0; a < b; a++) {
            struct fr_event x = fr_trace_event(e, a);
            struct fr_event y = fr_trace_event(e, b);
            if (x.thread == y.thread || !fr_trace_happens_before(e, a, b))
                continue;
            size +=
                (size_t)snprintf(out + size, sizeof out - size, "%s%c%u<%c%u", size == 0 ? "" : " ",
                                 'a' + (int)x.thread, x.index, 'a' + (int)y.thread, y.index);
        }
    stage_close(&stage);
    return out;
}

static void expect(const char *text, const char *order, const char *expected) {
    const char *got = order_of(text, order);
    CHECK(strcmp(got, expected) == 0, "%s in order %s: \"%s\", not \"%s\"", text, order, got,
          expected);
}

// Each mode against each, first before second: ordered iff they conflict (fr.h, enum fr_mode).
static void test_modes(void) {
    static const char *const statements[] = {"r = x;", "x = 1;", "r = weak(x);", "weakadd(x, 1);"};
    static const char *const conflict[] = {".X.X", "XXXX", ".X..", "XX.."};
    for (uint32_t i = 0; i < 4; i++)
        for (uint32_t j = 0; j < 4; j++) {
            char text[128];
            snprintf(text, sizeof text, "shared x; thread a { %s } thread b { %s }", statements[i],
                     statements[j]);
            expect(text, "01", conflict[i][j] == 'X' ? "a1<b1" : "");
        }
}

static void test_a_write_is_after_all_readers(void) {
    expect("shared x; thread a { r = x; } thread b { r = x; } thread c { x = 1; }", "012",
           "a1<c1 b1<c1");
    // The second write is after the first, and through it after the reader.
    expect("shared x; thread a { r = x; } thread b { x = 1; } thread c { x = 2; }", "012",
           "a1<b1 a1<c1 b1<c1");
    // A reader between two others' weak writes is after one, before the other.
    expect("shared x; thread a { weakadd(x, 1); } thread b { r = x; } thread c { weakadd(x, 1); }",
           "012", "a1<b1 a1<c1 b1<c1");
}

// What the last write comes after need not be named again: causes stay few.
static void test_a_write_hides_what_was_before_it(void) {
    stage_open_text(&stage,
                    "shared x; thread a { r = x; } thread b { r = weak(x); }"
                    "thread c { weakadd(x, 1); } thread d { x = 1; } thread e { x = 2; }",
                    NULL);
    stage_replay(&stage, "01234");
    const struct event *events = stage.explorer->run.trace.events;
    CHECK(events[3].cause_count == 3, "d comes after all three: %u", events[3].cause_count);
    CHECK(events[4].cause_count == 1, "e comes after d: %u", events[4].cause_count);
    stage_close(&stage);
}

static void test_a_failed_attempt_is_a_read(void) {
    // Two failing TRYs of a held lock do not depend on each other, only on who took it.
    expect("lock m; thread a { acquire m; } thread b { try(m); } thread c { try(m); }", "012",
           "a1<b1 a1<c1");
    // Two failing compare-and-swaps neither.
    expect("shared x = 5; thread a { cas(x, 1, 2); } thread b { cas(x, 3, 4); }", "01", "");
    // A successful one is a write.
    expect("shared x = 5; thread a { cas(x, 5, 2); } thread b { cas(x, 3, 4); }", "01", "a1<b1");
    expect("shared x = 5; thread a { cas(x, 1, 2); } thread b { cas(x, 5, 4); }", "01", "a1<b1");
    // An update that adds nothing is still a write.
    expect("shared x; thread a { add(x, 0); } thread b { add(x, 0); }", "01", "a1<b1");
}

static void test_locks_order(void) {
    expect("lock m; thread a { acquire m; release m; } thread b { acquire m; release m; }", "0011",
           "a1<b1 a2<b1 a1<b2 a2<b2");
    // A release by another thread is ordered with the acquisition it ends.
    expect("lock m; thread a { acquire m; } thread b { release m; }", "01", "a1<b1");
}

static void test_spawn_and_join_order(void) {
    // a1 spawn, a2 write of y; b1, b2 the child; a3 join, a4.
    expect("shared x, y; late thread child { x = 1; x = 2; }"
           "thread main { spawn child; y = 1; join child; y = 2; }",
           "0010110", "a1<b1 a1<b2 b1<a3 b2<a3 b1<a4 b2<a4");
}

static void test_several_accesses_are_one_event(void) {
    struct program *program = &stage.program;
    stage_open_text(
        &stage, "shared x, y; thread a { x = 1; } thread b { y = 1; } thread c { r = x; }", NULL);
    // c reads x and y at once: its READ becomes one event of two accesses.
    uint32_t at = program->entry[2];
    while (program->code[at].opcode != OPC_READ)
        at++;
    memmove(&program->code[at + 1], &program->code[at],
            (program->code_count - at) * sizeof program->code[0]);
    struct instruction read = program->code[at + 1];
    memmove(&program->code[at + 3], &program->code[at + 2],
            (program->code_count - at) * sizeof program->code[0]);
    program->code[at] = (struct instruction){.opcode = OPC_MULTI, .imm = 2};
    program->code[at + 2] = read;
    program->code[at + 2].base = 1;
    program->code_count += 2;
    stage_replay(&stage, "012");
    struct fr_explorer *e = stage.explorer;
    CHECK(fr_trace_length(e) == 3 && fr_trace_event(e, 2).access_count == 2, "one event");
    CHECK(fr_trace_happens_before(e, 0, 2) && fr_trace_happens_before(e, 1, 2), "after both");
    CHECK(fr_trace_access(e, 2, 0).key == 1 && fr_trace_access(e, 2, 1).key == 2, "its keys");
    CHECK(!fr_trace_happens_before(e, 0, 1), "which are not ordered");
    stage_close(&stage);
}

static void outcomes(const char *text, const char *order, const char *expected) {
    stage_open_text(&stage, text, NULL);
    stage_replay(&stage, order);
    char got[64] = "";
    for (uint32_t at = 0; at < fr_trace_length(stage.explorer); at++)
        got[at] = fr_trace_event(stage.explorer, at).outcome ? '+' : '-';
    CHECK(strcmp(got, expected) == 0, "%s: %s, not %s", text, got, expected);
    stage_close(&stage);
}

static void test_outcomes(void) {
    outcomes("lock m; thread a { try(m); try(m); release m; try(m); }", "", "+-++");
    outcomes("shared x = 1; thread a { cas(x, 0, 5); cas(x, 1, 2); cas(x, 1, 3); cas(x, 2, 3); }",
             "", "-+-+");
    // Values the engine keeps: written, added, added weakly.
    outcomes("shared x; thread a { x = 3; add(x, 4); weakadd(x, 2); cas(x, 9, 1); cas(x, 1, 0); }",
             "", "+++++");
    // Releasing a lock that nobody holds frees nothing, and says so.
    outcomes("lock m; thread a { release m; acquire m; release m; release m; }", "", "-++-");
}

int main(void) {
    test_modes();
    test_a_write_is_after_all_readers();
    test_a_write_hides_what_was_before_it();
    test_a_failed_attempt_is_a_read();
    test_locks_order();
    test_spawn_and_join_order();
    test_several_accesses_are_one_event();
    test_outcomes();
    return 0;
}
