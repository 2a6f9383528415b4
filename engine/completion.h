// The completion of a prefix: what follows if always the lowest thread that is enabled goes on.
// SPDX-License-Identifier: Apache-2.0
//
// A prefix of a trace is given as how many events of each thread it has. Its completion is a
// function of the prefix alone, so that a trace can be asked whether it is the completion of one of
// its prefixes, without an execution.
#ifndef ENGINE_COMPLETION_H
#define ENGINE_COMPLETION_H

#include "run.h"

// Events [from .. end) of the execution that it performed although a lower thread could go on, and
// without which that thread's next event would have been another one.
struct detour {
    uint32_t from;
    uint32_t end;
};

struct completion {
    struct alloc *alloc;
    uint32_t *lock_events;  // positions of what acquires, tries and releases
    bool *held;             // by slot: the lock is held after the prefix
    // By position: how many events of the thread, up to this one, may change which threads are
    // enabled.
    uint32_t *influence;
    struct detour *detours;  // in order
    uint32_t lock_event_count;
    uint32_t detour_count;
    uint32_t lock_event_capacity;
    uint32_t held_capacity;
    uint32_t influence_capacity;
    uint32_t detour_capacity;
    // From this position on the execution took the lowest thread that was enabled, always. NONE:
    // nowhere; then it did so between detours neither.
    uint32_t settled;
    bool is_cut;  // the execution was stopped although somebody could have gone on
    bool has_spins;
    bool has_joins;
};

void completion_init(struct completion *completion, struct alloc *alloc);
void completion_release(struct completion *completion);

// Before questions about an execution that is over. It has no detours yet.
FR_MUST_CHECK enum fr_status completion_begin(struct completion *completion, const struct run *run,
                                              uint32_t settled);
FR_MUST_CHECK enum fr_status completion_detour(struct completion *completion, struct detour detour);
// Is the execution's trace the completion of its prefix `counts`? (An execution that was cut: as
// far as it goes.) `before` has fewer events: those up to the position `at`, which ends a move.
// Counts are changed.
bool completion_holds(struct completion *completion, const struct run *run, uint32_t at,
                      const uint32_t *before, uint32_t *counts);

#endif
