// Accesses: which locations an instruction is about to touch, and how.
// SPDX-License-Identifier: Apache-2.0
// long because every kind of instruction has its few lines here, and they share their parts.
//
// The rule: over-merging is allowed, under-merging is forbidden. Whatever is not known to be
// independent is an access to the whole container.
#include "cpython.h"

#include "access.h"

#include <string.h>
#include <structmember.h>

#include "attribute.h"
#include "call.h"
#include "container.h"
#include "inside.h"
#include "library.h"
#include "life.h"
#include "location.h"
#include "observe.h"
#include "outside.h"
#include "outside_call.h"
#include "point.h"
#include "pure.h"
#include "special.h"

enum { DEPTH_MAX = 6 };

static enum fr_mode join(enum fr_mode a, enum fr_mode b) {
    if (a == b)
        return a;
    if (a == FR_WRITE || b == FR_WRITE)
        return FR_WRITE;
    if (a != FR_WRITE_WEAK && b != FR_WRITE_WEAK)
        return FR_READ;
    // A weak write conflicts with all that a weak read conflicts with.
    return a == FR_READ || b == FR_READ ? FR_WRITE : FR_WRITE_WEAK;
}

void access_clear(struct access_list *list) {
    // Not initialised as a whole: the items are a kilobyte.
    list->count = 0;
    list->is_full = false;
    list->failed = false;
    list->level = 0;
    list->may_resume = false;
    list->may_go_on = false;
    list->inside_writes = false;
    list->looks_outside = false;
    list->is_all_outside = false;
    list->announced = NULL;
    list->announced_count = 0;
    list->through_objects = false;
    list->dict = NULL;
}

void access_add(struct access_list *list, uint64_t key, enum fr_mode mode) {
    for (uint32_t i = 0; i < list->count; i++)
        if (list->items[i].key == key) {
            list->items[i].mode = join(list->items[i].mode, mode);
            return;
        }
    if (list->count == FR_ACCESSES_MAX) {
        list->is_full = true;
        return;
    }
    list->items[list->count++] = (struct fr_access){.key = key, .mode = mode};
}

// Whoever reads more containers than an event holds reads this; whoever writes one, writes this.
static void note_write(struct access_list *list) {
    access_add(list, location_of_state(LOCATION_DEEP), FR_WRITE_WEAK);
}

bool access_is_part(const struct access_list *part, const struct access_list *whole) {
    for (uint32_t i = 0; i < part->count; i++) {
        uint32_t at = 0;
        while (at < whole->count && whole->items[at].key != part->items[i].key)
            at++;
        if (at == whole->count ||
            join(whole->items[at].mode, part->items[i].mode) != whole->items[at].mode)
            return false;
    }
    return true;
}

// ------------------------------------------------------------------------------ containers

static bool is_private(PyObject *object) {
    return Py_REFCNT(object) <= 1;
}

static void add_contents(struct access_list *list, PyObject *object, bool write) {
    if (PyWeakref_CheckProxy(object))
        life_add_look(list, object);
    PyObject *owner = container_owner(object);
    // Whoever looks at a file or a socket moves its position.
    bool is_outside = outside_has_type(Py_TYPE(owner));
    access_add(list, location_of_object(owner), write || is_outside ? FR_WRITE : FR_READ);
    if (write)
        note_write(list);
    if (is_outside && !outside_is_console(owner))
        outside_add_object(list, owner);
}

struct search {
    struct access_list *list;
    int depth;
    bool calls_back;
};

// What a bound method is bound to, or NULL: whoever gets the method may call it (`key=d.get`).
static PyObject *bound_to(PyObject *object) {
    if (PyCFunction_Check(object))
        return PyCFunction_GET_SELF(object);
    return PyMethod_Check(object) ? PyMethod_GET_SELF(object) : NULL;
}

