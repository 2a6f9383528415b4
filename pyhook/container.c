// Containers: which objects have contents that C code reads and writes.
// SPDX-License-Identifier: Apache-2.0
#include "container.h"

#include <stdbool.h>
#include <string.h>

// Types without shared mutable contents, by module and name. PRIMITIVE: interposed elsewhere.
static const struct {
    const char *module;
    const char *name;
    bool is_primitive;
} inert_names[] = {
    {"_thread", "LockType", true},
    {"_thread", "RLock", true},
    {"_thread", "_local", true},
    {"_thread", "_ThreadHandle", true},
    {"_queue", "SimpleQueue", true},
    {"types", "FunctionType", false},
    {"types", "BuiltinFunctionType", false},
    {"types", "MethodType", false},
    {"types", "MethodDescriptorType", false},
    {"types", "WrapperDescriptorType", false},
    {"types", "MethodWrapperType", false},
    {"types", "ClassMethodDescriptorType", false},
    {"types", "GetSetDescriptorType", false},
    {"types", "MemberDescriptorType", false},
    {"types", "CodeType", false},
    {"types", "CellType", false},
    {"types", "ModuleType", false},
    {"types", "FrameType", false},
    {"types", "TracebackType", false},
    {"types", "GenericAlias", false},
    {"types", "NoneType", false},
    {"types", "EllipsisType", false},
    {"types", "NotImplementedType", false},
    {"types", "CoroutineType", false},
    {"types", "UnionType", false},
    {"builtins", "float", false},
    {"builtins", "complex", false},
    {"builtins", "frozenset", false},
    {"builtins", "range", false},
    {"builtins", "slice", false},
    {"builtins", "property", false},
    {"builtins", "classmethod", false},
    {"builtins", "staticmethod", false},
    {"builtins", "super", false},
    {"builtins", "object", false},
    {"re", "Pattern", false},
    {"re", "Match", false},
    {"_weakref", "ReferenceType", false},
};

enum { INERT_MAX = 64 };
static PyTypeObject *inert[INERT_MAX];  // open addressing by pointer, at most two thirds full
static bool primitive[INERT_MAX];
static destructor python_dealloc;  // of every class made by a class statement

static unsigned slot_of(const PyTypeObject *type) {
    unsigned at = (unsigned)(((uint64_t)(uintptr_t)type >> 4) * 0x9E3779B97F4A7C15ull >> 40);
    for (at %= INERT_MAX; inert[at] != NULL && inert[at] != type;)
        at = (at + 1) % INERT_MAX;
    return at;
}

static int learn_inert(const char *module_name, const char *name, bool is_primitive) {
    PyObject *module = PyImport_ImportModule(module_name);
    PyObject *type = module != NULL ? PyObject_GetAttrString(module, name) : NULL;
    Py_XDECREF(module);
    if (type == NULL) {
        // Not on this version.
        if (!PyErr_ExceptionMatches(PyExc_AttributeError) &&
            !PyErr_ExceptionMatches(PyExc_ImportError))
            return -1;
        PyErr_Clear();
        return 0;
    }
    unsigned at = PyType_Check(type) ? slot_of((PyTypeObject *)type) : 0;
    if (!PyType_Check(type) || inert[at] != NULL) {
        Py_DECREF(type);
        return 0;
    }
    inert[at] = (PyTypeObject *)type;  // kept for good
    primitive[at] = is_primitive;
    return 0;
}

int container_open(void) {
    if (python_dealloc != NULL)
        return 0;
    for (size_t i = 0; i < sizeof inert_names / sizeof *inert_names; i++)
        if (learn_inert(inert_names[i].module, inert_names[i].name, inert_names[i].is_primitive) <
            0)
            return -1;
    PyObject *sample = PyObject_CallFunction((PyObject *)&PyType_Type, "s(){}", "sample");
    if (sample == NULL)
        return -1;
    python_dealloc = ((PyTypeObject *)sample)->tp_dealloc;
    Py_DECREF(sample);
    return 0;
}

PyTypeObject *container_c_type(PyTypeObject *type) {
    // A C type made from a specification without a dealloc has that of classes, but methods in C.
    while (type->tp_dealloc == python_dealloc && type->tp_methods == NULL && type->tp_base != NULL)
        type = type->tp_base;
    return type;
}

int container_is_primitive(PyObject *object) {
    unsigned at = slot_of(container_c_type(Py_TYPE(object)));
    return inert[at] != NULL && primitive[at];
}

enum container_kind container_kind_of(PyObject *object) {
    unsigned long flags = Py_TYPE(object)->tp_flags;
    if (flags &
        (Py_TPFLAGS_LONG_SUBCLASS | Py_TPFLAGS_UNICODE_SUBCLASS | Py_TPFLAGS_BYTES_SUBCLASS |
         Py_TPFLAGS_TUPLE_SUBCLASS | Py_TPFLAGS_TYPE_SUBCLASS | Py_TPFLAGS_BASE_EXC_SUBCLASS))
        return CONTAINER_NONE;
    if (flags & (Py_TPFLAGS_LIST_SUBCLASS | Py_TPFLAGS_DICT_SUBCLASS))
        return CONTAINER_WHOLE;
    PyTypeObject *type = container_c_type(Py_TYPE(object));
    if (inert[slot_of(type)] != NULL)
        return CONTAINER_NONE;
    return type->tp_iternext != NULL && type->tp_iter == PyObject_SelfIter ? CONTAINER_ITERATOR
                                                                           : CONTAINER_WHOLE;
}

int container_is_instance(PyObject *object) {
    return container_c_type(Py_TYPE(object)) == &PyBaseObject_Type &&
           !Py_IS_TYPE(object, &PyBaseObject_Type);
}

// For a heap type, its type is visited too.
static int visit_source(PyObject *object, void *context) {
    if (!PyType_Check(object))
        *(PyObject **)context = object;
    return 0;
}

// A dict view holds its dict and nothing else.
static int visit_dict(PyObject *object, void *context) {
    *(PyObject **)context = object;
    return 0;
}

// What io.BytesIO.getbuffer() exports is an object of its own, which holds the BytesIO.
static PyObject *behind_buffer(PyObject *exporter) {
    if (strcmp(Py_TYPE(exporter)->tp_name, "_io._BytesIOBuffer") != 0)
        return exporter;
    PyObject *source = exporter;
    Py_TYPE(exporter)->tp_traverse(exporter, visit_source, &source);
    return source;
}

PyObject *container_owner(PyObject *object) {
    if (PyDictKeys_Check(object) || PyDictValues_Check(object) || PyDictItems_Check(object)) {
        PyObject *dict = object;
        Py_TYPE(object)->tp_traverse(object, visit_dict, &dict);
        return dict;
    }
    // A proxy may be made over any mapping, another proxy included.
    if (Py_IS_TYPE(object, &PyDictProxy_Type)) {
        PyObject *mapping = object;
        Py_TYPE(object)->tp_traverse(object, visit_dict, &mapping);
        return mapping != object ? container_owner(mapping) : object;
    }
    if (PyWeakref_CheckProxy(object)) {
        PyObject *referent = ((PyWeakReference *)object)->wr_object;
        return referent != Py_None ? container_owner(referent) : object;
    }
    if (PyMemoryView_Check(object)) {
        PyObject *exporter = PyMemoryView_GET_BASE(object);
        return exporter != NULL ? behind_buffer(exporter) : object;
    }
    return object;
}
