// Inside: what C code reaches through the containers, iterators and callbacks that it is given.
// SPDX-License-Identifier: Apache-2.0
#include "inside.h"

#include <stdlib.h>
#include <string.h>
#include <structmember.h>

#include "attribute.h"
#include "container.h"
#include "effect.h"
#include "location.h"
#include "observe.h"
#include "outside.h"

enum { DEPTH_MAX = 32 };  // of partials in partials

// Containers that are still to be looked into.
struct stack {
    struct {
        PyObject *object;  // borrowed
        bool is_private;   // nobody else has it
    } * entries;
    size_t count, capacity;
};

struct walk {
    struct access_list *list;
    struct stack here, next;  // of this level, and of the next
    bool is_private;          // nobody else has what the object was found in
    bool is_root;             // looks for the containers that an iterator goes over
    PyObject *parent;         // what the object was found in
};

static bool is_leaf(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    return type->tp_traverse == NULL || PyType_Check(object) || PyModule_Check(object) ||
           PyFunction_Check(object) || PyCFunction_Check(object) || PyGen_Check(object) ||
           PyCode_Check(object);
}

// Does its own code say what is reached through it, as for instances of Python classes?
static bool is_transparent(PyObject *object) {
    return PyTuple_Check(object) || PyFrozenSet_Check(object) || PyExceptionInstance_Check(object);
}

// Shows all that an object holds. The values in the __dict__ of an instance are shown by the
// instance alone since 3.13.
static void traverse(PyObject *object, visitproc show, void *context) {
    PyObject *key, *value;
    if (!PyDict_Check(object)) {
        Py_TYPE(object)->tp_traverse(object, show, context);
        return;
    }
    for (Py_ssize_t at = 0; PyDict_Next(object, &at, &key, &value);) {
        show(key, context);
        show(value, context);
    }
    if (!PyDict_CheckExact(object))
        Py_TYPE(object)->tp_traverse(object, show, context);
}

static void push(struct access_list *list, struct stack *stack, PyObject *object, bool is_private) {
    if (stack->count == stack->capacity) {
        size_t capacity = stack->capacity != 0 ? 2 * stack->capacity : 16;
        void *entries = realloc(stack->entries, capacity * sizeof *stack->entries);
        if (entries == NULL) {
            list->is_full = true;  // refused: what cannot be looked at is not passed over
            return;
        }
        stack->entries = entries;
        stack->capacity = capacity;
    }
    stack->entries[stack->count].object = object;
    stack->entries[stack->count++].is_private = is_private;
}

static bool is_alone(PyObject *object) {
    return Py_REFCNT(object) <= 1;
}

static int visit_for_more(PyObject *object, void *context) {
    bool *has_more = context;
    *has_more |= is_transparent(object) || container_kind_of(object) != CONTAINER_NONE;
    return 0;
}

// A tuple or an exception is no level. One that others have, too, is looked through once: its
// location remembers.
static void look_through(struct walk *walk, PyObject *object) {
    bool is_private = walk->is_private && is_alone(object);
    bool has_more = walk->list->inside_writes || is_private;
    if (!has_more)
        traverse(object, visit_for_more, &has_more);
    uint32_t before = walk->list->count;
    bool is_shared = !is_alone(object) || (PyExceptionInstance_Check(object) && !is_private);
    if (has_more && is_shared)
        access_add(walk->list, location_of_object(object), FR_READ);
    if (has_more && (!is_shared || walk->list->count > before))
        push(walk->list, &walk->here, object, is_private);
}

// Is it the dict of the object's attributes, and thereby one with it?
static bool is_dict_of(PyObject *dict, PyObject *object) {
    return PyDict_CheckExact(dict) && object != NULL && object != dict &&
           location_of_object(dict) == location_of_object(object);
}

