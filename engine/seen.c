// A set of trace hashes with counts, for distinct traces and the chance of a new one.
// SPDX-License-Identifier: Apache-2.0
#include "alloc.h"

struct seen_entry {
    uint64_t hash;
    uint32_t count;  // 0: free; saturates
};

struct fr_seen {
    struct alloc alloc;
    struct seen_entry *table;
    uint32_t size;  // power of two
    uint64_t distinct;
    uint64_t total;
    uint64_t once;
};

enum { SEEN_SIZE_FIRST = 1024 };

static enum fr_status make_table(struct fr_seen *seen, uint32_t size) {
    struct seen_entry *table = NULL;
    uint32_t capacity = 0;
    enum fr_status status = ALLOC_GROW(&seen->alloc, table, capacity, size);
    if (status != FR_OK)
        return status;
    memset(table, 0, size * sizeof *table);
    for (uint32_t i = 0; i < seen->size; i++) {
        if (seen->table[i].count == 0)
            continue;
        uint32_t j = (uint32_t)seen->table[i].hash & (size - 1);
        while (table[j].count != 0)
            j = (j + 1) & (size - 1);
        table[j] = seen->table[i];
    }
    alloc_free(&seen->alloc, seen->table);
    seen->table = table;
    seen->size = size;
    return FR_OK;
}

enum fr_status fr_seen_new(const struct fr_allocator *allocator, struct fr_seen **out) {
    struct alloc alloc = {.host = allocator != NULL ? *allocator : alloc_libc()};
    struct fr_seen *seen = alloc.host.resize(alloc.host.context, NULL, sizeof *seen);
    if (seen == NULL)
        return FR_NOMEM;
    *seen = (struct fr_seen){.alloc = alloc};
    enum fr_status status = make_table(seen, SEEN_SIZE_FIRST);
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

enum fr_status fr_seen_add(struct fr_seen *seen, uint64_t hash, bool *is_new) {
    if (seen->distinct >= seen->size / 2) {
        enum fr_status status = make_table(seen, seen->size * 2);
        if (status != FR_OK)
            return status;
    }
    uint32_t i = (uint32_t)hash & (seen->size - 1);
    while (seen->table[i].count != 0 && seen->table[i].hash != hash)
        i = (i + 1) & (seen->size - 1);
    struct seen_entry *entry = &seen->table[i];
    if (is_new != NULL)
        *is_new = entry->count == 0;
    seen->total++;
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
    return seen->distinct;
}

uint64_t fr_seen_total(const struct fr_seen *seen) {
    return seen->total;
}

double fr_seen_chance_new(const struct fr_seen *seen) {
    return seen->total == 0 ? 1.0 : (double)seen->once / (double)seen->total;
}
