// Replaying blocks: run a thread to a place, then the next; and telling when a place is gone.
// SPDX-License-Identifier: Apache-2.0
#include "replay.h"

#include <string.h>

#include "alloc_fault.h"
#include "check.h"
#include "stage.h"

static struct stage stage;

// The site of the n-th visible instruction of a thread of the stage's program.
static uint64_t site_of(uint32_t thread, uint32_t n) {
    const struct program *program = &stage.program;
    uint32_t at = program->entry[thread];
    for (;; at++)
        if (program->code[at].opcode < OPC_VISIBLE && n-- == 0)
            return at + 1;
}

static const char *order_of_events(void) {
    static char order[128];
    uint32_t length = fr_trace_length(stage.explorer);
    for (uint32_t at = 0; at < length; at++)
        order[at] = (char)('0' + fr_trace_event(stage.explorer, at).thread);
    order[length] = '\0';
    return order;
}

static void expect(const struct fr_segment *segments, size_t count, const char *order,
                   size_t done) {
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_REPLAY,
                                         .segments = segments,
                                         .segment_count = count});
    CHECK(stage_next(&stage), "one execution");
    CHECK(strcmp(order_of_events(), order) == 0, "order %s, not %s", order_of_events(), order);
    CHECK(fr_run_segments_done(stage.explorer) == done, "%lu segments done, not %lu",
          (unsigned long)fr_run_segments_done(stage.explorer), (unsigned long)done);
    CHECK(!stage_next(&stage) && fr_explorer_ending(stage.explorer) == FR_ENDING_ONCE,
          "a replay is one execution, and claims nothing");
}

// a and b: three events each, on objects of their own.
static const char two_threads[] = "shared x, y; thread a { x = 1; x = 2; x = 3; }"
                                  "thread b { y = 1; y = 2; y = 3; }";

static void test_without_blocks_nobody_is_preempted(void) {
    stage_open_text(&stage, two_threads, NULL);
    expect(NULL, 0, "000111", 0);
    stage_close(&stage);
}

static void test_blocks_by_number_of_events(void) {
    stage_open_text(&stage, two_threads, NULL);
    struct fr_segment segments[] = {{.thread = 1, .events = 2}, {.thread = 0, .events = 1}};
    // Then the current thread goes on as far as it can.
    expect(segments, 2, "110001", 2);
    struct fr_segment whole[] = {{.thread = 1}, {.thread = 0, .events = 3}};
    expect(whole, 2, "111000", 2);
    stage_close(&stage);
}

static void test_a_block_without_condition_runs_as_far_as_it_goes(void) {
    stage_open_model(&stage, "abba", "-", NULL);
    // t takes a; u takes b and then waits for a: its block is over, and was carried out.
    struct fr_segment segments[] = {{.thread = 0, .events = 1}, {.thread = 1}, {.thread = 0}};
    expect(segments, 3, "01", 3);
    CHECK(stage.verdict == FR_VERDICT_DEADLOCK, "as it should");
    stage_close(&stage);
}

static void test_blocks_by_place(void) {
    stage_open_text(&stage, two_threads, NULL);
    struct fr_segment segments[] = {{.thread = 0, .until = site_of(0, 2), .nth = 1},
                                    {.thread = 1, .until = site_of(1, 1), .nth = 1},
                                    {.thread = 0}};
    expect(segments, 3, "001011", 3);
    // It is about to do it from the start: nothing is run.
    segments[0].until = site_of(0, 0);
    expect(segments, 3, "100011", 3);
    stage_close(&stage);
}

// The n-th time is counted over all announcements of the thread since the start.
static void test_the_nth_time(void) {
    stage_open_text(&stage,
                    "shared x; thread a { i = 0; while (i < 3) { x = i; i = i + 1; } }"
                    "thread b { r = x; }",
                    NULL);
    for (uint32_t nth = 1; nth <= 3; nth++) {
        static const char *const orders[] = {"1000", "0100", "0010"};
        struct fr_segment segments[] = {{.thread = 0, .until = site_of(0, 0), .nth = nth},
                                        {.thread = 1}};
        expect(segments, 2, orders[nth - 1], 2);
    }
    // Two blocks for two times: the count goes on.
    struct fr_segment both[] = {{.thread = 0, .until = site_of(0, 0), .nth = 2},
                                {.thread = 0, .until = site_of(0, 0), .nth = 3},
                                {.thread = 1}};
    expect(both, 3, "0010", 3);
    // The first time is over, and it is about to do it again: as good as reached.
    struct fr_segment past[] = {{.thread = 0, .until = site_of(0, 0), .nth = 2},
                                {.thread = 0, .until = site_of(0, 0), .nth = 1},
                                {.thread = 1}};
    expect(past, 3, "0100", 3);
    // A fourth time does not come.
    struct fr_segment fourth[] = {{.thread = 0, .until = site_of(0, 0), .nth = 4}, {.thread = 1}};
    expect(fourth, 2, "0001", 0);
    stage_close(&stage);
}

