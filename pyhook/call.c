// Calls: what calling something that is implemented in C does to the containers it is given.
// SPDX-License-Identifier: Apache-2.0
// long because the ways to call something are many, and none means anything without the others.
#include "call.h"

#include <string.h>
#include <structmember.h>

#include "attribute.h"
#include "container.h"
#include "effect.h"
#include "inside.h"
#include "library.h"
#include "life.h"
#include "location.h"
#include "logs.h"
#include "observe.h"
#include "outside.h"
#include "outside_call.h"
#include "special.h"
#include "state.h"

enum { DEPTH_MAX = 4 };  // of partials

// Types that have no name in the C API of all versions.
static PyTypeObject *method_wrapper;
static PyTypeObject *partial;

int call_open(void) {
    PyObject *sample = PyObject_GetAttrString(Py_None, "__str__");
    if (sample == NULL)
        return -1;
    method_wrapper = (PyTypeObject *)Py_NewRef(Py_TYPE(sample));
    Py_DECREF(sample);
    PyObject *functools = PyImport_ImportModule("_functools");
    if (functools != NULL)
        partial = (PyTypeObject *)PyObject_GetAttrString(functools, "partial");
    Py_XDECREF(functools);
    if (partial == NULL)
        return -1;
    return effect_open() < 0 ? -1 : outside_open();
}

// ------------------------------------------------------------------------------ the arguments

struct call {
    PyObject *callable;
    PyObject *self;  // of a bound method; NULL if the first argument is
    PyObject *const *values;
    Py_ssize_t count;
    bool on_stack;       // values are stack slots of the frame
    PyObject *names;     // a tuple: the keywords of the last of the values; or NULL
    PyObject *keywords;  // f(**keywords): a fresh dict, or NULL
    bool is_unknown;     // there are arguments that cannot be had
    int depth;
};

static void add_arguments(struct access_list *list, const struct call *call, bool write) {
    for (Py_ssize_t i = 0; i < call->count; i++)
        access_add_whole(list, call->values[i], write, call->on_stack);
    PyObject *key, *value;
    if (call->keywords != NULL && PyDict_CheckExact(call->keywords))
        for (Py_ssize_t at = 0; PyDict_Next(call->keywords, &at, &key, &value);)
            access_add_whole(list, value, write, false);
}

// What is inside self and the arguments; all of it may be handed to a callback among them.
static void add_inside(struct access_list *list, const struct call *call) {
    for (Py_ssize_t i = 0; i < call->count; i++)
        if (call->values[i] != NULL)
            inside_note_callback(list, call->values[i]);
    PyObject *key, *value;
    bool has_keywords = call->keywords != NULL && PyDict_CheckExact(call->keywords);
    for (Py_ssize_t at = 0; has_keywords && PyDict_Next(call->keywords, &at, &key, &value);)
        inside_note_callback(list, value);
    access_add_inside(list, call->self, false);
    for (Py_ssize_t i = 0; i < call->count; i++)
        access_add_inside(list, call->values[i], call->on_stack);
    access_add_inside(list, call->keywords, true);
}

// ------------------------------------------------------------------------------ what is called

static void collect_call(struct access_list *list, struct call *call);

// Moves the first argument to self, if there is none.
static void bind(struct call *call) {
    if (call->self == NULL && call->count > 0) {
        call->self = call->values[0];
        call->values++;
        call->count--;
    }
}

static void add_item(struct access_list *list, const struct call *call, enum effect effect) {
    if (call->self == NULL)
        return;
    if (call->count == 0)
        access_add_whole(list, call->self, effect != EFFECT_GET_ITEM, false);
    else if (effect == EFFECT_DELETE_ITEM)
        access_add_deletion(list, call->self, call->values[0]);
    else
        access_add_item(list, call->self, call->values[0], effect == EFFECT_SET_ITEM);
    add_arguments(list, call, false);
}

