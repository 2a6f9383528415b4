// The largest prefixes of a trace that a schedule within a preemption bound reaches.
// SPDX-License-Identifier: Apache-2.0
//
// Most prefixes of a trace with many threads differ in threads that have nothing to do with each
// other. Where only the least cost of a prefix counts, or only the largest of those from which a
// step leaves the trace, two rules leave them out. An event is loud if performing it earlier could
// change who is enabled elsewhere: an operation on a lock that several threads touch, a write of
// an object that somebody spins on, the end of a thread that is joined. The others are quiet.
//
//   1  A thread that runs is not left before a quiet event that it can perform.
//   2  When no thread runs, one whose remaining events are all quiet and possible now, and the last
//      of its life, performs them at once, and nothing else is tried.
//
// Both only move quiet events of a schedule to the front, or add them. That changes the price of no
// other switch, and saves those between the moved events. So from each schedule within the rules'
// reach follows one that costs no more and performs at least the same. Preemptions only: what a
// delay costs depends on all threads. And only where no time passes: whoever waits for a deadline
// is enabled by all events before it.
#ifndef ENGINE_CONTEXT_H
#define ENGINE_CONTEXT_H

#include "lattice.h"

struct context {
    struct alloc *alloc;
    struct lattice *lattice;
    bool *loud;         // by position
    fr_tid *lock_user;  // scratch, by object: who touches it as a lock
    bool *spun;         // scratch, by object
    uint32_t loud_capacity;
    uint32_t user_capacity;
    uint32_t spun_capacity;
    uint32_t quiet_from[FR_THREADS_MAX];  // all events after so many are quiet; NONE: rule 2 is off
};

void context_init(struct context *context, struct alloc *alloc, struct lattice *lattice);
void context_release(struct context *context);
// Looks at the run that the lattice was opened for.
FR_MUST_CHECK enum fr_status context_open(struct context *context);
// Steps from a settled state to those that the rules leave. stays: rule 2 does not end this thread
// (or FR_TID_NONE).
FR_MUST_CHECK enum fr_status context_expand(struct context *context, uint32_t state, fr_tid stays);
// True if the rules let thread take a step out of the trace from the state: it is enabled there,
// and going on with it costs nothing more.
bool context_may_leave(const struct context *context, uint32_t state, fr_tid thread);

// The least cost of a schedule of the whole trace, limit + 1 if it is more than limit. Opens the
// lattice and the context itself.
FR_MUST_CHECK enum fr_status context_least(struct context *context, const struct run *run,
                                           enum fr_bound kind, uint32_t limit, uint32_t *out);

#endif
