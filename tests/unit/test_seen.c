// Traces seen: distinct, in all, and the chance of a new one.
// SPDX-License-Identifier: Apache-2.0
#include "alloc_fault.h"
#include "check.h"
#include "fr.h"

static struct fr_seen *new_seen(struct alloc_fault *fault) {
    struct fr_allocator allocator = alloc_fault_allocator(fault);
    struct fr_seen *seen;
    CHECK_OK(fr_seen_new(&allocator, &seen));
    return seen;
}

static void see(struct fr_seen *seen, uint64_t hash, bool expect_new) {
    bool is_new = !expect_new;
    CHECK_OK(fr_seen_add(seen, hash, &is_new));
    CHECK(is_new == expect_new, "hash %lu", (unsigned long)hash);
}

static void check_chance(const struct fr_seen *seen, double expected) {
    double got = fr_seen_chance_new(seen);
    CHECK(got > expected - 1e-12 && got < expected + 1e-12, "%f, not %f", got, expected);
}

// Good-Turing by hand: those seen exactly once, over all.
static void test_good_turing_by_hand(void) {
    struct fr_seen *seen;
    CHECK_OK(fr_seen_new(NULL, &seen));
    check_chance(seen, 1.0);  // nothing is known yet
    see(seen, 10, true);
    check_chance(seen, 1.0);  // 1 of 1
    see(seen, 10, false);
    check_chance(seen, 0.0);  // 0 of 2
    see(seen, 20, true);
    check_chance(seen, 1.0 / 3);
    see(seen, 30, true);
    check_chance(seen, 2.0 / 4);
    see(seen, 20, false);
    check_chance(seen, 1.0 / 5);
    see(seen, 20, false);
    check_chance(seen, 1.0 / 6);  // a third sight changes only the total
    CHECK(fr_seen_distinct(seen) == 3 && fr_seen_total(seen) == 6, "3 traces in 6 executions");
    fr_seen_free(seen);
}

static void test_every_hash_is_a_hash(void) {
    struct alloc_fault fault = {0};
    struct fr_seen *seen = new_seen(&fault);
    see(seen, 0, true);
    see(seen, UINT64_MAX, true);
    see(seen, 0, false);
    CHECK_OK(fr_seen_add(seen, UINT64_MAX, NULL));  // nobody asks
    CHECK(fr_seen_distinct(seen) == 2 && fr_seen_total(seen) == 4, "0 is no empty place");
    fr_seen_free(seen);
    CHECK(fault.blocks == 0, "all is free");
}

// Hashes that fall on the same places of the table, and more of them than it first has room for.
static void test_it_grows_and_forgets_nothing(void) {
    struct alloc_fault fault = {0};
    struct fr_seen *seen = new_seen(&fault);
    for (uint64_t i = 0; i < 3000; i++)
        see(seen, i << 40, true);
    for (uint64_t i = 0; i < 3000; i++)
        see(seen, i << 40 | 1, true);
    for (uint64_t i = 0; i < 3000; i += 2)
        see(seen, i << 40, false);
    CHECK(fr_seen_distinct(seen) == 6000 && fr_seen_total(seen) == 7500, "all are there");
    check_chance(seen, 4500.0 / 7500);
    fr_seen_free(seen);
    CHECK(fault.blocks == 0, "all is free");
}

static void test_without_memory_nothing_is_counted(void) {
    struct alloc_fault fault = {0};
    struct fr_seen *seen = new_seen(&fault);
    uint64_t added = 0;
    fault.fail_at = fault.requests + 1;
    bool is_new;
    while (fr_seen_add(seen, added * 977, &is_new) == FR_OK)
        added++;
    CHECK(fault.failed == 1 && added > 100, "the table grew for the first time");
    CHECK(fr_seen_distinct(seen) == added && fr_seen_total(seen) == added, "what is there stays");
    see(seen, added * 977, true);
    CHECK(fr_seen_distinct(seen) == added + 1, "and more comes when there is memory again");
    fr_seen_free(seen);
    CHECK(fault.blocks == 0, "all is free");
    fr_seen_free(NULL);
}

// More than are remembered one by one: every trace three times, but for one in eight.
static void test_beyond_the_limit_it_is_an_honest_sample(void) {
    const uint64_t traces = 3 * FR_SEEN_EXACT_MAX;
    struct alloc_fault fault = {0};
    struct fr_seen *seen = new_seen(&fault);
    for (uint64_t i = 0; i < FR_SEEN_EXACT_MAX; i++)
        CHECK_OK(fr_seen_add(seen, i, NULL));
    CHECK(fr_seen_is_exact(seen), "up to the limit all are known");
    CHECK(fr_seen_distinct(seen) == FR_SEEN_EXACT_MAX, "and counted");
    for (uint64_t i = FR_SEEN_EXACT_MAX; i < traces; i++)
        CHECK_OK(fr_seen_add(seen, i, NULL));
    for (uint64_t i = 0; i < traces; i++)
        if (i % 8 != 0)
            CHECK_OK(fr_seen_add(seen, i, NULL));
    CHECK(!fr_seen_is_exact(seen), "now it does not claim to be");
    CHECK(fr_seen_total(seen) == traces + traces / 8 * 7, "executions are always counted");
    double share = (double)fr_seen_distinct(seen) / (double)traces;
    CHECK(share > 0.99 && share < 1.01, "%f of the traces", share);
    double chance = fr_seen_chance_new(seen);
    CHECK(chance > 0.99 / 15 && chance < 1.01 / 15, "%f, not 1/15", chance);
    CHECK(fault.bytes <= (UINT64_C(64) << 20) + 1024, "%lu bytes", (unsigned long)fault.bytes);
    fr_seen_free(seen);
    CHECK(fault.blocks == 0, "all is free");
}

// In whatever order they come, the same traces make the same sample.
static void test_equal_sets_have_equal_numbers(void) {
    const uint64_t traces = 5 * FR_SEEN_EXACT_MAX / 2;
    struct fr_seen *up, *down;
    CHECK_OK(fr_seen_new(NULL, &up));
    CHECK_OK(fr_seen_new(NULL, &down));
    for (uint64_t i = 0; i < traces; i++) {
        CHECK_OK(fr_seen_add(up, i * 977, NULL));
        CHECK_OK(fr_seen_add(down, (traces - 1 - i) * 977, NULL));
    }
    CHECK(!fr_seen_is_exact(up) && fr_seen_distinct(up) == fr_seen_distinct(down), "the same");
    fr_seen_free(up);
    fr_seen_free(down);
}

int main(void) {
    test_beyond_the_limit_it_is_an_honest_sample();
    test_equal_sets_have_equal_numbers();
    test_good_turing_by_hand();
    test_every_hash_is_a_hash();
    test_it_grows_and_forgets_nothing();
    test_without_memory_nothing_is_counted();
    return 0;
}
