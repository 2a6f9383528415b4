// Life: which instructions may end an object whose end others can see, and who looks at it.
// SPDX-License-Identifier: Apache-2.0
#include "cpython.h"

#include "life.h"

#include <string.h>

#include "call.h"
#include "container.h"
#include "effect.h"
#include "filter.h"
#include "location.h"
#include "point.h"
#include "value.h"

// Containers that die with what they are in: so deep, so many objects in all.
enum { DEPTH_MAX = 3, OBJECTS_MAX = 64 };
// Frames that are asked whether they have the object, too.
enum { FRAMES_MAX = 32 };
// As the index of a variable: of a frame that is left.
enum { FROM_FRAME = 1 << 30 };

static PyTypeObject *thread_type;  // threading.Thread
bool life_wanted;

int life_open(void) {
    PyObject *module = PyImport_ImportModule("threading");
    PyObject *type = module != NULL ? PyObject_GetAttrString(module, "Thread") : NULL;
    Py_XDECREF(module);
    if (type == NULL)
        return -1;
    if (PyType_Check(type))
        Py_XSETREF(thread_type, (PyTypeObject *)Py_NewRef(type));
    Py_DECREF(type);
    return 0;
}

// ------------------------------------------------------------------------------ one object

static PyWeakReference *references_of(PyObject *object) {
    Py_ssize_t offset = Py_TYPE(object)->tp_weaklistoffset;
    return offset != 0 ? *(PyWeakReference **)((char *)object + offset) : NULL;
}

static bool is_python_class(const PyTypeObject *type) {
    return (type->tp_flags & Py_TPFLAGS_HEAPTYPE) != 0 &&
           (type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE) == 0;
}

// Can its end be seen? Answered by type where possible: whether there is a weak reference by now
// may depend on operations that are not ordered before. Classes and modules end with their cycles,
// in the collector; threading itself has a weak reference to each thread.
static bool is_seen_ending(PyObject *object) {
    const PyTypeObject *type = Py_TYPE(object);
    if ((type->tp_flags & (Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_TYPE_SUBCLASS)) != Py_TPFLAGS_HAVE_GC)
        return false;
    if (PyWeakref_Check(object))
        return ((PyWeakReference *)object)->wr_callback != NULL;
    if (is_python_class(type))
        return (type->tp_weaklistoffset != 0 || type->tp_finalize != NULL) &&
               !PyObject_TypeCheck(object, thread_type);
    return references_of(object) != NULL && !PyModule_Check(object);
}

// If only weak references without a callback see its end, it does not matter whose drop is the last
// of several: such drops are weak writes.
static void add_object(struct access_list *list, PyObject *object) {
    enum fr_mode mode = PyWeakref_Check(object) || (Py_TYPE(object)->tp_finalize != NULL &&
                                                    is_python_class(Py_TYPE(object)))
                            ? FR_WRITE
                            : FR_WRITE_WEAK;
    PyWeakReference *at = PyWeakref_Check(object) ? NULL : references_of(object);
    for (; at != NULL; at = at->wr_next) {
        location_of_life((PyObject *)at);  // remembers whose it was
        if (at->wr_callback != NULL)
            mode = FR_WRITE;
    }
    access_add(list, location_of_life(object), mode);
}

void life_add_look(struct access_list *list, PyObject *object) {
    if (life_wanted && (PyWeakref_Check(object) || is_seen_ending(object)))
        access_add(list, location_of_life(object), FR_READ);
}

// ------------------------------------------------------------------------------ what it owns

struct walk {
    struct access_list *list;
    int depth, count;
    bool only_own;  // look into what nobody else has
};

static bool holds_others(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    return type->tp_traverse != NULL && !PyType_Check(object) && !PyModule_Check(object) &&
           !PyFunction_Check(object) && !PyCode_Check(object) && !PyGen_Check(object) &&
           !PyWeakref_Check(object);
}

static int visit(PyObject *object, void *context) {
    struct walk *walk = context;
    if (++walk->count > OBJECTS_MAX)
        return 1;
    if (!PyType_HasFeature(Py_TYPE(object), Py_TPFLAGS_HAVE_GC))
        return 0;
    if (is_seen_ending(object))
        add_object(walk->list, object);
    if (walk->depth == DEPTH_MAX || !holds_others(object) ||
        (walk->only_own && Py_REFCNT(object) > 1))
        return 0;
    walk->depth++;
    int result = Py_TYPE(object)->tp_traverse(object, visit, walk);
    walk->depth--;
    return result;
}