// Called by tp_traverse of an iterator for all it holds.
static int visit_source(PyObject *object, void *context) {
    struct search *search = context;
    enum container_kind kind = container_kind_of(object);
    inside_note_callback(search->list, object);
    if (inside_is_callback(object))
        access_add_callback(search->list, object);
    else if (PyFunction_Check(object))
        outside_call_add_callback(search->list, object);
    else if (kind == CONTAINER_WHOLE)
        add_contents(search->list, object, false);
    bool holds_more = kind == CONTAINER_ITERATOR || PyTuple_CheckExact(object) ||
                      strncmp(Py_TYPE(object)->tp_name, "itertools.", 10) == 0;
    if (!holds_more || PyGen_Check(object) || Py_TYPE(object)->tp_traverse == NULL)
        return 0;
    // An inner iterator that nobody else has is as shared as the outer one.
    if (kind == CONTAINER_ITERATOR && !is_private(object))
        access_add(search->list, location_of_object(object), FR_WRITE);
    if (search->depth == DEPTH_MAX) {
        search->list->is_full |= kind == CONTAINER_ITERATOR;
        return 0;
    }
    struct search inner = {.list = search->list, .depth = search->depth + 1};
    int result = Py_TYPE(object)->tp_traverse(object, visit_source, &inner);
    search->calls_back |= inner.calls_back || inside_calls_back(object);
    return result;
}

void access_add_next(struct access_list *list, PyObject *iterator, Py_ssize_t references_own) {
    enum container_kind kind = container_kind_of(iterator);
    // A file is its own iterator, but one with an __iter__ of its own.
    if (kind == CONTAINER_WHOLE && outside_has_type(Py_TYPE(iterator)))
        add_contents(list, iterator, true);
    if (kind != CONTAINER_ITERATOR)
        return;
    if (Py_REFCNT(iterator) > references_own)
        access_add(list, location_of_object(iterator), FR_WRITE);
    // A generator goes over what its own code says, and that is observed.
    if (PyGen_Check(iterator))
        outside_call_add_generator(list, iterator);
    if (PyGen_Check(iterator) || Py_TYPE(iterator)->tp_traverse == NULL)
        return;
    struct search search = {.list = list, .depth = 0};
    Py_TYPE(iterator)->tp_traverse(iterator, visit_source, &search);
    if (search.calls_back || inside_calls_back(iterator))
        inside_add(list, iterator, false);
}

void access_add_callback(struct access_list *list, PyObject *callback) {
    inside_add_callback(list, callback);
    outside_call_add_callback(list, callback);
    PyObject *self = bound_to(callback);
    if (self != NULL && container_kind_of(self) == CONTAINER_WHOLE)
        add_contents(list, self, true);
}

void access_add_object(struct access_list *list, PyObject *object, bool write) {
    if (container_is_instance(object))
        access_add(list, location_of_object(object), write ? FR_WRITE : FR_READ);
}

void access_add_whole(struct access_list *list, PyObject *object, bool write, bool on_stack) {
    if (object == NULL || pure_is_plain(object))
        return;
    uint32_t before = list->count;
    if (inside_is_callback(object)) {
        access_add_callback(list, object);
        return;
    }
    switch (container_kind_of(object)) {
    case CONTAINER_NONE:
        if (PyMethod_Check(object))
            access_add_callback(list, object);
        else if (PyFunction_Check(object))
            outside_call_add_callback(list, object);
        else if (container_is_instance(object))
            outside_call_add_instance(list, object);
        // What is printed of an exception, and what add_note changes.
        else if (PyExceptionInstance_Check(object) && !(on_stack && is_private(object)))
            access_add(list, location_of_object(object), write ? FR_WRITE : FR_READ);
        return;
    case CONTAINER_ITERATOR:
        access_add_next(list, object, on_stack ? 1 : 0);
        return;
    case CONTAINER_WHOLE:
        // A view, a memoryview or a file that only we have still shows what others have.
        if (on_stack && is_private(object) && container_owner(object) == object &&
            !outside_has_type(Py_TYPE(object)))
            return;
        add_contents(list, object, write);
        if (list->count > before)
            inside_add_stream(list, object);
        return;
    }
}

// Does reading an absent key write one (defaultdict and the like)?
static bool has_missing(PyObject *object) {
    static PyObject *name;
    if (name == NULL)
        name = PyUnicode_InternFromString("__missing__");
    return name == NULL || _PyType_Lookup(Py_TYPE(object), name) != NULL;
}