static void add_attribute(struct access_list *list, const struct call *call, bool write) {
    struct call bound = *call;
    // A function of a module: its self is the module.
    if (bound.self != NULL && PyModule_Check(bound.self))
        bound.self = NULL;
    bind(&bound);
    if (bound.self != NULL && bound.count > 0)
        attribute_add(list, bound.self, bound.values[0], write);
}

static void add_dict(struct access_list *list, const struct call *call) {
    static PyObject *name;
    if (name == NULL)
        name = PyUnicode_InternFromString("__dict__");
    if (name == NULL)
        list->failed = true;
    else if (call->count > 0)
        attribute_add(list, call->values[0], name, false);
}

// The attributes of an object, but for those of the standard library that have locks of their own,
// or are traced where they are touched without one: library.def.
static void add_object(struct access_list *list, PyObject *object, bool write) {
    if (object != NULL && write)
        life_add_look(list, object);  // it may make a weak reference
    if (object != NULL && !library_is_quiet(Py_TYPE(object)))
        access_add_object(list, object, write);
}

// The attributes of self and of the arguments.
static void add_objects(struct access_list *list, const struct call *call, bool write) {
    add_object(list, call->self, write);
    for (Py_ssize_t i = 0; i < call->count; i++)
        add_object(list, call->values[i], write);
}

// What is written is read, with all that is inside; a file among the arguments is written.
static void add_written(struct access_list *list, const struct call *call) {
    add_arguments(list, call, false);
    add_inside(list, call);
    for (Py_ssize_t i = 0; i < call->count; i++)
        if (call->values[i] != NULL && outside_has_file(Py_TYPE(call->values[i])) &&
            !outside_is_console(call->values[i]))
            access_add_whole(list, call->values[i], true, false);
}

// What it touches outside the process.
static enum outside_part add_outside(struct access_list *list, const struct call *call) {
    const struct outside_call outside = {.callable = call->callable,
                                         .self = call->self,
                                         .values = call->values,
                                         .count = call->count,
                                         .names = call->names,
                                         .keywords = call->keywords,
                                         .is_unknown = call->is_unknown};
    return outside_call_add(list, &outside);
}

// Reads its self: of a file not the contents, which would move its position.
static void add_self(struct access_list *list, PyObject *self) {
    if (self != NULL && outside_has_type(Py_TYPE(self)))
        access_add(list, location_of_object(self), FR_READ);
    else
        access_add_whole(list, self, false, false);
}

// All that is reached from the arguments is read, through objects, too.
static void add_reached(struct access_list *list, const struct call *call) {
    list->through_objects = true;
    access_add_whole(list, call->self, true, false);
    add_written(list, call);
    add_objects(list, call, false);
}

// print(..., file=...): what is printed is read, the file is written, or what sys.stdout is by now.
static void add_print(struct access_list *list, const struct call *call) {
    static PyObject *name;
    if (name == NULL)
        name = PyUnicode_InternFromString("stdout");
    PyObject *system = PyImport_GetModuleDict();
    system = system != NULL ? PyDict_GetItemString(system, "sys") : NULL;
    if (name != NULL && system != NULL && PyModule_Check(system))
        access_add_element(list, PyModule_GetDict(system), name, false);
    PyObject *file = PySys_GetObject("stdout");
    if (file != NULL && !outside_is_console(file))
        access_add_whole(list, file, true, false);
    add_written(list, call);
}

// Is it a format in which a field goes on into an object ("{0.name}", "{[0]}")?
static bool has_path(PyObject *text) {
    if (!PyUnicode_Check(text))
        return false;
    bool in_field = false;
    for (Py_ssize_t i = 0; i < PyUnicode_GET_LENGTH(text); i++) {
        Py_UCS4 letter = PyUnicode_READ_CHAR(text, i);
        if (in_field && (letter == '.' || letter == '['))
            return true;
        if (letter == '{' || letter == '}' || letter == ':' || letter == '!')
            in_field = letter == '{';
    }
    return false;
}

