// Performing an event: what it depends on, and what it changes in the model.
// SPDX-License-Identifier: Apache-2.0
#include "run.h"

// Only a thread's latest access per mode since the last write can be in an immediate race, and no
// access before the last write can: the causes are few.
static enum fr_status add_row_causes(struct run *run, uint32_t slot, uint32_t row) {
    const uint32_t *since = objects_since(&run->objects, slot, row);
    for (tset rest = run->objects.items[slot].accessed[row]; rest != 0; rest &= rest - 1) {
        enum fr_status status = trace_cause(&run->trace, since[tset_first(rest)], CAUSE_OBJECT);
        if (status != FR_OK)
            return status;
    }
    return FR_OK;
}

static enum fr_status add_object_causes(struct run *run, struct touch touch) {
    const struct object *object = &run->objects.items[touch.slot];
    enum fr_status status = FR_OK;
    if (object->last_write != NONE)
        status = trace_cause(&run->trace, object->last_write, CAUSE_OBJECT);
    if (status == FR_OK && step_modes_conflict(touch.mode, FR_READ))
        status = add_row_causes(run, touch.slot, SINCE_READ);
    if (status == FR_OK && step_modes_conflict(touch.mode, FR_READ_WEAK))
        status = add_row_causes(run, touch.slot, SINCE_READ_WEAK);
    if (status == FR_OK && step_modes_conflict(touch.mode, FR_WRITE_WEAK))
        status = add_row_causes(run, touch.slot, SINCE_WRITE_WEAK);
    return status;
}

static enum fr_status add_causes(struct run *run, const struct step *step) {
    enum fr_status status = FR_OK;
    uint32_t last = run->threads[step->thread].last;
    if (last != NONE)
        status = trace_cause(&run->trace, last, CAUSE_ORDER);
    if (status == FR_OK && step->kind == FR_OP_JOIN && run->threads[step->target].last != NONE)
        status = trace_cause(&run->trace, run->threads[step->target].last, CAUSE_ORDER);
    for (uint32_t i = 0; status == FR_OK && i < step->touch_count; i++)
        status = add_object_causes(run, step->touches[i]);
    return status;
}

// What `since` and the last write of the touched objects become.
static void note_touches(struct run *run, const struct step *step, uint32_t at) {
    static const uint8_t row_of[FR_MODES] = {[FR_READ] = SINCE_READ,
                                             [FR_READ_WEAK] = SINCE_READ_WEAK,
                                             [FR_WRITE_WEAK] = SINCE_WRITE_WEAK};
    fr_tid t = step->thread;
    for (uint32_t i = 0; i < step->touch_count; i++) {
        if (step->touches[i].mode != FR_WRITE)
            continue;
        struct object *object = &run->objects.items[step->touches[i].slot];
        object->last_write = at;
        for (uint32_t row = 0; row < SINCE_STRONG; row++)
            object->accessed[row] = 0;
    }
    for (uint32_t i = 0; i < step->touch_count; i++) {
        uint32_t slot = step->touches[i].slot;
        uint8_t mode = step->touches[i].mode;
        struct object *object = &run->objects.items[slot];
        if (mode != FR_WRITE && object->last_write != at) {
            objects_since(&run->objects, slot, row_of[mode])[t] = at;
            object->accessed[row_of[mode]] |= tset_of(t);
        }
        if (mode == FR_WRITE || mode == FR_WRITE_WEAK)
            object->last_change = at;
        if (mode == FR_READ || mode == FR_WRITE) {
            objects_since(&run->objects, slot, SINCE_STRONG)[t] = at;
            object->accessed[SINCE_STRONG] |= tset_of(t);
        }
    }
}

// Name of an event that depends on its thread's path only.
static uint64_t name_event(const struct run *run, uint32_t at) {
    if (at == NONE)
        return 0;
    const struct event *event = &run->trace.events[at];
    return mix64(run->threads[event->thread].name + event->index);
}

static bool reads(uint8_t kind, uint8_t mode) {
    if (mode == FR_READ || mode == FR_READ_WEAK)
        return true;
    // Updates and locks look before they write.
    return mode == FR_WRITE && kind != FR_OP_ACCESS && kind != FR_OP_RELEASE;
}

