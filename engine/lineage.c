// Optimal DPOR without wakeup trees: every execution is found by its parent.
// SPDX-License-Identifier: Apache-2.0
#include "lineage.h"

void lineage_init(struct lineage *lineage, struct alloc *alloc) {
    *lineage = (struct lineage){.alloc = alloc};
    frontier_init(&lineage->frontier, alloc);
    reversals_init(&lineage->reversals, alloc);
}

void lineage_release(struct lineage *lineage) {
    frontier_release(&lineage->frontier);
    reversals_release(&lineage->reversals);
    alloc_free(lineage->alloc, lineage->path);
}

void lineage_start(struct lineage *lineage) {
    frontier_clear(&lineage->frontier);
    lineage->path_count = lineage->base = 0;
    lineage->hash_at = lineage->inserted = 0;
    lineage->exhausted = false;
}

void lineage_before(struct lineage *lineage, const struct run *run) {
    lineage->announced = run_announced(run);
}

enum fr_status lineage_choose(struct lineage *lineage, const struct run *run, tset enabled,
                              fr_tid *out) {
    const struct frontier *f = &lineage->frontier;
    const struct lead *lead = frontier_top(f);
    uint32_t depth = run->trace.length;
    if (lead == NULL || depth >= lead->at + lead->count) {
        *out = tset_first(enabled);
        return FR_OK;
    }
    if (depth == lead->at && lead->announced != lineage->announced)
        return FR_DIVERGED;
    if (depth < lead->at && f->links[lineage->path[depth]].announced != lineage->announced)
        return FR_DIVERGED;
    if (depth < lead->at)
        *out = f->links[lineage->path[depth]].thread;
    else
        *out = f->threads[lead->threads_at + depth - lead->at];
    return tset_has(enabled, *out) ? FR_OK : FR_DIVERGED;
}

// Where the move began that this event ends.
static uint32_t find_from(const struct lead *lead, uint32_t depth, bool is_prefix) {
    if (is_prefix)
        return NONE;
    if (lead == NULL || depth >= lead->at + lead->count)
        return depth;
    return depth + 1 == lead->at + lead->count ? lead->at : NONE;
}

enum fr_status lineage_after(struct lineage *lineage, const struct run *run, bool is_prefix) {
    struct frontier *f = &lineage->frontier;
    const struct lead *lead = frontier_top(f);
    uint32_t depth = run->trace.length - 1;
    const struct event *event = &run->trace.events[depth];
    if (depth == 0)
        lineage->hash_at = 0;
    if (lead != NULL && depth < lead->at) {
        lineage->hash_at = run->trace.hash;
        return f->links[lineage->path[depth]].event_hash == event->hash ? FR_OK : FR_DIVERGED;
    }
    if (lead != NULL && depth + 1 == lead->at + lead->repeated &&
        run->trace.hash - lineage->hash_at != lead->hash)
        return FR_DIVERGED;
    if (is_prefix)
        lineage->base = depth + 1;
    struct link link = {.event_hash = event->hash,
                        .announced = lineage->announced,
                        .parent = depth == 0 ? NONE : lineage->path[depth - 1],
                        .from = find_from(lead, depth, is_prefix),
                        .thread = event->thread};
    link.overtakes = lead != NULL && depth + 1 == lead->at + lead->count && lead->overtakes;
    enum fr_status status =
        ALLOC_GROW(lineage->alloc, lineage->path, lineage->path_capacity, (size_t)depth + 1);
    if (status == FR_OK)
        status = frontier_push_link(f, link, &lineage->path[depth]);
    lineage->path_count = depth + 1;
    return status;
}

// Makes the path that of the top lead. What it has in common with the last one stays.
static void follow_lead(struct lineage *lineage) {
    const struct lead *lead = frontier_top(&lineage->frontier);
    if (lead == NULL)
        return;
    uint32_t link = lead->link;
    for (uint32_t depth = lead->at; depth-- > 0;) {
        if (depth < lineage->path_count && lineage->path[depth] == link)
            break;
        lineage->path[depth] = link;
        link = lineage->frontier.links[link].parent;
    }
    lineage->path_count = lead->at;
}

enum fr_status lineage_resume(struct lineage *lineage) {
    const struct lead *lead = frontier_top(&lineage->frontier);
    uint32_t need = lead == NULL ? 0 : lead->at;
    enum fr_status status = ALLOC_GROW(lineage->alloc, lineage->path, lineage->path_capacity, need);
    lineage->path_count = 0;
    if (status == FR_OK)
        follow_lead(lineage);
    return status;
}

enum fr_status lineage_finish(struct lineage *lineage, const struct run *run, bool is_cut) {
    struct frontier *f = &lineage->frontier;
    uint32_t settled = lineage->base;
    if (f->lead_count != 0) {
        settled = frontier_top(f)->at + frontier_top(f)->count;
        frontier_pop(f);
    }
    if (run->trace.length < settled && !is_cut)
        return FR_DIVERGED;
    uint32_t before = f->lead_count;
    enum fr_status status = reversals_push(&lineage->reversals, f, run, lineage->path, settled);
    if (status != FR_OK)
        return status;
    lineage->inserted += f->lead_count - before;
    frontier_trim(f);
    lineage->exhausted = f->lead_count == 0;
    follow_lead(lineage);
    return FR_OK;
}
