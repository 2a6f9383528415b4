// A growing set of 64-bit digests with a value each.
// SPDX-License-Identifier: Apache-2.0
#include "digest_set.h"

#include <stdlib.h>
#include <string.h>

static struct digest_entry *find_slot(const struct digest_set *set, uint64_t digest) {
    uint64_t i = digest & (set->size - 1);
    while (set->entries[i].used && set->entries[i].digest != digest)
        i = (i + 1) & (set->size - 1);
    return &set->entries[i];
}

static void grow(struct digest_set *set) {
    struct digest_set larger = {.size = set->size == 0 ? 1024 : set->size * 2};
    larger.entries = calloc(larger.size, sizeof *larger.entries);
    if (larger.entries == NULL)
        abort();  // a test without memory has no verdict
    for (uint64_t i = 0; i < set->size; i++)
        if (set->entries[i].used)
            *find_slot(&larger, set->entries[i].digest) = set->entries[i];
    larger.count = set->count;
    free(set->entries);
    *set = larger;
}

struct digest_entry *digest_set_add(struct digest_set *set, uint64_t digest, uint64_t value,
                                    bool *is_new) {
    if (set->count >= set->size / 2)
        grow(set);
    struct digest_entry *entry = find_slot(set, digest);
    *is_new = !entry->used;
    if (*is_new) {
        *entry = (struct digest_entry){digest, value, true};
        set->count++;
    }
    return entry;
}

const struct digest_entry *digest_set_find(const struct digest_set *set, uint64_t digest) {
    if (set->size == 0)
        return NULL;
    const struct digest_entry *entry = find_slot(set, digest);
    return entry->used ? entry : NULL;
}

void digest_set_clear(struct digest_set *set) {
    if (set->size != 0)
        memset(set->entries, 0, set->size * sizeof *set->entries);
    set->count = 0;
}

void digest_set_release(struct digest_set *set) {
    free(set->entries);
    *set = (struct digest_set){0};
}