// What no argument names: classes, and the state of modules.
static void add_state(struct access_list *list, const struct call *call, enum effect effect) {
    switch (effect) {
    case EFFECT_CHECKS_CLASS:
        if (call->count > 1)
            state_add_check(list, call->values[1]);
        return;
    case EFFECT_MAKES_CLASS:
        special_add_class(list);
        return;
    case EFFECT_WARNS:
        state_add_warnings(list, false);
        break;
    default:
        if (call->self != NULL)
            access_add(list, location_of_object(call->self),
                       effect == EFFECT_WRITES_STATE ? FR_WRITE : FR_READ);
        break;
    }
    add_arguments(list, call, false);
}

// What nobody has said anything about: it may write all that it has.
static void add_unknown(struct access_list *list, const struct call *call) {
    if (add_outside(list, call) == OUTSIDE_KNOWN) {
        add_arguments(list, call, false);
        add_inside(list, call);
        return;
    }
    access_add_whole(list, call->self, true, false);
    // Methods of strings, numbers and other immutable things have nothing to do with their
    // arguments but to read them.
    bool is_method = call->self != NULL && !PyModule_Check(call->self) &&
                     (PyUnicode_Check(call->self) || PyBytes_Check(call->self) ||
                      PyLong_Check(call->self) || PyTuple_Check(call->self));
    add_arguments(list, call, !is_method);
    if (!is_method)
        add_objects(list, call, true);
    add_inside(list, call);
}

static void apply(struct access_list *list, const struct call *call, enum effect effect) {
    if (call->self != NULL && PyWeakref_Check(call->self))
        life_add_look(list, call->self);
    switch (effect) {
    case EFFECT_NOTHING:
        return;
    case EFFECT_ADVANCES:
    case EFFECT_READS:
    case EFFECT_UPDATES:
        if (effect == EFFECT_READS)
            add_self(list, call->self);
        else
            access_add_whole(list, call->self, effect == EFFECT_UPDATES, false);
        add_arguments(list, call, false);
        return;
    case EFFECT_READS_INSIDE:
    case EFFECT_UPDATES_INSIDE:
        access_add_whole(list, call->self, effect == EFFECT_UPDATES_INSIDE, false);
        add_arguments(list, call, false);
        add_inside(list, call);
        return;
    case EFFECT_GET_ITEM:
    case EFFECT_SET_ITEM:
    case EFFECT_DELETE_ITEM:
        add_item(list, call, effect);
        return;
    case EFFECT_GET_ATTRIBUTE:
    case EFFECT_SET_ATTRIBUTE:
        add_attribute(list, call, effect == EFFECT_SET_ATTRIBUTE);
        return;
    case EFFECT_GET_DICT:
        add_dict(list, call);
        return;
    case EFFECT_READS_OBJECT:
        list->through_objects |= call->self != NULL && has_path(call->self);
        access_add_whole(list, call->self, false, false);
        add_arguments(list, call, false);
        add_objects(list, call, false);
        add_inside(list, call);
        return;
    case EFFECT_PRINT:
        add_print(list, call);
        return;
    case EFFECT_REACHES:
        add_reached(list, call);
        return;
    case EFFECT_CHECKS_CLASS:
    case EFFECT_MAKES_CLASS:
    case EFFECT_WARNS:
    case EFFECT_READS_STATE:
    case EFFECT_WRITES_STATE:
        add_state(list, call, effect);
        return;
    case EFFECT_WRITES:
        add_unknown(list, call);
        return;
    }
}

// Is it one of the tool's own Python functions (a proxy that records calls)? What they keep is
// no part of the program.
static bool is_own(PyObject *function) {
    PyObject *module = PyFunction_GET_MODULE(function);
    const char *name = module != NULL && PyUnicode_Check(module) ? PyUnicode_AsUTF8(module) : NULL;
    return name != NULL && strncmp(name, "frontrun", 8) == 0 && (name[8] == '.' || name[8] == 0);
}

