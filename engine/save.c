// Writes an exploration as bytes.
// SPDX-License-Identifier: Apache-2.0
#include "save.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

// Counts everything, stores what fits.
struct writer {
    uint8_t *out;
    size_t capacity;
    size_t size;
};

uint64_t save_checksum(const uint8_t *bytes, size_t size) {
    return XXH3_64bits(bytes, size);
}

static void put(struct writer *w, uint64_t value, uint32_t bytes) {
    for (uint32_t i = 0; i < bytes; i++, w->size++)
        if (w->size < w->capacity)
            w->out[w->size] = (uint8_t)(value >> 8 * i);
}

static void put8(struct writer *w, uint64_t value) {
    put(w, value, 1);
}

static void put32(struct writer *w, uint32_t value) {
    put(w, value, 4);
}

static void put64(struct writer *w, uint64_t value) {
    put(w, value, 8);
}

static void put_header(struct writer *w, const struct fr_config *config) {
    put32(w, SAVE_MAGIC);
    put32(w, SAVE_VERSION);
    put32(w, config->threads_max);
    put32(w, config->events_max);
    put8(w, config->stable_keys);
}

static void put_plan(struct writer *w, const struct fr_explorer *e) {
    put8(w, e->plan.strategy);
    put8(w, e->plan.order);
    put8(w, e->plan.bound);
    put32(w, e->plan.depth);
    put32(w, e->plan.bound_max);
    put8(w, e->plan.apart);
    put64(w, e->plan.seed);
    put64(w, e->plan.order_seed);
    put64(w, e->plan.executions_max);
    put32(w, e->choice_count);
    for (uint32_t i = 0; i < e->choice_count; i++)
        put8(w, e->choices[i]);
    put32(w, e->replay.count);
    for (uint32_t i = 0; i < e->replay.count; i++) {
        const struct fr_segment *segment = &e->replay.segments[i];
        put32(w, segment->thread);
        put32(w, segment->events);
        put64(w, segment->until);
        put32(w, segment->nth);
    }
}

static void put_progress(struct writer *w, const struct fr_explorer *e) {
    put64(w, e->executions);
    put8(w, e->was_cut);
    put8(w, e->ending);
    put64(w, e->stats.executions);
    put64(w, e->stats.redundant);
    put64(w, e->stats.failures);
    put64(w, e->stats.deadlocks);
    put64(w, e->stats.cut);
    put64(w, e->stats.events);
}

static void put_names(struct writer *w, const struct run *run) {
    put32(w, run->thread_count);
    for (fr_tid t = 0; t < run->thread_count; t++) {
        put32(w, run->threads[t].parent);
        put32(w, run->threads[t].ordinal);
    }
    // The number of an object of unstable keys means nothing in the next execution.
    uint32_t count = run->objects.stable_keys ? run->objects.count : 0;
    put32(w, count);
    for (uint32_t slot = 0; slot < count; slot++)
        put64(w, run->objects.items[slot].key);
}

static void put_walk(struct writer *w, const struct walk *walk, uint32_t thread_count) {
    put32(w, walk->steps_most);
    for (fr_tid t = 0; t < thread_count; t++)
        put32(w, walk->counts[t]);
    put32(w, walk->object_count);
    put32(w, walk->sample_count);
    for (uint32_t i = 0; i < walk->sample_count; i++) {
        put64(w, walk->samples[i].site);
        put32(w, walk->samples[i].at);
        put32(w, walk->samples[i].object);
        put32(w, walk->samples[i].thread);
    }
}

static void put_branch(struct writer *w, const struct wakeup *wakeup, const struct branch *branch) {
    const struct step *step = &branch->step;
    bool has_child = branch->first_child != NONE;
    bool has_next = branch->next != NONE;
    put8(w, (has_child ? SAVE_CHILD : 0U) | (has_next ? SAVE_NEXT : 0U));
    put8(w, step->kind);
    put32(w, step->thread);
    put32(w, step->target);
    put32(w, step->index);
    put64(w, step->past);
    put64(w, (uint64_t)step->value);
    put64(w, (uint64_t)step->expect);
    put64(w, branch->required);
    put32(w, step->touch_count);
    for (uint32_t i = 0; i < step->touch_count; i++) {
        const struct touch *touch = &wakeup->touches[branch->touches_at + i];
        put32(w, touch->slot);
        put8(w, touch->mode);
    }
}

// The recursion is as deep as branches on one path have both a child and a sibling.
static void put_trees(struct writer *w, const struct wakeup *wakeup, uint32_t at) {
    while (at != NONE) {
        const struct branch *branch = &wakeup->branches[at];
        put_branch(w, wakeup, branch);
        if (branch->first_child != NONE && branch->next != NONE)
            put_trees(w, wakeup, branch->first_child);
        at = branch->next == NONE ? branch->first_child : branch->next;
    }
}

