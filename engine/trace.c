// What happened in one execution, in order: events, their causes, clocks and hashes.
// SPDX-License-Identifier: Apache-2.0
#include "trace.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

void trace_init(struct trace *trace, struct alloc *alloc, uint32_t threads_max) {
    *trace = (struct trace){.alloc = alloc, .threads_max = threads_max};
}

void trace_release(struct trace *trace) {
    alloc_free(trace->alloc, trace->events);
    alloc_free(trace->alloc, trace->causes);
    alloc_free(trace->alloc, trace->touches);
    alloc_free(trace->alloc, trace->clocks);
    alloc_free(trace->alloc, trace->choices);
    alloc_free(trace->alloc, trace->jumps);
}

void trace_clear(struct trace *trace) {
    trace->length = 0;
    trace->cause_count = 0;
    trace->touch_count = 0;
    trace->choice_count = 0;
    trace->jump_count = 0;
    trace->preemptions = 0;
    trace->hash = 0;
    trace->reads_from = 0;
    trace->barrier_hash = 0;
    memset(trace->barrier_clock, 0, sizeof trace->barrier_clock);
}

enum fr_status trace_push(struct trace *trace, const struct step *step, uint64_t site,
                          uint32_t *at) {
    size_t length = (size_t)trace->length + 1;
    enum fr_status status = ALLOC_GROW(trace->alloc, trace->events, trace->event_capacity, length);
    if (status == FR_OK)
        status = ALLOC_GROW(trace->alloc, trace->clocks, trace->clock_capacity,
                            length * trace->threads_max);
    if (status == FR_OK)
        status = ALLOC_GROW(trace->alloc, trace->touches, trace->touch_capacity,
                            (size_t)trace->touch_count + step->touch_count);
    if (status != FR_OK)
        return status;
    if (step->touch_count != 0)
        memcpy(trace->touches + trace->touch_count, step->touches,
               step->touch_count * sizeof *step->touches);
    trace->events[trace->length] = (struct event){
        .site = site,
        .past = step->past,
        .slots = step->slots,
        .value = step->value,
        .expect = step->expect,
        .index = step->index,
        .touches_at = trace->touch_count,
        .touch_count = step->touch_count,
        .causes_at = trace->cause_count,
        .rival = NONE,
        .barrier = trace_barrier(trace),
        .target = step->target,
        .thread = (uint8_t)step->thread,
        .kind = step->kind,
        .asked = step->kind,
        .outcome = true,
    };
    trace->touch_count += step->touch_count;
    *at = trace->length++;
    return FR_OK;
}

void trace_take_back(struct trace *trace) {
    const struct event *event = &trace->events[--trace->length];
    trace->touch_count = event->touches_at;
    trace->cause_count = event->causes_at;
}

enum fr_status trace_cause(struct trace *trace, uint32_t cause, uint8_t through) {
    struct event *event = &trace->events[trace->length - 1];
    assert(cause < trace->length - 1);
    for (uint32_t i = event->causes_at; i < trace->cause_count; i++) {
        if (trace->causes[i].at == cause) {
            trace->causes[i].through |= through;
            return FR_OK;
        }
    }
    enum fr_status status = ALLOC_GROW(trace->alloc, trace->causes, trace->cause_capacity,
                                       (size_t)trace->cause_count + 1);
    if (status != FR_OK)
        return status;
    trace->causes[trace->cause_count++] = (struct cause){.at = cause, .through = through};
    event->cause_count++;
    return FR_OK;
}

// The hash of an event covers its thread, index, site, kind, outcome and modes, and through its
// direct causes everything that happens before it. Causes are summed: their order is that of one
// linearisation. Objects need no name in it: a deterministic thread touches what its past says.
static uint64_t hash_event(const struct trace *trace, const struct event *event,
                           uint64_t thread_name) {
    uint64_t causes = trace->barrier_hash;
    for (uint32_t i = 0; i < event->cause_count; i++)
        causes += mix64(trace->events[trace->causes[event->causes_at + i].at].hash);
    uint64_t modes = 0;
    for (uint32_t i = 0; i < event->touch_count; i++)
        modes = modes * FR_MODES + trace->touches[event->touches_at + i].mode + 1;
    uint64_t own[6] = {thread_name, event->index,
                       event->site, (uint64_t)event->kind << 1 | event->outcome,
                       modes,       causes};
    return XXH3_64bits(own, sizeof own);
}

