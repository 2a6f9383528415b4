// The frontier of an exploration: how the executions begin that are known but not yet done.
// SPDX-License-Identifier: Apache-2.0
#include "frontier.h"

void frontier_init(struct frontier *f, struct alloc *alloc) {
    *f = (struct frontier){.alloc = alloc};
}

void frontier_release(struct frontier *f) {
    alloc_free(f->alloc, f->links);
    alloc_free(f->alloc, f->leads);
    alloc_free(f->alloc, f->threads);
}

void frontier_clear(struct frontier *f) {
    f->link_count = f->lead_count = f->thread_count = f->root_leads = 0;
}

enum fr_status frontier_push_link(struct frontier *f, struct link link, uint32_t *out) {
    enum fr_status status =
        ALLOC_GROW(f->alloc, f->links, f->link_capacity, (size_t)f->link_count + 1);
    if (status != FR_OK)
        return status;
    assert(link.parent == NONE || link.parent < f->link_count);
    *out = f->link_count++;
    f->links[*out] = link;
    return FR_OK;
}

enum fr_status frontier_reserve(struct frontier *f, uint32_t threads, uint8_t **out) {
    enum fr_status status =
        ALLOC_GROW(f->alloc, f->threads, f->thread_capacity, (size_t)f->thread_count + threads);
    *out = status == FR_OK ? f->threads + f->thread_count : NULL;
    return status;
}

enum fr_status frontier_push(struct frontier *f, struct lead lead) {
    enum fr_status status =
        ALLOC_GROW(f->alloc, f->leads, f->lead_capacity, (size_t)f->lead_count + 1);
    if (status != FR_OK)
        return status;
    const struct lead *below = frontier_top(f);
    lead.threads_at = f->thread_count;
    lead.link_count = lead.link == NONE ? 0 : lead.link + 1;
    if (below != NULL && below->link_count > lead.link_count)
        lead.link_count = below->link_count;
    f->thread_count += lead.count;
    f->leads[f->lead_count++] = lead;
    return FR_OK;
}

void frontier_count(struct frontier *f, uint32_t link) {
    ++*(link == NONE ? &f->root_leads : &f->links[link].leads);
}

void frontier_pop(struct frontier *f) {
    assert(f->lead_count != 0);
    f->thread_count = f->leads[--f->lead_count].threads_at;
}

void frontier_trim(struct frontier *f) {
    const struct lead *top = frontier_top(f);
    uint32_t needed = top == NULL ? 0 : top->link_count;
    assert(needed <= f->link_count);
    f->link_count = needed;
}
