// Replaying a schedule given as blocks: let a thread run to a place, then the next.
// SPDX-License-Identifier: Apache-2.0
#include "replay.h"

void replay_init(struct replay *replay) {
    *replay = (struct replay){0};
}

void replay_release(struct replay *replay, struct alloc *alloc) {
    alloc_free(alloc, replay->segments);
    alloc_free(alloc, replay->seen);
}

enum fr_status replay_set(struct replay *replay, struct alloc *alloc,
                          const struct fr_segment *segments, size_t count) {
    enum fr_status status = ALLOC_GROW(alloc, replay->segments, replay->segment_capacity, count);
    if (status == FR_OK)
        status = ALLOC_GROW(alloc, replay->seen, replay->seen_capacity, count);
    if (status != FR_OK)
        return status;
    if (count != 0)
        memcpy(replay->segments, segments, count * sizeof *segments);
    replay->count = (uint32_t)count;
    return FR_OK;
}

void replay_begin(struct replay *replay) {
    replay->current = replay->events = replay->done = 0;
    replay->in_order = true;
    if (replay->count != 0)
        memset(replay->seen, 0, replay->count * sizeof *replay->seen);
}

void replay_announced(struct replay *replay, fr_tid thread, uint64_t site) {
    for (uint32_t i = 0; i < replay->count; i++) {
        const struct fr_segment *segment = &replay->segments[i];
        if (segment->nth != 0 && segment->thread == thread && segment->until == site)
            replay->seen[i]++;
    }
}

static bool has_no_condition(const struct fr_segment *segment) {
    return segment->events == 0 && segment->nth == 0;
}

static bool has_reached_end(const struct replay *replay, const struct run *run) {
    const struct fr_segment *segment = &replay->segments[replay->current];
    if (segment->events != 0 && replay->events >= segment->events)
        return true;
    if (segment->nth == 0 || segment->thread >= run->thread_count)
        return false;
    const struct thread *thread = &run->threads[segment->thread];
    return thread->pending && thread->site == segment->until &&
           replay->seen[replay->current] >= segment->nth;
}

static void next_segment(struct replay *replay, bool reached) {
    replay->in_order &= reached;
    replay->done += replay->in_order;
    replay->current++;
    replay->events = 0;
}

fr_tid replay_choose(struct replay *replay, const struct run *run, tset enabled) {
    while (replay->current < replay->count) {
        const struct fr_segment *segment = &replay->segments[replay->current];
        if (has_reached_end(replay, run)) {
            next_segment(replay, true);
        } else if (segment->thread >= run->threads_max || !tset_has(enabled, segment->thread)) {
            next_segment(replay, has_no_condition(segment));
        } else {
            replay->events++;
            return segment->thread;
        }
    }
    if (run->current != FR_TID_NONE && tset_has(enabled, run->current))
        return run->current;
    return tset_first(enabled);
}

void replay_end(struct replay *replay, const struct run *run) {
    while (replay->current < replay->count) {
        const struct fr_segment *segment = &replay->segments[replay->current];
        next_segment(replay, has_reached_end(replay, run) || has_no_condition(segment));
    }
}
