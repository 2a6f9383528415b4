// Special: programs that change what operators and calls run.
// SPDX-License-Identifier: Apache-2.0
#include "special.h"

#include <string.h>

#include "backend.h"
#include "filter.h"
#include "library.h"
#include "location.h"
#include "observe.h"

static bool expected;   // the harness of the session has such things
static bool surprised;  // one was met that had not been found

// Names with two underscores that decide nothing: data that is seen where it is read.
static const char *const data_names[] = {"__name__",
                                         "__qualname__",
                                         "__doc__",
                                         "__module__",
                                         "__dict__",
                                         "__wrapped__",
                                         "__annotations__",
                                         "__signature__",
                                         "__cause__",
                                         "__context__",
                                         "__traceback__",
                                         "__suppress_context__",
                                         "__notes__",
                                         "__slots__",
                                         "__version__",
                                         "__all__",
                                         "__path__",
                                         "__file__",
                                         "__spec__",
                                         "__loader__",
                                         "__package__",
                                         "__author__",
                                         "__type_params__",
                                         "__text_signature__",
                                         "__orig_bases__",
                                         "__abstractmethods__",
                                         "__isabstractmethod__",
                                         "__match_args__",
                                         "__firstlineno__",
                                         "__static_attributes__",
                                         "__main__",
                                         "__test__",
                                         "__builtins__",
                                         "__future__",
                                         "__annotate__",
                                         "__self__",
                                         "__dataclass_fields__",
                                         "__dataclass_params__"};
// Attributes of functions that their calls look up.
static const char *const function_names[] = {"__code__", "__defaults__", "__kwdefaults__"};
// Whoever only reads these is to be told of changes that have no name of their own.
static const char *const reading_names[] = {"__subclasses__", "__kwdefaults__"};
static const char *const setters[] = {"setattr", "delattr", "__setattr__", "__delattr__"};

static bool has_name(PyObject *name, const char *const *names, size_t count) {
    for (size_t i = 0; i < count; i++)
        if (PyUnicode_CompareWithASCIIString(name, names[i]) == 0)
            return true;
    return false;
}

#define IS_ONE_OF(name, names) has_name(name, names, sizeof(names) / sizeof *(names))

static bool is_special(PyObject *name) {
    if (!PyUnicode_CheckExact(name))
        return false;
    Py_ssize_t length = PyUnicode_GET_LENGTH(name);
    return length > 4 && PyUnicode_READ_CHAR(name, 0) == '_' &&
           PyUnicode_READ_CHAR(name, 1) == '_' && PyUnicode_READ_CHAR(name, length - 1) == '_' &&
           PyUnicode_READ_CHAR(name, length - 2) == '_' && !IS_ONE_OF(name, data_names);
}

// ------------------------------------------------------------------------------ the search

// Does an instruction of the code assign to a special attribute, or delete a global?
static bool has_instruction(PyCodeObject *code, const uint8_t *text, Py_ssize_t size) {
    uint32_t prefix = 0;
    for (Py_ssize_t at = 0; at + 1 < size; at += 2) {
        const struct opcode *opcode = opcode_get(text[at]);
        uint32_t argument = prefix << 8 | text[at + 1];
        prefix = opcode->is_prefix ? argument : 0;
        Py_ssize_t names = PyTuple_GET_SIZE(code->co_names);
        if (opcode->kind == SITE_SET_ATTRIBUTE && (Py_ssize_t)argument < names &&
            is_special(PyTuple_GET_ITEM(code->co_names, argument)))
            return true;
        if (opcode->kind == SITE_SET_GLOBAL && opcode->action[0] == 'd')
            return true;
    }
    return false;
}

// Does it name a special attribute in a text, to give it to setattr?
static bool has_text(PyCodeObject *code) {
    bool sets = false, names = false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_names); i++) {
        PyObject *name = PyTuple_GET_ITEM(code->co_names, i);
        sets |= IS_ONE_OF(name, setters);
        if (IS_ONE_OF(name, reading_names))
            return true;
    }
    for (Py_ssize_t i = 0; sets && i < PyTuple_GET_SIZE(code->co_consts); i++)
        names |= is_special(PyTuple_GET_ITEM(code->co_consts, i));
    return names;
}

static int search_code(PyCodeObject *code) {
#if PY_VERSION_HEX >= 0x030b0000
    PyObject *text = PyCode_GetCode(code);
#else
    PyObject *text = Py_NewRef(code->co_code);
#endif
    if (text == NULL)
        return -1;
    expected =
        expected || has_text(code) ||
        has_instruction(code, (const uint8_t *)PyBytes_AS_STRING(text), PyBytes_GET_SIZE(text));
    Py_DECREF(text);
    int failed = 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_consts) && !expected && !failed; i++) {
        PyObject *constant = PyTuple_GET_ITEM(code->co_consts, i);
        failed = PyCode_Check(constant) && search_code((PyCodeObject *)constant) < 0;
    }
    return failed ? -1 : 0;
}