// Does the key name one element, apart from all others?
static bool is_element(PyObject *object, PyObject *key) {
    if (PyDict_CheckExact(object))
        return location_is_plain(key);
    if (!PyList_CheckExact(object) || !PyLong_Check(key) || !location_is_plain(key))
        return false;
    int overflow;
    return PyLong_AsLongAndOverflow(key, &overflow) >= 0 && overflow == 0;
}

void access_add_element(struct access_list *list, PyObject *object, PyObject *key, bool write) {
    uint64_t part, whole;
    location_of_part(object, key, &part, &whole);
    access_add(list, part, write ? FR_WRITE : FR_READ);
    access_add(list, whole, write ? FR_WRITE_WEAK : FR_READ_WEAK);
}

void access_add_item(struct access_list *list, PyObject *object, PyObject *key, bool write) {
    if (Py_IS_TYPE(object, &PyDictProxy_Type))
        object = container_owner(object);
    if (!is_element(object, key)) {
        bool fills = PyDict_Check(object) && !PyDict_CheckExact(object) && has_missing(object);
        access_add_whole(list, object, write || fills, false);
        return;
    }
    access_add_element(list, object, key, write);
    if (write)
        note_write(list);
    if (write && PyDict_CheckExact(object)) {
        list->dict = object;
        list->key = key;
    }
}

void access_add_inside(struct access_list *list, PyObject *object, bool on_stack) {
    if (object != NULL && !pure_is_plain(object))
        inside_add(list, object, on_stack && is_private(object));
}

void access_add_deletion(struct access_list *list, PyObject *object, PyObject *key) {
    // Deleting from a list moves the elements behind.
    if (!PyDict_CheckExact(object) || !location_is_plain(key)) {
        access_add_whole(list, object, true, false);
        return;
    }
    access_add_element(list, object, key, true);
    access_add(list, location_of_order(object), FR_WRITE);
    note_write(list);
}

bool access_add_insertion(struct access_list *list) {
    if (list->dict == NULL)
        return false;
    point_close();  // a key with the same hash may have an __eq__ of its own
    int present = PyDict_Contains(list->dict, list->key);
    point_reopen();
    if (present < 0)
        PyErr_Clear();
    if (present > 0)
        return false;
    uint32_t before = list->count;
    access_add(list, location_of_order(list->dict), FR_WRITE);
    return list->count > before;
}

// ------------------------------------------------------------------------------ attributes

// `super` objects: the attribute is looked for in classes and bound to the instance behind them.
static PyObject *behind_super(PyObject *object) {
    if (!Py_IS_TYPE(object, &PySuper_Type))
        return object;
    for (const PyMemberDef *member = PySuper_Type.tp_members; member->name != NULL; member++)
        if (strcmp(member->name, "__self__") == 0) {
            PyObject *self = *(PyObject **)((char *)object + member->offset);
            return self != NULL ? self : object;
        }
    return object;
}

// Positional patterns mean the attributes that the class names in __match_args__.
static void add_positional(struct access_list *list, PyObject *subject, PyObject *class,
                           int count) {
    static PyObject *word;
    if (word == NULL)
        word = PyUnicode_InternFromString("__match_args__");
    if (word == NULL || !PyType_Check(class))
        return;
    PyObject *names = _PyType_Lookup((PyTypeObject *)class, word);
    if (names == NULL || !PyTuple_CheckExact(names))
        return;
    for (Py_ssize_t i = 0; i < count && i < PyTuple_GET_SIZE(names); i++)
        attribute_add(list, subject, PyTuple_GET_ITEM(names, i), false);
}

static void add_match_class(struct access_list *list, PyObject *subject, PyObject *names) {
    access_add_whole(list, subject, false, false);
    if (PyTuple_CheckExact(names))
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(names); i++)
            attribute_add(list, subject, PyTuple_GET_ITEM(names, i), false);
}

// ------------------------------------------------------------------------------ names and cells

static void add_global_read(struct access_list *list, const struct operands *on, PyObject *name) {
    access_add_element(list, on->globals, name, false);
    if (on->builtins == NULL || on->builtins == on->globals)
        return;
    // The builtin behind the global counts if it is, or may become, what is found.
    bool counts = special_is_watched() ||
                  (PyDict_CheckExact(on->builtins) && PyDict_Contains(on->builtins, name) == 1);
    if (!counts)
        counts = !PyDict_CheckExact(on->globals) || PyDict_Contains(on->globals, name) != 1;
    if (counts)
        access_add_element(list, on->builtins, name, false);
}

