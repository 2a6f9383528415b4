// The lineage of executions: its memory is flat, and a host that changes its mind is found out.
// SPDX-License-Identifier: Apache-2.0
#include "lineage.h"

#include "alloc_fault.h"
#include "check.h"
#include "explorer.h"
#include "stage.h"

static struct stage stage;
static const struct fr_plan plan = {.strategy = FR_STRATEGY_DPOR, .order = FR_ORDER_LOWEST_FIRST};

// Sixteen threads with six writes each: with wakeup trees 45 MB after a thousand executions.
static void test_memory_does_not_follow_the_number_of_executions(void) {
    struct alloc_fault fault = {0};
    struct fr_config config = stage_config();
    config.allocator = alloc_fault_allocator(&fault);
    stage_open_text(&stage,
                    "shared a[32]; thread t(i = 1..16) {"
                    " j = 0; while (j < 6) { a[(i * 7 + j) % 32] = j; j = j + 1; } }",
                    &config);
    stage_start(&stage, plan);
    uint64_t early = 0;
    for (uint32_t i = 0; i < 20000; i++) {
        CHECK(stage_next(&stage), "there are more");
        early = i == 1000 ? fault.bytes : early;
    }
    CHECK(fault.bytes < 200 * 1024 && fault.bytes < early * 5 / 4, "%lu bytes, and then %lu",
          (unsigned long)early, (unsigned long)fault.bytes);
    stage_close(&stage);
    CHECK(fault.blocks == 0, "all is free");
}

static void test_at_the_end_nothing_is_left(void) {
    static const struct {
        const char *name, *constant;
        uint64_t traces;
    } rows[] = {{"fib_bench", "k=4", 19605},
                {"readers", "n=13", 8192},
                {"philosophers", "n=5", 31},
                {"timed_philosophers", "n=8", 509}};
    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        stage_open_model(&stage, rows[i].name, rows[i].constant, NULL);
        struct digest_set hashes = {0};
        uint64_t executions = stage_explore(&stage, plan, &hashes);
        CHECK(executions == rows[i].traces && hashes.count == executions, "%s: %lu for %lu",
              rows[i].name, (unsigned long)executions, (unsigned long)hashes.count);
        const struct frontier *f = &stage.explorer->lineage.frontier;
        CHECK(f->lead_count == 0 && f->link_count == 0 && f->thread_count == 0, "nothing is left");
        struct fr_stats stats = fr_explorer_stats(stage.explorer);
        CHECK(stats.races_reversed == executions - 1, "each but the first was a reversal");
        digest_set_release(&hashes);
        stage_close(&stage);
    }
}

// Two threads that read and write one object; thread 1 announces another site, or leaves early.
static enum fr_status execute(struct fr_explorer *e, uint32_t changed_index, bool leaves) {
    uint32_t done[2] = {0};
    enum fr_status status = fr_explorer_begin(e);
    for (fr_tid t = 0; status == FR_OK && t < 2; t++)
        status = fr_run_enter(e, FR_TID_NONE, &t);
    for (fr_tid next = 0, begun = 0; status == FR_OK;) {
        bool is_changed = next == 1 && done[1] == changed_index;
        struct fr_access access = {.key = 1, .mode = done[next] == 0 ? FR_READ : FR_WRITE};
        struct fr_op op = {.site = is_changed ? 9 : done[next], .accesses = &access};
        op.access_count = 1;
        if (done[next] == 2 || (is_changed && leaves))
            status = fr_run_leave(e, next);
        else
            status = fr_run_announce(e, next, &op);
        if (++begun < 2) {
            next = 1;
            continue;
        }
        if (status == FR_OK)
            status = fr_run_decide(e, &next);
        if (status != FR_OK || next == FR_TID_NONE)
            break;
        done[next]++;
    }
    return status == FR_OK ? fr_explorer_end(e, FR_VERDICT_PASS, 0) : status;
}

static void test_a_host_that_changes_its_mind_is_found_out(void) {
    struct fr_explorer *e;
    CHECK_OK(fr_explorer_new(NULL, &e));
    for (uint32_t leaves = 0; leaves < 2; leaves++) {
        CHECK_OK(fr_explorer_start(e, &plan));
        CHECK_OK(execute(e, NONE, false));
        // The next execution begins with thread 1's read, or with a state in which it is announced.
        enum fr_status status = execute(e, 0, leaves != 0);
        CHECK(status == FR_DIVERGED, "%s", fr_status_text(status));
    }
    fr_explorer_free(e);
}

int main(void) {
    test_memory_does_not_follow_the_number_of_executions();
    test_at_the_end_nothing_is_left();
    test_a_host_that_changes_its_mind_is_found_out();
    return 0;
}
