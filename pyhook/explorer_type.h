// Explorer: the Python type that drives explorations of a Subject.
#ifndef PYHOOK_EXPLORER_TYPE_H
#define PYHOOK_EXPLORER_TYPE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "fr.h"
#include "subject_type.h"

struct explorer {
    PyObject_HEAD struct subject *subject;
    struct fr_explorer *engine;
    struct fr_seen *seen;
    bool started;   // an exploration: executions may begin
    bool executed;  // the engine has a last execution, of the verdict and place below
    enum fr_verdict verdict;
    uint64_t place;
};

extern PyTypeObject explorer_type;

// explorer_drive.c: the long loops. All answer -1 or NULL with an exception set.

// One execution of what the engine was started with. 1: done, 0: there is none left.
int explorer_execute(struct explorer *explorer);
PyObject *explorer_run(PyObject *self, PyObject *args, PyObject *kwargs);
PyObject *explorer_shrink(PyObject *self, PyObject *args, PyObject *kwargs);
// Sets an exception and answers false if no execution took place since the last start.
bool explorer_has_executed(const struct explorer *explorer);
// May this explorer be used now? False with an exception: it is not initialised, or an execution
// runs (explorations do not nest).
bool explorer_is_usable(const struct explorer *explorer);
// The word for how the exploration ended; "running" if it did not.
const char *explorer_ending_word(const struct explorer *explorer);

#endif
