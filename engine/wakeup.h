// Wakeup trees: initial fragments of executions that still have to be explored from a state.
// SPDX-License-Identifier: Apache-2.0
//
// JACM 2017, section 6: an ordered tree whose nodes are steps; insert[E](w, B) keeps it such that w
// is equivalent to an extension of some branch, and adds nothing if a leaf already covers w.
// Insertion tests equivalence (~), not equal prefixes.
#ifndef ENGINE_WAKEUP_H
#define ENGINE_WAKEUP_H

#include "foresee.h"

// A node of a tree: a step as it was when inserted. Its touches name objects by slots that mean the
// same in every execution: trees are for programs whose objects have names (stable keys).
struct branch {
    struct step step;  // touches unused: see touches_at
    bool required;     // a reversal of a race at this very state; else only a hint how to go on
    uint32_t touches_at;
    uint32_t first_child;
    uint32_t next;
};

// All trees of one exploration share these pools; freed parts are used again.
struct wakeup {
    struct alloc *alloc;
    struct branch *branches;
    struct touch *touches;
    uint32_t branch_count;
    uint32_t branch_capacity;
    uint32_t touch_count;
    uint32_t touch_capacity;
    uint32_t free_branch;
    uint32_t free_touches[FR_ACCESSES_MAX + 1];  // by size; linked through slot
    uint32_t live;                               // branches in use
};

void wakeup_init(struct wakeup *wakeup, struct alloc *alloc);
void wakeup_release(struct wakeup *wakeup);
void wakeup_clear(struct wakeup *wakeup);

// A sequence w of steps that is possible after a state E, to be inserted.
struct sequence {
    const struct step *steps;
    uint32_t *order;  // indices of steps, in order; insertion shortens it
    uint32_t count;
};

// insert[E](w, *head). *inserted tells whether something was added.
//
// The branches taken from E are a source set (JACM 2017, section 4); what is below the first level
// is a hint how to go on without being blocked by sleep. A hint that cannot be followed is dropped.
FR_MUST_CHECK enum fr_status wakeup_insert(struct wakeup *wakeup, uint32_t *head,
                                           struct sequence *w, bool *inserted);
// How many trees a list has.
uint32_t wakeup_count(const struct wakeup *wakeup, uint32_t head);
// Moves the n-th branch of *head to its front if its step is a weak initial of no sequence of the
// other branches, so that it may be explored before them. False (and nothing moved) otherwise.
bool wakeup_move_first(struct wakeup *wakeup, uint32_t *head, uint32_t n);
// Takes the first branch off *head: its children become *children.
struct branch wakeup_take(struct wakeup *wakeup, uint32_t *head, uint32_t *children);
// A branch as it was saved: its step with its touches, linked to no other.
FR_MUST_CHECK enum fr_status wakeup_restore(struct wakeup *wakeup, const struct step *step,
                                            bool required, uint32_t *out);
// Frees a list of trees.
void wakeup_drop(struct wakeup *wakeup, uint32_t head);

// Weak initials, WI[E](w): how `step`, the next of its thread after E, relates to the sequence w.
enum initial { INITIAL_NOT, INITIAL_FIRST, INITIAL_INDEPENDENT };
// FIRST: its thread occurs in w and nothing before it there depends on it. INDEPENDENT: its thread
// does not occur in w and nothing in w depends on it.
enum initial wakeup_initial(const struct step *step, const struct sequence *w);

#endif
