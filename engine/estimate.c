// How large the exploration will be: the weighted backtrack estimator on the tree of executions.
// SPDX-License-Identifier: Apache-2.0
//
// Kilby, Slaney, Thiebaux, Walsh: "Estimating Search Tree Size", AAAI 2006. A node whose branches
// are d so far (explored, current and known to come) gives each the share 1/d of its own. What is
// explored to the left of the current path, by that measure, is the progress; executions divided by
// it are the estimate. Branches of a wakeup tree become known as races are found, so early
// estimates are low.
#include "explorer.h"

double fr_explorer_estimate(const struct fr_explorer *e) {
    const struct dpor *dpor = &e->dpor;
    if (e->strategy != FR_STRATEGY_DPOR || e->executions == 0)
        return 0;
    if (dpor->exhausted)
        return (double)e->executions;
    double share = 1;
    double progress = 0;
    for (uint32_t depth = dpor->base; depth < dpor->node_count; depth++) {
        const struct node *node = &dpor->nodes[depth];
        uint32_t pending = wakeup_count(&dpor->wakeup, node->wut);
        // The last node has no current branch: its next one is the first pending.
        bool is_last = depth + 1 == dpor->node_count;
        uint32_t branches = node->explored + pending + !is_last;
        if (branches == 0)
            break;
        progress += share * node->explored / branches;
        share /= branches;
    }
    return progress > 0 ? (double)e->executions / progress : 0;
}
