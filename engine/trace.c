// What happened in one execution, in order: events, their causes, clocks and hashes.
// SPDX-License-Identifier: Apache-2.0
#include "trace.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

void trace_init(struct trace *trace, struct alloc *alloc) {
    *trace = (struct trace){.alloc = alloc, .clocks.width = ROWS_WIDTH};
}

void trace_release(struct trace *trace) {
    alloc_free(trace->alloc, trace->events);
    alloc_free(trace->alloc, trace->causes);
    alloc_free(trace->alloc, trace->touches);
    alloc_free(trace->alloc, trace->clocks.items);
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
    trace->barrier_hash = 0;
    memset(trace->barrier_clock, 0, sizeof trace->barrier_clock);
}

enum fr_status trace_widen(struct trace *trace, uint32_t threads) {
    return rows_widen(&trace->clocks, trace->alloc, trace->length, threads);
}

// There are two or three: a call of memcpy costs more.
static void copy_touches(struct touch *to, const struct touch *from, uint32_t count) {
    if (count > 4) {
        memcpy(to, from, count * sizeof *to);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        to[i] = from[i];
}

enum fr_status trace_push(struct trace *trace, const struct step *step, uint64_t site,
                          uint32_t *at) {
    size_t length = (size_t)trace->length + 1;
    enum fr_status status = ALLOC_GROW(trace->alloc, trace->events, trace->event_capacity, length);
    if (status == FR_OK)
        status = rows_reserve(&trace->clocks, trace->alloc, length);
    if (status == FR_OK)
        status = ALLOC_GROW(trace->alloc, trace->touches, trace->touch_capacity,
                            (size_t)trace->touch_count + step->touch_count);
    if (status != FR_OK)
        return status;
    // There is no array yet if no event touched anything.
    if (step->touch_count != 0)
        copy_touches(trace->touches + trace->touch_count, step->touches, step->touch_count);
    // One by one: what a compiler makes of a whole struct clears it first, which costs as much
    // again.
    struct event *event = &trace->events[trace->length];
    event->site = site;
    event->past = step->past;
    event->slots = step->slots;
    event->value = step->value;
    event->expect = step->expect;
    event->deadline = 0;
    event->index = step->index;
    event->touches_at = trace->touch_count;
    event->touch_count = step->touch_count;
    event->causes_at = trace->cause_count;
    event->rival = NONE;
    event->barrier = trace_barrier(trace);
    event->target = step->target;
    event->thread = (uint8_t)step->thread;
    event->kind = event->asked = step->kind;
    event->outcome = true;
    event->switchable = FR_SWITCH_YES;
    trace->touch_count += step->touch_count;
    *at = trace->length++;
    return FR_OK;
}

void trace_take_back(struct trace *trace) {
    const struct event *event = &trace->events[--trace->length];
    trace->touch_count = event->touches_at;
    trace->cause_count = event->causes_at;
}

// There are no arrays yet if no event had any.
static const struct cause *causes_of(const struct trace *trace, const struct event *event) {
    return event->cause_count != 0 ? trace->causes + event->causes_at : NULL;
}

static const struct touch *touches_of(const struct trace *trace, const struct event *event) {
    return event->touch_count != 0 ? trace->touches + event->touches_at : NULL;
}

// The hash of an event covers its thread, index, site, kind, outcome and modes, and through its
// direct causes everything that happens before it. Causes are summed: their order is that of one
// linearisation. Objects need no name in it: a deterministic thread touches what its past says.
static uint64_t hash_event(const struct trace *trace, const struct event *event,
                           uint64_t thread_name) {
    uint64_t causes = trace->barrier_hash;
    const struct cause *cause = causes_of(trace, event);
    for (uint32_t i = 0; i < event->cause_count; i++)
        causes += mix64(trace->events[cause[i].at].hash);
    uint64_t modes = 0;
    const struct touch *touches = touches_of(trace, event);
    for (uint32_t i = 0; i < event->touch_count; i++)
        modes = modes * FR_MODES + touches[i].mode + 1;
    uint64_t own[6] = {thread_name, event->index,
                       event->site, (uint64_t)event->kind << 1 | event->outcome,
                       modes,       causes};
    return XXH3_64bits(own, sizeof own);
}

// The clocks of the causes joined, and of the last jump of time.
static void join_clocks(const struct trace *trace, const struct cause *causes, uint32_t count,
                        uint32_t *clock) {
    const uint32_t *barrier = trace->barrier_clock;
    const uint32_t *clocks = trace->clocks.items;
    uint32_t width = trace->clocks.width;
    for (uint32_t t = 0; t < width; t += ROWS_WIDTH) {
        uint32_t a = barrier[t], b = barrier[t + 1], c = barrier[t + 2], d = barrier[t + 3];
        for (uint32_t i = 0; i < count; i++) {
            const uint32_t *other = clocks + (size_t)causes[i].at * width + t;
            a = a > other[0] ? a : other[0];
            b = b > other[1] ? b : other[1];
            c = c > other[2] ? c : other[2];
            d = d > other[3] ? d : other[3];
        }
        clock[t] = a, clock[t + 1] = b, clock[t + 2] = c, clock[t + 3] = d;
    }
}

void trace_seal(struct trace *trace, uint64_t thread_name) {
    uint32_t at = trace->length - 1;
    struct event *event = &trace->events[at];
    uint32_t *clock = trace_clock(trace, at);
    event->cause_count = trace->cause_count - event->causes_at;
    join_clocks(trace, causes_of(trace, event), event->cause_count, clock);
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
