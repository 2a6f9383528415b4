// Optimal dynamic partial order reduction: Explore(E, Sleep, WuT) as a loop over executions.
// SPDX-License-Identifier: Apache-2.0
#include "dpor.h"

void dpor_init(struct dpor *dpor, struct alloc *alloc) {
    *dpor = (struct dpor){.alloc = alloc};
    wakeup_init(&dpor->wakeup, alloc);
}

void dpor_release(struct dpor *dpor) {
    wakeup_release(&dpor->wakeup);
    alloc_free(dpor->alloc, dpor->races.items);
    alloc_free(dpor->alloc, dpor->nodes);
    alloc_free(dpor->alloc, dpor->steps);
    alloc_free(dpor->alloc, dpor->picks);
}

void dpor_start(struct dpor *dpor, const struct fr_plan *plan) {
    dpor->order = (struct order){.kind = plan->order, .seed = plan->order_seed};
    wakeup_clear(&dpor->wakeup);
    dpor->node_count = dpor->replay = dpor->base = 0;
    dpor->inserted = dpor->ended = dpor->later_size = dpor->earlier_size = 0;
    dpor->exhausted = false;
}

bool dpor_is_replaying(const struct dpor *dpor, const struct run *run) {
    return run->trace.length < dpor->replay;
}

static enum fr_status reach_node(struct dpor *dpor, uint32_t depth) {
    if (depth < dpor->node_count)
        return FR_OK;
    assert(depth == dpor->node_count);
    enum fr_status status =
        ALLOC_GROW(dpor->alloc, dpor->nodes, dpor->node_capacity, (size_t)depth + 1);
    if (status == FR_OK)
        dpor->nodes[dpor->node_count++] =
            (struct node){.wut = NONE, .thread = FR_TID_NONE, .begun = dpor->ended};
    return status;
}

// Can the branch be followed from the state at the end of the execution so far? Not if its thread
// sleeps: what begins with it was explored. Nor if it asks for an operation that its thread is not
// about to do, or cannot do now.
static bool can_follow(const struct run *run, const struct node *node, tset enabled,
                       const struct step *step) {
    return !tset_has(node->sleep, step->thread) && tset_has(enabled, step->thread) &&
           run->threads[step->thread].past == step->past;
}

// Takes branches that cannot be followed off the front of the tree. A reversal of a race at this
// very state can be followed unless its thread sleeps: else the program did not repeat itself.
static enum fr_status drop_stale(struct dpor *dpor, const struct run *run, struct node *node,
                                 tset enabled) {
    while (node->wut != NONE) {
        const struct branch *branch = &dpor->wakeup.branches[node->wut];
        if (can_follow(run, node, enabled, &branch->step))
            return FR_OK;
        if (branch->required && !tset_has(node->sleep, branch->step.thread))
            return FR_DIVERGED;
        uint32_t children;
        wakeup_take(&dpor->wakeup, &node->wut, &children);
        wakeup_drop(&dpor->wakeup, children);
    }
    return FR_OK;
}

// The same where the state is not reached yet: of sleeping threads only.
static void drop_sleepers(struct dpor *dpor, struct node *node) {
    while (node->wut != NONE &&
           tset_has(node->sleep, dpor->wakeup.branches[node->wut].step.thread)) {
        uint32_t children;
        wakeup_take(&dpor->wakeup, &node->wut, &children);
        wakeup_drop(&dpor->wakeup, children);
    }
}

// Puts the branch that the order would take first in front, where that is allowed.
static void prefer_branch(struct dpor *dpor, const struct run *run, struct node *node) {
    uint32_t count = wakeup_count(&dpor->wakeup, node->wut);
    if (count < 2 || dpor->order.kind == FR_ORDER_DFS)
        return;
    uint32_t pick = 0;
    if (dpor->order.kind != FR_ORDER_CONFLICT_FIRST) {
        pick = order_pick(&dpor->order, count);
    } else {
        uint32_t most = 0;
        uint32_t at = node->wut;
        for (uint32_t i = 0; i < count; i++, at = dpor->wakeup.branches[at].next) {
            uint32_t conflicts = order_conflicts(run, dpor->wakeup.branches[at].step.thread);
            pick = conflicts > most ? i : pick;
            most = conflicts > most ? conflicts : most;
        }
    }
    wakeup_move_first(&dpor->wakeup, &node->wut, pick);
}

