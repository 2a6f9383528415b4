// Wakeup trees: initial fragments of executions that still have to be explored from a state.
// SPDX-License-Identifier: Apache-2.0
#include "wakeup.h"

void wakeup_init(struct wakeup *wakeup, struct alloc *alloc) {
    *wakeup = (struct wakeup){.alloc = alloc};
    wakeup_clear(wakeup);
}

void wakeup_release(struct wakeup *wakeup) {
    alloc_free(wakeup->alloc, wakeup->branches);
    alloc_free(wakeup->alloc, wakeup->touches);
}

void wakeup_clear(struct wakeup *wakeup) {
    wakeup->branch_count = wakeup->touch_count = wakeup->live = 0;
    wakeup->free_branch = NONE;
    for (uint32_t i = 0; i <= FR_ACCESSES_MAX; i++)
        wakeup->free_touches[i] = NONE;
}

static enum fr_status take_touches(struct wakeup *wakeup, const struct step *step, uint32_t *at) {
    uint32_t count = step->touch_count;
    *at = NONE;
    if (count == 0)
        return FR_OK;
    *at = wakeup->free_touches[count];
    if (*at != NONE) {
        wakeup->free_touches[count] = wakeup->touches[*at].slot;
    } else {
        enum fr_status status = ALLOC_GROW(wakeup->alloc, wakeup->touches, wakeup->touch_capacity,
                                           (size_t)wakeup->touch_count + count);
        if (status != FR_OK)
            return status;
        *at = wakeup->touch_count;
        wakeup->touch_count += count;
    }
    memcpy(wakeup->touches + *at, step->touches, count * sizeof *step->touches);
    return FR_OK;
}

static enum fr_status new_branch(struct wakeup *wakeup, const struct step *step, uint32_t *out) {
    uint32_t touches_at;
    enum fr_status status = take_touches(wakeup, step, &touches_at);
    if (status != FR_OK)
        return status;
    *out = wakeup->free_branch;
    if (*out != NONE) {
        wakeup->free_branch = wakeup->branches[*out].next;
    } else {
        status = ALLOC_GROW(wakeup->alloc, wakeup->branches, wakeup->branch_capacity,
                            (size_t)wakeup->branch_count + 1);
        if (status != FR_OK)
            return status;
        *out = wakeup->branch_count++;
    }
    wakeup->live++;
    struct branch *branch = &wakeup->branches[*out];
    *branch =
        (struct branch){.step = *step, .touches_at = touches_at, .first_child = NONE, .next = NONE};
    branch->step.touches = NULL;
    return FR_OK;
}

enum fr_status wakeup_restore(struct wakeup *wakeup, const struct step *step, bool required,
                              uint32_t *out) {
    enum fr_status status = new_branch(wakeup, step, out);
    if (status == FR_OK)
        wakeup->branches[*out].required = required;
    return status;
}

// NULL if it has none.
static const struct touch *touches_of(const struct wakeup *wakeup, const struct branch *branch) {
    return branch->step.touch_count != 0 ? wakeup->touches + branch->touches_at : NULL;
}

static void free_one(struct wakeup *wakeup, uint32_t at) {
    struct branch *branch = &wakeup->branches[at];
    uint32_t count = branch->step.touch_count;
    if (count != 0) {
        wakeup->touches[branch->touches_at].slot = wakeup->free_touches[count];
        wakeup->free_touches[count] = branch->touches_at;
    }
    branch->next = wakeup->free_branch;
    wakeup->free_branch = at;
    wakeup->live--;
}

struct branch wakeup_take(struct wakeup *wakeup, uint32_t *head, uint32_t *children) {
    uint32_t at = *head;
    struct branch branch = wakeup->branches[at];
    *head = branch.next;
    *children = branch.first_child;
    free_one(wakeup, at);
    return branch;
}

void wakeup_drop(struct wakeup *wakeup, uint32_t head) {
    // Depth first without recursion: children are spliced in before their siblings.
    while (head != NONE) {
        uint32_t children;
        wakeup_take(wakeup, &head, &children);
        if (children == NONE)
            continue;
        uint32_t last = children;
        while (wakeup->branches[last].next != NONE)
            last = wakeup->branches[last].next;
        wakeup->branches[last].next = head;
        head = children;
    }
}

static struct step step_of(const struct wakeup *wakeup, uint32_t at) {
    struct step step = wakeup->branches[at].step;
    step.touches = touches_of(wakeup, &wakeup->branches[at]);
    return step;
}