void trace_seal(struct trace *trace, uint64_t thread_name) {
    uint32_t at = trace->length - 1;
    struct event *event = &trace->events[at];
    uint32_t *clock = trace_clock(trace, at);
    memcpy(clock, trace->barrier_clock, trace->threads_max * sizeof *clock);
    for (uint32_t i = 0; i < event->cause_count; i++) {
        const uint32_t *other = trace_clock(trace, trace->causes[event->causes_at + i].at);
        for (uint32_t t = 0; t < trace->threads_max; t++)
            clock[t] = clock[t] > other[t] ? clock[t] : other[t];
    }
    clock[event->thread] = event->index;
    event->hash = hash_event(trace, event, thread_name);
    trace->hash += mix64(event->hash);
}

// The hash of the trace so far stands for all its events: it is the same for all their orders. The
// time needs no place in it: it follows from what the threads did.
enum fr_status trace_jump(struct trace *trace, uint64_t now) {
    uint32_t from = trace_barrier(trace);
    enum fr_status status =
        ALLOC_GROW(trace->alloc, trace->jumps, trace->jump_capacity, (size_t)trace->jump_count + 1);
    if (status != FR_OK)
        return status;
    trace->jumps[trace->jump_count++] = (struct jump){.now = now, .at = trace->length};
    for (uint32_t at = from; at < trace->length; at++)
        trace->barrier_clock[trace->events[at].thread] = trace->events[at].index;
    trace->barrier_hash = mix64(trace->hash);
    return FR_OK;
}

// How many jumps there were by then.
static uint32_t count_jumps(const struct trace *trace, uint32_t at) {
    uint32_t low = 0;
    uint32_t high = trace->jump_count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (trace->jumps[middle].at <= at)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

uint32_t trace_last_strong(const struct trace *trace, fr_tid thread, uint32_t slot,
                           uint32_t before) {
    for (uint32_t at = before; at-- > 0;) {
        const struct event *event = &trace->events[at];
        if (event->thread != thread || (event->slots >> slot % 64 & 1) == 0)
            continue;
        for (uint32_t i = 0; i < event->touch_count; i++) {
            struct touch touch = trace->touches[event->touches_at + i];
            if (touch.slot == slot && (touch.mode == FR_READ || touch.mode == FR_WRITE))
                return at;
        }
    }
    return NONE;
}

bool trace_writes(const struct trace *trace, uint32_t at, uint32_t slot) {
    const struct event *event = &trace->events[at];
    if ((event->slots >> slot % 64 & 1) == 0)
        return false;
    for (uint32_t i = 0; i < event->touch_count; i++) {
        struct touch touch = trace->touches[event->touches_at + i];
        if (touch.slot == slot && (touch.mode == FR_WRITE || touch.mode == FR_WRITE_WEAK))
            return true;
    }
    return false;
}

uint32_t trace_since(const struct trace *trace, uint32_t at) {
    uint32_t count = count_jumps(trace, at);
    return count == 0 ? 0 : trace->jumps[count - 1].at;
}

uint64_t trace_now(const struct trace *trace, uint32_t at) {
    uint32_t count = count_jumps(trace, at);
    return count == 0 ? 0 : trace->jumps[count - 1].now;
}

bool trace_is_jump(const struct trace *trace, uint32_t at) {
    uint32_t count = count_jumps(trace, at);
    return count != 0 && trace->jumps[count - 1].at == at;
}

enum fr_status trace_choice(struct trace *trace, struct choice choice) {
    enum fr_status status = ALLOC_GROW(trace->alloc, trace->choices, trace->choice_capacity,
                                       (size_t)trace->choice_count + 1);
    if (status == FR_OK)
        trace->choices[trace->choice_count++] = choice;
    return status;
}

// It is the first cause that run_perform adds.
uint32_t trace_last(const struct trace *trace, uint32_t at) {
    const struct event *event = &trace->events[at];
    if (event->cause_count == 0 || (trace->causes[event->causes_at].through & CAUSE_ORDER) == 0)
        return NONE;
    return trace->causes[event->causes_at].at;
}

struct step trace_step(const struct trace *trace, uint32_t at) {
    const struct event *event = &trace->events[at];
    return (struct step){
        .thread = event->thread,
        .kind = event->kind,
        .target = event->target,
        .index = event->index,
        .touch_count = event->touch_count,
        .touches = event->touch_count != 0 ? trace->touches + event->touches_at : NULL,
        .slots = event->slots,
        .past = event->past,
        .value = event->value,
        .expect = event->expect,
    };
}
