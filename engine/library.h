// The executed traces of a bounded search, asked whether one of them has a prefix and a step.
// SPDX-License-Identifier: Apache-2.0
//
// The hash of an event covers all that happens before it. So a thread's last event stands for all
// its events, a trace is one event per thread, and the events of all traces form a forest: each
// has the event of its thread before it as parent. An event is kept once, however many traces have
// it.
#ifndef ENGINE_LIBRARY_H
#define ENGINE_LIBRARY_H

#include "run.h"

// An event of one trace or several.
struct volume {
    uint64_t hash;
    uint32_t before;       // of its thread, or NONE
    uint32_t first_after;  // of its thread: one of those directly after it, or NONE
    uint32_t sibling;      // another directly after `before`, or NONE
    uint32_t first_trace;  // whose last event of the thread it is, or NONE; others follow in rows
    uint32_t traces;       // that have it
    uint32_t needs_at;     // direct causes of other threads
    uint32_t index;        // in its thread
    uint8_t need_count;
    uint8_t thread;
};

// A direct cause: event `index` of the thread.
struct need {
    uint32_t index;
    fr_tid thread;
};

// A thread of a trace: its last event, and the next trace that has the same.
struct row {
    uint32_t last;
    uint32_t next_trace;
};

struct library {
    struct alloc *alloc;
    struct volume *volumes;
    struct need *needs;
    struct row *rows;
    uint32_t *traces;  // where the rows of each begin; one more entry than traces
    uint32_t *table;   // open addressing: index of a volume, or NONE
    uint32_t volume_count;
    uint32_t volume_capacity;
    uint32_t need_count;
    uint32_t need_capacity;
    uint32_t row_count;
    uint32_t row_capacity;
    uint32_t trace_count;
    uint32_t trace_capacity;
    uint32_t table_size;
    uint32_t table_capacity;
    uint32_t roots[FR_THREADS_MAX];  // the first of the first events of a thread, or NONE
};

void library_init(struct library *library, struct alloc *alloc);
void library_release(struct library *library);
// Forgets all traces (and keeps the memory).
void library_clear(struct library *library);
// Adds the execution as it stands.
FR_MUST_CHECK enum fr_status library_add(struct library *library, const struct run *run);
// Does an executed trace have the prefix of `trace` with so many events of each thread, and
// directly after it a step of `thread`? Counts of threads the trace does not have are 0.
bool library_has(const struct library *library, uint32_t trace, const uint32_t *counts,
                 fr_tid thread);

// For restoring, in the order of their numbers: an event (false: there cannot be such a one), and a
// trace by the last events of its threads.
FR_MUST_CHECK enum fr_status library_restore_event(struct library *library, struct volume volume,
                                                   const struct need *needs, bool *fits);
FR_MUST_CHECK enum fr_status library_restore_trace(struct library *library, const uint32_t *last,
                                                   uint32_t threads);

#endif
