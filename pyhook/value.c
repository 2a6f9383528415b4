// Value: what an instruction is about to read and to store, in a few words for people.
// SPDX-License-Identifier: Apache-2.0
#include "cpython.h"

#include "value.h"

#include <string.h>

#include "call.h"
#include "location.h"

enum { WORDS_MAX = 30, ITEMS_MAX = 8 };

// ------------------------------------------------------------------------------ in words

static bool is_plain_number(PyObject *object) {
    if (object == Py_None || PyBool_Check(object) || PyFloat_CheckExact(object))
        return true;
    int overflow = 0;
    // Writing out a very large number takes long, or is refused.
    return PyLong_CheckExact(object) &&
           (PyLong_AsLongLongAndOverflow(object, &overflow) != -1 || overflow == 0);
}

static bool is_plain(PyObject *object) {
    return is_plain_number(object) ||
           (PyUnicode_CheckExact(object) && PyUnicode_GET_LENGTH(object) <= WORDS_MAX) ||
           (PyBytes_CheckExact(object) && PyBytes_GET_SIZE(object) <= WORDS_MAX);
}

static bool has_plain_items(PyObject *object) {
    PyObject *key, *value;
    Py_ssize_t at = 0;
    Py_hash_t hash;
    if (PyTuple_CheckExact(object) || PyList_CheckExact(object)) {
        Py_ssize_t size = PySequence_Fast_GET_SIZE(object);
        while (at < size && is_plain(PySequence_Fast_GET_ITEM(object, at)))
            at++;
        return at == size && size <= ITEMS_MAX;
    }
    if (PyDict_CheckExact(object)) {
        while (PyDict_Next(object, &at, &key, &value))
            if (!is_plain(key) || !is_plain(value))
                return false;
        return PyDict_GET_SIZE(object) <= ITEMS_MAX;
    }
    if (!PyAnySet_CheckExact(object) || PySet_GET_SIZE(object) > 1)
        return false;  // the order of more is not the same everywhere
    return !_PySet_NextEntry(object, &at, &key, &hash) || is_plain(key);
}

// At most WORDS_MAX characters of a text. Takes ownership; NULL goes through.
static PyObject *cut(PyObject *text) {
    if (text == NULL || PyUnicode_GET_LENGTH(text) <= WORDS_MAX)
        return text;
    PyObject *begin = PyUnicode_Substring(text, 0, WORDS_MAX - 3);
    Py_DECREF(text);
    PyObject *words = begin != NULL ? PyUnicode_FromFormat("%U...", begin) : NULL;
    Py_XDECREF(begin);
    return words;
}

static PyObject *type_word(PyObject *object) {
    const char *full =
        PyType_Check(object) ? ((PyTypeObject *)object)->tp_name : Py_TYPE(object)->tp_name;
    const char *dot = strrchr(full, '.');
    return PyUnicode_FromString(dot != NULL ? dot + 1 : full);
}

static bool is_deque(PyObject *object) {
    return strcmp(Py_TYPE(object)->tp_name, "collections.deque") == 0;
}

// The items of a deque as a list, a new reference; other objects as they are.
static PyObject *as_list(PyObject *object) {
    return is_deque(object) ? PySequence_List(object) : Py_NewRef(object);
}

static PyObject *make_words(PyObject *object) {
    PyObject *words;
    if (is_plain(object) || has_plain_items(object)) {
        words = PyObject_Repr(object);
    } else if (PyUnicode_CheckExact(object)) {
        PyObject *begin = PyUnicode_Substring(object, 0, WORDS_MAX);
        words = begin != NULL ? PyObject_Repr(begin) : NULL;
        Py_XDECREF(begin);
    } else {
        words = type_word(object);
    }
    return cut(words);
}

PyObject *value_words(PyObject *object) {
    PyObject *list = as_list(object);
    PyObject *words = list != NULL ? make_words(list) : NULL;
    Py_XDECREF(list);
    if (words == NULL)
        PyErr_Clear();
    return words;
}

// ------------------------------------------------------------------------------ what is there

// A new reference, or NULL, perhaps with an exception. Only where looking runs no code.
static PyObject *find_attribute(PyObject *object, PyObject *name) {
    if (!PyUnicode_CheckExact(name))
        return NULL;
    if (PyType_Check(object)) {
        PyObject *found = _PyType_Lookup((PyTypeObject *)object, name);
        return found != NULL && Py_TYPE(found)->tp_descr_get == NULL ? Py_NewRef(found) : NULL;
    }
    if (PyModule_CheckExact(object))
        return Py_XNewRef(PyDict_GetItemWithError(PyModule_GetDict(object), name));
    PyTypeObject *type = Py_TYPE(object);
    if (type->tp_getattro != PyObject_GenericGetAttr)
        return NULL;
    PyObject *found = _PyType_Lookup(type, name);
    descrgetfunc get = found != NULL ? Py_TYPE(found)->tp_descr_get : NULL;
    if (get != NULL)  // of these only a slot is just a value
        return Py_IS_TYPE(found, &PyMemberDescr_Type) ? get(found, object, (PyObject *)type) : NULL;
    return _PyObject_GenericGetAttrWithDict(object, name, NULL, 1);
}