static void test_either_condition_ends_a_block(void) {
    stage_open_text(&stage, two_threads, NULL);
    struct fr_segment segments[] = {{.thread = 0, .events = 1, .until = site_of(0, 2), .nth = 1},
                                    {.thread = 1}};
    expect(segments, 2, "011100", 2);
    segments[0].events = 3;
    expect(segments, 2, "001110", 2);
    stage_close(&stage);
}

// A place that is never reached: the blocks from there on do not count, and the rest is tried.
static void test_a_stale_block_is_told(void) {
    stage_open_text(&stage, two_threads, NULL);
    struct fr_segment segments[] = {{.thread = 1, .events = 1},
                                    {.thread = 0, .until = 12345, .nth = 1},
                                    {.thread = 1, .events = 1},
                                    {.thread = 1}};
    expect(segments, 4, "100011", 1);
    struct fr_segment too_long[] = {{.thread = 0, .events = 4}, {.thread = 1}};
    expect(too_long, 2, "000111", 0);
    struct fr_segment no_such_thread[] = {{.thread = 0, .events = 1}, {.thread = 9, .events = 1}};
    expect(no_such_thread, 2, "000111", 1);
    struct fr_segment nonsense[] = {{.thread = FR_TID_NONE, .until = 1, .nth = 1}};
    expect(nonsense, 1, "000111", 0);
    stage_close(&stage);
}

// Blocks left over when everything has ended are judged by where their threads got to.
static void test_blocks_left_over_at_the_end(void) {
    stage_open_text(
        &stage, "shared x; lock m; thread a { acquire m; acquire m; } thread b { x = 1; }", NULL);
    struct fr_segment reached[] = {
        {.thread = 1}, {.thread = 0, .events = 1}, {.thread = 0, .until = site_of(0, 1), .nth = 1}};
    expect(reached, 3, "10", 3);
    CHECK(stage.verdict == FR_VERDICT_DEADLOCK, "a waits at its second acquire");
    struct fr_segment beyond[] = {
        {.thread = 1}, {.thread = 0, .events = 1}, {.thread = 0, .events = 1}};
    expect(beyond, 3, "10", 2);
    stage_close(&stage);
}

static void test_blocks_are_copied(void) {
    stage_open_text(&stage, two_threads, NULL);
    struct fr_segment segments[] = {{.thread = 1}};
    stage_start(
        &stage,
        (struct fr_plan){.strategy = FR_STRATEGY_REPLAY, .segments = segments, .segment_count = 1});
    segments[0].thread = 0;
    CHECK(stage_next(&stage), "one execution");
    CHECK(strcmp(order_of_events(), "111000") == 0, "as the plan said when it was given");
    stage_close(&stage);
}

static void test_without_memory_the_old_blocks_stay(void) {
    for (uint64_t n = 3; n <= 4; n++) {
        struct alloc_fault fault = {.fail_at = n};
        struct alloc alloc = {.host = alloc_fault_allocator(&fault)};
        struct replay replay;
        replay_init(&replay);
        struct fr_segment segments[100] = {{.thread = 3}};
        CHECK_OK(replay_set(&replay, &alloc, segments, 1));
        segments[0].thread = 4;
        CHECK(replay_set(&replay, &alloc, segments, 100) == FR_NOMEM, "call %lu", (unsigned long)n);
        CHECK(replay.count == 1 && replay.segments[0].thread == 3, "the one there was");
        replay_release(&replay, &alloc);
        CHECK(fault.blocks == 0, "all is free");
    }
}

int main(void) {
    test_without_blocks_nobody_is_preempted();
    test_blocks_by_number_of_events();
    test_a_block_without_condition_runs_as_far_as_it_goes();
    test_blocks_by_place();
    test_the_nth_time();
    test_either_condition_ends_a_block();
    test_a_stale_block_is_told();
    test_blocks_left_over_at_the_end();
    test_blocks_are_copied();
    test_without_memory_the_old_blocks_stay();
    return 0;
}
