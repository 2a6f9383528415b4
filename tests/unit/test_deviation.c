// Deviations: every schedule exactly once, those with fewest preemptions first.
// SPDX-License-Identifier: Apache-2.0
#include "deviation.h"

#include "alloc_fault.h"
#include "check.h"
#include "explorer.h"
#include "stage.h"

static struct stage stage;

// Hands out all schedules below cost_end and executes them. Answers how many there were; the
// digests of (choices) go to *seen, each of which must be new.
static uint32_t hand_out(struct deviations *d, struct alloc *alloc, uint32_t cost_end,
                         struct digest_set *seen) {
    uint32_t handed = 0;
    uint32_t last_cost = 0;
    for (;; handed++) {
        uint32_t count;
        CHECK_OK(deviations_next(d, alloc, cost_end, &count));
        if (count == NONE)
            return handed;
        stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_REPLAY,
                                             .choices = d->choices,
                                             .choice_count = count});
        CHECK(stage_next(&stage), "one execution");
        uint32_t preemptions = fr_trace_preemptions(stage.explorer);
        CHECK(preemptions == d->cost, "it has as many preemptions as its cost says");
        CHECK(preemptions >= last_cost && preemptions < cost_end, "fewest first");
        last_cost = preemptions;
        uint8_t choices[INTERLEAVING_CHOICES];
        size_t size = fr_trace_choices(stage.explorer, choices, sizeof choices);
        uint64_t digest = size;
        for (size_t i = 0; i < size; i++)
            digest = mix64(digest + choices[i]);
        bool is_new;
        digest_set_add(seen, digest, 0, &is_new);
        CHECK(is_new, "no schedule twice");
        CHECK_OK(deviations_expand(d, alloc, &stage.explorer->run.trace, cost_end));
    }
}

static void check_program(const char *name, const char *constant) {
    stage_open_model(&stage, name, constant, NULL);
    struct interleavings all;
    interleavings_find(&all, &stage);
    for (uint32_t cost_end = 0; cost_end <= 6; cost_end++) {
        uint32_t expected = 0;
        for (uint32_t i = 0; i < all.count; i++)
            expected += all.items[i].preemptions < cost_end;
        struct alloc_fault fault = {0};
        struct alloc alloc = {.host = alloc_fault_allocator(&fault)};
        struct deviations d;
        struct digest_set seen = {0};
        CHECK_OK(deviations_init(&d, &alloc, 1 << 20));
        uint32_t handed = hand_out(&d, &alloc, cost_end, &seen);
        CHECK(handed == expected, "%s: %u schedules with less than %u preemptions, not %u", name,
              handed, cost_end, expected);
        CHECK(!d.overflowed, "there was room");
        CHECK(d.count == (cost_end == 0 ? 1 : handed), "only what will be handed out is kept");
        deviations_release(&d, &alloc);
        digest_set_release(&seen);
        CHECK(fault.blocks == 0, "all is free");
    }
    interleavings_release(&all);
    stage_close(&stage);
}

static void test_every_schedule_is_handed_out_once(void) {
    check_program("inc", "n=2");
    check_program("fib_bench", "k=1");
    check_program("philosophers", "n=3");
    check_program("timed_philosophers", "n=2");
    check_program("semaphore", "-");
    check_program("spawn_join", "-");
    check_program("self_deadlock", "-");
}

static void test_what_there_is_no_room_for_is_told(void) {
    stage_open_model(&stage, "inc", "n=2", NULL);
    struct alloc alloc = {.host = alloc_libc()};
    struct deviations d;
    struct digest_set seen = {0};
    CHECK_OK(deviations_init(&d, &alloc, 3));
    CHECK(hand_out(&d, &alloc, 9, &seen) == 3, "as many as were remembered");
    CHECK(d.overflowed, "and not all");
    deviations_release(&d, &alloc);
    digest_set_release(&seen);
    stage_close(&stage);
}

static void test_without_memory(void) {
    stage_open_model(&stage, "fib_bench", "k=1", NULL);
    for (uint64_t n = 1;; n++) {
        struct alloc_fault fault = {.fail_at = n};
        struct alloc alloc = {.host = alloc_fault_allocator(&fault)};
        struct deviations d;
        enum fr_status status = deviations_init(&d, &alloc, 1 << 20);
        for (uint32_t count = 0; status == FR_OK;) {
            status = deviations_next(&d, &alloc, 3, &count);
            if (status != FR_OK || count == NONE)
                break;
            stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_REPLAY,
                                                 .choices = d.choices,
                                                 .choice_count = count});
            CHECK(stage_next(&stage), "one execution");
            status = deviations_expand(&d, &alloc, &stage.explorer->run.trace, 3);
        }
        deviations_release(&d, &alloc);
        CHECK(fault.blocks == 0, "all is free");
        CHECK(status == (fault.failed != 0 ? FR_NOMEM : FR_OK), "call %lu", (unsigned long)n);
        if (status == FR_OK)
            break;
    }
    stage_close(&stage);
}

int main(void) {
    test_every_schedule_is_handed_out_once();
    test_what_there_is_no_room_for_is_told();
    test_without_memory();
    return 0;
}
