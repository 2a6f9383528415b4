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

int main(void) {
    test_writes_that_nobody_reads_are_one_class();
    test_a_read_has_as_many_sources_as_writes_and_the_beginning();
    test_another_object_is_no_source();
    return 0;
}
