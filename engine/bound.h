// Bounded search: every trace that some schedule within a preemption or delay bound reaches, once.
// SPDX-License-Identifier: Apache-2.0
//
// Not a restriction of DPOR: cutting its tree at the bound loses traces whose only way leads
// through traces beyond it (docs/decisions/preemption-bound.md). Instead, after each execution
// prefixes of its trace that are within the bound are looked at (lattice.h). A step that is enabled
// after such a prefix, costs no more than the bound, and is the next step of no executed trace,
// leads to a trace not executed yet: it is remembered, and executed later, going on from it at no
// further cost. So every execution is a new trace within the bound.
//
// Which prefixes: for delays, and after an execution that was cut short, all of them. For
// preemptions, of those from which a thread can perform its operation before an event that it came
// after in the trace (a race), only the largest (context.h).
//
// None is missed: the decision record has the proof. Costs count from the end of the plan's prefix.
// Prefixes are told apart by their 64-bit hashes.
#ifndef ENGINE_BOUND_H
#define ENGINE_BOUND_H

#include "context.h"
#include "library.h"
#include "order.h"
#include "race.h"

// The last level holds what lies beyond the bound, and is never executed.
enum { BOUND_LEVELS = 16, BOUND_BEYOND = BOUND_LEVELS };

// What is known of a prefix that was looked at: of each next step whether an executed trace has it
// (in both sets), it was remembered to be executed (taken only), or it would go beyond the bound
// (judged only). An entry with empty sets is that of a prefix that was only seen from within the
// bound, not reached.
struct prefix {
    uint64_t key;  // of the hash; 0: a free entry
    tset taken;
    tset judged;
};

// Several steps of one thread.
struct stretch {
    uint32_t thread;
    uint32_t count;
};

// A prefix and a step from it to be executed; the schedule to the prefix lies in `stretches` of its
// level from first_stretch, the last stretch first.
struct branching {
    uint64_t hash;
    uint32_t first_stretch;
    uint32_t trace;  // number of the trace in the library of which it is a prefix
    fr_tid thread;
};

// A stack of branchings of one cost.
struct level {
    struct branching *items;
    struct stretch *stretches;
    uint32_t count;
    uint32_t capacity;
    uint32_t stretch_count;
    uint32_t stretch_capacity;
};

struct bound {
    struct alloc *alloc;
    struct lattice lattice;
    struct context context;
    struct library library;  // empty if the bound is one of delays
    struct races races;
    struct order order;
    enum fr_bound kind;
    uint32_t limit;
    struct prefix *prefixes;  // open addressing
    uint32_t prefix_size;     // power of two, or 0
    uint32_t prefix_capacity;
    uint32_t prefix_count;
    // Fewest preemptions or delays first; costs from BOUND_LEVELS - 1 on share the last level.
    struct level levels[BOUND_LEVELS + 1];
    fr_tid *path;  // of this execution, from base; then `order` goes on
    uint32_t path_count;
    uint32_t path_capacity;
    uint64_t path_hash;                    // of the trace before the path's last step
    uint32_t base;                         // length of the plan's prefix
    uint32_t base_counts[FR_THREADS_MAX];  // events of each thread in it
    uint64_t beyond;  // steps and prefixes beyond the bound that nothing within it leads to
    bool exhausted;
};

void bound_init(struct bound *bound, struct alloc *alloc);
void bound_release(struct bound *bound);
// A new exploration.
void bound_start(struct bound *bound, const struct fr_plan *plan);
static inline bool bound_is_on(const struct bound *bound) {
    return bound->kind != FR_BOUND_NONE;
}

// For restoring: room for so many prefixes in all; one of them (false: it is there, or none at
// all); whether the step was remembered, or seen to be beyond the bound.
FR_MUST_CHECK enum fr_status bound_reserve(struct bound *bound, uint32_t count);
bool bound_restore_prefix(struct bound *bound, struct prefix prefix);
bool bound_is_known(const struct bound *bound, uint64_t hash, fr_tid thread);

// The thread that goes next. DIVERGED if the execution is not what it was.
FR_MUST_CHECK enum fr_status bound_choose(struct bound *bound, const struct run *run, tset enabled,
                                          fr_tid *out);
// The execution is over: remembers what it branches into, sets the path of the next. events_max:
// prefixes this long have no next step. Sets exhausted if there is none.
FR_MUST_CHECK enum fr_status bound_finish(struct bound *bound, const struct run *run,
                                          uint32_t events_max);

#endif
