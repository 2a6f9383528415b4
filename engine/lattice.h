// The lattice of a trace: its prefixes, and the least cost of a schedule to each.
// SPDX-License-Identifier: Apache-2.0
//
// A prefix is a set of events with all that happens before them, given by how many events of each
// thread are in it. What a step costs depends on the prefix and on the thread that ran last, so a
// state is the pair. Who is enabled after a prefix is a function of the prefix: a lock's operations
// are totally ordered, and a thread's next operation is the next in the trace, or what it had
// announced at the end.
//
// Costs are of two kinds:
//   PREEMPTIONS  1 for a step of another thread than the last while that is enabled, else 0
//   DELAYS       how many enabled threads the deterministic scheduler would have run before this
//                one: it goes on with the last thread, else with the next enabled number (going
//                round; the lowest at the start), and each delay makes it skip one
#ifndef ENGINE_LATTICE_H
#define ENGINE_LATTICE_H

#include "run.h"

enum { LATTICE_BUCKETS = FR_THREADS_MAX };  // more than the cost of one step

struct lattice_state {
    uint64_t hash;    // of the prefix, as trace.hash
    uint32_t cost;    // least known; the least there is once settled
    uint32_t parent;  // state before the last event, or NONE
    fr_tid thread;    // of the last events, or FR_TID_NONE
    uint32_t events;  // of thread, since the parent
    fr_tid last;      // the same as far as costs depend on it, else FR_TID_NONE
    bool settled;
};

struct lattice {
    struct alloc *alloc;
    const struct run *run;
    enum fr_bound kind;
    uint32_t limit;
    uint32_t base;
    uint32_t threads;
    struct lattice_state *states;
    uint32_t *counts;  // [state][thread]
    uint32_t *table;   // open addressing: index of a state, or NONE
    struct lattice_turn *turns;
    uint32_t *changes;  // per event that took or freed a lock: the last such before it, or NONE
    uint32_t *changed;  // per object: the last such event
    uint32_t state_count;
    uint32_t state_capacity;
    uint32_t count_capacity;
    uint32_t table_size;
    uint32_t table_capacity;
    uint32_t turn_count;
    uint32_t turn_capacity;
    uint32_t change_capacity;
    uint32_t changed_capacity;
    uint32_t free_turn;
    uint32_t waiting;                        // turns in the buckets
    uint32_t cost;                           // of the bucket at hand
    uint32_t buckets[LATTICE_BUCKETS];       // by cost, going round
    uint32_t ends[FR_THREADS_MAX];           // only prefixes with at most so many events each
    uint32_t spawned[FR_THREADS_MAX];        // position of a child's SPAWN, or NONE
    uint32_t change_before[FR_THREADS_MAX];  // as `changes`, of the operation pending at the end
};

void lattice_init(struct lattice *lattice, struct alloc *alloc);
void lattice_release(struct lattice *lattice);

// Opens the lattice of run's events above its first `base` events, which are free of charge. run
// must not change while the lattice is in use.
FR_MUST_CHECK enum fr_status lattice_open(struct lattice *lattice, const struct run *run,
                                          enum fr_bound kind, uint32_t limit, uint32_t base);
// Begins again, with those prefixes only that have at most ends[t] events of each thread t (NULL:
// all of them).
FR_MUST_CHECK enum fr_status lattice_reopen(struct lattice *lattice, const uint32_t *ends);
// The next in the order of cost: a state, each once (and *thread FR_TID_NONE), or what
// lattice_defer put off. False: none is left within the limit. States follow only from what
// lattice_step added.
bool lattice_settle(struct lattice *lattice, uint32_t *state, fr_tid *thread);
// The threads that are enabled after the prefix.
tset lattice_enabled(const struct lattice *lattice, uint32_t state);
// What a step of thread costs there.
uint32_t lattice_price(const struct lattice *lattice, uint32_t state, tset enabled, fr_tid thread);
// The position of thread's next event if the trace has it directly after the prefix, else NONE.
uint32_t lattice_next(const struct lattice *lattice, uint32_t state, fr_tid thread);
// The same if it has performed so many of its next events, and others none.
uint32_t lattice_next_after(const struct lattice *lattice, uint32_t state, fr_tid thread,
                            uint32_t events);
bool lattice_is_enabled(const struct lattice *lattice, uint32_t state, fr_tid thread);
// How many events of each thread are in the prefix; borrowed until a state is added.
const uint32_t *lattice_counts(const struct lattice *lattice, uint32_t state);
// Adds the state after the event at `at`, the next of its thread, reached at this cost.
FR_MUST_CHECK enum fr_status lattice_step(struct lattice *lattice, uint32_t state, uint32_t at,
                                          uint32_t cost);
// The same after the next `events` of thread, which the trace has there.
FR_MUST_CHECK enum fr_status lattice_run(struct lattice *lattice, uint32_t state, fr_tid thread,
                                         uint32_t events, uint32_t cost);
// Adds the state of the same prefix in which no thread runs.
FR_MUST_CHECK enum fr_status lattice_leave(struct lattice *lattice, uint32_t state, uint32_t cost);
// Puts a step of thread from the state off until its cost is the turn of lattice_settle.
FR_MUST_CHECK enum fr_status lattice_defer(struct lattice *lattice, uint32_t state, fr_tid thread,
                                           uint32_t cost);
// True if all events are in the prefix.
bool lattice_is_whole(const struct lattice *lattice, uint32_t state);
// True if a thread's last event is in the prefix and what it does next was never announced.
bool lattice_is_stuck(const struct lattice *lattice, uint32_t state);
// Number of events in the prefix.
uint32_t lattice_length(const struct lattice *lattice, uint32_t state);

#endif
