// The table of shared objects of one execution: who touched what last, who holds which lock.
// SPDX-License-Identifier: Apache-2.0
#include "object.h"

// Open addressing with linear probing; an entry of an older epoch is free.
struct object_entry {
    uint64_t key;
    uint32_t slot;
    uint32_t epoch;
};

void objects_init(struct objects *objects, bool stable_keys) {
    *objects =
        (struct objects){.since.width = ROWS_WIDTH, .stable_keys = stable_keys, .generation = 1};
}

enum fr_status objects_widen(struct objects *objects, struct alloc *alloc, uint32_t threads) {
    return rows_widen(&objects->since, alloc, (size_t)objects->count * SINCE_ROWS, threads);
}

void objects_release(struct objects *objects, struct alloc *alloc) {
    alloc_free(alloc, objects->items);
    alloc_free(alloc, objects->since.items);
    alloc_free(alloc, objects->table);
}

void objects_begin(struct objects *objects) {
    objects->generation++;
    if (!objects->stable_keys)
        objects->count = 0;
}

void objects_clear(struct objects *objects) {
    objects->generation++;
    objects->count = 0;
    if (objects->table_size != 0)
        memset(objects->table, 0, objects->table_size * sizeof *objects->table);
}

static struct object_entry *find_entry(const struct objects *objects, uint64_t key) {
    uint32_t mask = objects->table_size - 1;
    uint32_t hash = (uint32_t)(key * 0x9E3779B97F4A7C15U >> 32);
    for (uint32_t i = hash & mask;; i = (i + 1) & mask) {
        struct object_entry *entry = &objects->table[i];
        bool is_live =
            entry->epoch == objects->generation || (objects->stable_keys && entry->epoch != 0);
        if (entry->key == key || !is_live)
            return entry;
    }
}

static enum fr_status grow_table(struct objects *objects, struct alloc *alloc) {
    uint32_t size = objects->table_size == 0 ? 256 : objects->table_size * 2;
    enum fr_status status = ALLOC_GROW(alloc, objects->table, objects->table_capacity, size);
    if (status != FR_OK)
        return status;
    objects->table_size = size;
    memset(objects->table, 0, size * sizeof *objects->table);
    for (uint32_t slot = 0; slot < objects->count; slot++) {
        const struct object *object = &objects->items[slot];
        *find_entry(objects, object->key) =
            (struct object_entry){object->key, slot, object->generation};
    }
    return FR_OK;
}

static void reset_object(struct object *object, uint32_t generation, bool held_outside) {
    object->generation = generation;
    object->last_write = NONE;
    object->last_change = NONE;
    object->acquired_at = NONE;
    object->holder = held_outside ? HOLDER_OUTSIDE : HOLDER_NOBODY;
    object->held_outside_at_first = held_outside;
    object->value = 0;
    memset(object->accessed, 0, sizeof object->accessed);
}

// Room for one more object.
static enum fr_status reserve(struct objects *objects, struct alloc *alloc) {
    size_t count = (size_t)objects->count + 1;
    enum fr_status status = ALLOC_GROW(alloc, objects->items, objects->item_capacity, count);
    if (status == FR_OK)
        status = rows_reserve(&objects->since, alloc, count * SINCE_ROWS);
    if (status == FR_OK && objects->count >= objects->table_size / 2)
        status = grow_table(objects, alloc);
    return status;
}

uint32_t objects_find(const struct objects *objects, uint64_t key) {
    const struct object_entry *entry = objects->table_size != 0 ? find_entry(objects, key) : NULL;
    bool is_there = entry != NULL && entry->key == key && entry->epoch == objects->generation;
    return is_there ? entry->slot : NONE;
}

enum fr_status objects_slot(struct objects *objects, struct alloc *alloc, uint64_t key,
                            bool held_outside, uint32_t *slot) {
    struct object_entry *entry = objects->table_size != 0 ? find_entry(objects, key) : NULL;
    if (entry != NULL && entry->key == key && entry->epoch == objects->generation) {
        *slot = entry->slot;
        return FR_OK;
    }
    bool is_known = entry != NULL && entry->key == key && objects->stable_keys && entry->epoch != 0;
    if (!is_known) {
        enum fr_status status = reserve(objects, alloc);
        if (status != FR_OK)
            return status;
        entry = find_entry(objects, key);  // the table may be another one now
        *entry = (struct object_entry){.key = key, .slot = objects->count++};
        objects->items[entry->slot].key = key;
    }
    *slot = entry->slot;
    entry->epoch = objects->generation;
    reset_object(&objects->items[entry->slot], objects->generation, held_outside);
    return FR_OK;
}
