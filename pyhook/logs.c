// Logs: which loggers, handlers and streams a call of the module logging looks at or changes.
// SPDX-License-Identifier: Apache-2.0
#include "logs.h"

#include <string.h>

// Loggers above a logger, and handlers of one; whoever has more is refused.
enum { PARENTS_MAX = 64 };

// Functions that change the object they are called on.
static const char *const changes_one[] = {
    "setLevel",  "addHandler", "removeHandler", "addFilter", "removeFilter", "setFormatter",
    "setStream", "setTarget",  "set_name",      "close",     "basicConfig"};
// Functions that change loggers of any name.
static const char *const changes_all[] = {"disable",  "dictConfig", "fileConfig",
                                          "shutdown", "configure",  "captureWarnings"};

static bool has_word(PyObject *name, const char *const *words, size_t count) {
    for (size_t i = 0; i < count && PyUnicode_Check(name); i++)
        if (PyUnicode_CompareWithASCIIString(name, words[i]) == 0)
            return true;
    return false;
}

static bool is_of_logging(PyObject *function) {
    PyObject *module = PyFunction_GET_MODULE(function);
    const char *name = module != NULL && PyUnicode_Check(module) ? PyUnicode_AsUTF8(module) : NULL;
    if (name == NULL)
        PyErr_Clear();
    return name != NULL && strncmp(name, "logging", 7) == 0 && (name[7] == '.' || name[7] == 0);
}

// An attribute that the instance has itself, new reference; NULL without an exception.
static PyObject *attribute_of(PyObject *object, const char *word) {
    PyObject *name = PyUnicode_InternFromString(word);
    PyObject *found = name != NULL ? _PyType_Lookup(Py_TYPE(object), name) : NULL;
    bool is_computed = found != NULL && Py_TYPE(found)->tp_descr_get != NULL;
    PyObject *value = name != NULL && !is_computed ? PyObject_GenericGetAttr(object, name) : NULL;
    Py_XDECREF(name);
    PyErr_Clear();
    return value;
}

// The object, and the lists that belong to it.
static void add_one(struct access_list *list, PyObject *object, bool write) {
    static const char *const lists[] = {"handlers", "filters"};
    access_add_object(list, object, write);
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        PyObject *part = attribute_of(object, lists[i]);
        if (part != NULL && PyList_CheckExact(part))
            access_add_whole(list, part, write, false);
        Py_XDECREF(part);
    }
}

static void add_handlers(struct access_list *list, PyObject *logger) {
    PyObject *handlers = attribute_of(logger, "handlers");
    if (handlers != NULL && PyList_CheckExact(handlers))
        for (Py_ssize_t i = 0; i < PyList_GET_SIZE(handlers); i++)
            add_one(list, PyList_GET_ITEM(handlers, i), false);
    Py_XDECREF(handlers);
}

// What a message goes through: the logger, those above it, and the handlers of all.
static void add_way(struct access_list *list, PyObject *logger) {
    PyObject *at = Py_NewRef(logger);
    for (int i = 0; at != NULL && at != Py_None; i++) {
        if (i == PARENTS_MAX) {
            list->is_full = true;
            break;
        }
        add_one(list, at, false);
        add_handlers(list, at);
        Py_SETREF(at, attribute_of(at, "parent"));
    }
    Py_XDECREF(at);
}

static bool is_one_of(PyObject *object, PyObject *names, const char *class_name) {
    PyObject *type = PyDict_GetItemString(names, class_name);
    return object != NULL && type != NULL && PyType_Check(type) &&
           PyObject_TypeCheck(object, (PyTypeObject *)type);
}

// The logger or handler that a function is called on, new reference: the root if it is a function
// of the module. An adapter passes on to its logger.
static PyObject *subject_of(PyObject *self, PyObject *names, PyObject *root) {
    PyObject *subject =
        is_one_of(self, names, "LoggerAdapter") ? attribute_of(self, "logger") : Py_XNewRef(self);
    if (is_one_of(subject, names, "Filterer"))
        return subject;
    Py_XDECREF(subject);
    return Py_NewRef(root);
}

void logs_add(struct access_list *list, PyObject *function, PyObject *self) {
    if (!is_of_logging(function))
        return;
    PyObject *module = PyDict_GetItemString(PyImport_GetModuleDict(), "logging");
    PyObject *names = module != NULL && PyModule_Check(module) ? PyModule_GetDict(module) : NULL;
    PyObject *root = names != NULL ? PyDict_GetItemString(names, "root") : NULL;
    if (root == NULL)
        return;
    PyObject *name = ((PyFunctionObject *)function)->func_name;
    bool writes_all = has_word(name, changes_all, sizeof changes_all / sizeof *changes_all);
    bool writes_one = has_word(name, changes_one, sizeof changes_one / sizeof *changes_one);
    PyObject *subject = subject_of(self, names, root);
    // The book of all loggers belongs to their class.
    PyObject *word = PyUnicode_InternFromString("manager");
    PyObject *manager = word != NULL ? _PyType_Lookup(Py_TYPE(root), word) : NULL;
    Py_XDECREF(word);
    PyErr_Clear();
    if (manager != NULL)
        access_add_object(list, manager, writes_all);
    if (writes_one || writes_all)
        add_one(list, subject, true);
    else
        add_way(list, subject);
    Py_DECREF(subject);
}
