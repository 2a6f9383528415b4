// Mutation and crossover: within bounds, repeatable, and worth an execution.
// SPDX-License-Identifier: Apache-2.0
#include "check.h"
#include "schedule.h"
#include "stage.h"

enum { ROOM = 128 };

static uint64_t draw(uint64_t *state) {
    *state += 0x9E3779B97F4A7C15U;
    return mix64(*state);
}

static void fill(uint8_t *bytes, size_t size, uint64_t *state) {
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)draw(state);
}

static void check_untouched(const uint8_t *bytes, size_t from) {
    for (size_t i = from; i < ROOM; i++)
        CHECK(bytes[i] == 0xEE, "byte %lu is not ours", (unsigned long)i);
}

static void test_a_mutation_stays_within_its_capacity(void) {
    uint64_t state = 1;
    for (uint64_t seed = 0; seed < 200000; seed++) {
        uint8_t bytes[ROOM];
        memset(bytes, 0xEE, sizeof bytes);
        size_t capacity = (size_t)(draw(&state) % (ROOM - 1));
        size_t size = (size_t)(draw(&state) % (capacity + 1));
        fill(bytes, size, &state);
        size_t got = fr_mutate(bytes, size, capacity, seed);
        CHECK(got <= capacity, "%lu of %lu", (unsigned long)got, (unsigned long)capacity);
        check_untouched(bytes, capacity);
    }
    CHECK(fr_mutate(NULL, 0, 0, 1) == 0, "no room, no bytes");
}

static void test_a_crossover_stays_within_its_capacity(void) {
    uint64_t state = 2;
    for (uint64_t seed = 0; seed < 200000; seed++) {
        uint8_t a[40], b[40], out[ROOM];
        memset(out, 0xEE, sizeof out);
        size_t a_size = (size_t)(draw(&state) % (sizeof a + 1));
        size_t b_size = (size_t)(draw(&state) % (sizeof b + 1));
        size_t capacity = (size_t)(draw(&state) % ROOM);
        fill(a, a_size, &state);
        fill(b, b_size, &state);
        size_t got = fr_crossover(a, a_size, b, b_size, out, capacity, seed);
        CHECK(got <= capacity && got <= a_size + b_size, "%lu", (unsigned long)got);
        check_untouched(out, got);
    }
    CHECK(fr_crossover(NULL, 0, NULL, 0, NULL, 0, 1) == 0, "nothing of nothing");
}

static void test_the_seed_decides(void) {
    uint8_t origin[40];
    uint64_t state = 3;
    fill(origin, sizeof origin, &state);
    uint32_t different = 0;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        uint8_t one[64], two[64], other[64];
        memcpy(one, origin, sizeof origin);
        memcpy(two, origin, sizeof origin);
        memcpy(other, origin, sizeof origin);
        size_t size = fr_mutate(one, sizeof origin, sizeof one, seed);
        CHECK(fr_mutate(two, sizeof origin, sizeof two, seed) == size, "the same size");
        CHECK(memcmp(one, two, size) == 0, "the same bytes");
        size_t other_size = fr_mutate(other, sizeof origin, sizeof other, seed + 1);
        different += other_size != size || memcmp(one, other, size) != 0;
        size = fr_crossover(origin, 30, origin + 5, 35, one, sizeof one, seed);
        CHECK(fr_crossover(origin, 30, origin + 5, 35, two, sizeof two, seed) == size &&
                  memcmp(one, two, size) == 0,
              "crossover too");
    }
    CHECK(different > 950, "another seed, another mutation: only %u of 1000", different);
}

// The header comes whole: a shorter input would be the same schedule in other bytes.
static void test_a_header_is_completed(void) {
    for (uint64_t seed = 0; seed < 1000; seed++) {
        uint8_t bytes[64] = {9};
        CHECK(fr_mutate(bytes, 1, sizeof bytes, seed) >= SCHEDULE_HEADER, "seed %lu",
              (unsigned long)seed);
    }
}

static uint64_t hash_of(struct stage *stage, const uint8_t *bytes, size_t size) {
    struct fr_plan plan = fr_plan_decode(bytes, size);
    plan.executions_max = 1;
    stage_start(stage, plan);
    CHECK(stage_next(stage), "one execution");
    // Which execution, not only which trace: choices and trace together.
    uint8_t choices[256];
    size_t count = fr_trace_choices(stage->explorer, choices, sizeof choices);
    uint64_t hash = fr_trace_hash(stage->explorer);
    for (size_t i = 0; i < count; i++)
        hash = mix64(hash + choices[i]);
    return hash;
}

// A mutation that leaves the schedule as it was wastes an execution. Of a program with many
// interleavings, random walk with a prefix of choices.
static void test_most_mutations_change_the_execution(void) {
    static struct stage stage;
    stage_open_model(&stage, "fib_bench", "k=4", NULL);
    uint64_t state = 4;
    uint32_t changed = 0;
    enum { TRIES = 2000 };
    for (uint64_t seed = 0; seed < TRIES; seed++) {
        uint8_t bytes[64] = {1};  // random
        size_t size = SCHEDULE_HEADER + 8;
        fill(bytes + SCHEDULE_AT_SEED, size - SCHEDULE_AT_SEED, &state);
        uint64_t before = hash_of(&stage, bytes, size);
        size = fr_mutate(bytes, size, sizeof bytes, seed);
        changed += hash_of(&stage, bytes, size) != before;
    }
    stage_close(&stage);
    CHECK(changed > TRIES * 8 / 10, "only %u of %u changed anything", changed, TRIES);
}

// Both parents show: the beginning of one, the end of the other, cut at choices.
static void test_a_child_has_two_parents(void) {
    uint8_t a[20], b[20];
    memset(a, 'a', sizeof a);
    memset(b, 'b', sizeof b);
    uint32_t with_both = 0;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        uint8_t out[64];
        size_t size = fr_crossover(a, sizeof a, b, sizeof b, out, sizeof out, seed);
        size_t from_a = 0;
        while (from_a < size && out[from_a] == 'a')
            from_a++;
        CHECK(from_a >= SCHEDULE_HEADER, "the header is a's");
        for (size_t i = from_a; i < size; i++)
            CHECK(out[i] == 'b', "then b");
        CHECK(from_a <= sizeof a && size - from_a <= sizeof b - SCHEDULE_HEADER, "choices of b");
        with_both += size > from_a && from_a > SCHEDULE_HEADER;
    }
    CHECK(with_both > 800, "only %u of 1000 have choices of both", with_both);
}

int main(void) {
    test_a_mutation_stays_within_its_capacity();
    test_a_crossover_stays_within_its_capacity();
    test_the_seed_decides();
    test_a_header_is_completed();
    test_most_mutations_change_the_execution();
    test_a_child_has_two_parents();
    return 0;
}
