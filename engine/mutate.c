// Schedule-aware mutation and crossover: changes of schedule bytes that mean something.
// SPDX-License-Identifier: Apache-2.0
//
// Byte mutations that know nothing of schedules waste a quarter to a half of all executions on the
// schedule they came from. One changed choice with the rest cut off, or a new seed of the tail, do
// not.
#include "schedule.h"

static uint64_t next_random(uint64_t *state) {
    *state += 0x9E3779B97F4A7C15U;
    return mix64(*state);
}

static uint64_t below(uint64_t *state, uint64_t bound) {
    return next_random(state) % bound;
}

// Mostly small indices: few threads are enabled at a time.
static uint8_t random_choice(uint64_t *state) {
    uint64_t draw = next_random(state);
    return (uint8_t)(draw % 4 == 0 ? SCHEDULE_GO_ON : draw >> 8 & 7);
}

static size_t reach_header(uint8_t *bytes, size_t size, size_t capacity) {
    while (size < SCHEDULE_HEADER && size < capacity)
        bytes[size++] = 0;
    return size;
}

static void reseed(uint8_t *bytes, size_t size, uint64_t *state) {
    for (size_t i = SCHEDULE_AT_SEED; i < SCHEDULE_HEADER && i < size; i++)
        bytes[i] = (uint8_t)next_random(state);
}

// Another thread at one point, and then, half of the time, a new tail.
static size_t change_choice(uint8_t *bytes, size_t size, uint64_t *state) {
    size_t at = SCHEDULE_HEADER + (size_t)below(state, size - SCHEDULE_HEADER);
    bytes[at] = (uint8_t)(bytes[at] + 1 + below(state, 3)) & (SCHEDULE_GO_ON - 1);
    return below(state, 2) == 0 ? at + 1 : size;
}

static size_t extend(uint8_t *bytes, size_t size, size_t capacity, uint64_t *state) {
    size_t more = 1 + (size_t)below(state, 16);
    for (size_t i = 0; i < more && size < capacity; i++)
        bytes[size++] = random_choice(state);
    return size;
}

size_t fr_mutate(uint8_t *bytes, size_t size, size_t capacity, uint64_t seed) {
    uint64_t state = seed;
    if (capacity == 0)
        return 0;
    size = reach_header(bytes, size, capacity);
    uint64_t what = below(&state, 100);
    if (what < 45 && size > SCHEDULE_HEADER)
        return change_choice(bytes, size, &state);
    if (what < 65)
        return extend(bytes, size, capacity, &state);
    if (what < 90) {
        reseed(bytes, size, &state);
        return size;
    }
    bytes[0] = (uint8_t)next_random(&state);
    return size;
}

size_t fr_crossover(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out,
                    size_t capacity, uint64_t seed) {
    uint64_t state = seed;
    size_t a_cut = a_size;
    if (a_size > SCHEDULE_HEADER)
        a_cut = SCHEDULE_HEADER + (size_t)below(&state, a_size - SCHEDULE_HEADER + 1);
    size_t b_cut = b_size;
    if (b_size > SCHEDULE_HEADER)
        b_cut = SCHEDULE_HEADER + (size_t)below(&state, b_size - SCHEDULE_HEADER);
    size_t size = 0;
    for (size_t i = 0; i < a_cut && size < capacity; i++)
        out[size++] = a[i];
    for (size_t i = b_cut; i < b_size && size < capacity; i++)
        out[size++] = b[i];
    return size;
}
