// Traces: clocks, and a hash that is one for all linearisations and another for every other trace.
// SPDX-License-Identifier: Apache-2.0
#include "trace.h"

#include "alloc_fault.h"
#include "check.h"
#include "stage.h"

static uint32_t push(struct trace *trace, fr_tid thread, uint32_t index) {
    struct step step = {.thread = thread, .kind = FR_OP_ACCESS, .index = index};
    uint32_t at;
    CHECK_OK(trace_push(trace, &step, 100 + thread, &at));
    return at;
}

static void add_cause(struct trace *trace, uint32_t cause, uint8_t through) {
    CHECK_OK(trace_reserve(trace, 1));
    trace_cause(trace, cause, through);
}

// a1 -> b1 -> c1, and a2 beside them: clocks follow causes, not positions.
static void test_happens_before_follows_causes(void) {
    struct alloc alloc = {.host = alloc_libc()};
    struct trace trace;
    trace_init(&trace, &alloc);
    uint32_t a1 = push(&trace, 0, 1);
    trace_seal(&trace, 10);
    uint32_t b1 = push(&trace, 1, 1);
    add_cause(&trace, a1, CAUSE_OBJECT);
    trace_seal(&trace, 11);
    uint32_t a2 = push(&trace, 0, 2);
    add_cause(&trace, a1, CAUSE_ORDER);
    trace_seal(&trace, 10);
    uint32_t c1 = push(&trace, 2, 1);
    add_cause(&trace, b1, CAUSE_OBJECT);
    trace_seal(&trace, 12);
    CHECK(trace_before(&trace, a1, b1) && trace_before(&trace, b1, c1), "causes");
    CHECK(trace_before(&trace, a1, c1), "and their causes");
    CHECK(trace_before(&trace, a1, a2) && trace_before(&trace, a1, a1), "its own, and itself");
    CHECK(!trace_before(&trace, a2, c1) && !trace_before(&trace, a2, b1), "not by position");
    CHECK(!trace_before(&trace, c1, a1) && !trace_before(&trace, b1, a2), "not backwards");
    trace_release(&trace);
}

// A thread that is heard of late makes every clock wider, and changes none.
static void test_clocks_widen_where_they_stand(void) {
    enum { EVENTS = 9 };
    struct alloc alloc = {.host = alloc_libc()};
    struct trace trace;
    trace_init(&trace, &alloc);
    for (uint32_t at = 0; at < EVENTS; at++) {
        push(&trace, at % 4, 1 + at / 4);
        if (at >= 2)
            add_cause(&trace, at - 2, CAUSE_OBJECT);
        trace_seal(&trace, 10 + at % 4);
    }
    CHECK_OK(trace_widen(&trace, FR_THREADS_MAX));
    uint32_t late = push(&trace, FR_THREADS_MAX - 1, 1);
    add_cause(&trace, EVENTS - 1, CAUSE_OBJECT);
    trace_seal(&trace, 99);
    for (uint32_t at = 0; at < EVENTS; at++) {
        for (uint32_t before = 0; before < EVENTS; before++)
            CHECK(trace_before(&trace, before, at) == (before <= at && (at - before) % 2 == 0),
                  "%u before %u", before, at);
        CHECK(trace_clock(&trace, at)[FR_THREADS_MAX - 1] == 0, "the late one before none");
        CHECK(trace_before(&trace, at, late) == ((EVENTS - 1 - at) % 2 == 0), "%u before it", at);
    }
    trace_release(&trace);
}

static void test_one_cause_is_kept_once(void) {
    struct alloc alloc = {.host = alloc_libc()};
    struct trace trace;
    trace_init(&trace, &alloc);
    uint32_t a1 = push(&trace, 0, 1);
    trace_seal(&trace, 10);
    uint32_t b1 = push(&trace, 1, 1);
    add_cause(&trace, a1, CAUSE_OBJECT);
    add_cause(&trace, a1, CAUSE_ORDER);
    trace_seal(&trace, 11);
    CHECK(trace.events[b1].cause_count == 1, "one cause");
    CHECK(trace.causes[trace.events[b1].causes_at].through == (CAUSE_OBJECT | CAUSE_ORDER),
          "through both");
    trace_clear(&trace);
    CHECK(trace.length == 0 && trace.cause_count == 0 && trace.hash == 0, "cleared");
    trace_release(&trace);
}

