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

// Of a lineage: Kilby et al., section 3, weighted backtracking. A state whose moves are d so far
// gives each the share 1/d of its own; what is known to come is not done yet. Moves become known
// late, and so the estimate is low for long.
static double share_of(const struct frontier *f, const struct lead *lead) {
    double share = 1.0 / (f->root_leads + 1);
    for (uint32_t link = lead->link; link != NONE; link = f->links[link].parent)
        share /= f->links[link].leads + 1;
    return share;
}

static double estimate_lineage(const struct fr_explorer *e) {
    const struct frontier *f = &e->lineage.frontier;
    double progress = 1;
    for (uint32_t i = 0; i < f->lead_count; i++)
        progress -= share_of(f, &f->leads[i]);
    return progress > 0 ? (double)e->executions / progress : 0;
}

double fr_explorer_estimate(const struct fr_explorer *e) {
    const struct dpor *dpor = &e->dpor;
    if (explorer_has_lineage(e) && e->executions != 0)
        return estimate_lineage(e);
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
