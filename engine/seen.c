// A set of trace hashes with counts, for distinct traces and the chance of a new one.
//
// Above a number of traces it becomes a sample: adaptive sampling (Wegman; Flajolet, "On adaptive
// sampling", Computing 43, 1990). Kept are the hashes that begin with `depth` zero bits once mixed,
// each with all its executions; when there are too many of them, depth grows by one. A trace is in
// the sample or not whenever it comes, so what is counted of those in it is exact.
// SPDX-License-Identifier: Apache-2.0
#include "alloc.h"

struct seen_entry {
    uint64_t hash;
    uint32_t count;  // 0: free; saturates
};

struct fr_seen {
    struct alloc alloc;
    struct seen_entry *table;
    uint32_t size;   // power of two
    uint32_t depth;  // 0: all are kept
    uint64_t total;  // executions
    // Of those in the table:
    uint64_t distinct;
    uint64_t sampled;  // executions
    uint64_t once;
};

enum { SEEN_SIZE_FIRST = 1024 };

static bool is_in_sample(uint64_t hash, uint32_t depth) {
    return depth == 0 || mix64(hash) >> (64 - depth) == 0;
}

// Takes over what is in the sample of this depth.
static enum fr_status make_table(struct fr_seen *seen, uint32_t size, uint32_t depth) {
    struct seen_entry *table = NULL;
    uint32_t capacity = 0;
    enum fr_status status = ALLOC_GROW(&seen->alloc, table, capacity, size);
    if (status != FR_OK)
        return status;
    memset(table, 0, size * sizeof *table);
    seen->distinct = seen->sampled = seen->once = 0;
    for (uint32_t i = 0; i < seen->size; i++) {
        uint32_t count = seen->table[i].count;
        if (count == 0 || !is_in_sample(seen->table[i].hash, depth))
            continue;
        seen->distinct++;
        seen->sampled += count;
        seen->once += count == 1;
        uint32_t j = (uint32_t)seen->table[i].hash & (size - 1);
        while (table[j].count != 0)
            j = (j + 1) & (size - 1);
        table[j] = seen->table[i];
    }
    alloc_free(&seen->alloc, seen->table);
    seen->table = table;
    seen->size = size;
    seen->depth = depth;
    return FR_OK;
}

enum fr_status fr_seen_new(const struct fr_allocator *allocator, struct fr_seen **out) {
    struct alloc alloc = {.host = allocator != NULL ? *allocator : alloc_libc()};
    struct fr_seen *seen = alloc.host.resize(alloc.host.context, NULL, sizeof *seen);
    if (seen == NULL)
        return FR_NOMEM;
    *seen = (struct fr_seen){.alloc = alloc};
    enum fr_status status = make_table(seen, SEEN_SIZE_FIRST, 0);
    if (status != FR_OK) {
        alloc_free(&alloc, seen);
        return status;
    }
    *out = seen;
    return FR_OK;
}

void fr_seen_free(struct fr_seen *seen) {
    if (seen == NULL)
        return;
    struct alloc alloc = seen->alloc;
    alloc_free(&alloc, seen->table);
    alloc_free(&alloc, seen);
}

// Room for one more: a larger table, or a smaller sample.
static enum fr_status make_room(struct fr_seen *seen) {
    enum fr_status status = FR_OK;
    if (seen->distinct < FR_SEEN_EXACT_MAX && seen->distinct >= seen->size / 2)
        status = make_table(seen, seen->size * 2, seen->depth);
    while (status == FR_OK && seen->distinct >= FR_SEEN_EXACT_MAX)
        status = make_table(seen, seen->size, seen->depth + 1);
    return status;
}

enum fr_status fr_seen_add(struct fr_seen *seen, uint64_t hash, bool *is_new) {
    enum fr_status status = make_room(seen);
    if (status != FR_OK)
        return status;
    if (is_new != NULL)
        *is_new = false;
    if (!is_in_sample(hash, seen->depth)) {
        seen->total++;
        return FR_OK;
    }
    uint32_t i = (uint32_t)hash & (seen->size - 1);
    while (seen->table[i].count != 0 && seen->table[i].hash != hash)
        i = (i + 1) & (seen->size - 1);
    struct seen_entry *entry = &seen->table[i];
    if (is_new != NULL)
        *is_new = entry->count == 0;
    seen->total++;
    seen->sampled++;
    if (entry->count == 0) {
        *entry = (struct seen_entry){.hash = hash, .count = 1};
        seen->distinct++;
        seen->once++;
    } else if (entry->count < UINT32_MAX) {
        seen->once -= entry->count == 1;
        entry->count++;
    }
    return FR_OK;
}

uint64_t fr_seen_distinct(const struct fr_seen *seen) {
    return seen->distinct << seen->depth;
}

bool fr_seen_is_exact(const struct fr_seen *seen) {
    return seen->depth == 0;
}

uint64_t fr_seen_total(const struct fr_seen *seen) {
    return seen->total;
}

double fr_seen_chance_new(const struct fr_seen *seen) {
    return seen->sampled == 0 ? 1.0 : (double)seen->once / (double)seen->sampled;
}