// Two events that no cause orders may come in any order; the sum of their hashes is the same. A
// changed part of an event changes it.
static uint64_t hash_of_two(bool swapped, uint64_t site, uint64_t name, uint8_t kind, bool caused) {
    struct alloc alloc = {.host = alloc_libc()};
    struct trace trace;
    trace_init(&trace, &alloc);
    for (uint32_t i = 0; i < 2; i++) {
        fr_tid thread = swapped ? 1 - i : i;
        struct step step = {
            .thread = thread, .kind = thread == 1 ? kind : FR_OP_ACCESS, .index = 1};
        uint32_t at;
        CHECK_OK(trace_push(&trace, &step, thread == 1 ? site : 5, &at));
        if (caused && i == 1)
            add_cause(&trace, 0, CAUSE_OBJECT);
        trace_seal(&trace, thread == 1 ? name : 20);
    }
    uint64_t hash = trace.hash;
    trace_release(&trace);
    return hash;
}

static void test_the_hash_covers_what_makes_an_event(void) {
    uint64_t hash = hash_of_two(false, 6, 21, FR_OP_ACCESS, false);
    CHECK(hash == hash_of_two(true, 6, 21, FR_OP_ACCESS, false), "independent: one trace");
    CHECK(hash != hash_of_two(false, 7, 21, FR_OP_ACCESS, false), "another site");
    CHECK(hash != hash_of_two(false, 6, 22, FR_OP_ACCESS, false), "another thread");
    CHECK(hash != hash_of_two(false, 6, 21, FR_OP_UPDATE, false), "another kind");
    uint64_t forward = hash_of_two(false, 6, 21, FR_OP_ACCESS, true);
    CHECK(hash != forward, "another order");
    CHECK(forward != hash_of_two(true, 6, 21, FR_OP_ACCESS, true), "and its reverse");
}

// All interleavings, each with the engine's hash and the digest of brute force: a function both
// ways.
static void check_interleavings(const char *name, const char *constant, uint32_t traces) {
    static struct stage stage;
    stage_open_model(&stage, name, constant, NULL);
    struct interleavings all;
    interleavings_find(&all, &stage);
    struct digest_set by_hash = {0};
    struct digest_set by_digest = {0};
    for (uint32_t i = 0; i < all.count; i++) {
        const struct interleaving *one = &all.items[i];
        bool is_new;
        CHECK(digest_set_add(&by_hash, one->hash, one->digest, &is_new)->value == one->digest,
              "%s: two traces with one hash", name);
        CHECK(digest_set_add(&by_digest, one->digest, one->hash, &is_new)->value == one->hash,
              "%s: one trace with two hashes", name);
    }
    CHECK(by_hash.count == traces, "%s: %lu traces in %u interleavings", name,
          (unsigned long)by_hash.count, all.count);
    digest_set_release(&by_hash);
    digest_set_release(&by_digest);
    interleavings_release(&all);
    stage_close(&stage);
}

static void test_linearisations_of_a_trace_share_its_hash(void) {
    check_interleavings("inc", "n=2", 4);
    check_interleavings("fib_bench", "k=1", 11);
    check_interleavings("cinc", "n=2", 8);
    check_interleavings("iriw", "-", 15);
    check_interleavings("philosophers", "n=3", 7);
    check_interleavings("timed_philosophers", "n=3", 13);
    check_interleavings("casw", "n=3", 66);
    check_interleavings("popl14_example5", "-", 5);
}

