// The frontier of an exploration: how the executions begin that are known but not yet done.
// SPDX-License-Identifier: Apache-2.0
#ifndef ENGINE_FRONTIER_H
#define ENGINE_FRONTIER_H

#include "alloc.h"

// An event of an execution whose beginning is shared with others. Events of an execution form a
// list from its end to its start through `parent`, whose number is smaller than its own.
struct link {
    uint64_t event_hash;
    uint64_t announced;  // what all threads had announced before it
    uint32_t parent;     // NONE: the first event
    uint32_t from;   // position at which the move began that this event ends; NONE if it ends none
    uint32_t leads;  // found so far that leave executions behind this event
    uint8_t thread;
    bool overtakes;  // ends a move of other threads than the one whose turn it was
};

// The beginning of an execution: the first `at` events of one that was done, then these threads.
struct lead {
    uint32_t link;  // event number at - 1, NONE if at is 0
    uint32_t at;
    uint32_t threads_at;  // in `threads`
    uint32_t count;       // threads; 0: none, the exploration's first execution
    uint32_t repeated;    // of them, events that the same execution had
    uint32_t link_count;  // links that this lead and those below it need
    uint64_t hash;        // sum of those events' hashes, mixed
    uint64_t announced;   // what all threads had announced where it leaves that execution
    bool overtakes;       // how the move ends that begins at `at`: see struct link
};

struct frontier {
    struct alloc *alloc;
    struct link *links;
    struct lead *leads;  // a stack
    uint8_t *threads;
    uint32_t root_leads;  // found so far that leave executions before their first event
    uint32_t link_count;
    uint32_t link_capacity;
    uint32_t lead_count;
    uint32_t lead_capacity;
    uint32_t thread_count;
    uint32_t thread_capacity;
};

void frontier_init(struct frontier *frontier, struct alloc *alloc);
void frontier_release(struct frontier *frontier);
void frontier_clear(struct frontier *frontier);

FR_MUST_CHECK enum fr_status frontier_push_link(struct frontier *frontier, struct link link,
                                                uint32_t *out);
// Room for the threads of the next lead.
FR_MUST_CHECK enum fr_status frontier_reserve(struct frontier *frontier, uint32_t threads,
                                              uint8_t **out);
// Pushes the lead; the threads reserved last become its own (threads_at and link_count are set).
FR_MUST_CHECK enum fr_status frontier_push(struct frontier *frontier, struct lead lead);
// A lead was found behind this link (NONE: before all).
void frontier_count(struct frontier *frontier, uint32_t link);
// Takes the top lead off with its threads.
void frontier_pop(struct frontier *frontier);
// Forgets the links that no lead needs.
void frontier_trim(struct frontier *frontier);

// NULL if nothing is left.
static inline const struct lead *frontier_top(const struct frontier *frontier) {
    return frontier->lead_count == 0 ? NULL : &frontier->leads[frontier->lead_count - 1];
}

#endif