static void add_contents(struct access_list *list, PyObject *object, bool only_own) {
    struct walk walk = {.list = list, .only_own = only_own};
    if (holds_others(object))
        Py_TYPE(object)->tp_traverse(object, visit, &walk);
}

// Shared memory no longer holds the object.
static void add_replaced(struct access_list *list, PyObject *object) {
    if (object == NULL || !PyType_HasFeature(Py_TYPE(object), Py_TPFLAGS_HAVE_GC))
        return;
    if (is_seen_ending(object))
        add_object(list, object);
    add_contents(list, object, false);
}

// ------------------------------------------------------------------------------ frames

// Has the frame, or one that called it, the object in a local variable (but for `except`) that
// stays?
static bool is_kept(PyObject *object, cpython_frame *frame, Py_ssize_t except) {
    for (int n = 0; frame != NULL && n < FRAMES_MAX; n++, frame = cpython_frame_back(frame)) {
        Py_ssize_t count = cpython_frame_locals(cpython_frame_code(frame));
        for (Py_ssize_t i = 0; i < count; i++)
            if (cpython_frame_local(frame, i) == object && (n != 0 || i != except))
                return true;
    }
    return false;
}

// One reference of a frame goes: an operand, or the variable `from` (-1: none).
static void add_own(struct access_list *list, PyObject *object, cpython_frame *frame,
                    Py_ssize_t from) {
    if (object == NULL || !PyType_HasFeature(Py_TYPE(object), Py_TPFLAGS_HAVE_GC))
        return;
    if (is_seen_ending(object) && !PyWeakref_Check(object) && !is_kept(object, frame, from))
        add_object(list, object);
    if (from >= 0 && Py_REFCNT(object) == 1)
        add_contents(list, object, true);
}

void life_add_frame(struct access_list *list, const struct operands *on) {
    Py_ssize_t count = cpython_frame_locals(on->code);
    PyObject *result = on->top > on->locals + count ? on->top[-1] : NULL;
    cpython_frame *caller = NULL;
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *object = on->locals[i];
        if (object == NULL || object == result ||
            !PyType_HasFeature(Py_TYPE(object), Py_TPFLAGS_HAVE_GC))
            continue;
        if (caller == NULL && is_seen_ending(object))
            caller = cpython_frame_back((cpython_frame *)on->frame);
        add_own(list, object, caller, FROM_FRAME);
    }
}

// ------------------------------------------------------------------------------ operands

void life_add_operands(struct access_list *list, const struct site *site,
                       const struct operands *on) {
    if (!life_wanted)
        return;
    cpython_frame *frame = (cpython_frame *)on->frame;
    switch ((enum site_kind)site->kind) {
    case SITE_GET_ATTRIBUTE:
    case SITE_SET_ATTRIBUTE:
    case SITE_DELETE_ITEM:
        add_own(list, on->top[-1], frame, -1);
        break;
    case SITE_GET_ITEM:
    case SITE_SET_ITEM:
        add_own(list, on->top[-2], frame, -1);
        break;
    case SITE_CALL:
    case SITE_CALL_FUNCTION:
        // What a Python function is given is in its frame until it returns.
        for (int i = 1; i <= site->argument; i++)
            add_own(list, on->top[-i], frame, -1);
        break;
    case SITE_DROP:
        add_own(list, on->locals[site->argument], frame, site->argument);
        break;
    default:
        break;
    }
}

// ------------------------------------------------------------------------------ shared memory

// Takes over a new reference to what shared memory holds until now, or NULL.
static void add_former(struct access_list *list, PyObject *object) {
    add_replaced(list, object);
    Py_XDECREF(object);
}

static void add_item(struct access_list *list, PyObject *container, PyObject *key) {
    if (PyDict_CheckExact(container) && location_is_plain(key)) {
        point_close();  // a key with the same hash may have an __eq__ of its own
        PyObject *former = value_of_item(container, key);
        point_reopen();
        add_former(list, former);
    } else if (PyDict_Check(container) || PyList_Check(container)) {
        add_contents(list, container, false);
    }
}

// Methods of lists, dicts and sets that write them and drop nothing.
static bool only_adds(PyObject *container, const char *name) {
    static const char *const names[] = {"append",     "extend", "insert",  "add",
                                        "setdefault", "sort",   "reverse", "__init__"};
    if (!PyList_Check(container) && !PyDict_Check(container) && !PyAnySet_Check(container))
        return false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return false;
}

