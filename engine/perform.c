// Performing an event: what it depends on, and what it changes in the model.
// SPDX-License-Identifier: Apache-2.0
#include "run.h"

// Only a thread's latest access per mode since the last write can be in an immediate race, and no
// access before the last write can: the causes are few.
static void add_row_causes(struct run *run, uint32_t slot, uint32_t row) {
    const uint32_t *since = objects_since(&run->objects, slot, row);
    for (tset rest = run->objects.items[slot].accessed[row]; rest != 0; rest &= rest - 1)
        trace_cause(&run->trace, since[tset_first(rest)], CAUSE_OBJECT);
}

// Precondition: there is room for a write and an access per thread and row.
static void add_object_causes(struct run *run, struct touch touch) {
    const struct object *object = &run->objects.items[touch.slot];
    if (object->last_write != NONE)
        trace_cause(&run->trace, object->last_write, CAUSE_OBJECT);
    if (object->accessed[SINCE_READ] != 0 && step_modes_conflict(touch.mode, FR_READ))
        add_row_causes(run, touch.slot, SINCE_READ);
    if (object->accessed[SINCE_READ_WEAK] != 0 && step_modes_conflict(touch.mode, FR_READ_WEAK))
        add_row_causes(run, touch.slot, SINCE_READ_WEAK);
    if (object->accessed[SINCE_WRITE_WEAK] != 0 && step_modes_conflict(touch.mode, FR_WRITE_WEAK))
        add_row_causes(run, touch.slot, SINCE_WRITE_WEAK);
}

static enum fr_status add_causes(struct run *run, const struct step *step) {
    enum fr_status status = trace_reserve(&run->trace, 2);
    uint32_t last = run->threads[step->thread].last;
    if (status == FR_OK && last != NONE)
        trace_cause(&run->trace, last, CAUSE_ORDER);
    if (status == FR_OK && step->kind == FR_OP_JOIN && run->threads[step->target].last != NONE)
        trace_cause(&run->trace, run->threads[step->target].last, CAUSE_ORDER);
    size_t most = 1 + (size_t)SINCE_STRONG * run->thread_count;
    for (uint32_t i = 0; status == FR_OK && i < step->touch_count; i++) {
        status = trace_reserve(&run->trace, most);
        if (status == FR_OK)
            add_object_causes(run, step->touches[i]);
    }
    return status;
}

// What `since`, the last write and the values of the touched objects become. A write hides what the
// event itself does to the object otherwise, before or behind it.
static void note_touches(struct run *run, const struct step *step, uint32_t at) {
    static const uint8_t row_of[FR_MODES] = {[FR_READ] = SINCE_READ,
                                             [FR_READ_WEAK] = SINCE_READ_WEAK,
                                             [FR_WRITE_WEAK] = SINCE_WRITE_WEAK};
    tset own = tset_of(step->thread);
    bool has_value = step->kind == FR_OP_ACCESS;
    for (uint32_t i = 0; i < step->touch_count; i++) {
        struct touch touch = step->touches[i];
        struct object *object = &run->objects.items[touch.slot];
        uint32_t *since = objects_since(&run->objects, touch.slot, 0) + step->thread;
        uint32_t width = run->objects.since.width;
        if (touch.mode == FR_WRITE) {
            object->last_write = at;
            object->accessed[SINCE_READ] = object->accessed[SINCE_READ_WEAK] =
                object->accessed[SINCE_WRITE_WEAK] = 0;
            object->value = has_value ? step->value : object->value;
        } else if (object->last_write != at) {
            since[row_of[touch.mode] * width] = at;
            object->accessed[row_of[touch.mode]] |= own;
        }
        if (touch.mode == FR_WRITE || touch.mode == FR_WRITE_WEAK)
            object->last_change = at;
        if (touch.mode == FR_WRITE_WEAK && has_value)
            object->value = add_wrapping(object->value, step->value);
        if (touch.mode == FR_READ || touch.mode == FR_WRITE) {
            since[SINCE_STRONG * width] = at;
            object->accessed[SINCE_STRONG] |= own;
        }
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

__attribute__((noinline)) enum fr_status run_perform(struct run *run, fr_tid tid) {
    assert(tset_has(run->live & run->free, tid) || run_is_enabled(run, tid));
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
    run->pending &= ~tset_of(tid);
    run->free &= ~tset_of(tid);
    thread->deadline = 0;
    thread->positions[thread->count++] = at;
    thread->last = at;
    take_effect(run, &step, event, at);
    note_touches(run, &step, at);
    trace_seal(&run->trace, thread->name);
    run->current = tid;
    run->outcome = event->outcome;
    return FR_OK;
}
