// Truth by brute force: the least preemptions and delays of every trace of an abstract program.
// SPDX-License-Identifier: Apache-2.0
//
// Shares with the engine only the program's own steps: who is enabled, and what a schedule costs,
// is written here a second time, over whole schedules.
#ifndef LIB_BRUTE_COST_H
#define LIB_BRUTE_COST_H

#include "brute.h"

struct brute_cost {
    uint64_t leaves_max;  // give up beyond
    uint64_t interleavings;
    bool gave_up;
    // By enum fr_bound: digest of each trace (brute_digest) -> the least cost of a schedule of it.
    struct digest_set least[FR_BOUNDS];
    // The least enum fr_switch that a schedule of the trace needs at each of its preemptions, if
    // switch_seed is not 0.
    struct digest_set switches;
    uint64_t switch_seed;  // as in struct program_subject; set by the caller
};

// Enumerates every interleaving. leaves_max is set by the caller, the rest is reset.
void brute_cost(struct brute_cost *cost, const struct program *program);
void brute_cost_release(struct brute_cost *cost);
// How many traces cost at most `limit`.
uint64_t brute_cost_within(const struct brute_cost *cost, enum fr_bound kind, uint32_t limit);

#endif