static void add_call(struct access_list *list, const struct site *site, const struct operands *on) {
    struct call_method method;
    if (!call_read_method(site, on, &method))
        return;
    switch (method.effect) {
    case EFFECT_SET_ITEM:
    case EFFECT_DELETE_ITEM:
        if (method.count > 0 && !only_adds(method.self, method.name))
            add_item(list, method.self, method.values[0]);
        return;
    case EFFECT_SET_ATTRIBUTE:
        if (method.count > 0)
            add_former(list, value_of_attribute(method.self, method.values[0]));
        return;
    case EFFECT_WRITES:
    case EFFECT_UPDATES:
    case EFFECT_UPDATES_INSIDE:
        if (container_kind_of(method.self) == CONTAINER_WHOLE &&
            !only_adds(method.self, method.name))
            add_contents(list, method.self, false);
        return;
    default:
        return;
    }
}

static void collect_replaced(struct access_list *list, const struct site *site,
                             const struct operands *on) {
    PyObject **top = on->top;
    switch ((enum site_kind)site->kind) {
    case SITE_SET_ATTRIBUTE:
    case SITE_SET_GLOBAL:
    case SITE_SET_NAME:
    case SITE_SET_CELL:
        add_former(list, value_of_site(site, on));
        break;
    case SITE_SET_ITEM:
    case SITE_DELETE_ITEM:
        add_item(list, top[-2], top[-1]);
        break;
    case SITE_SET_SLICE:
        add_contents(list, top[-3], false);
        break;
    case SITE_INPLACE:
        if (PyAnySet_Check(top[-2]) || PyDict_Check(top[-2]))
            add_contents(list, top[-2], false);
        break;
    case SITE_CALL:
    case SITE_CALL_FUNCTION:
    case SITE_CALL_KEYWORDS:
    case SITE_CALL_UNPACKED:
        add_call(list, site, on);
        break;
    default:
        break;
    }
}

bool life_add_replaced(struct access_list *list, const struct site *site,
                       const struct operands *on) {
    if (!life_wanted)
        return false;
    struct access_list lives;
    access_clear(&lives);
    collect_replaced(&lives, site, on);
    if (access_is_part(&lives, list))
        return false;
    for (uint32_t i = 0; i < lives.count; i++)
        access_add(list, lives.items[i].key, lives.items[i].mode);
    return !list->is_full;
}

// ------------------------------------------------------------------------------ is it wanted

static bool is_any(PyObject *name, const char *const *words, size_t count) {
    for (size_t i = 0; name != NULL && PyUnicode_Check(name) && i < count; i++)
        if (PyUnicode_CompareWithASCIIString(name, words[i]) == 0)
            return true;
    return false;
}

// Does code speak of weak references or finalizers?
static bool speaks_of_life(PyCodeObject *code, int depth) {
    static const char *const words[] = {
        "__del__",           "weakref", "_weakref",   "finalize",   "WeakValueDictionary",
        "WeakKeyDictionary", "WeakSet", "WeakMethod", "__weakref__"};
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_names); i++)
        if (is_any(PyTuple_GET_ITEM(code->co_names, i), words, sizeof words / sizeof *words))
            return true;
    for (Py_ssize_t i = 0; depth > 0 && i < PyTuple_GET_SIZE(code->co_consts); i++) {
        PyObject *constant = PyTuple_GET_ITEM(code->co_consts, i);
        if (PyCode_Check(constant) && speaks_of_life((PyCodeObject *)constant, depth - 1))
            return true;
    }
    return false;
}

static PyObject *name_in(PyObject *names, const char *word) {
    return names != NULL && PyDict_Check(names) ? PyDict_GetItemString(names, word) : NULL;
}

static bool is_module_of_life(PyObject *name) {
    static const char *const modules[] = {"weakref", "_weakref", "_weakrefset"};
    return is_any(name, modules, sizeof modules / sizeof *modules);
}

// Is it, or does it come from, a module of weak references?
static bool is_from_life(PyObject *value) {
    if (PyModule_Check(value))
        return is_module_of_life(name_in(PyModule_GetDict(value), "__name__"));
    if (PyFunction_Check(value))
        return is_module_of_life(PyFunction_GET_MODULE(value));
    if (PyCFunction_Check(value))
        return is_module_of_life(((PyCFunctionObject *)value)->m_module);
    if (!PyType_Check(value) || !is_python_class((PyTypeObject *)value))
        return value == (PyObject *)&_PyWeakref_RefType;
    return is_module_of_life(name_in(((PyTypeObject *)value)->tp_dict, "__module__"));
}

