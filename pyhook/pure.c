// Pure: which instructions leave no state behind but on the value stack and in local variables.
// SPDX-License-Identifier: Apache-2.0
#include "cpython.h"

#include "pure.h"

#include "call.h"
#include "interpose.h"
#include "library.h"
#include "opcode.h"

static const PyMethodDef *len_definition;

int pure_open(void) {
    PyObject *module = PyImport_ImportModule("builtins");
    PyObject *function = module != NULL ? PyObject_GetAttrString(module, "len") : NULL;
    Py_XDECREF(module);
    if (function == NULL)
        return -1;
    if (PyCFunction_Check(function))
        len_definition = ((PyCFunctionObject *)function)->m_ml;
    Py_DECREF(function);
    return 0;
}

bool pure_is_plain(PyObject *object) {
    return object == Py_None || PyBool_Check(object) || PyLong_CheckExact(object) ||
           PyFloat_CheckExact(object) || PyUnicode_CheckExact(object) || PyBytes_CheckExact(object);
}

// A class whose methods may be Python code. (Those of immutable types are C.)
static bool is_python_type(PyTypeObject *type) {
    return PyType_HasFeature(type, Py_TPFLAGS_HEAPTYPE) &&
           !PyType_HasFeature(type, Py_TPFLAGS_IMMUTABLETYPE);
}

// ------------------------------------------------------------------------------ attributes

// Does finding this in a class call nothing but C code without a memory?
static bool is_still(PyObject *descriptor) {
    return descriptor == NULL || Py_TYPE(descriptor)->tp_descr_get == NULL ||
           PyFunction_Check(descriptor) || Py_IS_TYPE(descriptor, &PyMemberDescr_Type) ||
           Py_IS_TYPE(descriptor, &PyMethodDescr_Type) ||
           Py_IS_TYPE(descriptor, &PyStaticMethod_Type) ||
           Py_IS_TYPE(descriptor, &PyClassMethod_Type);
}

static bool is_attribute_repeatable(PyObject *object, PyObject *name) {
    PyTypeObject *type = Py_TYPE(object);
    if (!PyUnicode_CheckExact(name))
        return false;
    if (PyModule_CheckExact(object))
        return cpython_instance_dict(object) != NULL &&
               PyDict_Contains(PyModule_GetDict(object), name) == 1;
    if (type == &PyType_Type)
        return is_still(_PyType_Lookup(type, name)) &&
               is_still(_PyType_Lookup((PyTypeObject *)object, name));
    return type->tp_getattro == PyObject_GenericGetAttr && is_still(_PyType_Lookup(type, name));
}

// ------------------------------------------------------------------------------ values

// Asking for its truth or length calls nothing of Python.
static bool is_truth_repeatable(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    if (!is_python_type(type))
        return true;
    return (type->tp_as_number == NULL || type->tp_as_number->nb_bool == NULL) &&
           (type->tp_as_mapping == NULL || type->tp_as_mapping->mp_length == NULL) &&
           (type->tp_as_sequence == NULL || type->tp_as_sequence->sq_length == NULL);
}

static bool is_comparison_repeatable(PyObject *object) {
    PyTypeObject *type = Py_TYPE(object);
    return pure_is_plain(object) || type->tp_richcompare == NULL ||
           type->tp_richcompare == PyBaseObject_Type.tp_richcompare;
}

static bool is_item_repeatable(PyObject *container, PyObject *key) {
    if (PyDict_CheckExact(container))
        return pure_is_plain(key);
    return (PyList_CheckExact(container) || PyTuple_CheckExact(container) ||
            PyUnicode_CheckExact(container)) &&
           PyLong_CheckExact(key);
}

// ------------------------------------------------------------------------------ calls

static bool is_definition_repeatable(const PyMethodDef *definition, PyObject *const *arguments,
                                     int count) {
    if (definition == len_definition)
        return count == 1 && !is_python_type(Py_TYPE(arguments[0]));
    return interpose_is_repeatable(definition);
}

