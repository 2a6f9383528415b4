// How large the exploration will be: a recursive estimator on the tree of executions.
// SPDX-License-Identifier: Apache-2.0
//
// After Kilby, Slaney, Thiebaux, Walsh: "Estimating Search Tree Size", AAAI 2006, section 4: the
// size of a node is that of its branches done, and what is not explored is taken to be like what
// was. There, as large as its sibling; here a branch is smaller the later it comes, since its
// earlier siblings sleep, and the tree itself tells by how much: the ratio of a branch to the one
// before it, over all branches done (docs/decisions/estimate.md).
#include "explorer.h"

// The size of `count` branches after one of size `last`.
static double size_of_pending(uint32_t count, double last, double ratio) {
    double sum = 0;
    for (; count > 0; count--)
        sum += last *= ratio;
    return sum;
}

double fr_explorer_estimate(const struct fr_explorer *e) {
    const struct dpor *dpor = &e->dpor;
    if (e->strategy != FR_STRATEGY_DPOR || e->executions == 0 || dpor->node_count == 0)
        return 0;
    if (dpor->exhausted)
        return (double)e->executions;
    double ratio = 1;
    if (dpor->earlier_size != 0 && dpor->later_size < dpor->earlier_size)
        ratio = (double)dpor->later_size / (double)dpor->earlier_size;
    double below = 0;
    for (uint32_t depth = dpor->node_count; depth-- > dpor->base;) {
        const struct node *node = &dpor->nodes[depth];
        uint32_t pending = wakeup_count(&dpor->wakeup, node->wut);
        // The last node has no current branch: its next one is the first pending.
        bool is_last = depth + 1 == dpor->node_count;
        double last = is_last ? (double)node->last_size : below;
        below += (double)node->size + size_of_pending(pending, last, ratio);
    }
    return below;
}