static void add_name(struct access_list *list, const struct operands *on, PyObject *name,
                     bool write) {
    // The namespace of a class body: nobody else has it while the body runs.
    bool is_class = on->names != on->globals && on->names != NULL;
    if (is_class && !PyDict_CheckExact(on->names))
        access_add_whole(list, on->names, write, false);
    if (!write)
        add_global_read(list, on, name);
    else if (!is_class)
        access_add_element(list, on->globals, name, true);
}

static void add_cell(struct access_list *list, const struct site *site, const struct operands *on,
                     bool write) {
    PyObject *cell = on->locals[cpython_cell_index(on->code, site->argument)];
    if (cell != NULL && PyCell_Check(cell))
        access_add(list, location_of_cell(cell), write ? FR_WRITE : FR_READ);
}

// ------------------------------------------------------------------------------ iteration

// References to an iterator that are the frame's own: the stack, and in a comprehension or a
// generator expression its only parameter too.
static Py_ssize_t own_references(const struct operands *on, PyObject *iterator) {
    if (on->code->co_argcount != 1 || on->locals[0] != iterator)
        return 1;
    bool is_generator = (on->code->co_flags & (CO_GENERATOR | CO_ASYNC_GENERATOR)) != 0;
    // The caller of a comprehension keeps the argument on its stack meanwhile (before 3.12, which
    // has no such calls).
    return is_generator ? 2 : 3;
}

// ------------------------------------------------------------------------------ by kind

static void collect_attribute(struct access_list *list, const struct site *site,
                              const struct operands *on) {
    PyObject **top = on->top;
    PyObject *name = PyTuple_GET_ITEM(on->code->co_names, site->argument);
    bool write = site->kind == SITE_SET_ATTRIBUTE;
    if (site->is_ordinary && attribute_add_ordinary(list, top[-1], name, write))
        return;
    // The library's own methods are not replaced while it runs; the program's may be.
    if (site->library == LIBRARY_LISTED && !write) {
        PyObject *found = _PyType_Lookup(Py_TYPE(top[-1]), name);
        if (found != NULL && PyFunction_Check(found) && library_has_class(Py_TYPE(top[-1])))
            return;
    }
    attribute_add(list, behind_super(top[-1]), name, write);
    // (`del C.__bases__` has no value, and raises.)
    if (write && site->depth >= 2)
        attribute_add_bases(list, top[-1], name, top[-2]);
}

// Does code of the library that calls for the program call its own code here? It gives the
// program's arguments by unpacking them, and to nothing else.
static bool is_own_call(const struct site *site, const struct operands *on) {
    PyObject *callable = call_callable(site, on);
    return site->kind != SITE_CALL_UNPACKED && callable != NULL &&
           (PyFunction_Check(callable) || PyMethod_Check(callable) || PyType_Check(callable) ||
            PyWeakref_Check(callable) || Py_IS_TYPE(callable, &PyMethodDescr_Type));
}

static void collect_subscript(struct access_list *list, const struct site *site,
                              const struct operands *on) {
    PyObject **top = on->top;
    switch ((enum site_kind)site->kind) {
    case SITE_GET_ITEM:
        access_add_item(list, top[-2], top[-1], false);
        break;
    case SITE_SET_ITEM:
        access_add_item(list, top[-2], top[-1], true);
        break;
    case SITE_DELETE_ITEM:
        access_add_deletion(list, top[-2], top[-1]);
        break;
    case SITE_CONTAINS:
        if (PyDict_CheckExact(container_owner(top[-1])) && !PyDictValues_Check(top[-1]) &&
            !PyDictItems_Check(top[-1]) && location_is_plain(top[-2]))
            access_add_item(list, container_owner(top[-1]), top[-2], false);
        else
            access_add_whole(list, top[-1], false, true);
        break;
    default:
        access_add_whole(list, top[-3], site->kind == SITE_SET_SLICE, false);
        break;
    }
    // The value of a slice assignment is read; the operand of `in` may be compared.
    if (site->kind == SITE_SET_SLICE)
        access_add_whole(list, top[-4], false, true);
    if (site->kind == SITE_SET_ITEM && PySlice_Check(top[-1]))
        access_add_whole(list, top[-3], false, true);
    if (site->kind != SITE_CONTAINS)
        return;
    access_add_whole(list, top[-2], false, true);
    access_add_inside(list, top[-2], true);
    // Looking up a key compares it, but keys that can be compared hold no containers.
    if (!PyDict_Check(top[-1]) && !PyAnySet_Check(top[-1]))
        access_add_inside(list, top[-1], true);
}

