// Library: code of the standard library that is traced although the filter does not name it.
// SPDX-License-Identifier: Apache-2.0
#include "library.h"

#include <string.h>

static const struct {
    const char *module, *name;
    enum library_kind kind;
} listed[] = {
#define LIBRARY(module_, name_) {module_, name_, LIBRARY_LISTED},
#define LIBRARY_CALLER(module_, name_) {module_, name_, LIBRARY_CALLS},
#define LIBRARY_WAITS(module_, name_) {module_, name_, LIBRARY_NONE},
#include "library.def"
#undef LIBRARY
#undef LIBRARY_CALLER
#undef LIBRARY_WAITS
};

enum { LISTED_COUNT = sizeof listed / sizeof *listed };
static bool is_known[LISTED_COUNT];
static PyObject *codes;    // dict: address of a code object -> the code object
static PyObject *callers;  // the same of those that are LIBRARY_CALLS
static PyObject *waits;    // the same of LIBRARY_WAITS
static PyObject *modules;  // sys.stdlib_module_names

static int remember(PyObject *table, PyCodeObject *code) {
    PyObject *key = PyLong_FromVoidPtr(code);
    int failed = key == NULL || PyDict_SetItem(table, key, (PyObject *)code) < 0;
    Py_XDECREF(key);
    return failed ? -1 : 0;
}

static int learn_code(PyCodeObject *code) {
    int failed = remember(codes, code) < 0;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(code->co_consts) && !failed; i++) {
        PyObject *constant = PyTuple_GET_ITEM(code->co_consts, i);
        failed = PyCode_Check(constant) && learn_code((PyCodeObject *)constant) < 0;
    }
    return failed ? -1 : 0;
}

static int learn(PyObject *object);

// What a classmethod, staticmethod or property is made of.
static int learn_parts(PyObject *object) {
    static const char *const parts[] = {"__func__", "fget", "fset", "fdel", "__wrapped__"};
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++) {
        PyObject *part = PyObject_GetAttrString(object, parts[i]);
        if (part == NULL) {
            PyErr_Clear();
            continue;
        }
        int failed = PyFunction_Check(part) && learn(part) < 0;
        Py_DECREF(part);
        if (failed)
            return -1;
    }
    return 0;
}

static int learn(PyObject *object) {
    if (PyFunction_Check(object))
        return learn_code((PyCodeObject *)PyFunction_GET_CODE(object));
    if (!PyType_Check(object))
        return learn_parts(object);
    PyObject *names = ((PyTypeObject *)object)->tp_dict;
    PyObject *key, *value;
    for (Py_ssize_t at = 0; names != NULL && PyDict_Next(names, &at, &key, &value);) {
        bool has_parts = Py_IS_TYPE(value, &PyProperty_Type) ||
                         Py_IS_TYPE(value, &PyStaticMethod_Type) ||
                         Py_IS_TYPE(value, &PyClassMethod_Type);
        if ((PyFunction_Check(value) && learn(value) < 0) || (has_parts && learn_parts(value) < 0))
            return -1;
    }
    return 0;
}

// All functions and classes that a module defines itself.
static int learn_module(PyObject *module) {
    PyObject *name = PyModule_GetNameObject(module);
    PyObject *key, *value;
    int failed = name == NULL;
    for (Py_ssize_t at = 0; !failed && PyDict_Next(PyModule_GetDict(module), &at, &key, &value);) {
        if (!PyFunction_Check(value) && !PyType_Check(value))
            continue;
        PyObject *home = PyObject_GetAttrString(value, "__module__");
        if (home == NULL)
            PyErr_Clear();
        // _collections_abc gives itself the name of the public module.
        bool is_own = home != NULL && PyUnicode_Check(home) &&
                      (PyUnicode_Compare(home, name) == 0 ||
                       PyUnicode_CompareWithASCIIString(home, "collections.abc") == 0);
        Py_XDECREF(home);
        failed = is_own && learn(value) < 0;
    }
    Py_XDECREF(name);
    return failed ? -1 : 0;
}

// A new reference to what is called NAME or CLASS.NAME; NULL without an exception.
static PyObject *find(PyObject *module, const char *name) {
    const char *dot = strchr(name, '.');
    PyObject *first =
        PyUnicode_FromStringAndSize(name, dot ? dot - name : (Py_ssize_t)strlen(name));
    PyObject *object = first != NULL ? PyObject_GetAttr(module, first) : NULL;
    Py_XDECREF(first);
    if (object != NULL && dot != NULL)
        Py_SETREF(object, PyObject_GetAttrString(object, dot + 1));
    PyErr_Clear();  // not on this version
    return object;
}