// A Python function: its own code is observed if it is traced; else it is as unknown as C, and
// may do anything to the attributes of what it is given, too.
static void collect_function(struct access_list *list, struct call *call, PyObject *function) {
    PyCodeObject *code = (PyCodeObject *)PyFunction_GET_CODE(function);
    if (special_is_watched())
        access_add_whole(list, ((PyFunctionObject *)function)->func_kwdefaults, false, false);
    if (site_is_known(code))
        return;
    struct access_list touched;
    access_clear(&touched);
    touched.level = list->level;
    touched.is_all_outside = list->is_all_outside;
    touched.announced = list->announced;
    touched.announced_count = list->announced_count;
    bool is_known = add_outside(&touched, call) == OUTSIDE_KNOWN;
    if (!is_known) {
        access_add_whole(&touched, call->self, true, false);
        add_objects(&touched, call, true);
    }
    add_arguments(&touched, call, !is_known);
    add_inside(&touched, call);
    PyObject *first = call->self == NULL && call->count > 0 ? call->values[0] : call->self;
    logs_add(&touched, function, first);
    state_add(&touched, function, first);
    if ((touched.count == 0 && !touched.is_full) || is_own(function))
        return;
    int traced = site_is_traced(code);
    list->failed |= traced < 0;
    if (traced != 0 || library_kind_of(code) == LIBRARY_CALLS)
        return;
    list->is_full |= touched.is_full;
    list->may_go_on |= touched.may_go_on;
    list->looks_outside |= touched.looks_outside;
    list->is_all_outside |= touched.is_all_outside;
    for (uint32_t i = 0; i < touched.count; i++)
        access_add(list, touched.items[i].key, touched.items[i].mode);
}

static PyObject *lookup(PyTypeObject *type, PyObject **name, const char *word) {
    if (*name == NULL)
        *name = PyUnicode_InternFromString(word);
    return *name != NULL ? _PyType_Lookup(type, *name) : NULL;
}

static void collect_type(struct access_list *list, struct call *call) {
    static PyObject *init;
    PyTypeObject *type = (PyTypeObject *)call->callable;
    if (type == &PyType_Type && call->count == 1)
        return;
    if (PyType_IsSubtype(type, &PyType_Type))
        special_add_class(list);
    if (PyType_IsSubtype(type, (PyTypeObject *)PyExc_BaseException))
        return;
    PyObject *function = lookup(type, &init, "__init__");
    if (function != NULL && PyFunction_Check(function)) {
        collect_function(list, call, function);
        return;
    }
    // A weak reference is made: from now on the end of its object is seen.
    if (PyType_IsSubtype(type, &_PyWeakref_RefType) && call->count > 0)
        life_add_look(list, call->values[0]);
    PyTypeObject *c_type = container_c_type(type);
    apply(list, call, effect_of((PyObject *)c_type));
}

static int visit_inside(PyObject *object, void *context) {
    struct access_list *list = context;
    access_add_whole(list, object, true, false);
    if (PyCFunction_Check(object) && !PyModule_Check(PyCFunction_GET_SELF(object)))
        access_add_whole(list, PyCFunction_GET_SELF(object), true, false);
    if (PyTuple_CheckExact(object))
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(object); i++)
            access_add_whole(list, PyTuple_GET_ITEM(object, i), true, false);
    return 0;
}

enum { PARTIAL_MAX = 24 };

// A member of a functools.partial, borrowed.
static PyObject *partial_member(PyObject *object, const char *name) {
    for (const PyMemberDef *member = partial->tp_members; member->name != NULL; member++)
        if (strcmp(member->name, name) == 0)
            return *(PyObject **)((char *)object + member->offset);
    return NULL;
}

