// Effects: what calling a C function does to the containers it is given.
#ifndef PYHOOK_EFFECT_H
#define PYHOOK_EFFECT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

enum effect {
    EFFECT_WRITES,  // unknown: the worst
    EFFECT_NOTHING,
    EFFECT_READS,
    EFFECT_UPDATES,
    EFFECT_READS_INSIDE,
    EFFECT_UPDATES_INSIDE,
    EFFECT_ADVANCES,
    EFFECT_GET_ITEM,
    EFFECT_SET_ITEM,
    EFFECT_DELETE_ITEM,
    EFFECT_GET_ATTRIBUTE,
    EFFECT_SET_ATTRIBUTE,
    EFFECT_GET_DICT,
    EFFECT_READS_OBJECT,
    EFFECT_PRINT,
    EFFECT_CHECKS_CLASS,
    EFFECT_MAKES_CLASS,
    EFFECT_READS_STATE,
    EFFECT_WRITES_STATE,
    EFFECT_WARNS,
    EFFECT_REACHES
};

// Resolves callables.def. -1 with an exception.
int effect_open(void);
// Of a C function, method, slot wrapper or type. EFFECT_WRITES if callables.def does not name it.
enum effect effect_of(PyObject *callable);

#endif
