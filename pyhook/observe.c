// Observation: brings each access of traced Python code to the door before it happens.
// SPDX-License-Identifier: Apache-2.0
#include "observe.h"

#include <limits.h>

#include "backend.h"
#include "call.h"
#include "carrier.h"
#include "container.h"
#include "death.h"
#include "filter.h"
#include "inside.h"
#include "library.h"
#include "life.h"
#include "opcode.h"
#include "outside.h"
#include "pure.h"
#include "reentry.h"
#include "selftest.h"
#include "site.h"
#include "spin.h"
#include "value_log.h"

static int pass_point(int thread, const struct point_op *op) {
    return thread >= 0 ? point_pass_as(thread, op) : point_pass(op);
}

static const struct observe_door point_door = {point_watched, pass_point, point_refuse};
static struct observe_door door;

void observe_set_door(const struct observe_door *other) {
    door = other != NULL ? *other : point_door;
}

int observe_caller(void) {
    return door.caller();
}

int observe_refuse(const char *sentence) {
    return door.refuse(sentence);
}

// Can the instruction, or C code that it runs, do something to these accesses after it has called
// traced Python code? What a property or a __setattr__ does is its own code's.
static bool may_resume(const struct site *site) {
    return site->kind >= SITE_GET_ITEM;
}

static int pass_list(int thread, const struct place *place, const struct access_list *list) {
    struct point_op op = {
        .kind = FR_OP_ACCESS, .place = place, .accesses = list->items, .access_count = list->count};
    return door.pass(thread, &op);
}

// The place of an event, NULL with an exception.
static const struct place *place_of(const struct site *site) {
    if (site->library == LIBRARY_NONE)
        return site->place;
    point_close();  // looking up the source may run Python code
    const struct place *place = place_of_caller(site->place->action, site->place->name);
    point_reopen();
    return place;
}

// Levels of containers in containers that are looked up one by one; the rest is one level.
enum { LEVELS_MAX = 8 };

// The instruction has its turn: is there more inside of what it was announced with? If so, that is
// announced as well, level by level (inside.h).
static int pass_inside(const struct place *place, const struct site *site,
                       const struct operands *operands, struct access_list *list) {
    place = place_with_action(place, list->looks_outside ? "resolve" : "inside");
    for (int level = 1; place != NULL; level++) {
        struct access_list deeper;
        access_clear(&deeper);
        deeper.level = level <= LEVELS_MAX ? level : INT_MAX;
        deeper.is_all_outside = list->is_all_outside;
        deeper.announced = list->items;
        deeper.announced_count = list->count;
        access_collect(&deeper, site, operands);
        if (deeper.failed)
            return -1;
        life_add_operands(&deeper, site, operands);
        life_add_replaced(&deeper, site, operands);
        if (deeper.is_full && deeper.through_objects)
            return door.refuse("one instruction reaches more objects than an event can hold "
                               "(pickle, attrgetter or format of what is connected with much)");
        if (deeper.is_full)
            inside_add_rest(&deeper);
        if (access_is_part(&deeper, list))
            return 0;
        *list = deeper;
        if (level > LEVELS_MAX && list->looks_outside && !list->is_all_outside)
            outside_add_all(list);
        if (pass_list(OBSERVE_CLOSED, place, list) < 0)
            return -1;
    }
    return -1;
}

// Announces, and at its turn again while what others did meanwhile makes it more. site: NULL, a
// call that no instruction makes.
static int pass_accesses(int thread, const struct place *place, const struct site *site,
                         const struct operands *operands, struct access_list *list) {
    if (pass_list(thread, place, list) < 0)
        return -1;
    for (;;) {
        const char *action = NULL;
        if (list->dict != NULL && access_add_insertion(list))
            action = "insert";
        else if (life_wanted && site != NULL && life_add_replaced(list, site, operands))
            action = "drop";
        if (action == NULL)
            return 0;
        const struct place *again = place_with_action(place, action);
        if (again == NULL || pass_list(OBSERVE_CLOSED, again, list) < 0)
            return -1;
    }
}

// The loop that the instruction is in has done nothing: waits until it may. 1: that was the
// instruction's own read. -1 with an exception.
static int wait_in_loop(const struct site *site, const struct operands *operands,
                        struct access_list *list) {
    struct spin_answer answer;
    spin_look(site, operands, list, &answer);
    for (uint32_t i = 0; answer.is_watched && i < list->count; i++)
        list->items[i].mode = FR_READ;
    if (!answer.spins)
        return 0;
    const struct place *place = place_of(site);
    struct point_op op = {.kind = FR_OP_SPIN,
                          .place = place != NULL ? place_with_action(place, "spin") : NULL,
                          .accesses = answer.accesses,
                          .access_count = answer.access_count,
                          .deadline_ns = answer.deadline_ns};
    if (op.place == NULL || door.pass(OBSERVE_CLOSED, &op) < 0)
        return -1;
    return answer.is_the_read && point_outcome();
}

