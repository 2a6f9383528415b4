// Schedules as deviations from going on: every schedule, those with fewest preemptions first.
// SPDX-License-Identifier: Apache-2.0
#include "deviation.h"

static enum fr_status enqueue(struct deviations *d, struct alloc *alloc, struct deviation item,
                              uint32_t queue) {
    if (d->count >= d->items_max) {
        d->overflowed = true;
        return FR_OK;
    }
    enum fr_status status = ALLOC_GROW(alloc, d->items, d->capacity, (size_t)d->count + 1);
    if (status != FR_OK)
        return status;
    uint32_t made = d->count++;
    item.next = NONE;
    d->items[made] = item;
    if (d->tail[queue] == NONE)
        d->head[queue] = made;
    else
        d->items[d->tail[queue]].next = made;
    d->tail[queue] = made;
    return FR_OK;
}

enum fr_status deviations_init(struct deviations *d, struct alloc *alloc, uint32_t items_max) {
    *d = (struct deviations){
        .current = NONE, .head = {NONE, NONE}, .tail = {NONE, NONE}, .items_max = items_max};
    return enqueue(d, alloc, (struct deviation){.parent = NONE}, 0);
}

void deviations_release(struct deviations *d, struct alloc *alloc) {
    alloc_free(alloc, d->items);
    alloc_free(alloc, d->choices);
}

static enum fr_status write_choices(struct deviations *d, struct alloc *alloc, uint32_t *count) {
    *count = 0;
    const struct deviation *item = &d->items[d->current];
    if (item->parent == NONE)
        return FR_OK;
    *count = item->position + 1;
    enum fr_status status = ALLOC_GROW(alloc, d->choices, d->choice_capacity, *count);
    if (status != FR_OK)
        return status;
    memset(d->choices, 0, *count);
    for (; item->parent != NONE; item = &d->items[item->parent])
        d->choices[item->position] = item->index;
    return FR_OK;
}

enum fr_status deviations_next(struct deviations *d, struct alloc *alloc, uint32_t cost_end,
                               uint32_t *count) {
    *count = NONE;
    if (d->head[0] == NONE) {
        d->cost++;
        d->head[0] = d->head[1];
        d->tail[0] = d->tail[1];
        d->head[1] = d->tail[1] = NONE;
    }
    if (d->head[0] == NONE || d->cost >= cost_end)
        return FR_OK;
    d->current = d->head[0];
    d->head[0] = d->items[d->current].next;
    if (d->head[0] == NONE)
        d->tail[0] = NONE;
    return write_choices(d, alloc, count);
}

enum fr_status deviations_expand(struct deviations *d, struct alloc *alloc,
                                 const struct trace *trace, uint32_t cost_end) {
    uint32_t parent = d->current;
    uint32_t first = d->items[parent].parent == NONE ? 0 : d->items[parent].position + 1;
    for (uint32_t at = first; at < trace->choice_count; at++) {
        struct choice choice = trace->choices[at];
        uint32_t price = choice.current_enabled ? 1 : 0;
        if (d->cost + price >= cost_end)
            continue;
        for (uint8_t index = 1; index < choice.width; index++) {
            struct deviation item = {.parent = parent, .position = at, .index = index};
            enum fr_status status = enqueue(d, alloc, item, price);
            if (status != FR_OK)
                return status;
        }
    }
    return FR_OK;
}
