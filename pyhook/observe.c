// Observation: brings each access of traced Python code to the door before it happens.
// SPDX-License-Identifier: Apache-2.0
#include "observe.h"

#include "backend.h"
#include "call.h"
#include "container.h"
#include "filter.h"
#include "opcode.h"
#include "reentry.h"
#include "selftest.h"
#include "site.h"

static const struct observe_door point_door = {point_is_open, point_pass, point_refuse};
static struct observe_door door;

void observe_set_door(const struct observe_door *other) {
    door = other != NULL ? *other : point_door;
}

bool observe_is_open(void) {
    return door.is_open();
}

int observe_refuse(const char *sentence) {
    return door.refuse(sentence);
}

// Can the instruction, or C code that it runs, do something to these accesses after it has called
// traced Python code? What a property or a __setattr__ does is its own code's.
static bool may_resume(const struct site *site) {
    return site->kind >= SITE_GET_ITEM;
}

static int pass_list(const struct place *place, const struct access_list *list) {
    struct point_op op = {
        .kind = FR_OP_ACCESS, .place = place, .accesses = list->items, .access_count = list->count};
    return door.pass(&op);
}

static int pass_accesses(const struct site *site, struct access_list *list) {
    if (list->count == 0)
        return 0;
    if (pass_list(site->place, list) < 0)
        return -1;
    if (!access_add_insertion(list))
        return 0;
    const struct place *place = place_with_action(site->place, "insert");
    return place != NULL ? pass_list(place, list) : -1;
}

int observe_instruction(const struct site *site, const struct operands *operands) {
    struct access_list list;
    access_clear(&list);
    access_collect(&list, site, operands);
    if (list.failed)
        return -1;
    if (list.is_full)
        return door.refuse("one instruction touches more objects than an event can hold");
    if (pass_accesses(site, &list) < 0)
        return -1;
    if (!may_resume(site))
        list.count = 0;
    return reentry_note(operands->frame, site->place, &list);
}

int observe_open(PyObject *module) {
    (void)module;
    observe_set_door(NULL);
    if (opcode_open() < 0 || site_open() < 0 || container_open() < 0 || call_open() < 0 ||
        backend_open() < 0)
        return -1;
    return selftest_run();
}

int observe_set_filter(PyObject *is_traced) {
    return filter_set(is_traced);
}

bool observe_is_traced(PyCodeObject *code) {
    int traced = filter_ask(code->co_filename);
    if (traced < 0)
        PyErr_WriteUnraisable((PyObject *)code);
    return traced == 1;
}

int observe_begin(PyObject *callables) {
    return backend_begin(callables);
}

void observe_end(void) {
    backend_end();
}

int observe_thread_begin(void) {
    reentry_begin();
    return backend_thread_begin();
}

void observe_thread_end(void) {
    backend_thread_end();
}
