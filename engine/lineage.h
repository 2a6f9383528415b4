// Optimal DPOR without wakeup trees: every execution is found by its parent.
// SPDX-License-Identifier: Apache-2.0
//
// The traces are the leaves of a tree of states and moves, each of which fixes the whole past of
// one event of the lowest thread that is enabled. A move is found by one execution, its parent,
// which is a function of it (reversal.h); what is stored is a stack of moves not taken yet
// (frontier.h). docs/lineage.md says why that is exact, and how much memory it takes.
#ifndef ENGINE_LINEAGE_H
#define ENGINE_LINEAGE_H

#include "reversal.h"

struct lineage {
    struct alloc *alloc;
    struct frontier frontier;
    struct reversals reversals;
    uint32_t *path;  // [0 .. path_count): the events of the last execution, as links
    uint32_t path_count;
    uint32_t path_capacity;
    uint32_t base;       // length of the prefix that is not ours to change
    uint64_t announced;  // in the state at hand
    uint64_t hash_at;    // the trace's hash where the lead leaves the execution it comes from
    uint64_t inserted;
    bool exhausted;
};

void lineage_init(struct lineage *lineage, struct alloc *alloc);
void lineage_release(struct lineage *lineage);
// A new exploration.
void lineage_start(struct lineage *lineage);

// Before every decision, also of somebody else (prefix).
void lineage_before(struct lineage *lineage, const struct run *run);
// The thread that goes next after the events so far. DIVERGED if the execution cannot begin as it
// should.
FR_MUST_CHECK enum fr_status lineage_choose(struct lineage *lineage, const struct run *run,
                                            tset enabled, fr_tid *out);
// After the thread that was chosen, by us or (prefix) by somebody else, performed its operation.
// DIVERGED if an event repeated is not what it was.
FR_MUST_CHECK enum fr_status lineage_after(struct lineage *lineage, const struct run *run,
                                           bool is_prefix);
// The execution is over: finds what it leads to. Sets exhausted if nothing is left. DIVERGED if it
// did not begin as it should. is_cut: the threads would have gone on.
FR_MUST_CHECK enum fr_status lineage_finish(struct lineage *lineage, const struct run *run,
                                            bool is_cut);
// The frontier was restored: gets ready for its next execution.
FR_MUST_CHECK enum fr_status lineage_resume(struct lineage *lineage);

#endif