static int learn_listed(size_t i, PyObject *module) {
    if (strcmp(listed[i].name, "*") == 0)
        return learn_module(module);
    PyObject *object = find(module, listed[i].name);
    if (object == NULL)
        return 0;
    int failed;
    if (listed[i].kind == LIBRARY_LISTED)
        failed = learn(object);
    else
        failed =
            PyFunction_Check(object) && remember(listed[i].kind == LIBRARY_CALLS ? callers : waits,
                                                 (PyCodeObject *)PyFunction_GET_CODE(object)) < 0;
    Py_DECREF(object);
    return failed;
}

int library_refresh(void) {
    if (codes == NULL)
        codes = PyDict_New();
    if (callers == NULL)
        callers = PyDict_New();
    if (waits == NULL)
        waits = PyDict_New();
    if (modules == NULL)
        modules = Py_XNewRef(PySys_GetObject("stdlib_module_names"));
    if (codes == NULL || callers == NULL || waits == NULL)
        return -1;
    PyObject *imported = PyImport_GetModuleDict();
    for (size_t i = 0; i < LISTED_COUNT; i++) {
        PyObject *module = is_known[i] ? NULL : PyDict_GetItemString(imported, listed[i].module);
        if (module == NULL || !PyModule_Check(module))
            continue;
        if (learn_listed(i, module) < 0)
            return -1;
        is_known[i] = true;
    }
    return 0;
}

enum library_kind library_kind_of(PyCodeObject *code) {
    if (codes == NULL || callers == NULL)
        return LIBRARY_NONE;
    const char *name = PyUnicode_AsUTF8(code->co_filename);
    if (name == NULL)
        PyErr_Clear();
    else if (strcmp(name, "<string>") == 0 || strncmp(name, "<attrs generated", 16) == 0)
        return LIBRARY_MADE;
    PyObject *key = PyLong_FromVoidPtr(code);
    enum library_kind kind = LIBRARY_NONE;
    if (key != NULL && PyDict_GetItemWithError(codes, key) != NULL)
        kind = LIBRARY_LISTED;
    else if (key != NULL && PyDict_GetItemWithError(callers, key) != NULL)
        kind = LIBRARY_CALLS;
    Py_XDECREF(key);
    PyErr_Clear();
    return kind;
}

bool library_waits(PyCodeObject *code) {
    PyObject *key = waits != NULL ? PyLong_FromVoidPtr(code) : NULL;
    bool found = key != NULL && PyDict_GetItemWithError(waits, key) != NULL;
    Py_XDECREF(key);
    PyErr_Clear();
    return found;
}

static PyObject *module_of(PyTypeObject *type) {
    static PyObject *word;
    if (word == NULL)
        word = PyUnicode_InternFromString("__module__");
    PyObject *module =
        word != NULL && type->tp_dict != NULL ? PyDict_GetItemWithError(type->tp_dict, word) : NULL;
    if (module == NULL)
        PyErr_Clear();
    return module != NULL && PyUnicode_Check(module) ? module : NULL;
}

bool library_is_quiet(PyTypeObject *type) {
    // Those with modules in library.def are traced where they have no lock.
    static const char *const quiet[] = {"threading",
                                        "_threading_local",
                                        "logging",
                                        "concurrent",
                                        "queue",
                                        "asyncio",
                                        "pathlib",
                                        "fractions",
                                        "numbers",
                                        "uuid",
                                        "ipaddress",
                                        "enum",
                                        "typing",
                                        "zoneinfo",
                                        "string",
                                        "contextlib",
                                        "collections",
                                        "datetime",
                                        "functools",
                                        "weakref",
                                        "random",
                                        "re",
                                        "abc",
                                        "types",
                                        "inspect",
                                        "traceback",
                                        "importlib",
                                        "_weakrefset",
                                        "multiprocessing",
                                        "os"};
    PyObject *module = library_has_class(type) ? module_of(type) : NULL;
    const char *name = module != NULL ? PyUnicode_AsUTF8(module) : NULL;
    size_t length = name != NULL ? strcspn(name, ".") : 0;
    if (name == NULL)
        PyErr_Clear();
    for (size_t i = 0; i < sizeof quiet / sizeof *quiet && name != NULL; i++)
        if (strlen(quiet[i]) == length && strncmp(name, quiet[i], length) == 0)
            return true;
    return false;
}

bool library_has_class(PyTypeObject *type) {
    PyObject *module = module_of(type);
    if (module == NULL || modules == NULL)
        return false;
    Py_ssize_t length = PyUnicode_GET_LENGTH(module);
    Py_ssize_t dot = PyUnicode_FindChar(module, '.', 0, length, 1);
    PyObject *first = PyUnicode_Substring(module, 0, dot >= 0 ? dot : length);
    int found = first != NULL ? PySet_Contains(modules, first) : -1;
    Py_XDECREF(first);
    if (found < 0)
        PyErr_Clear();
    return found > 0;
}
