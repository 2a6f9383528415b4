// Optimal dynamic partial order reduction: Explore(E, Sleep, WuT) as a loop over executions.
// SPDX-License-Identifier: Apache-2.0
//
// Abdulla, Aronis, Jonsson, Sagonas: "Source Sets: A Foundation for Optimal Dynamic Partial Order
// Reduction", JACM 64(4), 2017, Algorithm 2. Adapted to threads that announce before they act: a
// sleeping thread's next operation is what it has announced, so Sleep is a set of threads and no
// footprint is carried from one execution to another in it.
#ifndef ENGINE_DPOR_H
#define ENGINE_DPOR_H

#include "order.h"
#include "race.h"
#include "wakeup.h"

// A prefix E of the current execution: Sleep(E), WuT(E) and what follows it.
struct node {
    tset sleep;
    tset foreign;         // of them: what begins with these is explored by whoever has that prefix
    uint32_t wut;         // first branch still to be explored, or NONE
    uint32_t explored;    // branches done
    uint64_t begun;       // executions that had ended when the branch at hand was taken
    uint64_t size;        // executions of all branches done
    uint64_t last_size;   // ... of the last one
    fr_tid thread;        // of the event performed from here
    uint64_t event_hash;  // of that event
    uint64_t announced;   // what all threads had announced here
};

struct dpor {
    struct alloc *alloc;
    struct wakeup wakeup;
    struct races races;
    struct order order;
    struct node *nodes;  // [0 .. node_count): one per event, and one for the state at its end
    struct step *steps;  // scratch: the sequence v of a reversal
    uint32_t *picks;     // scratch: v as positions, then as indices of steps
    struct touch spare;  // scratch: footprint of v's last step
    uint32_t node_capacity;
    uint32_t step_capacity;
    uint32_t pick_capacity;
    uint32_t node_count;
    uint32_t replay;  // this many events repeat the last execution
    uint32_t base;    // length of the prefix that is not ours to change
    uint64_t inserted;
    uint64_t ended;  // executions
    // For the estimate: executions of all branches done that were at least the third of their node,
    // and of the branches directly before those.
    uint64_t later_size;
    uint64_t earlier_size;
    bool exhausted;
};

void dpor_init(struct dpor *dpor, struct alloc *alloc);
void dpor_release(struct dpor *dpor);
// A new exploration.
void dpor_start(struct dpor *dpor, const struct fr_plan *plan);

// The thread that goes next after the events so far, FR_TID_NONE if all that are enabled sleep.
// DIVERGED if a state repeated is not what it was, or the wakeup tree asks for a thread that is not
// enabled.
FR_MUST_CHECK enum fr_status dpor_choose(struct dpor *dpor, const struct run *run, tset enabled,
                                         fr_tid *out);
// Before the thread that was chosen, by us or (prefix) by somebody else, performs its operation:
// computes what sleeps after it.
FR_MUST_CHECK enum fr_status dpor_before(struct dpor *dpor, const struct run *run, fr_tid thread,
                                         bool is_prefix);
// Puts threads to sleep in the state at the end of the execution so far, which lies in the prefix.
// *sleeps: whether `tid` sleeps there.
FR_MUST_CHECK enum fr_status dpor_sleep(struct dpor *dpor, const struct run *run, tset threads,
                                        fr_tid tid, bool *sleeps);
// After it did. DIVERGED if an event repeated is not what it was.
FR_MUST_CHECK enum fr_status dpor_after(struct dpor *dpor, const struct run *run);
// True while the execution repeats the last one: fr_run_decide need not look at choices.
bool dpor_is_replaying(const struct dpor *dpor, const struct run *run);
// The execution is over: reverses its races, goes back to the last state with work left. Sets
// exhausted if there is none. is_cut: the threads would have gone on.
FR_MUST_CHECK enum fr_status dpor_finish(struct dpor *dpor, const struct run *run, bool is_cut);

#endif