// Called by tp_traverse for all that a container holds.
static int visit(PyObject *object, void *context) {
    struct walk *walk = context;
    if (is_transparent(object)) {
        look_through(walk, object);
        return 0;
    }
    enum container_kind kind = container_kind_of(object);
    if (walk->is_root && kind == CONTAINER_ITERATOR && !is_leaf(object)) {
        look_through(walk, object);
        return 0;
    }
    uint32_t before = walk->list->count;
    if (walk->list->inside_writes)
        access_add_object(walk->list, object, true);
    bool is_way = walk->list->through_objects && container_is_instance(object);
    if (kind != CONTAINER_WHOLE && !is_way)
        return 0;
    PyObject *owner = container_owner(object);
    if (walk->is_root) {
        push(walk->list, &walk->next, owner, false);
        return 0;
    }
    if (walk->is_private && owner == object && is_alone(object) &&
        !outside_has_type(Py_TYPE(object))) {
        if (!is_leaf(object))
            push(walk->list, &walk->here, object, true);
        return 0;
    }
    access_add(walk->list, location_of_object(owner),
               walk->list->inside_writes ? FR_WRITE : FR_READ);
    if (outside_has_type(Py_TYPE(owner)) && !outside_is_console(owner))
        outside_add_object(walk->list, owner);
    if (walk->list->count > before && !is_leaf(owner))
        push(walk->list, &walk->next, owner, false);
    else if (is_dict_of(owner, walk->parent))
        push(walk->list, &walk->here, owner, false);
    return 0;
}

// Looks into all that is in `here`, and into what is found on the way and is no level.
static void walk_level(struct walk *walk) {
    while (walk->here.count > 0 && !walk->list->is_full) {
        PyObject *object = walk->here.entries[--walk->here.count].object;
        walk->is_private = walk->here.entries[walk->here.count].is_private;
        walk->parent = object;
        if (!is_leaf(object))
            traverse(object, visit, walk);
    }
}

void inside_add(struct access_list *list, PyObject *object, bool is_private) {
    if (object == NULL || is_leaf(object) || container_is_primitive(object))
        return;
    enum container_kind kind = container_kind_of(object);
    bool is_way = list->through_objects && container_is_instance(object);
    if (kind == CONTAINER_NONE && !is_transparent(object) && !is_way)
        return;
    list->may_go_on = true;
    if (list->level == 0)
        return;
    // So that its __dict__, one with it, is no level of its own.
    if (is_way && kind == CONTAINER_NONE)
        access_add(list, location_of_object(object), FR_READ);
    struct walk walk = {.list = list, .is_root = kind == CONTAINER_ITERATOR};
    PyObject *owner = container_owner(object);
    push(list, &walk.here, owner, is_private && owner == object && !walk.is_root);
    if (walk.is_root) {
        walk_level(&walk);
        walk.is_root = false;
        walk.here.count = 0;
        struct stack empty = walk.here;
        walk.here = walk.next;
        walk.next = empty;
    }
    for (int level = 0; level < list->level && walk.here.count > 0; level++) {
        walk_level(&walk);
        struct stack done = walk.here;
        walk.here = walk.next;
        walk.next = done;
        walk.next.count = 0;
    }
    free(walk.here.entries);
    free(walk.next.entries);
}

void inside_add_rest(struct access_list *list) {
    list->count--;
    access_add(list, location_of_state(LOCATION_DEEP), FR_READ);
}

// ------------------------------------------------------------------------------ callbacks

static bool is_partial(PyObject *object) {
    return strcmp(container_c_type(Py_TYPE(object))->tp_name, "functools.partial") == 0;
}

bool inside_is_callback(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    if (PyCFunction_Check(object) || is_partial(object) || Py_IS_TYPE(object, &PyMethodDescr_Type))
        return true;
    return Py_IS_TYPE(object, &PyWrapperDescr_Type) ||
           strcmp(type->tp_name, "method-wrapper") == 0 ||
           strncmp(type->tp_name, "operator.", 9) == 0;
}

