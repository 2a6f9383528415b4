// Walks: strategies that draw one schedule per execution from a seed.
// SPDX-License-Identifier: Apache-2.0
//
// Each by its published definition:
//   RANDOM  uniform over the enabled threads at every step
//   PCT     Burckhardt, Kothari, Musuvathi, Nagarakatte: "A Randomized Scheduler with Probabilistic
//           Guarantees of Finding Bugs", ASPLOS 2010
//   POS     Yuan, Yang, Gu: "Partial Order Aware Concurrency Sampling", CAV 2018
//   URW, SURW  Zhao, Wolff, Mathur, Roychoudhury: "Selectively Uniform Concurrency Testing",
//           ASPLOS 2025
//   DELAY   Emmi, Qadeer, Rakamaric: "Delay-Bounded Scheduling", POPL 2011
// They decide among enabled threads only and draw from the seed only. What a definition wants to
// know beforehand (the number of steps, events per thread) is learned in the first execution of an
// exploration, which is a random walk where the definition has nothing else to go by.
#ifndef ENGINE_WALK_H
#define ENGINE_WALK_H

#include "run.h"

enum { WALK_DEPTH_MAX = 16, WALK_OBJECTS_MAX = 20 };

// An event of the first execution that touched an object of several threads.
struct sample {
    uint64_t site;
    uint32_t at;      // position of the event
    uint32_t object;  // number among the objects of several threads
    fr_tid thread;
};

struct walk {
    struct alloc *alloc;
    enum fr_strategy strategy;
    uint32_t depth;  // PCT: d; DELAY: the number of delays
    uint64_t seed;
    uint64_t random;  // state of the stream of this execution
    uint64_t executions;
    // Learned.
    uint32_t steps_most;              // longest execution so far
    uint32_t counts[FR_THREADS_MAX];  // URW: events per thread of the first execution
    struct sample *samples;           // SURW: of the first execution
    uint64_t *chosen;                 // SURW: scratch, sites of interesting events
    uint32_t *ranks;                  // SURW: scratch, number of an object by its slot
    uint32_t object_count, rank_capacity;
    uint32_t sample_count, sample_capacity;
    uint32_t chosen_count, chosen_capacity;
    // This execution.
    uint64_t priority[FR_THREADS_MAX];  // PCT: of the thread; POS: of its pending event
    tset drawn;                         // threads whose priority is valid
    uint32_t change[WALK_DEPTH_MAX];    // PCT, DELAY: steps at which something changes
    uint32_t weight[FR_THREADS_MAX];    // SURW: interesting events left
    fr_tid intended;                    // SURW: whose interesting event comes next
};

void walk_init(struct walk *walk, struct alloc *alloc);
void walk_release(struct walk *walk);
// A new exploration: forgets what was learned.
void walk_start(struct walk *walk, const struct fr_plan *plan);
FR_MUST_CHECK enum fr_status walk_begin(struct walk *walk);
// Who goes next; enabled is not empty.
fr_tid walk_choose(struct walk *walk, const struct run *run, tset enabled);
// The execution is over: learns from it.
FR_MUST_CHECK enum fr_status walk_end(struct walk *walk, const struct run *run);

// Uniform in [0, bound), bound > 0.
uint64_t walk_draw(struct walk *walk, uint64_t bound);
// Uniform over a set that is not empty.
fr_tid walk_draw_thread(struct walk *walk, tset set);

// The definitions.
fr_tid walk_choose_pct(struct walk *walk, const struct run *run, tset enabled);
fr_tid walk_choose_pos(struct walk *walk, const struct run *run, tset enabled);
fr_tid walk_choose_urw(struct walk *walk, const struct run *run, tset enabled);
fr_tid walk_choose_surw(struct walk *walk, const struct run *run, tset enabled);
FR_MUST_CHECK enum fr_status walk_begin_surw(struct walk *walk);
FR_MUST_CHECK enum fr_status walk_learn_surw(struct walk *walk, const struct run *run);

#endif
