// Foresees operations in states that the execution did not pass through: after another order.
// SPDX-License-Identifier: Apache-2.0
#include "foresee.h"

uint32_t foresee_next(const struct run *run, fr_tid tid, uint32_t at) {
    const struct thread *thread = &run->threads[tid];
    uint32_t low = 0;
    uint32_t high = thread->count;
    while (low < high) {
        uint32_t middle = (low + high) / 2;
        if (thread->positions[middle] < at)
            low = middle + 1;
        else
            high = middle;
    }
    return low < thread->count ? thread->positions[low] : run->trace.length;
}

// State of one object while events are replayed in another order.
struct memory {
    bool held;
    int64_t value;
};

static void replay_access(struct memory *memory, uint8_t kind, int64_t value, uint8_t mode) {
    switch (kind) {
    case FR_OP_ACQUIRE:
        memory->held = true;
        break;
    case FR_OP_TRY:
        memory->held |= mode == FR_WRITE;
        break;
    case FR_OP_RELEASE:
        memory->held = false;
        break;
    case FR_OP_CAS:
        memory->value = mode == FR_WRITE ? value : memory->value;
        break;
    case FR_OP_UPDATE:
        memory->value = add_wrapping(memory->value, value);
        break;
    default:
        if (mode == FR_WRITE)
            memory->value = value;
        else if (mode == FR_WRITE_WEAK)
            memory->value = add_wrapping(memory->value, value);
        break;
    }
}

static void replay_event(const struct trace *trace, struct memory *memory, uint32_t at,
                         uint32_t slot) {
    const struct event *event = &trace->events[at];
    if ((event->slots >> slot % 64 & 1) == 0)
        return;
    for (uint32_t i = 0; i < event->touch_count; i++) {
        struct touch touch = trace->touches[event->touches_at + i];
        if (touch.slot == slot)
            replay_access(memory, event->kind, event->value, touch.mode);
    }
}

bool foresee_success_after(const struct run *run, const struct step *step, uint32_t at,
                           const uint32_t *then, uint32_t then_count, const struct step *last) {
    uint32_t slot = step->touches[0].slot;
    struct memory memory = {.held = run->objects.items[slot].held_outside_at_first, .value = 0};
    for (uint32_t k = 0; k < at; k++)
        replay_event(&run->trace, &memory, k, slot);
    for (uint32_t k = 0; k < then_count; k++)
        replay_event(&run->trace, &memory, then[k], slot);
    for (uint32_t i = 0; last != NULL && i < last->touch_count; i++)
        if (last->touches[i].slot == slot)
            replay_access(&memory, last->kind, last->value, last->touches[i].mode);
    return step->kind == FR_OP_TRY ? !memory.held : memory.value == step->expect;
}

bool foresee_success(const struct run *run, const struct step *step, uint32_t at,
                     const uint32_t *then, uint32_t then_count) {
    return foresee_success_after(run, step, at, then, then_count, NULL);
}

bool foresee_operation(const struct run *run, fr_tid tid, uint32_t at, const uint32_t *then,
                       uint32_t then_count, struct step *out, struct touch *spare) {
    const struct thread *thread = &run->threads[tid];
    uint32_t next = foresee_next(run, tid, at);
    if (next < run->trace.length)
        *out = trace_step(&run->trace, next);
    else if (thread->pending)
        *out = run_pending(run, tid, spare);
    else
        return false;
    if (step_is_conditional(out->kind)) {
        *spare = out->touches[0];
        spare->mode = foresee_success(run, out, at, then, then_count) ? FR_WRITE : FR_READ;
        out->touches = spare;
    }
    return true;
}