// The same, or code of its own speaks of such things.
static bool is_of_life(PyObject *value, int depth) {
    if (is_from_life(value))
        return true;
    if (PyFunction_Check(value))
        return speaks_of_life((PyCodeObject *)PyFunction_GET_CODE(value), DEPTH_MAX);
    if (!PyType_Check(value) || !is_python_class((PyTypeObject *)value))
        return false;
    PyTypeObject *type = (PyTypeObject *)value;
    if (type->tp_finalize != NULL)
        return true;
    PyObject *key, *member;
    for (Py_ssize_t at = 0; depth > 0 && PyDict_Next(type->tp_dict, &at, &key, &member);)
        if (is_of_life(member, depth - 1))
            return true;
    return false;
}

// The namespace that a module, function or class is of, borrowed; or NULL.
static PyObject *namespace_of(PyObject *value) {
    if (PyModule_Check(value))
        return PyModule_GetDict(value);
    if (PyFunction_Check(value))
        return PyFunction_GET_GLOBALS(value);
    PyObject *name =
        PyType_Check(value) ? name_in(((PyTypeObject *)value)->tp_dict, "__module__") : NULL;
    PyObject *loaded = name != NULL ? PyImport_GetModuleDict() : NULL;
    PyObject *module = loaded != NULL ? PyDict_GetItemWithError(loaded, name) : NULL;
    return module != NULL && PyModule_Check(module) ? PyModule_GetDict(module) : NULL;
}

static bool has_namespace(PyObject *namespaces, PyObject *names) {
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(namespaces); i++)
        if (PyList_GET_ITEM(namespaces, i) == names)
            return true;
    return false;
}

// Adds a namespace to those to be searched, if it is not there and its file is traced. -1 with an
// exception.
static int add_namespace(PyObject *namespaces, PyObject *names, bool is_traced) {
    if (has_namespace(namespaces, names))
        return 0;
    PyObject *file = name_in(names, "__file__");
    if (!is_traced && (file == NULL || !PyUnicode_Check(file)))
        return 0;
    int traced = is_traced ? 1 : filter_ask(file);
    return traced > 0 ? PyList_Append(namespaces, names) : traced;
}

// What a thread calls, what it was made of, and the module it was made in.
static int add_callable(PyObject *namespaces, PyObject *callable) {
    while (PyMethod_Check(callable))
        callable = PyMethod_GET_FUNCTION(callable);
    if (!PyFunction_Check(callable))
        callable = (PyObject *)Py_TYPE(callable);
    life_wanted |= is_of_life(callable, 1);
    PyObject *closure = PyFunction_Check(callable) ? PyFunction_GET_CLOSURE(callable) : NULL;
    for (Py_ssize_t i = 0; closure != NULL && i < PyTuple_GET_SIZE(closure); i++) {
        PyObject *content = PyCell_GET(PyTuple_GET_ITEM(closure, i));
        life_wanted |= content != NULL &&
                       (is_of_life(content, 1) || is_of_life((PyObject *)Py_TYPE(content), 1));
    }
    PyObject *names = namespace_of(callable);
    return names != NULL ? add_namespace(namespaces, names, true) : 0;
}

// Searches the namespaces, and adds those that are found there.
static int search(PyObject *namespaces) {
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(namespaces) && !life_wanted; i++) {
        PyObject *values = PyDict_Values(PyList_GET_ITEM(namespaces, i));
        if (values == NULL)
            return -1;
        int failed = 0;
        for (Py_ssize_t j = 0; j < PyList_GET_SIZE(values) && !life_wanted && !failed; j++) {
            PyObject *value = PyList_GET_ITEM(values, j);
            PyObject *names = namespace_of(value);
            failed = names != NULL && add_namespace(namespaces, names, false) < 0;
            // What code does that is not traced is not seen anyway.
            bool is_traced = names == NULL || has_namespace(namespaces, names);
            life_wanted = is_traced ? is_of_life(value, 1) : is_from_life(value);
        }
        Py_DECREF(values);
        if (failed)
            return -1;
    }
    return PyErr_Occurred() ? -1 : 0;
}

int life_begin(PyObject *callables) {
    life_wanted = false;
    PyObject *list = PySequence_Fast(callables, "callables must be a sequence");
    PyObject *namespaces = list != NULL ? PyList_New(0) : NULL;
    int failed = namespaces == NULL;
    for (Py_ssize_t i = 0; !failed && i < PySequence_Fast_GET_SIZE(list); i++)
        failed = add_callable(namespaces, PySequence_Fast_GET_ITEM(list, i)) < 0;
    if (!failed)
        failed = search(namespaces) < 0;
    Py_XDECREF(namespaces);
    Py_XDECREF(list);
    return failed ? -1 : 0;
}
