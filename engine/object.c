// The table of shared objects of one execution: who touched what last, who holds which lock.
// SPDX-License-Identifier: Apache-2.0
#include "object.h"

// Open addressing with linear probing; an entry of an older epoch is free.
struct object_entry {
    uint64_t key;
    uint32_t slot;
    uint32_t epoch;
};

void objects_init(struct objects *objects, uint32_t threads_max, bool stable_keys) {
    *objects =
        (struct objects){.threads_max = threads_max, .stable_keys = stable_keys, .generation = 1};
}

void objects_release(struct objects *objects, struct alloc *alloc) {
    alloc_free(alloc, objects->items);
    alloc_free(alloc, objects->since);
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

static bool entry_is_live(const struct objects *objects, const struct object_entry *entry) {
    if (entry->epoch == 0)
        return false;
    return objects->stable_keys || entry->epoch == objects->generation;
}

static struct object_entry *find_entry(const struct objects *objects, uint64_t key) {
    uint32_t mask = objects->table_size - 1;
    for (uint32_t i = (uint32_t)mix64(key) & mask;; i = (i + 1) & mask) {
        struct object_entry *entry = &objects->table[i];
        if (!entry_is_live(objects, entry) || entry->key == key)
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
        struct object_entry *entry = find_entry(objects, objects->items[slot].key);
        *entry = (struct object_entry){objects->items[slot].key, slot, objects->generation};
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

enum fr_status objects_slot(struct objects *objects, struct alloc *alloc, uint64_t key,
                            bool held_outside, uint32_t *slot) {
    if (objects->count >= objects->table_size / 2) {
        enum fr_status status = grow_table(objects, alloc);
        if (status != FR_OK)
            return status;
    }
    struct object_entry *entry = find_entry(objects, key);
    if (!entry_is_live(objects, entry)) {
        uint32_t count = objects->count;
        enum fr_status status =
            ALLOC_GROW(alloc, objects->items, objects->item_capacity, (size_t)count + 1);
        if (status == FR_OK)
            status = ALLOC_GROW(alloc, objects->since, objects->since_capacity,
                                ((size_t)count + 1) * SINCE_ROWS * objects->threads_max);
        if (status != FR_OK)
            return status;
        *entry = (struct object_entry){key, count, objects->generation};
        objects->items[count].key = key;
        objects->items[count].generation = 0;
        objects->count++;
    }
    *slot = entry->slot;
    struct object *object = &objects->items[*slot];
    if (object->generation != objects->generation)
        reset_object(object, objects->generation, held_outside);
    return FR_OK;
}
