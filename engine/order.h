// Search orders: which of several open choices DPOR takes first.
// SPDX-License-Identifier: Apache-2.0
//
// A wakeup tree may not be explored in any order: taking siblings freely out of turn loses traces.
// What is free: which thread goes on where no wakeup sequence asks for one, in which order the
// reversals of one execution are inserted, and a sibling before others if it is a weak initial of
// none of their sequences (then the tree is one that insertion in another order would have built).
#ifndef ENGINE_ORDER_H
#define ENGINE_ORDER_H

#include "run.h"

struct order {
    enum fr_order kind;
    uint64_t seed;
    uint64_t turn;  // choices so far
};

// Which of `count` > 0 choices to take: a number below count.
uint32_t order_pick(struct order *order, uint32_t count);
// Which of these threads goes on, where any may.
fr_tid order_pick_thread(struct order *order, const struct run *run, tset candidates);
// How many other pending operations conflict with that of the thread.
uint32_t order_conflicts(const struct run *run, fr_tid thread);

#endif
