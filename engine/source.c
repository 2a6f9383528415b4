// Sources: which writes the reads of an execution read from.
// SPDX-License-Identifier: Apache-2.0
//
// Asked for an execution that is over, and found in its trace: to note it at each event would make
// all of them dearer, and few want to know.
#include "run.h"

#include "explorer.h"

// Name of an event that depends on its thread's path only.
static uint64_t name_event(const struct run *run, uint32_t at) {
    const struct event *event = &run->trace.events[at];
    return mix64(run->threads[event->thread].name + event->index);
}

static bool reads(uint8_t kind, uint8_t mode) {
    if (mode == FR_READ || mode == FR_READ_WEAK)
        return true;
    // Updates and locks look before they write.
    return mode == FR_WRITE && kind != FR_OP_ACCESS && kind != FR_OP_RELEASE;
}

// Does the event touch the slot in this mode?
static bool touches(const struct trace *trace, uint32_t at, uint32_t slot, uint8_t mode) {
    const struct event *event = &trace->events[at];
    if ((event->slots >> slot % 64 & 1) == 0)
        return false;
    for (uint32_t i = 0; i < event->touch_count; i++) {
        struct touch touch = trace->touches[event->touches_at + i];
        if (touch.slot == slot && touch.mode == mode)
            return true;
    }
    return false;
}

// What a touch of the slot reads from is among the causes of its event: the last write, and each
// thread's last weak write since then, which weak reads do not see.
static uint64_t name_sources(const struct run *run, const struct event *event, struct touch touch) {
    const struct trace *trace = &run->trace;
    const struct cause *causes = trace->causes + event->causes_at;
    uint32_t write = NONE;
    uint32_t weak[FR_THREADS_MAX];
    tset writers = 0;
    for (uint32_t i = 0; i < event->cause_count; i++)
        if ((write == NONE || causes[i].at > write) &&
            touches(trace, causes[i].at, touch.slot, FR_WRITE))
            write = causes[i].at;
    for (uint32_t i = 0; touch.mode != FR_READ_WEAK && i < event->cause_count; i++) {
        uint32_t at = causes[i].at;
        if ((write != NONE && at <= write) || !touches(trace, at, touch.slot, FR_WRITE_WEAK))
            continue;
        uint8_t thread = trace->events[at].thread;
        if (!tset_has(writers, thread) || weak[thread] < at)
            weak[thread] = at;
        writers |= tset_of(thread);
    }
    uint64_t sources = write != NONE ? name_event(run, write) : 0;
    for (; writers != 0; writers &= writers - 1)
        sources += name_event(run, weak[tset_first(writers)]);
    return sources;
}

uint64_t fr_trace_reads_from(const struct fr_explorer *e) {
    const struct run *run = &e->run;
    uint64_t signature = 0;
    for (uint32_t at = 0; at < run->trace.length; at++) {
        const struct event *event = &run->trace.events[at];
        for (uint32_t i = 0; i < event->touch_count; i++) {
            struct touch touch = run->trace.touches[event->touches_at + i];
            if (reads(event->kind, touch.mode))
                signature +=
                    mix64(mix64(name_event(run, at) + i) ^ name_sources(run, event, touch));
        }
    }
    return signature;
}