enum initial wakeup_initial(const struct step *step, const struct sequence *w) {
    for (uint32_t i = 0; i < w->count; i++) {
        const struct step *other = &w->steps[w->order[i]];
        if (other->thread == step->thread)
            return INITIAL_FIRST;
        if (step_depends(step, other))
            return INITIAL_NOT;
    }
    return INITIAL_INDEPENDENT;
}

// w without the first step of thread.
static void remove_first(struct sequence *w, fr_tid thread) {
    uint32_t i = 0;
    while (w->steps[w->order[i]].thread != thread)
        i++;
    w->count--;
    memmove(w->order + i, w->order + i + 1, (w->count - i) * sizeof *w->order);
}

static uint32_t *link_of(struct wakeup *wakeup, uint32_t *head, uint32_t parent) {
    return parent == NONE ? head : &wakeup->branches[parent].first_child;
}

// Hangs w as a chain behind the last child of parent (NONE: of *head).
static enum fr_status append_chain(struct wakeup *wakeup, uint32_t *head, uint32_t parent,
                                   const struct sequence *w) {
    uint32_t chain = NONE;
    // From the end, so that nothing is linked before all of it exists.
    for (uint32_t i = w->count; i-- > 0;) {
        uint32_t made;
        enum fr_status status = new_branch(wakeup, &w->steps[w->order[i]], &made);
        if (status != FR_OK) {
            wakeup_drop(wakeup, chain);
            return status;
        }
        wakeup->branches[made].first_child = chain;
        chain = made;
    }
    wakeup->branches[chain].required = parent == NONE;
    uint32_t *link = link_of(wakeup, head, parent);
    while (*link != NONE)
        link = &wakeup->branches[*link].next;
    *link = chain;
    return FR_OK;
}

// The first of these siblings that is a weak initial of w, or NONE.
static uint32_t find_initial(const struct wakeup *wakeup, uint32_t first, const struct sequence *w,
                             enum initial *how) {
    for (uint32_t child = first; child != NONE; child = wakeup->branches[child].next) {
        struct step step = step_of(wakeup, child);
        *how = wakeup_initial(&step, w);
        if (*how != INITIAL_NOT)
            return child;
    }
    return NONE;
}

enum fr_status wakeup_insert(struct wakeup *wakeup, uint32_t *head, struct sequence *w,
                             bool *inserted) {
    uint32_t parent = NONE;
    *inserted = false;
    while (w->count > 0) {
        enum initial how = INITIAL_NOT;
        uint32_t first = *link_of(wakeup, head, parent);
        uint32_t child = find_initial(wakeup, first, w, &how);
        if (child == NONE) {
            *inserted = true;
            return append_chain(wakeup, head, parent, w);
        }
        if (how == INITIAL_FIRST)
            remove_first(w, wakeup->branches[child].step.thread);
        if (wakeup->branches[child].first_child == NONE)
            return FR_OK;
        parent = child;
    }
    return FR_OK;
}

uint32_t wakeup_count(const struct wakeup *wakeup, uint32_t head) {
    uint32_t count = 0;
    for (; head != NONE; head = wakeup->branches[head].next)
        count++;
    return count;
}

// Is `step` a weak initial of some sequence from the root of the tree `at` to a leaf? A path is cut
// as soon as its steps decide. Last children are followed without recursion: a chain may be as long
// as an execution.
static bool is_initial_below(const struct wakeup *wakeup, const struct step *step, uint32_t at) {
    for (;;) {
        const struct branch *branch = &wakeup->branches[at];
        struct step other = step_of(wakeup, at);
        if (other.thread == step->thread)
            return true;
        if (step_depends(step, &other))
            return false;
        if (branch->first_child == NONE)
            return true;
        for (at = branch->first_child; wakeup->branches[at].next != NONE;
             at = wakeup->branches[at].next)
            if (is_initial_below(wakeup, step, at))
                return true;
    }
}

bool wakeup_move_first(struct wakeup *wakeup, uint32_t *head, uint32_t n) {
    uint32_t before = *head;
    if (n == 0)
        return true;
    for (uint32_t i = 1; i < n; i++)
        before = wakeup->branches[before].next;
    uint32_t at = wakeup->branches[before].next;
    const struct branch *branch = &wakeup->branches[at];
    struct step step = step_of(wakeup, at);
    for (uint32_t other = *head; other != NONE; other = wakeup->branches[other].next)
        if (other != at && is_initial_below(wakeup, &step, other))
            return false;
    wakeup->branches[before].next = branch->next;
    wakeup->branches[at].next = *head;
    *head = at;
    return true;
}
