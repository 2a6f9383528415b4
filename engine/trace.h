// What happened in one execution, in order: events, their causes, clocks and hashes.
// SPDX-License-Identifier: Apache-2.0
#ifndef ENGINE_TRACE_H
#define ENGINE_TRACE_H

#include "alloc.h"
#include "object.h"
#include "step.h"

// Through what an event directly depends on an earlier one.
enum { CAUSE_ORDER = 1, CAUSE_OBJECT = 2 };

struct cause {
    uint32_t at;
    uint8_t through;  // CAUSE_ bits
};

struct event {
    uint64_t hash;
    uint64_t site;
    uint64_t past;
    uint64_t slots;
    int64_t value;
    int64_t expect;
    uint64_t deadline;
    uint32_t index;
    uint32_t touches_at;
    uint32_t touch_count;
    uint32_t causes_at;
    uint32_t cause_count;
    // ACQUIRE, TRY: position of the last acquisition of the lock before this one, or NONE.
    uint32_t rival;
    // Position of the first event after the last jump of time before this one, 0 if there was none:
    // all before it happens before this event.
    uint32_t barrier;
    fr_tid target;
    uint8_t thread;
    uint8_t kind;   // what it came to, see run_fall_due
    uint8_t asked;  // what was announced
    bool outcome;
    uint8_t switchable;  // enum fr_switch
};

// What was decided at a branching point: a state with two or more enabled threads.
struct choice {
    uint8_t index;         // among the enabled threads, the current one first, then by number
    uint8_t width;         // how many there were
    bool current_enabled;  // the current thread could have gone on: index > 0 is a preemption
};

// Time passed: nobody could go on after the first `at` events.
struct jump {
    uint64_t now;  // from then on
    uint32_t at;
};

struct trace {
    struct alloc *alloc;
    struct event *events;
    struct cause *causes;
    struct touch *touches;
    struct rows clocks;  // [event][thread]
    struct choice *choices;
    struct jump *jumps;
    uint32_t length;
    uint32_t cause_count;
    uint32_t touch_count;
    uint32_t choice_count;
    uint32_t event_capacity;
    uint32_t cause_capacity;
    uint32_t touch_capacity;
    uint32_t choice_capacity;
    uint32_t jump_count;
    uint32_t jump_capacity;
    uint32_t preemptions;
    uint64_t hash;
    // What every event after the last jump has in its past: all events before it.
    uint64_t barrier_hash;
    uint32_t barrier_clock[FR_THREADS_MAX];
};

void trace_init(struct trace *trace, struct alloc *alloc);
void trace_release(struct trace *trace);
void trace_clear(struct trace *trace);

// Room for events of that many threads.
FR_MUST_CHECK enum fr_status trace_widen(struct trace *trace, uint32_t threads);
// Appends an event with its footprint and no causes; the caller then adds causes, and seals it.
FR_MUST_CHECK enum fr_status trace_push(struct trace *trace, const struct step *step, uint64_t site,
                                        uint32_t *at);
// Takes the last event back, which was not sealed.
void trace_take_back(struct trace *trace);
// Room for so many more causes.
FR_MUST_CHECK static inline enum fr_status trace_reserve(struct trace *trace, size_t causes) {
    return ALLOC_GROW(trace->alloc, trace->causes, trace->cause_capacity,
                      trace->cause_count + causes);
}
// The last event directly depends on the one at `cause`. Precondition: there is room.
static inline void trace_cause(struct trace *trace, uint32_t cause, uint8_t through) {
    assert(cause < trace->length - 1);
    for (uint32_t i = trace->events[trace->length - 1].causes_at; i < trace->cause_count; i++)
        if (trace->causes[i].at == cause) {
            trace->causes[i].through |= through;
            return;
        }
    assert(trace->cause_count < trace->cause_capacity);
    trace->causes[trace->cause_count++] = (struct cause){.at = cause, .through = through};
}
// Computes clock and hash of the last event. thread_name: the thread's stable name.
void trace_seal(struct trace *trace, uint64_t thread_name);
// Time jumps to `now`: a barrier between all events so far and all that follow.
FR_MUST_CHECK enum fr_status trace_jump(struct trace *trace, uint64_t now);
FR_MUST_CHECK enum fr_status trace_choice(struct trace *trace, struct choice choice);

// Position of the thread's last strong access (read or write) of a slot before a position, or NONE.
uint32_t trace_last_strong(const struct trace *trace, fr_tid thread, uint32_t slot,
                           uint32_t before);
// Does the event write the slot, weakly or not?
bool trace_writes(const struct trace *trace, uint32_t at, uint32_t slot);
// The time after the first `at` events, and whether it jumped there.
uint64_t trace_now(const struct trace *trace, uint32_t at);
bool trace_is_jump(const struct trace *trace, uint32_t at);
// Position of the first event after the last jump before the event at a position.
uint32_t trace_since(const struct trace *trace, uint32_t at);
// Position of the first event after the last jump, 0 if there was none.
static inline uint32_t trace_barrier(const struct trace *trace) {
    return trace->jump_count == 0 ? 0 : trace->jumps[trace->jump_count - 1].at;
}

static inline uint32_t *trace_clock(const struct trace *trace, uint32_t at) {
    return trace->clocks.items + (size_t)at * trace->clocks.width;
}

// Does the event at a happen before the one at b, or is it the same?
static inline bool trace_before(const struct trace *trace, uint32_t a, uint32_t b) {
    const struct event *event = &trace->events[a];
    return trace_clock(trace, b)[event->thread] >= event->index;
}

// The event before the one at a position in its thread, or that spawned the thread, or NONE.
uint32_t trace_last(const struct trace *trace, uint32_t at);
// The event as a step; its touches are borrowed from the trace.
struct step trace_step(const struct trace *trace, uint32_t at);

#endif
