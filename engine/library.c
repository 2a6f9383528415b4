// The executed traces of a bounded search, asked whether one of them has a prefix and a step.
// SPDX-License-Identifier: Apache-2.0
#include "library.h"

enum { TABLE_FIRST = 256 };

void library_init(struct library *l, struct alloc *alloc) {
    *l = (struct library){.alloc = alloc};
    library_clear(l);
}

void library_release(struct library *l) {
    alloc_free(l->alloc, l->volumes);
    alloc_free(l->alloc, l->needs);
    alloc_free(l->alloc, l->rows);
    alloc_free(l->alloc, l->traces);
    alloc_free(l->alloc, l->table);
}

void library_clear(struct library *l) {
    l->volume_count = l->need_count = l->row_count = l->trace_count = l->table_size = 0;
    for (fr_tid t = 0; t < FR_THREADS_MAX; t++)
        l->roots[t] = NONE;
}

// ------------------------------------------------------------------------------ adding

static uint32_t *find_entry(const struct library *l, uint64_t hash) {
    uint32_t mask = l->table_size - 1;
    for (uint32_t i = (uint32_t)mix64(hash) & mask;; i = (i + 1) & mask)
        if (l->table[i] == NONE || l->volumes[l->table[i]].hash == hash)
            return &l->table[i];
}

static enum fr_status reserve(struct library *l, uint32_t needs) {
    enum fr_status status =
        ALLOC_GROW(l->alloc, l->volumes, l->volume_capacity, (size_t)l->volume_count + 1);
    if (status == FR_OK)
        status = ALLOC_GROW(l->alloc, l->needs, l->need_capacity, (size_t)l->need_count + needs);
    if (status != FR_OK || l->volume_count < l->table_size / 4 * 3)
        return status;
    uint32_t size = l->table_size == 0 ? TABLE_FIRST : l->table_size * 2;
    status = ALLOC_GROW(l->alloc, l->table, l->table_capacity, size);
    if (status != FR_OK)
        return status;
    l->table_size = size;
    memset(l->table, 0xFF, size * sizeof *l->table);
    for (uint32_t i = 0; i < l->volume_count; i++)
        *find_entry(l, l->volumes[i].hash) = i;
    return FR_OK;
}

// A new event, for which there is room, behind `before`.
static uint32_t link_volume(struct library *l, struct volume volume) {
    uint32_t made = l->volume_count++;
    uint32_t *first =
        volume.before == NONE ? &l->roots[volume.thread] : &l->volumes[volume.before].first_after;
    volume.sibling = *first;
    volume.first_after = volume.first_trace = NONE;
    volume.traces = 0;
    *first = made;
    l->volumes[made] = volume;
    *find_entry(l, volume.hash) = made;
    return made;
}

// What lies directly before the event in other threads. A jump of time orders without being a
// cause: then its clock says it.
static uint32_t list_needs(struct need *needs, const struct trace *trace, uint32_t at,
                           uint32_t threads) {
    const struct event *event = &trace->events[at];
    const uint32_t *clock = trace_clock(trace, at);
    bool by_clock = trace->jump_count != 0 || event->cause_count >= FR_THREADS_MAX;
    uint32_t count = 0;
    for (fr_tid t = 0; by_clock && t < threads; t++)
        if (t != event->thread && clock[t] != 0)
            needs[count++] = (struct need){clock[t], t};
    for (uint32_t i = 0; !by_clock && i < event->cause_count; i++) {
        const struct event *cause = &trace->events[trace->causes[event->causes_at + i].at];
        if (cause->thread != event->thread)
            needs[count++] = (struct need){cause->index, cause->thread};
    }
    return count;
}

static enum fr_status add_event(struct library *l, const struct run *run, uint32_t at,
                                uint32_t before, uint32_t *out) {
    const struct event *event = &run->trace.events[at];
    enum fr_status status = reserve(l, event->cause_count + run->thread_count);
    if (status != FR_OK)
        return status;
    *out = *find_entry(l, event->hash);
    if (*out != NONE)
        return FR_OK;
    uint32_t count = list_needs(&l->needs[l->need_count], &run->trace, at, run->thread_count);
    assert(count <= FR_THREADS_MAX);
    *out = link_volume(l, (struct volume){.hash = event->hash,
                                          .before = before,
                                          .needs_at = l->need_count,
                                          .index = event->index,
                                          .need_count = (uint8_t)count,
                                          .thread = event->thread});
    l->need_count += count;
    return FR_OK;
}