enum fr_status dpor_choose(struct dpor *dpor, const struct run *run, tset enabled, fr_tid *out) {
    uint32_t depth = run->trace.length;
    enum fr_status status = reach_node(dpor, depth);
    if (status != FR_OK)
        return status;
    struct node *node = &dpor->nodes[depth];
    *out = node->thread;
    if (node->thread != FR_TID_NONE && node->announced != run_announced(run))
        return FR_DIVERGED;
    if (depth < dpor->replay)
        return tset_has(enabled, *out) ? FR_OK : FR_DIVERGED;
    prefer_branch(dpor, run, node);
    status = drop_stale(dpor, run, node, enabled);
    if (status != FR_OK)
        return status;
    tset candidates = enabled & ~node->sleep;
    if (node->wut != NONE)
        *out = dpor->wakeup.branches[node->wut].step.thread;
    else
        *out = candidates == 0 ? FR_TID_NONE : order_pick_thread(&dpor->order, run, candidates);
    return FR_OK;
}

// Sleep after the event: those whose announced operation is independent of it.
static tset still_sleeping(const struct run *run, tset sleep, const struct step *event) {
    for (tset rest = sleep; rest != 0; rest &= rest - 1) {
        fr_tid t = tset_first(rest);
        struct touch spare;
        if (!run->threads[t].pending) {
            sleep &= ~tset_of(t);
            continue;
        }
        struct step asleep = run_pending(run, t, &spare);
        if (step_depends(&asleep, event))
            sleep &= ~tset_of(t);
    }
    return sleep;
}

enum fr_status dpor_before(struct dpor *dpor, const struct run *run, fr_tid tid, bool is_prefix) {
    uint32_t depth = run->trace.length;
    if (depth < dpor->replay)
        return FR_OK;
    enum fr_status status = reach_node(dpor, depth);
    if (status == FR_OK)
        status = reach_node(dpor, depth + 1);
    if (status != FR_OK)
        return status;
    struct node *node = &dpor->nodes[depth];
    struct node *next = &dpor->nodes[depth + 1];
    if (is_prefix)
        dpor->base = depth + 1;
    if (node->wut != NONE) {
        struct branch branch = wakeup_take(&dpor->wakeup, &node->wut, &next->wut);
        assert(branch.step.thread == tid);
    }
    node->thread = tid;
    node->event_hash = 0;
    node->announced = run_announced(run);
    struct touch spare;
    struct step event = run_pending(run, tid, &spare);
    next->sleep = still_sleeping(run, node->sleep, &event);
    next->foreign = node->foreign & next->sleep;
    return FR_OK;
}

enum fr_status dpor_sleep(struct dpor *dpor, const struct run *run, tset threads, fr_tid tid,
                          bool *sleeps) {
    uint32_t depth = run->trace.length;
    if (depth < dpor->replay)
        return FR_OK;
    enum fr_status status = reach_node(dpor, depth);
    if (status != FR_OK)
        return status;
    dpor->nodes[depth].sleep |= threads;
    dpor->nodes[depth].foreign |= threads;
    *sleeps = tset_has(dpor->nodes[depth].sleep, tid);
    return FR_OK;
}

enum fr_status dpor_after(struct dpor *dpor, const struct run *run) {
    uint32_t depth = run->trace.length - 1;
    uint64_t hash = run->trace.events[depth].hash;
    struct node *node = &dpor->nodes[depth];
    if (depth < dpor->replay)
        return node->event_hash == hash ? FR_OK : FR_DIVERGED;
    node->event_hash = hash;
    return FR_OK;
}

// v = notdep(e, E).e': the events after e that do not happen after it, over all of E and without
// e', then e' as it would be performed there. Sets picks and steps.
static enum fr_status build_reversal(struct dpor *dpor, const struct run *run, struct race race,
                                     uint32_t *count) {
    const struct trace *trace = &run->trace;
    size_t most = (size_t)trace->length - race.first + 1;
    enum fr_status status = ALLOC_GROW(dpor->alloc, dpor->picks, dpor->pick_capacity, most);
    if (status == FR_OK)
        status = ALLOC_GROW(dpor->alloc, dpor->steps, dpor->step_capacity, most);
    if (status != FR_OK)
        return status;
    uint32_t n = 0;
    for (uint32_t k = race.first + 1; k < trace->length; k++)
        if (k != race.second && !trace_before(trace, race.first, k))
            dpor->picks[n++] = k;
    struct touch *spare = &dpor->spare;
    struct step last;
    if (race.second < trace->length)
        last = trace_step(trace, race.second);
    else
        last = run_pending(run, race.thread, spare);
    if (step_is_conditional(last.kind)) {
        *spare = last.touches[0];
        bool succeeds = foresee_success(run, &last, race.first, dpor->picks, n);
        spare->mode = succeeds ? FR_WRITE : FR_READ;
        last.touches = spare;
    }
    for (uint32_t i = 0; i < n; i++) {
        dpor->steps[i] = trace_step(trace, dpor->picks[i]);
        dpor->picks[i] = i;
    }
    dpor->steps[n] = last;
    dpor->picks[n] = n;
    *count = n + 1;
    return FR_OK;
}