int observe_instruction(const struct site *site, const struct operands *operands) {
    if (value_log_wanted)
        value_log_settle(false);
    struct access_list list;
    access_clear(&list);
    access_collect(&list, site, operands);
    life_add_operands(&list, site, operands);
    if (site->kind == SITE_DROP && list.count == 0)
        return 0;
    if (list.failed)
        return -1;
    bool resumes = list.may_resume;
    if (list.is_full)
        return door.refuse("one instruction touches more objects than an event can hold");
    int waited = 0;
    if (site->library == LIBRARY_CALLS)
        spin_note_progress();  // of its loop only the calls are seen
    else
        waited = wait_in_loop(site, operands, &list);
    // Code that is called back needs the place even if the access was a spin's.
    bool is_event = list.count > 0 || list.may_go_on;
    const struct place *place = waited >= 0 && is_event ? place_of(site) : NULL;
    if (waited < 0 || (is_event && place == NULL))
        return -1;
    // To find the place of the user's line Python code may have run.
    int thread = site->library == LIBRARY_NONE ? operands->thread : OBSERVE_CLOSED;
    if (waited == 0 && list.count > 0 && pass_accesses(thread, place, site, operands, &list) < 0)
        return -1;
    bool is_told = value_log_wanted && waited == 0 && list.count > 0;
    if (waited == 0 && list.may_go_on && pass_inside(place, site, operands, &list) < 0)
        return -1;
    if (is_told)
        value_log_note(site, operands);
    if (!may_resume(site) && !resumes)
        list.count = 0;
    return reentry_note(operands->thread, operands->frame, place, &list);
}

int observe_return(const struct site *site, const struct operands *operands) {
    struct access_list ending;
    access_clear(&ending);
    if (life_wanted)
        life_add_frame(&ending, operands);
    if (ending.count > 0) {
        const struct place *place = place_of(site);
        if (place == NULL || pass_list(OBSERVE_CLOSED, place, &ending) < 0)
            return -1;
    }
    return reentry_suspend((void *)operands->frame, &ending);
}

// The place of a call that the runner makes: by the name of a C function, or of a type.
static const struct place *place_of_call(PyObject *callable) {
    static PyCodeObject *code;
    if (code == NULL)
        code = PyCode_NewEmpty("<threads>", "threads", 1);
    const char *word = PyCFunction_Check(callable) ? ((PyCFunctionObject *)callable)->m_ml->ml_name
                                                   : Py_TYPE(callable)->tp_name;
    PyObject *name = code != NULL ? PyUnicode_FromString(word) : NULL;
    point_close();  // looking up the source may run Python code
    const struct place *place = name != NULL ? place_intern(code, 1, "call", name) : NULL;
    point_reopen();
    Py_XDECREF(name);
    return place;
}

int observe_call(PyObject *callable, PyObject *arguments, PyObject *keywords) {
    if (PyFunction_Check(callable) && site_is_known((PyCodeObject *)PyFunction_GET_CODE(callable)))
        return 0;
    struct access_list list;
    access_clear(&list);
    call_collect_made(&list, callable, arguments, keywords);
    if (list.failed)
        return -1;
    if (list.is_full)
        return door.refuse("one call touches more objects than an event can hold");
    if (list.looks_outside)
        outside_add_all(&list);  // there is no second look here
    if (list.count == 0)
        return 0;
    const struct place *place = place_of_call(callable);
    if (place == NULL || pass_accesses(OBSERVE_CLOSED, place, NULL, NULL, &list) < 0)
        return -1;
    return reentry_note(carrier_current(), NULL, place, &list);
}

int observe_open(PyObject *module) {
    (void)module;
    observe_set_door(NULL);
    // Not when the first table is built: what it imports may be traced, and need a table.
    PyObject *sources = PyImport_ImportModule("linecache");
    if (sources == NULL)
        return -1;
    Py_DECREF(sources);
    if (opcode_open() < 0 || site_open() < 0 || container_open() < 0 || call_open() < 0 ||
        life_open() < 0 || pure_open() < 0 || backend_open() < 0)
        return -1;
    return selftest_run();
}

int observe_set_filter(PyObject *is_traced) {
    return library_refresh() < 0 ? -1 : filter_set(is_traced);
}

bool observe_is_traced(PyCodeObject *code) {
    int traced = filter_ask(code->co_filename);
    if (traced < 0)
        PyErr_WriteUnraisable((PyObject *)code);
    return traced == 1;
}

int observe_begin(PyObject *callables) {
    outside_note_console();
    if (life_begin(callables) < 0 || backend_begin(callables) < 0)
        return -1;
    death_enable();
    return 0;
}

void observe_end(void) {
    death_disable();
    backend_end();
}

int observe_thread_begin(void) {
    reentry_begin();
    return backend_thread_begin();
}

void observe_thread_end(void) {
    backend_thread_end();
}