// The functions that a harness can call by name: what is reached from its callables over globals,
// closures, classes and the containers around them.
struct walk {
    PyObject *queue;    // list: still to be looked into
    PyObject *visited;  // set of addresses
};

// Is it something that functions are found in? (A module is, if its file is traced.)
static bool may_hold(PyObject *object) {
    if (PyType_Check(object))
        return PyType_HasFeature((PyTypeObject *)object, Py_TPFLAGS_HEAPTYPE) &&
               !library_has_class((PyTypeObject *)object);
    return PyFunction_Check(object) || PyMethod_Check(object) || PyModule_Check(object) ||
           PyDict_CheckExact(object) || PyList_CheckExact(object) || PyTuple_CheckExact(object) ||
           PyCell_Check(object) || Py_IS_TYPE(object, &PyProperty_Type) ||
           Py_IS_TYPE(object, &PyClassMethod_Type) || Py_IS_TYPE(object, &PyStaticMethod_Type) ||
           strcmp(Py_TYPE(object)->tp_name, "functools.partial") == 0;
}

static int visit(PyObject *object, void *context) {
    struct walk *walk = context;
    if (!may_hold(object))
        object = (PyObject *)Py_TYPE(object);
    if (!may_hold(object))
        return 0;
    PyObject *address = PyLong_FromVoidPtr(object);
    int known = address != NULL ? PySet_Contains(walk->visited, address) : -1;
    if (known == 0 &&
        (PySet_Add(walk->visited, address) < 0 || PyList_Append(walk->queue, object) < 0))
        known = -1;
    Py_XDECREF(address);
    return known < 0 ? -1 : 0;
}

// Is the code of the module, or of the function, traced? -1 with an exception.
static int is_traced(PyObject *object) {
    if (PyFunction_Check(object))
        return filter_ask(((PyCodeObject *)PyFunction_GET_CODE(object))->co_filename);
    if (!PyModule_Check(object))
        return 1;
    PyObject *names = PyModule_GetDict(object);
    PyObject *file = names != NULL ? PyDict_GetItemString(names, "__file__") : NULL;
    return file != NULL && PyUnicode_Check(file) ? filter_ask(file) : 0;
}

static int search(struct walk *walk, PyObject *roots) {
    if (visit(roots, walk) < 0)
        return -1;
    for (Py_ssize_t at = 0; at < PyList_GET_SIZE(walk->queue) && !expected; at++) {
        PyObject *object = PyList_GET_ITEM(walk->queue, at);
        int traced = is_traced(object);
        if (traced < 0 || (traced > 0 && PyFunction_Check(object) &&
                           search_code((PyCodeObject *)PyFunction_GET_CODE(object)) < 0))
            return -1;
        if (traced > 0 && Py_TYPE(object)->tp_traverse(object, visit, walk) != 0)
            return -1;
    }
    return 0;
}

int special_begin(PyObject *roots) {
    struct walk walk = {.queue = PyList_New(0), .visited = PySet_New(NULL)};
    expected = false;
    int failed = walk.queue == NULL || walk.visited == NULL || search(&walk, roots) < 0;
    Py_XDECREF(walk.queue);
    Py_XDECREF(walk.visited);
    return failed ? -1 : 0;
}

// ------------------------------------------------------------------------------ accesses

bool special_is_watched(void) {
    return expected || surprised;
}

void special_add_write(struct access_list *list, PyObject *object, PyObject *name) {
    if (!is_special(name))
        return;
    bool changes = PyType_Check(object) ||
                   PyUnicode_CompareWithASCIIString(name, "__class__") == 0 ||
                   (PyFunction_Check(object) && IS_ONE_OF(name, function_names));
    if (!changes)
        return;
    if (!special_is_watched() && observe_caller() != OBSERVE_CLOSED) {
        surprised = true;
        list->failed |=
            observe_refuse("a special method, a __class__ or the code of a function is replaced "
                           "where nothing led one to expect it (a name that is put together, code "
                           "that is made meanwhile): explore once more in the same process, which "
                           "now watches for it") < 0;
    }
    access_add(list, location_of_state(LOCATION_SPECIAL), FR_WRITE);
}

void special_add_class(struct access_list *list) {
    if (special_is_watched())
        access_add(list, location_of_state(LOCATION_SPECIAL), FR_WRITE);
}

void special_add_read(struct access_list *list, enum site_kind kind) {
    bool is_attribute =
        kind == SITE_GET_ATTRIBUTE || kind == SITE_SET_ATTRIBUTE || kind == SITE_GET_SUPER;
    if (special_is_watched() && (is_attribute || (kind >= SITE_GET_ITEM && kind < SITE_INTRINSIC)))
        access_add(list, location_of_state(LOCATION_SPECIAL), FR_READ);
}
