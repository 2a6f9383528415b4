// Sources: what each read reads from, and how many executions differ in that.
// SPDX-License-Identifier: Apache-2.0
#include "check.h"
#include "stage.h"

static struct stage stage;

// How many of all interleavings of the program differ in what their reads read from.
static uint64_t count_classes(const char *text, uint64_t traces) {
    stage_open_text(&stage, text, NULL);
    struct interleavings all;
    interleavings_find(&all, &stage);
    struct digest_set hashes = {0};
    struct digest_set classes = {0};
    bool is_new;
    for (uint32_t i = 0; i < all.count; i++) {
        struct fr_plan plan = {.strategy = FR_STRATEGY_REPLAY,
                               .choices = all.items[i].choices,
                               .choice_count = all.items[i].choice_count};
        stage_start(&stage, plan);
        CHECK(stage_next(&stage), "it can be executed again");
        uint64_t sources = fr_trace_reads_from(stage.explorer);
        // Linearisations of one trace read from the same events.
        CHECK(digest_set_add(&hashes, all.items[i].hash, sources, &is_new)->value == sources,
              "%s: one trace, two answers", text);
        digest_set_add(&classes, sources, 0, &is_new);
    }
    CHECK(hashes.count == traces, "%s: %lu traces", text, (unsigned long)hashes.count);
    uint64_t count = classes.count;
    digest_set_release(&hashes);
    digest_set_release(&classes);
    interleavings_release(&all);
    stage_close(&stage);
    return count;
}

static void test_writes_that_nobody_reads_are_one_class(void) {
    CHECK(count_classes("shared x; thread a { x = 1; } thread b { x = 2; }", 2) == 1,
          "two traces, and no read tells them apart");
}

static void test_a_read_has_as_many_sources_as_writes_and_the_beginning(void) {
    uint64_t classes =
        count_classes("shared x; thread a { x = 1; } thread b { x = 2; } thread c { r = x; }", 6);
    CHECK(classes == 3, "%lu: the beginning, a or b", (unsigned long)classes);
}

static void test_another_object_is_no_source(void) {
    CHECK(count_classes("shared x, y; thread a { y = 1; } thread b { r = x; }", 1) == 1,
          "nothing to tell apart");
}

static uint64_t sources_of(const char *text, const char *order) {
    stage_open_text(&stage, text, NULL);
    stage_replay(&stage, order);
    uint64_t sources = fr_trace_reads_from(stage.explorer);
    stage_close(&stage);
    return sources;
}

static void test_reads_from_is_coarser_than_the_trace(void) {
    const char *writers =
        "shared x; thread a { x = 1; } thread b { x = 2; } thread c { x = 3; r = x; }";
    CHECK(sources_of(writers, "0122") == sources_of(writers, "1022"), "nobody tells them apart");
    CHECK(sources_of(writers, "0122") == sources_of(writers, "1220"), "c still reads from c");
    CHECK(sources_of(writers, "0122") != sources_of(writers, "0212"), "here from b");
    const char *reader = "shared x; thread a { x = 1; } thread b { x = 2; } thread c { r = x; }";
    CHECK(sources_of(reader, "012") != sources_of(reader, "102"), "from b, or from a");
    CHECK(sources_of(reader, "021") == sources_of(reader, "102"), "from a, wherever b is");
    CHECK(sources_of(reader, "021") != sources_of(reader, "201"), "from a, or from the beginning");
    const char *updates = "shared x; thread a { add(x, 1); } thread b { add(x, 1); }";
    CHECK(sources_of(updates, "01") != sources_of(updates, "10"), "an update reads");
    const char *locks =
        "lock m; thread a { acquire m; release m; } thread b { acquire m; release m; }";
    CHECK(sources_of(locks, "0011") != sources_of(locks, "1100"), "so does an acquire");
    const char *weak = "shared x; thread a { weakadd(x, 1); } thread b { weakadd(x, 2); }"
                       "thread c { r = x; }";
    CHECK(sources_of(weak, "012") == sources_of(weak, "102"), "from both weak writes");
    CHECK(sources_of(weak, "012") != sources_of(weak, "021"), "from one of them");
}

// One event of a thread that comes after the others have left.
static void perform(struct fr_explorer *e, fr_tid thread, const struct fr_access *accesses,
                    uint32_t count) {
    struct fr_op op = {
        .kind = FR_OP_ACCESS, .accesses = accesses, .access_count = count, .target = FR_TID_NONE};
    fr_tid next;
    CHECK_OK(fr_run_announce(e, thread, &op));
    CHECK_OK(fr_run_decide(e, &next));
    CHECK(next == thread, "nobody else is there");
}

enum { X = 1, Y = 2 };
// What the first of three threads does: two events with an access of Y, and perhaps one of X.
struct writer {
    enum fr_mode first, second;
    uint32_t first_count, second_count;
};

// The second thread writes X, or not; the third reads both.
static uint64_t sources_behind(struct writer writer, bool is_written) {
    struct fr_explorer *e;
    CHECK_OK(fr_explorer_new(NULL, &e));
    CHECK_OK(fr_explorer_start(e, &(struct fr_plan){.strategy = FR_STRATEGY_RANDOM}));
    CHECK_OK(fr_explorer_begin(e));
    fr_tid t;
    CHECK_OK(fr_run_enter(e, FR_TID_NONE, &t));
    struct fr_access first[] = {{.key = Y, .mode = FR_WRITE}, {.key = X, .mode = writer.first}};
    struct fr_access second[] = {{.key = 3, .mode = FR_READ}, {.key = X, .mode = writer.second}};
    perform(e, t, first, writer.first_count);
    perform(e, t, second, writer.second_count);
    CHECK_OK(fr_run_leave(e, t));
    CHECK_OK(fr_run_enter(e, FR_TID_NONE, &t));
    struct fr_access write[] = {{.key = is_written ? X : 4, .mode = FR_WRITE}};
    perform(e, t, write, 1);
    CHECK_OK(fr_run_leave(e, t));
    CHECK_OK(fr_run_enter(e, FR_TID_NONE, &t));
    struct fr_access reads[] = {{.key = X, .mode = FR_READ}, {.key = Y, .mode = FR_READ}};
    perform(e, t, reads, 2);
    uint64_t sources = fr_trace_reads_from(e);
    fr_explorer_free(e);
    return sources;
}

// An event that the read depends on through another object is no source of this one: not if a
// write came between, nor if its thread wrote again.
static void test_only_the_last_writes_are_sources(void) {
    struct writer none = {FR_READ, FR_READ, 1, 1};
    struct writer weak = {FR_WRITE_WEAK, FR_READ, 2, 1};
    CHECK(sources_behind(weak, true) == sources_behind(none, true), "a write hides a weak one");
    CHECK(sources_behind(weak, false) != sources_behind(none, false), "which else is seen");
    struct writer again = {FR_WRITE_WEAK, FR_WRITE_WEAK, 2, 2};
    struct writer later = {FR_READ, FR_WRITE_WEAK, 1, 2};
    CHECK(sources_behind(again, false) == sources_behind(later, false), "of a thread the last");
    struct writer strong = {FR_WRITE, FR_WRITE, 2, 2};
    struct writer last = {FR_READ, FR_WRITE, 1, 2};
    CHECK(sources_behind(strong, false) == sources_behind(last, false), "of strong ones, too");
}

int main(void) {
    test_writes_that_nobody_reads_are_one_class();
    test_a_read_has_as_many_sources_as_writes_and_the_beginning();
    test_another_object_is_no_source();
    test_reads_from_is_coarser_than_the_trace();
    test_only_the_last_writes_are_sources();
    return 0;
}
