// Reverses the races of an execution: which other executions it leads to.
// SPDX-License-Identifier: Apache-2.0
//
// A race (a, b) is reversed by a lead: E, what came before a's move; P, which is what a's move has
// before a, what else happens before b (K), and b itself; and then a, as it comes then. Many
// executions have that race and would lead there. The one that does is a function of the lead: b is
// the last of the events that a waits for, by a fixed rule, and the execution is the completion of
// E, P without b, a and b. docs/algorithm.md says why this leads to every trace exactly once.
#ifndef ENGINE_REVERSAL_H
#define ENGINE_REVERSAL_H

#include "completion.h"
#include "foresee.h"
#include "frontier.h"
#include "race.h"

struct reversals {
    struct alloc *alloc;
    struct races races;
    struct completion completion;
    uint32_t *heads;  // by position: the first race whose first event it is, or NONE
    uint32_t *nexts;  // by race: the next one with the same first event, or NONE
    uint32_t *picks;  // scratch: positions
    uint32_t head_capacity;
    uint32_t next_capacity;
    uint32_t pick_capacity;
};

void reversals_init(struct reversals *reversals, struct alloc *alloc);
void reversals_release(struct reversals *reversals);

// Pushes what an execution that is over leads to, the longest shared beginning last. `path`: its
// events as links of the frontier. `settled`: see completion_begin.
FR_MUST_CHECK enum fr_status reversals_push(struct reversals *reversals, struct frontier *frontier,
                                            const struct run *run, const uint32_t *path,
                                            uint32_t settled);

#endif
