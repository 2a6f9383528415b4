// The explorer: from execution to execution, by the strategy of a plan.
// SPDX-License-Identifier: Apache-2.0
#ifndef ENGINE_EXPLORER_H
#define ENGINE_EXPLORER_H

#include "bound.h"
#include "dpor.h"
#include "lineage.h"
#include "replay.h"
#include "walk.h"

// An event of an execution that is begun once more.
struct redone {
    uint64_t hash;
    fr_tid thread;
};

// Who chooses behind the prefix.
enum search { SEARCH_WALK, SEARCH_REPLAY, SEARCH_BOUND, SEARCH_LINEAGE, SEARCH_TREES };

struct fr_explorer {
    struct alloc alloc;
    struct fr_config config;
    struct run run;
    struct dpor dpor;
    struct lineage lineage;  // instead of dpor: see explorer_has_lineage
    struct bound bound;      // instead of dpor, if the plan has a bound
    struct replay replay;
    struct walk walk;
    struct fr_stats stats;    // of this plan
    uint64_t calls_at_start;  // of the allocator
    // The plan, copied; its choices and segments are `choices` and those of `replay`.
    struct fr_plan plan;
    enum fr_strategy strategy;
    uint64_t seed;
    uint64_t executions_max;
    uint8_t *choices;
    uint32_t choice_capacity;
    uint32_t choice_count;
    // This execution.
    enum search search;
    uint32_t choices_used;
    uint64_t draws;  // fr_run_draw: state of its stream in this execution
    enum fr_stop stop;
    struct redone *redone;  // fr_explorer_retry: the events that are performed again
    uint32_t redo_capacity;
    uint32_t redo_count;
    bool started;         // a plan is set
    bool running;         // between begin and end
    bool was_cut;         // some execution reached events_max, or was not wholly ours
    uint64_t executions;  // of this plan
    enum fr_ending ending;
    const char *errmsg;
};

// Why the exploration is over after the executions so far, or that it is not.
enum fr_ending explorer_ending_now(const struct fr_explorer *e);
// Explores by lineage, not by wakeup trees: what is shared out among prefixes needs sleep sets.
bool explorer_has_lineage(const struct fr_explorer *e);
// Where the stream of fr_run_draw begins in the execution at hand.
uint64_t explorer_draws(const struct fr_explorer *e);
// Is the next event one of those that are performed again (fr_explorer_retry)? Whose it is, and
// whether the event just performed is what it was. DIVERGED if not.
bool explorer_redoes(const struct fr_explorer *e);
FR_MUST_CHECK enum fr_status explorer_redo_choose(const struct fr_explorer *e, tset enabled,
                                                  fr_tid *out);
FR_MUST_CHECK enum fr_status explorer_redo_check(const struct fr_explorer *e);
// The explorer has no exploration any more (and keeps its memory).
void explorer_forget(struct fr_explorer *e);

#endif
