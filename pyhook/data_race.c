// Data race: vector clocks of synchronisation over a finished trace (Djit+, Pozniansky, Schuster).
// SPDX-License-Identifier: Apache-2.0
#include "data_race.h"

#include <stdlib.h>

// Rows of numbers by key; as large as it may ever have to be, so that it never grows.
struct table {
    uint32_t mask;
    uint32_t width;
    uint64_t *keys;
    bool *used;
    uint32_t *rows;
};

struct search {
    const struct fr_explorer *explorer;
    uint32_t threads;
    uint32_t *clocks;      // [threads][threads]: the last event of u that is before t's next
    struct table locks;    // clocks at the last release
    struct table objects;  // [FR_MODES][threads]: position + 1 of the last access
};

static bool make_table(struct table *table, size_t entries, uint32_t width) {
    uint32_t capacity = 4;
    while (capacity < 2 * entries)
        capacity *= 2;
    table->mask = capacity - 1;
    table->width = width;
    table->keys = calloc(capacity, sizeof *table->keys);
    table->used = calloc(capacity, sizeof *table->used);
    table->rows = calloc((size_t)capacity * width, sizeof *table->rows);
    return table->keys != NULL && table->used != NULL && table->rows != NULL;
}

static void free_table(struct table *table) {
    free(table->keys);
    free(table->used);
    free(table->rows);
}

// The row of a key, zeros at first.
static uint32_t *row_of(struct table *table, uint64_t key) {
    uint32_t at = (uint32_t)((key * 0x9E3779B97F4A7C15u) >> 32) & table->mask;
    while (table->used[at] && table->keys[at] != key)
        at = (at + 1) & table->mask;
    table->used[at] = true;
    table->keys[at] = key;
    return &table->rows[(size_t)at * table->width];
}

static void join_clock(uint32_t *into, const uint32_t *from, uint32_t threads) {
    for (uint32_t u = 0; u < threads; u++)
        if (from[u] > into[u])
            into[u] = from[u];
}

static uint32_t *clock_of(struct search *search, fr_tid thread) {
    return &search->clocks[(size_t)thread * search->threads];
}

// As fr.h states for enum fr_mode.
static bool conflict(enum fr_mode a, enum fr_mode b) {
    bool weak_a = a == FR_READ_WEAK || a == FR_WRITE_WEAK;
    bool weak_b = b == FR_READ_WEAK || b == FR_WRITE_WEAK;
    if (weak_a && weak_b)
        return false;
    return a == FR_WRITE || b == FR_WRITE || a == FR_WRITE_WEAK || b == FR_WRITE_WEAK;
}

// Checks one access against the last ones of the other threads, and remembers it.
static void look_at(struct search *search, uint32_t at, fr_tid thread, struct fr_access access,
                    struct data_race *out) {
    uint32_t *last = row_of(&search->objects, access.key);
    const uint32_t *clock = clock_of(search, thread);
    for (uint32_t mode = 0; mode < FR_MODES && !out->found; mode++) {
        if (!conflict((enum fr_mode)mode, access.mode))
            continue;
        for (fr_tid u = 0; u < search->threads && !out->found; u++) {
            uint32_t other = last[mode * search->threads + u];
            if (u == thread || other == 0)
                continue;
            if (fr_trace_event(search->explorer, other - 1).index > clock[u])
                *out = (struct data_race){true, other - 1, at};
        }
    }
    last[access.mode * search->threads + thread] = at + 1;
}

static void take_event(struct search *search, uint32_t at, struct data_race *out) {
    struct fr_event event = fr_trace_event(search->explorer, at);
    uint32_t *clock = clock_of(search, event.thread);
    clock[event.thread] = event.index;
    if (event.kind == FR_OP_ACCESS) {
        for (uint32_t n = 0; n < event.access_count; n++)
            look_at(search, at, event.thread, fr_trace_access(search->explorer, at, n), out);
        return;
    }
    if (event.kind == FR_OP_SPAWN) {
        if (event.target < search->threads)
            join_clock(clock_of(search, event.target), clock, search->threads);
        return;
    }
    if (event.kind == FR_OP_JOIN) {
        if (event.target < search->threads)
            join_clock(clock, clock_of(search, event.target), search->threads);
        return;
    }
    // Locks, and atomic operations, which order what is around them in both directions.
    for (uint32_t n = 0; n < event.access_count; n++) {
        uint32_t *lock = row_of(&search->locks, fr_trace_access(search->explorer, at, n).key);
        if (event.kind != FR_OP_RELEASE && event.outcome)
            join_clock(clock, lock, search->threads);
        if (event.kind != FR_OP_ACQUIRE && event.kind != FR_OP_TRY)
            join_clock(lock, clock, search->threads);
    }
}

int data_race_find(const struct fr_explorer *explorer, struct data_race *out) {
    *out = (struct data_race){.found = false};
    uint32_t length = fr_trace_length(explorer);
    struct search search = {.explorer = explorer, .threads = fr_trace_threads(explorer)};
    if (length == 0 || search.threads < 2)
        return 0;
    size_t accesses = 0;
    for (uint32_t at = 0; at < length; at++)
        accesses += fr_trace_event(explorer, at).access_count;
    search.clocks = calloc((size_t)search.threads * search.threads, sizeof *search.clocks);
    bool good = make_table(&search.locks, accesses, search.threads);
    good = make_table(&search.objects, accesses, FR_MODES * search.threads) && good;
    good = good && search.clocks != NULL;
    for (uint32_t at = 0; good && at < length && !out->found; at++)
        take_event(&search, at, out);
    free(search.clocks);
    free_table(&search.locks);
    free_table(&search.objects);
    return good ? 0 : -1;
}