static void put_dpor(struct writer *w, const struct dpor *dpor) {
    // What is exhausted has no work left; its nodes are those of the last execution.
    uint32_t count = dpor->exhausted ? 0 : dpor->node_count;
    put64(w, dpor->order.turn);
    put64(w, dpor->inserted);
    put64(w, dpor->ended);
    put64(w, dpor->later_size);
    put64(w, dpor->earlier_size);
    put8(w, dpor->exhausted);
    put32(w, dpor->exhausted ? 0 : dpor->base);
    put32(w, dpor->exhausted ? 0 : dpor->replay);
    put32(w, count);
    for (uint32_t depth = 0; depth < count; depth++) {
        const struct node *node = &dpor->nodes[depth];
        put64(w, node->sleep);
        put64(w, node->foreign);
        put32(w, node->explored);
        put64(w, node->begun);
        put64(w, node->size);
        put64(w, node->last_size);
        put32(w, node->thread);
        put64(w, node->event_hash);
        put64(w, node->announced);
        put8(w, node->wut != NONE);
        put_trees(w, &dpor->wakeup, node->wut);
    }
}

static void put_lineage(struct writer *w, const struct lineage *lineage) {
    const struct frontier *f = &lineage->frontier;
    put64(w, lineage->inserted);
    put8(w, lineage->exhausted);
    put32(w, lineage->base);
    put32(w, f->root_leads);
    put32(w, f->link_count);
    for (uint32_t i = 0; i < f->link_count; i++) {
        put64(w, f->links[i].event_hash);
        put64(w, f->links[i].announced);
        put32(w, f->links[i].parent);
        put32(w, f->links[i].from);
        put32(w, f->links[i].leads);
        put32(w, f->links[i].thread);
        put8(w, f->links[i].overtakes);
    }
    put32(w, f->lead_count);
    for (uint32_t i = 0; i < f->lead_count; i++) {
        const struct lead *lead = &f->leads[i];
        put32(w, lead->link);
        put32(w, lead->at);
        put32(w, lead->repeated);
        put64(w, lead->hash);
        put64(w, lead->announced);
        put8(w, lead->overtakes);
        put32(w, lead->count);
        for (uint32_t k = 0; k < lead->count; k++)
            put8(w, f->threads[lead->threads_at + k]);
    }
}

// Beginning behind a free entry, so that entering them in this order makes the same table.
static void put_prefixes(struct writer *w, const struct bound *bound) {
    uint32_t first = 0;
    while (first < bound->prefix_size && bound->prefixes[first].key != 0)
        first++;
    put32(w, bound->prefix_count);
    for (uint32_t i = 0; i < bound->prefix_size; i++) {
        const struct prefix *prefix = &bound->prefixes[(first + i) & (bound->prefix_size - 1)];
        if (prefix->key == 0)
            continue;
        put64(w, prefix->key);
        put64(w, prefix->taken);
        put64(w, prefix->judged);
    }
}

static void put_library(struct writer *w, const struct library *library) {
    put32(w, library->volume_count);
    for (uint32_t i = 0; i < library->volume_count; i++) {
        const struct volume *volume = &library->volumes[i];
        put64(w, volume->hash);
        put32(w, volume->before);
        put8(w, volume->thread);
        put8(w, volume->need_count);
        for (uint32_t k = 0; k < volume->need_count; k++) {
            put32(w, library->needs[volume->needs_at + k].index);
            put8(w, library->needs[volume->needs_at + k].thread);
        }
    }
    put32(w, library->trace_count);
    for (uint32_t i = 0; i < library->trace_count; i++) {
        put32(w, library->traces[i + 1] - library->traces[i]);
        for (uint32_t k = library->traces[i]; k < library->traces[i + 1]; k++)
            put32(w, library->rows[k].last);
    }
}

static void put_level(struct writer *w, const struct level *level) {
    put32(w, level->stretch_count);
    for (uint32_t i = 0; i < level->stretch_count; i++) {
        put32(w, level->stretches[i].thread);
        put32(w, level->stretches[i].count);
    }
    put32(w, level->count);
    for (uint32_t i = 0; i < level->count; i++) {
        put64(w, level->items[i].hash);
        put32(w, level->items[i].first_stretch);
        put32(w, level->items[i].trace);
        put32(w, level->items[i].thread);
    }
}

static void put_bound(struct writer *w, const struct bound *bound) {
    put64(w, bound->order.turn);
    put8(w, bound->exhausted);
    put64(w, bound->path_hash);
    put32(w, bound->path_count);
    for (uint32_t i = 0; i < bound->path_count; i++)
        put32(w, bound->path[i]);
    put_prefixes(w, bound);
    put_library(w, &bound->library);
    for (uint32_t i = 0; i <= BOUND_LEVELS; i++)
        put_level(w, &bound->levels[i]);
}

size_t fr_explorer_save(const struct fr_explorer *e, uint8_t *out, size_t capacity) {
    if (!e->started || e->running)
        return 0;
    struct writer w = {.out = out, .capacity = capacity};
    put_header(&w, &e->config);
    put_plan(&w, e);
    put_progress(&w, e);
    put_names(&w, &e->run);
    put_walk(&w, &e->walk, e->run.thread_count);
    put_dpor(&w, &e->dpor);
    put_lineage(&w, &e->lineage);
    put_bound(&w, &e->bound);
    put64(&w, w.size <= capacity ? save_checksum(out, w.size) : 0);
    return w.size;
}
