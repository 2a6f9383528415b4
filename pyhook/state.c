// State: what functions of the standard library reach by themselves, and no argument names.
// SPDX-License-Identifier: Apache-2.0
#include "state.h"

#include <string.h>

#include "location.h"
#include "observe.h"

enum subject { SELF, THREADS, ABSTRACT, WARNINGS };

static const struct {
    const char *module, *name;
    enum subject subject;
    enum fr_mode mode;
} functions[] = {
    // Which threads there are. Their number does not depend on the order in which they start.
    {"threading", "Thread.start", THREADS, FR_WRITE_WEAK},
    {"threading", "Thread.start", SELF, FR_WRITE},
    {"threading", "Thread.is_alive", SELF, FR_READ},
    {"threading", "Thread.join", SELF, FR_READ},
    {"threading", "active_count", THREADS, FR_READ},
    {"threading", "enumerate", THREADS, FR_READ},
    {"warnings", "simplefilter", WARNINGS, FR_WRITE},
    {"warnings", "filterwarnings", WARNINGS, FR_WRITE},
    {"warnings", "resetwarnings", WARNINGS, FR_WRITE},
    {"warnings", "catch_warnings.__enter__", WARNINGS, FR_WRITE},
    {"warnings", "catch_warnings.__exit__", WARNINGS, FR_WRITE},
    {"warnings", "warn", WARNINGS, FR_READ},
    {"warnings", "warn_explicit", WARNINGS, FR_READ},
    // Which classes are registered with abstract ones.
    {"abc", "ABCMeta.register", ABSTRACT, FR_WRITE},
    {"_py_abc", "ABCMeta.register", ABSTRACT, FR_WRITE},
};

static bool is_text(PyObject *object, const char *text) {
    return object != NULL && PyUnicode_Check(object) &&
           PyUnicode_CompareWithASCIIString(object, text) == 0;
}

void state_add_warnings(struct access_list *list, bool write) {
    static const char *const names[] = {"filters", "showwarning", "_showwarnmsg_impl"};
    PyObject *module = PyDict_GetItemString(PyImport_GetModuleDict(), "warnings");
    PyObject *globals = module != NULL && PyModule_Check(module) ? PyModule_GetDict(module) : NULL;
    for (size_t i = 0; i < sizeof names / sizeof *names && globals != NULL; i++) {
        PyObject *name = PyUnicode_InternFromString(names[i]);
        if (name != NULL)
            access_add_element(list, globals, name, write);
        Py_XDECREF(name);
    }
    PyObject *filters = globals != NULL ? PyDict_GetItemString(globals, "filters") : NULL;
    if (filters != NULL)
        access_add_whole(list, filters, write, false);
    PyErr_Clear();
}

void state_add(struct access_list *list, PyObject *function, PyObject *self) {
    PyObject *module = PyFunction_GET_MODULE(function);
    PyObject *name = ((PyFunctionObject *)function)->func_qualname;
    bool is_of_warnings = is_text(module, "_py_warnings");  // since 3.14
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        bool is_of_module = is_of_warnings ? strcmp(functions[i].module, "warnings") == 0
                                           : is_text(module, functions[i].module);
        if (!is_of_module || !is_text(name, functions[i].name))
            continue;
        enum fr_mode mode = functions[i].mode;
        switch (functions[i].subject) {
        case SELF:
            if (self != NULL)
                access_add(list, location_of_object(self), mode);
            break;
        case THREADS:
            access_add(list, location_of_state(LOCATION_THREADS), mode);
            break;
        case ABSTRACT:
            access_add(list, location_of_state(LOCATION_ABSTRACT), mode);
            break;
        case WARNINGS:
            state_add_warnings(list, mode == FR_WRITE);
            break;
        }
    }
}

void state_add_check(struct access_list *list, PyObject *classes) {
    static PyTypeObject *abstract;
    if (PyTuple_Check(classes)) {
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(classes); i++)
            state_add_check(list, PyTuple_GET_ITEM(classes, i));
        return;
    }
    if (!PyType_Check(classes) || Py_IS_TYPE(classes, &PyType_Type))
        return;
    PyObject *module =
        abstract == NULL ? PyDict_GetItemString(PyImport_GetModuleDict(), "abc") : NULL;
    PyObject *type =
        module != NULL ? PyDict_GetItemString(PyModule_GetDict(module), "ABCMeta") : NULL;
    if (type != NULL && PyType_Check(type))
        abstract = (PyTypeObject *)Py_NewRef(type);
    if (abstract != NULL && PyObject_TypeCheck(classes, abstract))
        access_add(list, location_of_state(LOCATION_ABSTRACT), FR_READ);
}