// What a traced function does is judged instruction by instruction, and its variables are gone when
// it returns. A generator would stay behind.
static bool is_function_repeatable(PyObject *function) {
    PyCodeObject *code = (PyCodeObject *)PyFunction_GET_CODE(function);
    if (library_waits(code))
        return true;
    int traced = site_is_traced(code);
    if (traced < 0)
        PyErr_Clear();
    return traced > 0 && (code->co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) == 0;
}

// A callable with arguments, on the stack or (NULL) not looked at.
static bool is_callable_repeatable(PyObject *callable, PyObject *const *arguments, int count) {
    if (PyMethod_Check(callable))
        callable = PyMethod_GET_FUNCTION(callable);
    if (PyFunction_Check(callable))
        return is_function_repeatable(callable);
    if (PyCFunction_Check(callable))
        return is_definition_repeatable(((PyCFunctionObject *)callable)->m_ml, arguments, count);
    if (Py_IS_TYPE(callable, &PyMethodDescr_Type))
        return is_definition_repeatable(((PyMethodDescrObject *)callable)->d_method, NULL, 0);
    return callable == (PyObject *)&PyBool_Type && count == 1 && is_truth_repeatable(arguments[0]);
}

static bool is_call_repeatable(const struct site *site, const struct operands *on) {
    if (site->kind == SITE_CALL_UNPACKED)
        return false;
    bool exits = site->kind == SITE_EXIT;
    int count = exits ? 3 : site->argument + (site->kind == SITE_CALL_KEYWORDS);
    PyObject *callable = call_callable(site, on);
    return callable != NULL &&
           is_callable_repeatable(callable, exits ? NULL : on->top - count, count);
}

// What `with` calls.
static bool is_enter_repeatable(PyObject *manager) {
    static PyObject *enter;
    if (enter == NULL)
        enter = PyUnicode_InternFromString("__enter__");
    PyObject *method = enter != NULL ? _PyType_Lookup(Py_TYPE(manager), enter) : NULL;
    return method != NULL && is_callable_repeatable(method, NULL, 0);
}

bool pure_is_wait(const struct site *site, const struct operands *on) {
    PyObject *callable = site->kind == SITE_CALL_UNPACKED ? NULL : call_callable(site, on);
    if (callable != NULL && PyMethod_Check(callable))
        callable = PyMethod_GET_FUNCTION(callable);
    return callable != NULL && PyFunction_Check(callable) &&
           library_waits((PyCodeObject *)PyFunction_GET_CODE(callable));
}

bool pure_is_repeatable(const struct site *site, const struct operands *on) {
    PyObject **top = on->top;
    switch ((enum site_kind)site->kind) {
    case SITE_NONE:
    case SITE_GET_CELL:
        return true;
    case SITE_GET_GLOBAL:
        return PyDict_CheckExact(on->globals) && on->builtins != NULL &&
               PyDict_CheckExact(on->builtins);
    case SITE_GET_ATTRIBUTE:
        return is_attribute_repeatable(top[-1],
                                       PyTuple_GET_ITEM(on->code->co_names, site->argument));
    case SITE_GET_ITEM:
        return is_item_repeatable(top[-2], top[-1]);
    case SITE_COMPARE:
        return is_comparison_repeatable(top[-2]) && is_comparison_repeatable(top[-1]);
    case SITE_BINARY:
        return pure_is_plain(top[-2]) && pure_is_plain(top[-1]);
    case SITE_TEST:
    case SITE_READ_TOP:
        return pure_is_plain(top[-1]) || is_truth_repeatable(top[-1]);
    case SITE_CALL:
    case SITE_CALL_FUNCTION:
    case SITE_CALL_KEYWORDS:
    case SITE_CALL_UNPACKED:
    case SITE_EXIT:
        return is_call_repeatable(site, on);
    case SITE_ENTER:
        return is_enter_repeatable(top[-1]);
    default:
        return false;
    }
}
