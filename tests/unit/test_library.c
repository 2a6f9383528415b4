// The library of executed traces: what prefixes and steps it knows, and taking it up again.
// SPDX-License-Identifier: Apache-2.0
#include "check.h"
#include "explorer.h"
#include "library.h"
#include "stage.h"

static struct stage stage;

static void add(struct library *library, const char *order) {
    stage_replay(&stage, order);
    CHECK_OK(library_add(library, &stage.explorer->run));
}

static bool has(const struct library *library, uint32_t trace, uint32_t of_0, uint32_t of_1,
                fr_tid thread) {
    uint32_t counts[FR_THREADS_MAX] = {of_0, of_1};
    return library_has(library, trace, counts, thread);
}

static struct library copy_of(const struct library *from) {
    struct library copy;
    library_init(&copy, from->alloc);
    for (uint32_t i = 0; i < from->volume_count; i++) {
        bool fits;
        const struct need *needs = &from->needs[from->volumes[i].needs_at];
        CHECK_OK(library_restore_event(&copy, from->volumes[i], needs, &fits));
        CHECK(fits, "event %u", i);
        CHECK_OK(library_restore_event(&copy, from->volumes[i], needs, &fits));
        CHECK(!fits, "event %u twice", i);
    }
    for (uint32_t i = 0; i < from->trace_count; i++) {
        uint32_t last[FR_THREADS_MAX];
        uint32_t width = from->traces[i + 1] - from->traces[i];
        for (uint32_t t = 0; t < width; t++)
            last[t] = from->rows[from->traces[i] + t].last;
        CHECK_OK(library_restore_trace(&copy, last, width));
    }
    return copy;
}

static void check_increments(const struct library *library) {
    // Each reads x, then writes it; trace 0 is thread 0, then thread 1.
    CHECK(has(library, 0, 0, 0, 0) && has(library, 0, 1, 0, 0), "its own steps");
    CHECK(has(library, 0, 2, 1, 1), "its last step");
    CHECK(!has(library, 0, 2, 2, 0), "nothing comes after the whole");
}

int main(void) {
    stage_open_model(&stage, "inc", "n=2", NULL);
    struct library library;
    library_init(&library, &stage.explorer->alloc);
    add(&library, "0011");
    check_increments(&library);
    CHECK(!has(&library, 0, 1, 0, 1), "thread 1 reads before the write: another trace");
    CHECK(!has(&library, 0, 0, 0, 1), "thread 1 first: another trace");
    add(&library, "0101");
    check_increments(&library);
    CHECK(has(&library, 0, 1, 0, 1), "now there is one");
    CHECK(has(&library, 0, 0, 0, 1), "reads are in no order");
    CHECK(!has(&library, 1, 1, 1, 1), "both read, thread 1 writes first: a third trace");
    CHECK(has(&library, 1, 1, 1, 0) && has(&library, 1, 2, 1, 1), "those of trace 1");
    CHECK(library.volume_count == 7, "4 events and 3 others, not %u", library.volume_count);
    struct library copy = copy_of(&library);
    check_increments(&copy);
    CHECK(has(&copy, 0, 1, 0, 1) && !has(&copy, 1, 1, 1, 1), "the copy says the same");
    library_clear(&library);
    add(&library, "0011");
    CHECK(!has(&library, 0, 0, 0, 1), "forgotten");
    library_release(&copy);
    library_release(&library);
    stage_close(&stage);
    return 0;
}