// Adds what the event reads from to the trace's signature. Call before note_touches.
static void note_sources(struct run *run, const struct step *step, uint32_t at) {
    for (uint32_t i = 0; i < step->touch_count; i++) {
        struct touch touch = step->touches[i];
        const struct object *object = &run->objects.items[touch.slot];
        if (!reads(step->kind, touch.mode))
            continue;
        uint64_t sources = name_event(run, object->last_write);
        const uint32_t *weak = objects_since(&run->objects, touch.slot, SINCE_WRITE_WEAK);
        tset rest = touch.mode != FR_READ_WEAK ? object->accessed[SINCE_WRITE_WEAK] : 0;
        for (; rest != 0; rest &= rest - 1)
            sources += name_event(run, weak[tset_first(rest)]);
        run->trace.reads_from += mix64(mix64(name_event(run, at) + i) ^ sources);
    }
}

// Effects on locks, values and threads. The outcome is what the step's mode foresaw.
static void take_effect(struct run *run, const struct step *step, struct event *event,
                        uint32_t at) {
    struct object *object =
        step->touch_count != 0 ? &run->objects.items[step->touches[0].slot] : NULL;
    bool succeeds = !step_is_conditional(step->kind) || step->touches[0].mode == FR_WRITE;
    event->outcome = succeeds;
    switch (step->kind) {
    case FR_OP_ACQUIRE:
    case FR_OP_TRY:
        event->rival = object->acquired_at;
        if (succeeds) {
            object->holder = step->thread;
            object->acquired_at = at;
        }
        break;
    case FR_OP_RELEASE:
        event->outcome = object->holder != HOLDER_NOBODY;
        object->holder = HOLDER_NOBODY;
        break;
    case FR_OP_CAS:
        object->value = succeeds ? step->value : object->value;
        break;
    case FR_OP_UPDATE:
        object->value = add_wrapping(object->value, step->value);
        break;
    case FR_OP_SLEEP:
        event->outcome = event->asked == FR_OP_SLEEP;
        break;
    case FR_OP_SPAWN:
        run->threads[step->target].started = true;
        run->threads[step->target].last = at;
        if (run->threads[step->target].entered && !run->threads[step->target].left)
            run->live |= tset_of(step->target);
        break;
    default:
        break;
    }
}

static void write_values(struct run *run, const struct step *step) {
    if (step->kind != FR_OP_ACCESS)
        return;
    for (uint32_t i = 0; i < step->touch_count; i++) {
        struct object *object = &run->objects.items[step->touches[i].slot];
        if (step->touches[i].mode == FR_WRITE)
            object->value = step->value;
        else if (step->touches[i].mode == FR_WRITE_WEAK)
            object->value = add_wrapping(object->value, step->value);
    }
}

enum fr_status run_perform(struct run *run, fr_tid tid) {
    assert(run_is_enabled(run, tid));
    struct thread *thread = &run->threads[tid];
    struct touch spare;
    struct step step = run_pending(run, tid, &spare);
    enum fr_status status = ALLOC_GROW(run->alloc, thread->positions, thread->position_capacity,
                                       (size_t)thread->count + 1);
    uint32_t at = 0;
    if (status == FR_OK)
        status = trace_push(&run->trace, &step, thread->site, &at);
    if (status != FR_OK)
        return status;
    status = add_causes(run, &step);
    if (status != FR_OK) {
        trace_take_back(&run->trace);
        return status;
    }
    struct event *event = &run->trace.events[at];
    event->switchable = thread->switchable;
    event->asked = thread->asked;
    event->deadline = thread->deadline;
    thread->pending = false;
    thread->deadline = 0;
    thread->positions[thread->count++] = at;
    thread->last = at;
    take_effect(run, &step, event, at);
    write_values(run, &step);
    note_sources(run, &step, at);
    note_touches(run, &step, at);
    trace_seal(&run->trace, thread->name);
    run->current = tid;
    run->outcome = event->outcome;
    return FR_OK;
}
