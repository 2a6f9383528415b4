// Replaying a schedule given as blocks: let a thread run to a place, then the next.
// SPDX-License-Identifier: Apache-2.0
#ifndef ENGINE_REPLAY_H
#define ENGINE_REPLAY_H

#include "run.h"

struct replay {
    struct fr_segment *segments;
    uint32_t *seen;  // per segment: announcements of its place by its thread so far
    uint32_t segment_capacity;
    uint32_t seen_capacity;
    uint32_t count;
    uint32_t current;
    uint32_t events;  // done in the current segment
    uint32_t done;    // leading segments that ran to their stated end
    bool in_order;    // no segment has fallen short yet
};

void replay_init(struct replay *replay);
void replay_release(struct replay *replay, struct alloc *alloc);
FR_MUST_CHECK enum fr_status replay_set(struct replay *replay, struct alloc *alloc,
                                        const struct fr_segment *segments, size_t count);
void replay_begin(struct replay *replay);
void replay_announced(struct replay *replay, fr_tid thread, uint64_t site);
// Who goes next. Never FR_TID_NONE while somebody is enabled: a block that cannot be followed ends,
// and after the last one the current thread goes on as long as it can.
fr_tid replay_choose(struct replay *replay, const struct run *run, tset enabled);
// The execution is over: segments whose end was reached meanwhile count as done.
void replay_end(struct replay *replay, const struct run *run);

#endif
