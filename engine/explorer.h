// The explorer: from execution to execution, by the strategy of a plan.
// SPDX-License-Identifier: Apache-2.0
#ifndef ENGINE_EXPLORER_H
#define ENGINE_EXPLORER_H

#include "dpor.h"
#include "replay.h"
#include "walk.h"

struct fr_explorer {
    struct alloc alloc;
    struct fr_config config;
    struct run run;
    struct dpor dpor;
    struct replay replay;
    struct walk walk;
    struct fr_stats stats;
    // The plan, copied.
    enum fr_strategy strategy;
    uint64_t seed;
    uint64_t executions_max;
    uint8_t *choices;
    uint32_t choice_capacity;
    uint32_t choice_count;
    // This execution.
    uint32_t choices_used;
    uint64_t draws;  // fr_run_draw: state of its stream in this execution
    enum fr_stop stop;
    bool started;         // a plan is set
    bool running;         // between begin and end
    bool was_cut;         // some execution reached events_max
    uint64_t executions;  // of this plan
    enum fr_ending ending;
    const char *errmsg;
};

#endif
