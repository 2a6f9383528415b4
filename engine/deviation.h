// Schedules as deviations from going on: every schedule, those with fewest preemptions first.
// SPDX-License-Identifier: Apache-2.0
//
// Iterative context bounding (Musuvathi, Qadeer, PLDI 2007): all executions with 0 preemptions,
// then all with 1, ... A schedule is a list of deviations (branching point, index) from always
// taking index 0, the current thread or else the lowest. It is stored as its last deviation and its
// parent.
#ifndef ENGINE_DEVIATION_H
#define ENGINE_DEVIATION_H

#include "trace.h"

struct deviation {
    uint32_t parent;    // NONE: the root, which deviates nowhere
    uint32_t position;  // branching point
    uint32_t next;      // in its queue
    uint8_t index;
};

struct deviations {
    struct deviation *items;
    uint8_t *choices;  // the candidate handed out last
    uint32_t count;
    uint32_t capacity;
    uint32_t choice_capacity;
    uint32_t current;           // handed out last, or NONE
    uint32_t cost;              // preemptions of the schedules handed out now
    uint32_t head[2], tail[2];  // queues of this cost and of the next
    uint32_t items_max;
    bool overflowed;  // some schedules were dropped: not all are tried
};

// items_max bounds the schedules remembered.
FR_MUST_CHECK enum fr_status deviations_init(struct deviations *deviations, struct alloc *alloc,
                                             uint32_t items_max);
void deviations_release(struct deviations *deviations, struct alloc *alloc);
// The next schedule with fewer than cost_end preemptions as choice bytes; *count NONE: none is
// left.
FR_MUST_CHECK enum fr_status deviations_next(struct deviations *deviations, struct alloc *alloc,
                                             uint32_t cost_end, uint32_t *count);
// The schedule handed out was executed: remembers what it branches into, up to cost_end.
FR_MUST_CHECK enum fr_status deviations_expand(struct deviations *deviations, struct alloc *alloc,
                                               const struct trace *trace, uint32_t cost_end);

#endif
