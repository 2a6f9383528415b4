// Attributes: which locations reading or writing one touches.
// SPDX-License-Identifier: Apache-2.0
#include "cpython.h"

#include "attribute.h"

#include "container.h"
#include "life.h"
#include "location.h"
#include "observe.h"
#include "site.h"
#include "special.h"

// Can an attribute of this name of such an object ever change? Not if it is a method of a type that
// nobody can change and the object has no attributes of its own.
static bool is_fixed(PyObject *object, PyObject *name) {
    PyTypeObject *type = Py_TYPE(object);
    if (container_is_primitive(object))
        return type->tp_dictoffset == 0;
    if ((type->tp_flags & Py_TPFLAGS_IMMUTABLETYPE) == 0 || type->tp_dictoffset != 0 ||
        type->tp_getattro != PyObject_GenericGetAttr)
        return false;
    PyObject *found = _PyType_Lookup(type, name);
    return found == NULL || Py_TYPE(found)->tp_descr_set == NULL;
}

static bool is_cell_contents(PyObject *object, PyObject *name) {
    return PyCell_Check(object) && PyUnicode_CompareWithASCIIString(name, "cell_contents") == 0;
}

// How an attribute touches its object as a whole: weakly, as attributes are apart. Those that a C
// type computes are part of the contents, and another __dict__ or __class__ is another object.
static enum fr_mode mode_of_whole(PyObject *object, PyObject *name, bool write) {
    if (write && (PyUnicode_CompareWithASCIIString(name, "__dict__") == 0 ||
                  PyUnicode_CompareWithASCIIString(name, "__class__") == 0))
        return FR_WRITE;
    if (container_is_instance(object) || PyType_Check(object))
        return write ? FR_WRITE_WEAK : FR_READ_WEAK;
    PyObject *found = _PyType_Lookup(Py_TYPE(object), name);
    if (found != NULL && Py_TYPE(found)->tp_descr_set != NULL && !PyFunction_Check(object))
        return write ? FR_WRITE : FR_READ;
    return write ? FR_WRITE_WEAK : FR_READ_WEAK;
}

// Is the attribute a property whose Python code is not traced? What that reads or sets in the
// object is not seen: it is taken to read or write all of it.
static bool is_opaque(PyObject *object, PyObject *name, bool write) {
    static const char *const parts[] = {"fget", "fset"};
    PyObject *found = _PyType_Lookup(Py_TYPE(object), name);
    if (found == NULL || !Py_IS_TYPE(found, &PyProperty_Type))
        return false;
    PyObject *code = PyObject_GetAttrString(found, parts[write]);
    bool is_known = code == NULL || !PyFunction_Check(code) ||
                    site_is_known((PyCodeObject *)PyFunction_GET_CODE(code)) ||
                    site_is_traced((PyCodeObject *)PyFunction_GET_CODE(code)) != 0;
    Py_XDECREF(code);
    PyErr_Clear();
    return !is_known;
}

// The instance and its __dict__ become one, now that somebody will have both.
static void unite(PyObject *object, PyObject *name) {
    if (PyType_Check(object) || PyModule_Check(object) || Py_TYPE(object)->tp_dictoffset == 0 ||
        PyUnicode_CompareWithASCIIString(name, "__dict__") != 0)
        return;
    PyObject *dict = PyObject_GenericGetDict(object, NULL);
    if (dict == NULL) {
        PyErr_Clear();
        return;
    }
    location_unite(object, dict);
    Py_DECREF(dict);
}

static void add_attribute(struct access_list *list, PyObject *object, PyObject *name, bool write) {
    if (is_cell_contents(object, name)) {
        access_add(list, location_of_cell(object), write ? FR_WRITE : FR_READ);
        return;
    }
    // A module's attributes are its functions' globals. One whose __init__ did not run has none.
    PyObject *globals = PyModule_Check(object) ? cpython_instance_dict(object) : NULL;
    if (globals != NULL) {
        access_add_element(list, globals, name, write);
        if (PyModule_CheckExact(object))
            return;
    }
    if (!write && is_fixed(object, name))
        return;
    access_add(list, location_of_attribute(object, name), write ? FR_WRITE : FR_READ);
    enum fr_mode mode = mode_of_whole(object, name, write);
    if (is_opaque(object, name, write)) {
        mode = write ? FR_WRITE : FR_READ;
        list->may_resume = true;
    }
    access_add(list, location_of_object(object), mode);
    if (!write || PyType_Check(object))
        access_add(list, location_of_class_attribute(name), write ? FR_WRITE : FR_READ);
}