// sleep(E) ∩ WI[E](v) ≠ {}: the reversal was explored before. That a sleeper is independent of all
// of v says so only if its races come back to this state: those found below other prefixes do not.
static bool is_covered_by_sleep(const struct dpor *dpor, const struct run *run, uint32_t at,
                                const struct sequence *w) {
    for (tset rest = dpor->nodes[at].sleep; rest != 0; rest &= rest - 1) {
        struct step step;
        struct touch spare;
        if (!foresee_operation(run, tset_first(rest), at, NULL, 0, &step, &spare))
            continue;
        bool is_foreign = tset_has(dpor->nodes[at].foreign, step.thread);
        enum initial initial = wakeup_initial(&step, w);
        if (initial == INITIAL_FIRST || (initial != INITIAL_NOT && !is_foreign))
            return true;
    }
    return false;
}

static enum fr_status reverse_race(struct dpor *dpor, const struct run *run, struct race race) {
    if (race.first < dpor->base)
        return FR_OK;  // belongs to whoever explores above the prefix
    uint32_t count = 0;
    enum fr_status status = build_reversal(dpor, run, race, &count);
    struct sequence w = {.steps = dpor->steps, .order = dpor->picks, .count = count};
    if (status != FR_OK || is_covered_by_sleep(dpor, run, race.first, &w))
        return status;
    bool inserted;
    status = wakeup_insert(&dpor->wakeup, &dpor->nodes[race.first].wut, &w, &inserted);
    dpor->inserted += inserted;
    return status;
}

// A branch of the node is done.
static void note_branch(struct dpor *dpor, struct node *node) {
    uint64_t size = dpor->ended - node->begun;
    if (node->explored > 1) {
        dpor->later_size += size;
        dpor->earlier_size += node->last_size;
    }
    node->explored++;
    node->size += size;
    node->last_size = size;
    node->begun = dpor->ended;
}

static void go_back(struct dpor *dpor, uint32_t length) {
    for (uint32_t depth = dpor->node_count; depth-- > length;)
        wakeup_drop(&dpor->wakeup, dpor->nodes[depth].wut);
    for (uint32_t depth = length; depth-- > dpor->base;) {
        struct node *node = &dpor->nodes[depth];
        node->sleep |= tset_of(node->thread);
        note_branch(dpor, node);
        drop_sleepers(dpor, node);
        if (node->wut != NONE) {
            dpor->node_count = depth + 1;
            dpor->replay = depth;
            return;
        }
    }
    dpor->exhausted = true;
}

// What a thread that sleeps would have done was done elsewhere.
static enum fr_status find_races(struct dpor *dpor, const struct run *run, bool is_cut) {
    enum fr_status status = races_find(&dpor->races, run);
    if (status != FR_OK || !is_cut || run->trace.length == 0)
        return status;
    tset awake = run_enabled(run) & ~dpor->nodes[run->trace.length].sleep;
    return races_find_cut(&dpor->races, run, awake);
}

enum fr_status dpor_finish(struct dpor *dpor, const struct run *run, bool is_cut) {
    enum fr_status status = find_races(dpor, run, is_cut);
    // Any order of insertion is exact; orders other than DFS begin with the latest races.
    bool forward = dpor->order.kind == FR_ORDER_DFS;
    for (uint32_t i = 0; status == FR_OK && i < dpor->races.count; i++) {
        uint32_t at = forward ? i : dpor->races.count - 1 - i;
        status = reverse_race(dpor, run, dpor->races.items[at]);
    }
    dpor->ended++;
    if (status == FR_OK)
        go_back(dpor, run->trace.length);
    return status;
}