// Keys are addresses in Python: another in every execution and process.
static void test_keys_do_not_enter_the_hash(void) {
    static struct stage stage;
    struct fr_config varying = stage_config();
    varying.stable_keys = false;
    stage_open_model(&stage, "lost_update", "-", &varying);
    stage_replay(&stage, "011001");
    uint64_t hash = fr_trace_hash(stage.explorer);
    uint64_t sources = fr_trace_reads_from(stage.explorer);
    uint64_t key = fr_trace_access(stage.explorer, 0, 0).key;
    stage_replay(&stage, "011001");
    CHECK(fr_trace_access(stage.explorer, 0, 0).key != key, "another key for the same object");
    CHECK(fr_trace_hash(stage.explorer) == hash, "the same trace");
    CHECK(fr_trace_reads_from(stage.explorer) == sources, "and the same sources");
    stage_close(&stage);
}

// Two events in two orders, looked at before the execution is over.
static uint64_t hash_after_two(struct fr_explorer *e, uint64_t key_of_b, uint8_t first) {
    struct fr_access access[] = {{.key = 1, .mode = FR_WRITE}, {.key = key_of_b, .mode = FR_WRITE}};
    struct fr_plan plan = {
        .strategy = FR_STRATEGY_REPLAY, .choices = (const uint8_t[]){first, 1}, .choice_count = 2};
    CHECK_OK(fr_explorer_start(e, &plan));
    CHECK_OK(fr_explorer_begin(e));
    struct fr_op op[2];
    for (fr_tid t = 0; t < 2; t++) {
        fr_tid tid;
        op[t] = (struct fr_op){.kind = FR_OP_ACCESS, .accesses = &access[t], .access_count = 1};
        CHECK_OK(fr_run_enter(e, FR_TID_NONE, &tid));
        CHECK_OK(fr_run_announce(e, tid, &op[t]));
    }
    for (uint32_t n = 0; n < 2; n++) {
        fr_tid tid;
        CHECK_OK(fr_run_decide(e, &tid));
        CHECK(tid == (n == 0 ? first : 1U - first), "the other one each time");
        CHECK_OK(fr_run_announce(e, tid, &op[tid]));
    }
    return fr_trace_hash(e);
}

static void test_the_hash_of_a_prefix_means_something(void) {
    struct fr_explorer *e;
    CHECK_OK(fr_explorer_new(NULL, &e));
    CHECK(hash_after_two(e, 2, 0) == hash_after_two(e, 2, 1), "two objects: one trace");
    CHECK(hash_after_two(e, 1, 0) != hash_after_two(e, 1, 1), "one object: two");
    fr_explorer_free(e);
}

static void test_without_memory_nothing_is_appended(void) {
    for (uint64_t n = 1; n <= 3; n++) {
        struct alloc_fault fault = {.fail_at = n};
        struct alloc alloc = {.host = alloc_fault_allocator(&fault)};
        struct trace trace;
        trace_init(&trace, &alloc);
        struct touch touch = {0};
        struct step step = {.index = 1, .touch_count = 1, .touches = &touch};
        uint32_t at;
        CHECK(trace_push(&trace, &step, 1, &at) == FR_NOMEM, "call %lu", (unsigned long)n);
        CHECK(trace.length == 0 && trace.touch_count == 0, "nothing happened");
        CHECK_OK(trace_push(&trace, &step, 1, &at));
        trace_seal(&trace, 1);
        CHECK(trace.length == 1 && at == 0, "now it did");
        trace_release(&trace);
        CHECK(fault.blocks == 0, "all is free");
    }
}

int main(void) {
    test_happens_before_follows_causes();
    test_clocks_widen_where_they_stand();
    test_one_cause_is_kept_once();
    test_the_hash_covers_what_makes_an_event();
    test_linearisations_of_a_trace_share_its_hash();
    test_keys_do_not_enter_the_hash();
    test_the_hash_of_a_prefix_means_something();
    test_without_memory_nothing_is_appended();
    return 0;
}