enum fr_status library_restore_trace(struct library *l, const uint32_t *last, uint32_t threads) {
    enum fr_status status =
        ALLOC_GROW(l->alloc, l->rows, l->row_capacity, (size_t)l->row_count + threads);
    if (status == FR_OK)
        status = ALLOC_GROW(l->alloc, l->traces, l->trace_capacity, (size_t)l->trace_count + 2);
    if (status != FR_OK)
        return status;
    uint32_t made = l->trace_count++;
    l->traces[made] = l->row_count;
    for (fr_tid t = 0; t < threads; t++) {
        struct row row = {.last = last[t], .next_trace = NONE};
        if (last[t] != NONE) {
            row.next_trace = l->volumes[last[t]].first_trace;
            l->volumes[last[t]].first_trace = made;
        }
        for (uint32_t at = last[t]; at != NONE; at = l->volumes[at].before)
            l->volumes[at].traces++;
        l->rows[l->row_count++] = row;
    }
    l->traces[l->trace_count] = l->row_count;
    return FR_OK;
}

enum fr_status library_add(struct library *l, const struct run *run) {
    uint32_t last[FR_THREADS_MAX];
    for (fr_tid t = 0; t < run->thread_count; t++)
        last[t] = NONE;
    enum fr_status status = FR_OK;
    for (uint32_t at = 0; status == FR_OK && at < run->trace.length; at++) {
        uint32_t *of_thread = &last[run->trace.events[at].thread];
        status = add_event(l, run, at, *of_thread, of_thread);
    }
    return status == FR_OK ? library_restore_trace(l, last, run->thread_count) : status;
}

enum fr_status library_restore_event(struct library *l, struct volume volume,
                                     const struct need *needs, bool *fits) {
    enum fr_status status = reserve(l, volume.need_count);
    if (status != FR_OK)
        return status;
    bool is_first = volume.before == NONE;
    *fits = *find_entry(l, volume.hash) == NONE && (is_first || volume.before < l->volume_count) &&
            (is_first || l->volumes[volume.before].thread == volume.thread);
    if (!*fits)
        return FR_OK;
    volume.index = is_first ? 1 : l->volumes[volume.before].index + 1;
    volume.needs_at = l->need_count;
    for (uint32_t i = 0; i < volume.need_count; i++)
        l->needs[l->need_count++] = needs[i];
    link_volume(l, volume);
    return FR_OK;
}

// ------------------------------------------------------------------------------ asking

// The event of the trace with this index of its thread, NONE for index 0.
static uint32_t event_of(const struct library *l, uint32_t trace, fr_tid thread, uint32_t index) {
    if (index == 0)
        return NONE;
    uint32_t at = l->rows[l->traces[trace] + thread].last;
    while (at != NONE && l->volumes[at].index > index)
        at = l->volumes[at].before;
    return at;
}

static bool has_needs(const struct library *l, const struct volume *volume,
                      const uint32_t *counts) {
    for (uint32_t i = 0; i < volume->need_count; i++) {
        const struct need *need = &l->needs[volume->needs_at + i];
        if (need->index > counts[need->thread])
            return false;
    }
    return true;
}

// A prefix by the last event of each thread, and a step after it.
struct question {
    uint32_t last[FR_THREADS_MAX];
    uint32_t threads;
};

static bool is_in(const struct library *l, uint32_t trace, const struct question *q) {
    uint32_t width = l->traces[trace + 1] - l->traces[trace];
    for (fr_tid t = 0; t < q->threads; t++) {
        if (q->last[t] == NONE)
            continue;
        uint32_t index = l->volumes[q->last[t]].index;
        if (t >= width || event_of(l, trace, t, index) != q->last[t])
            return false;
    }
    return true;
}

// Does a trace have all events of the question? Goes through those that have the rarest of them.
static bool find_trace(const struct library *l, const struct question *q, uint32_t rarest) {
    for (fr_tid t = 0; t < q->threads; t++)
        if (q->last[t] != NONE && l->volumes[q->last[t]].traces < l->volumes[rarest].traces)
            rarest = q->last[t];
    fr_tid thread = l->volumes[rarest].thread;
    for (uint32_t at = rarest;;) {
        const struct volume *volume = &l->volumes[at];
        for (uint32_t trace = volume->first_trace; trace != NONE;
             trace = l->rows[l->traces[trace] + thread].next_trace)
            if (is_in(l, trace, q))
                return true;
        if (volume->first_after != NONE) {
            at = volume->first_after;
            continue;
        }
        while (at != rarest && l->volumes[at].sibling == NONE)
            at = l->volumes[at].before;
        if (at == rarest)
            return false;
        at = l->volumes[at].sibling;
    }
}

bool library_has(const struct library *l, uint32_t trace, const uint32_t *counts, fr_tid thread) {
    struct question q = {.threads = l->traces[trace + 1] - l->traces[trace]};
    for (fr_tid t = 0; t < q.threads; t++)
        q.last[t] = event_of(l, trace, t, counts[t]);
    uint32_t before = thread < q.threads ? q.last[thread] : NONE;
    for (; q.threads <= thread; q.threads++)
        q.last[q.threads] = NONE;
    uint32_t step = before == NONE ? l->roots[thread] : l->volumes[before].first_after;
    for (; step != NONE; step = l->volumes[step].sibling) {
        if (!has_needs(l, &l->volumes[step], counts))
            continue;
        q.last[thread] = step;
        if (find_trace(l, &q, step))
            return true;
    }
    return false;
}