// The arguments of the partial, then those of the call. False: too many to look at.
static bool collect_partial(struct access_list *list, const struct call *call) {
    PyObject *values[PARTIAL_MAX];
    PyObject *arguments = partial_member(call->callable, "args");
    struct call whole = {.callable = partial_member(call->callable, "func"),
                         .values = values,
                         .keywords = partial_member(call->callable, "keywords")};
    if (whole.callable == NULL || arguments == NULL || !PyTuple_Check(arguments) ||
        PyTuple_GET_SIZE(arguments) + call->count > PARTIAL_MAX || call->depth == DEPTH_MAX)
        return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(arguments); i++)
        values[whole.count++] = PyTuple_GET_ITEM(arguments, i);
    for (Py_ssize_t i = 0; i < call->count; i++)
        values[whole.count++] = call->values[i];
    whole.depth = call->depth + 1;
    whole.names = call->names;
    whole.is_unknown = call->is_unknown || call->keywords != NULL;
    access_add_whole(list, whole.keywords, false, false);
    collect_call(list, &whole);
    if (call->keywords != NULL)
        access_add_whole(list, call->keywords, false, true);
    return true;
}

// An object with a __call__ of its own: an instance of a Python class, functools.partial ...
static void collect_object(struct access_list *list, struct call *call) {
    static PyObject *name;
    PyObject *function = lookup(Py_TYPE(call->callable), &name, "__call__");
    if (function != NULL && PyFunction_Check(function)) {
        call->self = call->callable;
        collect_function(list, call, function);
        return;
    }
    if (PyType_IsSubtype(Py_TYPE(call->callable), partial) && collect_partial(list, call))
        return;
    if (inside_add_getter(list, call->callable, call->count > 0 ? call->values[0] : NULL))
        return;
    if (PyWeakref_Check(call->callable))
        life_add_look(list, call->callable);
    if (PyWeakref_CheckRef(call->callable))
        return;
    access_add_whole(list, call->callable, true, false);
    if (Py_TYPE(call->callable)->tp_traverse != NULL && !PyFunction_Check(call->callable))
        Py_TYPE(call->callable)->tp_traverse(call->callable, visit_inside, list);
    apply(list, call, EFFECT_WRITES);
}

struct wrapper {
    PyObject *descriptor;
    PyObject *self;
};

// A method-wrapper refers to its descriptor and to its instance.
static int visit_wrapper(PyObject *object, void *context) {
    struct wrapper *wrapper = context;
    if (wrapper->descriptor == NULL && Py_IS_TYPE(object, &PyWrapperDescr_Type))
        wrapper->descriptor = object;
    else
        wrapper->self = object;
    return 0;
}

// Slotted.n.__get__(object), Slotted.n.__set__(object, value).
static bool collect_member(struct access_list *list, const struct call *call,
                           const struct wrapper *wrapper) {
    if (wrapper->descriptor == NULL || wrapper->self == NULL || call->count == 0 ||
        !(Py_IS_TYPE(wrapper->self, &PyMemberDescr_Type) ||
          Py_IS_TYPE(wrapper->self, &PyGetSetDescr_Type)))
        return false;
    const char *name = ((PyWrapperDescrObject *)wrapper->descriptor)->d_base->name;
    bool write = strcmp(name, "__get__") != 0;
    attribute_add(list, call->values[0], PyDescr_NAME(wrapper->self), write);
    return true;
}

static void collect_wrapper(struct access_list *list, struct call *call) {
    struct wrapper wrapper = {NULL, NULL};
    Py_TYPE(call->callable)->tp_traverse(call->callable, visit_wrapper, &wrapper);
    if (collect_member(list, call, &wrapper))
        return;
    call->self = wrapper.self;
    apply(list, call, wrapper.descriptor != NULL ? effect_of(wrapper.descriptor) : EFFECT_WRITES);
}

