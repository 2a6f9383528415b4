// Subject: the Python type of a harness that can be executed under an explorer.
#ifndef PYHOOK_SUBJECT_TYPE_H
#define PYHOOK_SUBJECT_TYPE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "fr_subject.h"
#include "runner.h"

struct subject {
    PyObject_HEAD struct fr_subject face;  // what the capsule points to
    struct runner_harness harness;
    struct runner_outcome outcome;          // of the last execution
    const struct fr_explorer *executed_by;  // whose execution that was; only compared
    PyObject *traced;
    const char *carrier;  // static: "thread", "fiber"; NULL: as the environment says
    double watchdog;      // seconds without a point after which an execution is blocked
    bool second_try;      // one was: since then on threads that can be set aside (aside.h)
    bool switches;        // operations say whether the GIL allows to switch before them
};

extern PyTypeObject subject_type;

#endif