static PyObject *find_item(PyObject *container, PyObject *key) {
    if (!location_is_plain(key))
        return NULL;
    if (PyDict_CheckExact(container))
        return Py_XNewRef(PyDict_GetItemWithError(container, key));
    if (!PyList_CheckExact(container) || !PyLong_CheckExact(key))
        return NULL;
    int overflow;
    long long index = PyLong_AsLongLongAndOverflow(key, &overflow);
    Py_ssize_t size = PyList_GET_SIZE(container);
    if (overflow == 0 && index < 0)
        index += size;
    bool is_there = overflow == 0 && index >= 0 && index < size;
    return is_there ? Py_NewRef(PyList_GET_ITEM(container, index)) : NULL;
}

static PyObject *find_cell(const struct site *site, const struct operands *on) {
    PyObject *cell = on->locals[cpython_cell_index(on->code, site->argument)];
    return cell != NULL && PyCell_Check(cell) ? Py_XNewRef(PyCell_GET(cell)) : NULL;
}

// Is a key in a container? A new reference, or NULL.
static PyObject *find_membership(const struct site *site, PyObject *container, PyObject *key) {
    if (!location_is_plain(key) || (!PyDict_CheckExact(container) && !PySet_CheckExact(container)))
        return NULL;
    int is_in = PySequence_Contains(container, key);
    return is_in >= 0 ? PyBool_FromLong(is_in != (site->argument & 1)) : NULL;
}

static PyObject *find(const struct site *site, const struct operands *on) {
    PyObject **top = on->top;
    switch ((enum site_kind)site->kind) {
    case SITE_GET_ATTRIBUTE:
    case SITE_SET_ATTRIBUTE:
        return find_attribute(top[-1], PyTuple_GET_ITEM(on->code->co_names, site->argument));
    case SITE_SET_NAME:
        return on->names == NULL || on->names == on->globals
                   ? find_item(on->globals, PyTuple_GET_ITEM(on->code->co_names, site->argument))
                   : NULL;
    case SITE_GET_GLOBAL:
    case SITE_SET_GLOBAL:
        return find_item(on->globals, PyTuple_GET_ITEM(on->code->co_names, site->argument));
    case SITE_GET_CELL:
    case SITE_SET_CELL:
        return find_cell(site, on);
    case SITE_GET_ITEM:
    case SITE_SET_ITEM:
    case SITE_DELETE_ITEM:
        return find_item(top[-2], top[-1]);
    case SITE_CONTAINS:
        return find_membership(site, top[-1], top[-2]);
    case SITE_TEST:
    case SITE_READ_TOP:
    case SITE_ITERATE:
        return Py_NewRef(top[-1]);
    default:
        return Py_XNewRef(value_changed(site, on));
    }
}

PyObject *value_changed(const struct site *site, const struct operands *operands) {
    PyObject *object = call_receiver(site, operands);
    // Others (iterators) might be told apart by how many references there are.
    bool is_shown = object != NULL && (PyList_CheckExact(object) || PyDict_CheckExact(object) ||
                                       PySet_CheckExact(object) || is_deque(object));
    return is_shown ? object : NULL;
}

static PyObject *without_error(PyObject *object) {
    PyErr_Clear();
    return object;
}

PyObject *value_of_site(const struct site *site, const struct operands *operands) {
    return without_error(find(site, operands));
}

PyObject *value_of_attribute(PyObject *object, PyObject *name) {
    return without_error(find_attribute(object, name));
}

PyObject *value_of_item(PyObject *container, PyObject *key) {
    return without_error(find_item(container, key));
}

PyObject *value_found(const struct site *site, const struct operands *operands) {
    PyObject *object = value_of_site(site, operands);
    PyObject *words = object != NULL ? value_words(object) : NULL;
    Py_XDECREF(object);
    return words;
}

PyObject *value_stored(const struct site *site, const struct operands *operands) {
    if (strcmp(site->place->action, "delete") == 0)
        return NULL;
    switch ((enum site_kind)site->kind) {
    case SITE_SET_ATTRIBUTE:
        return value_words(operands->top[-2]);
    case SITE_SET_GLOBAL:
    case SITE_SET_CELL:
        return value_words(operands->top[-1]);
    case SITE_SET_ITEM:
        return value_words(operands->top[-3]);
    default:
        return NULL;
    }
}