static void collect_call(struct access_list *list, struct call *call) {
    PyObject *callable = call->callable;
    while (Py_IS_TYPE(callable, &PyMethod_Type)) {
        call->self = PyMethod_GET_SELF(callable);
        callable = call->callable = PyMethod_GET_FUNCTION(callable);
    }
    if (PyFunction_Check(callable)) {
        collect_function(list, call, callable);
    } else if (PyCFunction_Check(callable)) {
        if (call->self == NULL)
            call->self = PyCFunction_GET_SELF(callable);
        if (call->self == NULL || !container_is_primitive(call->self))
            apply(list, call, effect_of(callable));
    } else if (Py_IS_TYPE(callable, &PyMethodDescr_Type) ||
               Py_IS_TYPE(callable, &PyWrapperDescr_Type)) {
        bind(call);
        const struct wrapper wrapper = {callable, call->self};
        if (Py_IS_TYPE(callable, &PyWrapperDescr_Type) && collect_member(list, call, &wrapper))
            return;
        if (call->self == NULL || !container_is_primitive(call->self))
            apply(list, call, effect_of(callable));
    } else if (Py_IS_TYPE(callable, method_wrapper)) {
        collect_wrapper(list, call);
    } else if (PyType_Check(callable)) {
        collect_type(list, call);
    } else {
        collect_object(list, call);
    }
}

// ------------------------------------------------------------------------------ instructions

// How many slots the keywords of a call with unpacked arguments have: since 3.14 always one.
static int keyword_slots(int argument) {
    return PY_VERSION_HEX >= 0x030e0000 ? 1 : argument & 1;
}

static PyObject *unpacked_callable(int argument, const struct operands *on) {
    return on->top[(PY_VERSION_HEX >= 0x030d0000 ? -3 : -2) - keyword_slots(argument)];
}

// f(*values, **keywords): the values are in a tuple, or in whatever will be iterated.
static struct call read_unpacked(int argument, const struct operands *on) {
    int above = keyword_slots(argument);
    PyObject *values = on->top[-1 - above];
    struct call call = {
        .callable = unpacked_callable(argument, on),
        .keywords = above ? on->top[-1] : NULL,
    };
    if (PyTuple_CheckExact(values)) {
        call.values = ((PyTupleObject *)values)->ob_item;
        call.count = PyTuple_GET_SIZE(values);
    } else if (PyList_CheckExact(values)) {
        call.values = ((PyListObject *)values)->ob_item;
        call.count = PyList_GET_SIZE(values);
    } else {
        call.is_unknown = true;
    }
    return call;
}

static void collect_unpacked(struct access_list *list, int argument, const struct operands *on) {
    struct call call = read_unpacked(argument, on);
    access_add_whole(list, on->top[-1 - keyword_slots(argument)], false, true);
    collect_call(list, &call);
}

// type(manager).__enter__(manager). Python code of its own is observed there; a lock at the
// lock.
static void collect_enter(struct access_list *list, PyObject *manager) {
    static PyObject *name;
    PyObject *function = lookup(Py_TYPE(manager), &name, "__enter__");
    if (function == NULL || container_is_primitive(manager))
        return;
    struct call call = {.callable = function, .self = manager};
    collect_call(list, &call);
}

void call_collect_made(struct access_list *list, PyObject *callable, PyObject *arguments,
                       PyObject *keywords) {
    struct call call = {
        .callable = callable,
        .values = ((PyTupleObject *)arguments)->ob_item,
        .count = PyTuple_GET_SIZE(arguments),
        .keywords = keywords,
    };
    collect_call(list, &call);
}