struct getter {
    struct access_list *list;
    PyObject *object;  // whose attributes it gets; NULL: not known
    bool is_path;      // further attributes, of what it gets
};

// Called for all that an attrgetter holds: names, in tuples if they had dots.
static int visit_name(PyObject *name, void *context) {
    struct getter *getter = context;
    if (PyUnicode_CheckExact(name) && getter->object != NULL)
        attribute_add(getter->list, getter->object, name, false);
    for (Py_ssize_t i = 0; PyTuple_CheckExact(name) && i < PyTuple_GET_SIZE(name); i++) {
        PyObject *part = PyTuple_GET_ITEM(name, i);
        getter->is_path |= PyTuple_CheckExact(part);
        bool is_first = PyTuple_CheckExact(part) && PyTuple_GET_SIZE(part) > 0;
        visit_name(is_first ? PyTuple_GET_ITEM(part, 0) : part, context);
    }
    return 0;
}

bool inside_add_getter(struct access_list *list, PyObject *getter, PyObject *object) {
    if (strcmp(Py_TYPE(getter)->tp_name, "operator.attrgetter") != 0)
        return false;
    struct getter search = {.list = list, .object = object};
    Py_TYPE(getter)->tp_traverse(getter, visit_name, &search);
    list->through_objects |= search.is_path;
    if (search.is_path && object != NULL)
        inside_add(list, object, false);
    return true;
}

void inside_note_callback(struct access_list *list, PyObject *object) {
    if (!inside_is_callback(object))
        return;
    inside_add_getter(list, object, NULL);
    enum effect effect = effect_of(object);
    bool reads = effect == EFFECT_NOTHING || effect == EFFECT_READS ||
                 effect == EFFECT_READS_INSIDE || effect == EFFECT_CHECKS_CLASS;
    list->inside_writes |= !reads;
}

bool inside_calls_back(PyObject *iterator) {
    const char *name = Py_TYPE(iterator)->tp_name;
    return strcmp(name, "map") == 0 || strcmp(name, "filter") == 0 ||
           strcmp(name, "callable_iterator") == 0 || strncmp(name, "itertools.", 10) == 0;
}

struct callback {
    struct access_list *list;
    int depth;
};

// Called for all that a partial or a method-wrapper holds.
static int visit_held(PyObject *object, void *context) {
    struct callback *callback = context;
    if (callback->depth == DEPTH_MAX) {
        callback->list->is_full = true;
        return 0;
    }
    access_add_object(callback->list, object, true);
    bool is_way = is_transparent(object) || PyDict_CheckExact(object) || PyMethod_Check(object) ||
                  (inside_is_callback(object) && !PyCFunction_Check(object));
    if (PyCFunction_Check(object) || PyDict_CheckExact(object) || !is_way)
        access_add_whole(callback->list, object, true, false);
    if (!is_way || is_leaf(object))
        return 0;
    struct callback inner = {.list = callback->list, .depth = callback->depth + 1};
    return Py_TYPE(object)->tp_traverse(object, visit_held, &inner);
}

void inside_add_callback(struct access_list *list, PyObject *object) {
    struct callback callback = {.list = list};
    if (inside_is_callback(object) && !PyCFunction_Check(object) && !is_leaf(object))
        Py_TYPE(object)->tp_traverse(object, visit_held, &callback);
}

void inside_add_stream(struct access_list *list, PyObject *object) {
    static const char *const types[] = {"_csv.", "_io.TextIOWrapper", "_io.Buffered"};
    const char *name = container_c_type(Py_TYPE(object))->tp_name;
    bool is_stream = false;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        is_stream |= strncmp(name, types[i], strlen(types[i])) == 0;
    struct callback callback = {.list = list};
    if (is_stream && !outside_is_console(object) && !is_leaf(object))
        Py_TYPE(object)->tp_traverse(object, visit_held, &callback);
}