static void collect_name(struct access_list *list, const struct site *site,
                         const struct operands *on) {
    PyObject *name = PyTuple_GET_ITEM(on->code->co_names, site->argument);
    switch ((enum site_kind)site->kind) {
    case SITE_GET_GLOBAL:
        add_global_read(list, on, name);
        break;
    case SITE_SET_GLOBAL:
        access_add_element(list, on->globals, name, true);
        break;
    default:
        add_name(list, on, name, site->kind == SITE_SET_NAME);
        break;
    }
}

static void collect_value(struct access_list *list, const struct site *site,
                          const struct operands *on) {
    PyObject **top = on->top;
    switch ((enum site_kind)site->kind) {
    case SITE_INPLACE:
    case SITE_BINARY:
    case SITE_COMPARE:
        access_add_whole(list, top[-2], site->kind == SITE_INPLACE, true);
        access_add_whole(list, top[-1], false, true);
        if (site->kind == SITE_COMPARE)
            access_add_inside(list, top[-2], true);
        // "%s" % values; set operators look into nothing.
        if (site->kind == SITE_COMPARE || PyUnicode_Check(top[-2]) || PyBytes_Check(top[-2]))
            access_add_inside(list, top[-1], true);
        break;
    case SITE_FORMAT:
        access_add_whole(list, top[(site->argument & 4) != 0 ? -2 : -1], false, true);
        access_add_inside(list, top[(site->argument & 4) != 0 ? -2 : -1], true);
        break;
    case SITE_READ_SECOND:
        access_add_whole(list, top[-2], false, true);
        access_add_inside(list, top[-2], true);
        break;
    case SITE_SEND:
        access_add_whole(list, top[-2], false, true);
        break;
    case SITE_NEXT:
        access_add_next(list, top[-1], own_references(on, top[-1]));
        break;
    case SITE_MATCH_CLASS:
        add_positional(list, top[-3], top[-2], site->argument);
        add_match_class(list, top[-3], top[-1]);
        break;
    default:
        access_add_whole(list, top[-1], false, true);
        break;
    }
}

void access_collect(struct access_list *list, const struct site *site, const struct operands *on) {
    switch ((enum site_kind)site->kind) {
    case SITE_NONE:
    case SITE_DROP:
    case SITE_RETURN:
    case SITE_LEAVE:
    case SITE_INTRINSIC:
        break;
    case SITE_GET_ATTRIBUTE:
    case SITE_SET_ATTRIBUTE:
    case SITE_GET_SUPER:
        collect_attribute(list, site, on);
        break;
    case SITE_GET_GLOBAL:
    case SITE_SET_GLOBAL:
    case SITE_GET_NAME:
    case SITE_SET_NAME:
        collect_name(list, site, on);
        break;
    case SITE_GET_CELL:
    case SITE_SET_CELL:
        add_cell(list, site, on, site->kind == SITE_SET_CELL);
        break;
    case SITE_GET_ITEM:
    case SITE_SET_ITEM:
    case SITE_DELETE_ITEM:
    case SITE_GET_SLICE:
    case SITE_SET_SLICE:
    case SITE_CONTAINS:
        collect_subscript(list, site, on);
        break;
    case SITE_CALL:
    case SITE_CALL_FUNCTION:
    case SITE_CALL_KEYWORDS:
    case SITE_CALL_UNPACKED:
    case SITE_ENTER:
    case SITE_EXIT:
        if (site->library == LIBRARY_CALLS && is_own_call(site, on))
            break;
        call_collect(list, site, on);
        break;
    default:
        collect_value(list, site, on);
        break;
    }
    special_add_read(list, (enum site_kind)site->kind);
}