// The callable and the plain arguments of a call instruction.
static struct call read_call(const struct site *site, const struct operands *on) {
    PyObject **top = on->top;
    int argument = site->argument;
    struct call call = {.callable = NULL, .on_stack = true, .count = argument};
    call.values = top - argument;
    if (site->keywords >= 0)
        call.names = PyTuple_GET_ITEM(on->code->co_consts, site->keywords);
    switch ((enum site_kind)site->kind) {
    case SITE_EXIT:
        call.count = 0;  // exception, value, traceback
#if PY_VERSION_HEX >= 0x030e0000
        call.callable = top[-5];
        call.self = top[-4];
#else
        call.callable = top[PY_VERSION_HEX < 0x030b0000 ? -7 : -4];
#endif
        break;
    case SITE_CALL_FUNCTION:
        call.callable = top[-argument - 1];
        break;
    case SITE_CALL_KEYWORDS: {
        // The names of the keywords are on top.
        int n = argument + 1;
        call.values = top - n;
        call.names = top[-1];
#if PY_VERSION_HEX >= 0x030d0000
        call.callable = top[-n - 2];
        if (top[-n - 1] != NULL) {
            call.values--;
            call.count++;
        }
#else
        call.callable = top[-n - 1];
#endif
        break;
    }
    default:
#if PY_VERSION_HEX >= 0x030d0000
        call.callable = top[-argument - 2];
        if (top[-argument - 1] != NULL) {
#else
        call.callable = top[-argument - 2] != NULL ? top[-argument - 2] : top[-argument - 1];
        if (top[-argument - 2] != NULL) {
#endif
            call.values--;
            call.count++;
        }
        break;
    }
    return call;
}

PyObject *call_callable(const struct site *site, const struct operands *on) {
    switch ((enum site_kind)site->kind) {
    case SITE_CALL:
    case SITE_CALL_FUNCTION:
    case SITE_CALL_KEYWORDS:
    case SITE_EXIT:
        return read_call(site, on).callable;
    case SITE_CALL_UNPACKED:
        return unpacked_callable(site->argument, on);
    default:
        return NULL;
    }
}

PyObject *call_receiver(const struct site *site, const struct operands *on) {
    if (site->kind != SITE_CALL && site->kind != SITE_CALL_FUNCTION &&
        site->kind != SITE_CALL_KEYWORDS)
        return NULL;
    struct call call = read_call(site, on);
    if (call.callable == NULL)
        return NULL;
    PyObject *self = PyCFunction_Check(call.callable) ? PyCFunction_GET_SELF(call.callable) : NULL;
    if (self != NULL && !PyModule_Check(self))
        return self;
    bool is_c_code =
        PyCFunction_Check(call.callable) || Py_IS_TYPE(call.callable, &PyMethodDescr_Type);
    return is_c_code && call.count > 0 ? call.values[0] : NULL;
}

bool call_read_method(const struct site *site, const struct operands *on,
                      struct call_method *method) {
    struct call call =
        site->kind == SITE_CALL_UNPACKED ? read_unpacked(site->argument, on) : read_call(site, on);
    PyObject *callable = call.callable;
    if (callable == NULL)
        return false;
    if (PyCFunction_Check(callable)) {
        method->name = ((PyCFunctionObject *)callable)->m_ml->ml_name;
        if (call.self == NULL)
            call.self = PyCFunction_GET_SELF(callable);
        if (call.self != NULL && PyModule_Check(call.self))
            call.self = NULL;  // setattr(object, name, value)
    } else if (Py_IS_TYPE(callable, &PyMethodDescr_Type)) {
        method->name = ((PyMethodDescrObject *)callable)->d_method->ml_name;
    } else if (Py_IS_TYPE(callable, &PyWrapperDescr_Type)) {
        method->name = ((PyWrapperDescrObject *)callable)->d_base->name;
    } else if (Py_IS_TYPE(callable, method_wrapper)) {
        struct wrapper wrapper = {NULL, NULL};
        Py_TYPE(callable)->tp_traverse(callable, visit_wrapper, &wrapper);
        if (wrapper.descriptor == NULL)
            return false;
        method->name = ((PyWrapperDescrObject *)wrapper.descriptor)->d_base->name;
        call.self = wrapper.self;
        callable = wrapper.descriptor;
    } else {
        return false;
    }
    bind(&call);
    method->effect = effect_of(callable);
    method->self = call.self;
    method->values = call.values;
    method->count = call.count;
    return call.self != NULL;
}

void call_collect(struct access_list *list, const struct site *site, const struct operands *on) {
    if (site->kind == SITE_ENTER) {
        collect_enter(list, on->top[-1]);
    } else if (site->kind == SITE_CALL_UNPACKED) {
        collect_unpacked(list, site->argument, on);
    } else {
        struct call call = read_call(site, on);
        if (call.callable != NULL)
            collect_call(list, &call);
    }
}
