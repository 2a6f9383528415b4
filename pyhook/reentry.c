// Reentry: what C code goes on with after it has called back into Python.
// SPDX-License-Identifier: Apache-2.0
#include "cpython.h"

#include "reentry.h"

#include <stdlib.h>
#include <string.h>

#include "backend.h"
#include "carrier.h"
#include "point.h"
#include "site.h"

// An instruction that a frame is in the middle of.
struct entry {
    const void *frame;
    const struct place *place;
    uint32_t first;   // its accesses begin here; they end where those of the next entry begin
    uint32_t points;  // point_count() when they were announced last
};

struct stack {
    struct entry *entries;
    struct fr_access *accesses;
    uint32_t count, capacity;
    uint32_t access_count, access_capacity;
};

static struct stack stacks[FR_THREADS_MAX];

static struct stack *own_stack(void) {
    int index = carrier_current_main();
    return index >= 0 ? &stacks[index] : NULL;
}

static void pop(struct stack *stack) {
    stack->access_count = stack->entries[--stack->count].first;
}

// Makes room for one more entry. False: no memory.
static bool reserve(struct stack *stack) {
    if (stack->count == stack->capacity) {
        uint32_t capacity = stack->capacity != 0 ? stack->capacity * 2 : 8;
        struct entry *entries = realloc(stack->entries, capacity * sizeof *entries);
        if (entries == NULL)
            return false;
        stack->entries = entries;
        stack->capacity = capacity;
    }
    if (stack->access_capacity - stack->access_count < FR_ACCESSES_MAX) {
        uint32_t capacity = 2 * stack->access_capacity + FR_ACCESSES_MAX;
        struct fr_access *accesses = realloc(stack->accesses, capacity * sizeof *accesses);
        if (accesses == NULL)
            return false;
        stack->accesses = accesses;
        stack->access_capacity = capacity;
    }
    return true;
}

void reentry_begin(void) {
    struct stack *stack = own_stack();
    if (stack != NULL)
        stack->count = stack->access_count = 0;
}

bool reentry_is_empty(void) {
    const struct stack *stack = own_stack();
    return stack == NULL || stack->count == 0;
}

__attribute__((noinline)) static int push(struct stack *stack, const void *frame,
                                          const struct place *place,
                                          const struct access_list *list) {
    if (!reserve(stack)) {
        PyErr_NoMemory();
        return -1;
    }
    stack->entries[stack->count++] = (struct entry){
        .frame = frame, .place = place, .first = stack->access_count, .points = point_count()};
    memcpy(stack->accesses + stack->access_count, list->items, list->count * sizeof *list->items);
    stack->access_count += list->count;
    return 0;
}

int reentry_note(int thread, const void *frame, const struct place *place,
                 const struct access_list *list) {
    if (thread < 0)
        return 0;
    struct stack *stack = &stacks[thread];
    if (stack->count > 0 && stack->entries[stack->count - 1].frame == frame)
        pop(stack);  // the frame is done with that one
    if (list->count == 0)
        return 0;
    return push(stack, frame, place, list);
}

// Code that is not traced (or C) stands between a traced frame and the next one that called it.
static cpython_frame *nearest_traced(cpython_frame *frame) {
    while (frame != NULL) {
        const struct site_table *table = site_table_peek(cpython_frame_code(frame));
        if (table != NULL && table->traced)
            return frame;
        frame = cpython_frame_back(frame);
    }
    return NULL;
}

// Does the frame pass on what the frame below yields, without an instruction of its own?
static bool is_delegating(cpython_frame *frame) {
#if PY_VERSION_HEX < 0x030b0000
    const struct site_table *table = site_table_peek(cpython_frame_code(frame));
    int unit = cpython_frame_unit(frame);
    return table != NULL && unit >= 0 && unit < table->count &&
           table->sites[unit].kind == SITE_SEND;
#else
    (void)frame;
    return false;
#endif
}

// Announces the accesses of an entry again, unless nobody else ran since. `ending`: what the frame
// that is left drops meanwhile, or NULL.
static int announce(struct stack *stack, uint32_t at, const struct access_list *ending) {
    struct entry *entry = &stack->entries[at];
    if (entry->points == point_count())
        return 0;
    uint32_t end = at + 1 < stack->count ? stack->entries[at + 1].first : stack->access_count;
    struct access_list both;
    access_clear(&both);
    for (uint32_t i = entry->first; ending != NULL && ending->count > 0 && i < end; i++)
        access_add(&both, stack->accesses[i].key, stack->accesses[i].mode);
    for (uint32_t i = 0; both.count > 0 && i < ending->count; i++)
        access_add(&both, ending->items[i].key, ending->items[i].mode);
    struct point_op op = {.kind = FR_OP_ACCESS,
                          .place = place_with_action(entry->place, "resume"),
                          .accesses = both.count > 0 ? both.items : stack->accesses + entry->first,
                          .access_count = both.count > 0 ? both.count : end - entry->first};
    if (op.place == NULL || point_pass(&op) < 0)
        return -1;
    entry->points = point_count();
    return 0;
}

int reentry_suspend(void *frame, const struct access_list *ending) {
    struct stack *stack = own_stack();
    if (stack == NULL || stack->count == 0 || observe_caller() == OBSERVE_CLOSED)
        return 0;
    uint32_t count = stack->count;
    if (stack->entries[count - 1].frame == frame)
        count--;
    cpython_frame *caller = frame;
    do {
        caller = nearest_traced(cpython_frame_back(caller));
        if (count == 0)
            return 0;
        if (stack->entries[count - 1].frame == caller && announce(stack, --count, ending) < 0)
            return -1;
    } while (caller != NULL && is_delegating(caller));
    return 0;
}

int reentry_take_lock(void) {
    struct stack *stack = carrier_current() >= 0 ? own_stack() : NULL;
    if (stack == NULL || stack->count == 0 || observe_caller() == OBSERVE_CLOSED)
        return 0;
    cpython_frame *frame = cpython_frame_skip(cpython_current_frame(PyThreadState_Get()));
    cpython_frame *traced = nearest_traced(frame);
    if (traced == frame || stack->entries[stack->count - 1].frame != traced)
        return 0;
    return announce(stack, stack->count - 1, NULL);
}

int reentry_unwind(const void *frame, void *caller) {
    reentry_forget(frame);
    struct stack *stack = own_stack();
    if (stack == NULL || stack->count == 0 || observe_caller() == OBSERVE_CLOSED ||
        stack->entries[stack->count - 1].frame != nearest_traced(caller))
        return 0;
    return announce(stack, stack->count - 1, NULL);
}

void reentry_forget(const void *frame) {
    struct stack *stack = own_stack();
    if (stack != NULL && stack->count > 0 && stack->entries[stack->count - 1].frame == frame)
        pop(stack);
}