bool attribute_is_ordinary(PyObject *name) {
    static const char *const special[] = {"__dict__", "__class__",    "cell_contents", "__bases__",
                                          "__code__", "__defaults__", "__kwdefaults__"};
    bool is_ordinary = PyUnicode_CheckExact(name);
    for (size_t i = 0; is_ordinary && i < sizeof special / sizeof *special; i++)
        is_ordinary = PyUnicode_CompareWithASCIIString(name, special[i]) != 0;
    return is_ordinary;
}

bool attribute_add_ordinary(struct access_list *list, PyObject *object, PyObject *name,
                            bool write) {
    // So it is no module, function, cell, class, proxy or `super`, which have rules of their own.
    if (!container_is_instance(object) ||
        PyType_HasFeature(Py_TYPE(object), Py_TPFLAGS_IMMUTABLETYPE) ||
        is_opaque(object, name, write))
        return false;
    struct fr_access *items = list->items;
    location_of_part(object, name, &items[0].key, &items[1].key);
    items[0].mode = write ? FR_WRITE : FR_READ;
    items[1].mode = write ? FR_WRITE_WEAK : FR_READ_WEAK;
    list->count = 2;
    if (!write) {
        items[2] = (struct fr_access){.key = location_of_class_attribute(name), .mode = FR_READ};
        list->count = 3;
    }
    return true;
}

// What a function does when it is called is found by those who find the function: as the global or
// the attribute that it was made as. (Who has it under another name is not seen.)
static void add_function(struct access_list *list, PyObject *object, PyObject *name) {
    static const char *const parts[] = {"__code__", "__defaults__", "__kwdefaults__"};
    const PyFunctionObject *function = (PyFunctionObject *)object;
    bool is_part = false;
    for (size_t i = 0; i < sizeof parts / sizeof *parts; i++)
        is_part |= PyUnicode_CompareWithASCIIString(name, parts[i]) == 0;
    if (!is_part || !PyUnicode_CheckExact(function->func_name))
        return;
    access_add(list, location_of_element(function->func_globals, function->func_name), FR_WRITE);
    access_add(list, location_of_class_attribute(function->func_name), FR_WRITE);
}

static void add_names(struct access_list *list, PyTypeObject *class) {
    PyObject *mro = class->tp_mro;
    PyObject *key, *value;
    for (Py_ssize_t i = 0; mro != NULL && i < PyTuple_GET_SIZE(mro); i++) {
        PyTypeObject *base = (PyTypeObject *)PyTuple_GET_ITEM(mro, i);
        PyObject *names = base == &PyBaseObject_Type ? NULL : base->tp_dict;
        for (Py_ssize_t at = 0; names != NULL && PyDict_Next(names, &at, &key, &value);)
            if (PyUnicode_CheckExact(key))
                access_add(list, location_of_class_attribute(key), FR_WRITE);
    }
}

void attribute_add_bases(struct access_list *list, PyObject *class, PyObject *name,
                         PyObject *value) {
    if (!PyType_Check(class) || PyUnicode_CompareWithASCIIString(name, "__bases__") != 0)
        return;
    add_names(list, (PyTypeObject *)class);
    for (Py_ssize_t i = 0; PyTuple_Check(value) && i < PyTuple_GET_SIZE(value); i++)
        if (PyType_Check(PyTuple_GET_ITEM(value, i)))
            add_names(list, (PyTypeObject *)PyTuple_GET_ITEM(value, i));
}

void attribute_add(struct access_list *list, PyObject *object, PyObject *name, bool write) {
    if (!PyUnicode_Check(name))
        return;
    // A subclass of str (a member of a StrEnum, for instance) names the attribute of its text.
    PyObject *exact = PyUnicode_FromObject(name);
    if (exact == NULL) {
        PyErr_Clear();
        list->is_full = true;  // refused: what cannot be told apart is not passed over
        return;
    }
    if (PyWeakref_CheckProxy(object)) {
        life_add_look(list, object);
        object = container_owner(object);
    }
    if (!write)
        unite(object, exact);
    add_attribute(list, object, exact, write);
    if (write && PyFunction_Check(object))
        add_function(list, object, exact);
    if (write)
        special_add_write(list, object, exact);
    Py_DECREF(exact);
}
