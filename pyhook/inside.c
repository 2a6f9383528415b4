// Inside: what C code reaches through the containers, iterators and callbacks that it is given.
// SPDX-License-Identifier: Apache-2.0
#include "inside.h"

#include <string.h>
#include <structmember.h>

#include "container.h"
#include "effect.h"
#include "location.h"
#include "observe.h"
#include "outside.h"

enum { DEPTH_MAX = 32 };  // of tuples in tuples, and of partials in partials

struct walk {
    struct access_list *list;
    PyObject **next;  // the containers of the next level
    uint32_t count;
    int depth;
    bool is_private;  // nobody else has what the object was found in
    bool is_root;     // looks for the containers that an iterator goes over
};

static bool is_leaf(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    return type->tp_traverse == NULL || PyType_Check(object) || PyModule_Check(object) ||
           PyFunction_Check(object) || PyCFunction_Check(object) || PyGen_Check(object) ||
           PyCode_Check(object);
}

// Does its own code say what is reached through it, as for instances of Python classes?
static bool is_transparent(PyObject *object) {
    return PyTuple_Check(object) || PyFrozenSet_Check(object);
}

static int visit(PyObject *object, void *context);

static int look_through(struct walk *walk, PyObject *object, bool is_private) {
    if (walk->depth == DEPTH_MAX) {
        walk->list->is_full = true;
        return 0;
    }
    struct walk inner = *walk;
    inner.depth++;
    inner.is_private = is_private;
    int result = Py_TYPE(object)->tp_traverse(object, visit, &inner);
    walk->count = inner.count;
    return result;
}

static bool is_alone(PyObject *object) {
    return Py_REFCNT(object) - location_references(object) <= 1;
}

// Called by tp_traverse for all that a container holds.
static int visit(PyObject *object, void *context) {
    struct walk *walk = context;
    if (is_transparent(object))
        return look_through(walk, object, walk->is_private && is_alone(object));
    enum container_kind kind = container_kind_of(object);
    if (walk->is_root && kind == CONTAINER_ITERATOR && !is_leaf(object))
        return look_through(walk, object, walk->is_private && is_alone(object));
    if (walk->list->inside_writes)
        access_add_object(walk->list, object, true);
    if (kind != CONTAINER_WHOLE)
        return 0;
    PyObject *owner = container_owner(object);
    if (!walk->is_root && walk->is_private && owner == object && is_alone(object))
        return is_leaf(object) ? 0 : look_through(walk, object, true);
    uint32_t before = walk->list->count;
    if (!walk->is_root)
        access_add(walk->list, location_of_object(owner),
                   walk->list->inside_writes ? FR_WRITE : FR_READ);
    bool is_new = walk->is_root || walk->list->count > before;
    if (!is_new || is_leaf(owner))
        return 0;
    if (walk->count == FR_ACCESSES_MAX)
        walk->list->is_full = true;
    else
        walk->next[walk->count++] = owner;
    return 0;
}

void inside_add(struct access_list *list, PyObject *object, bool is_private) {
    if (object == NULL || is_leaf(object) || container_is_primitive(object))
        return;
    enum container_kind kind = container_kind_of(object);
    bool is_way = is_transparent(object) || kind == CONTAINER_ITERATOR;
    if (kind != CONTAINER_WHOLE && !is_way)
        return;
    list->may_go_on = true;
    PyObject *levels[2][FR_ACCESSES_MAX];
    struct walk walk = {.list = list, .next = levels[0], .is_private = is_private};
    PyObject *owner = container_owner(object);
    if (kind == CONTAINER_ITERATOR) {
        walk.is_root = true;
        Py_TYPE(object)->tp_traverse(object, visit, &walk);
        walk.is_root = false;
    } else if (!is_leaf(owner)) {
        walk.next[walk.count++] = owner;
    }
    for (int level = 0; level < list->level && walk.count > 0; level++) {
        PyObject **here = walk.next;
        uint32_t count = walk.count;
        walk.next = levels[(level + 1) % 2];
        walk.count = 0;
        for (uint32_t i = 0; i < count; i++) {
            walk.is_private = is_private && level == 0 && kind != CONTAINER_ITERATOR;
            Py_TYPE(here[i])->tp_traverse(here[i], visit, &walk);
        }
    }
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

void inside_note_callback(struct access_list *list, PyObject *object) {
    if (!inside_is_callback(object))
        return;
    enum effect effect = effect_of(object);
    bool reads =
        effect == EFFECT_NOTHING || effect == EFFECT_READS || effect == EFFECT_READS_INSIDE;
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
