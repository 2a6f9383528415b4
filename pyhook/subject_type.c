// Subject: the Python type of a harness that can be executed under an explorer.
// SPDX-License-Identifier: Apache-2.0
#include "subject_type.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "errors.h"
#include "session.h"
#include "switch.h"

#define WATCHDOG_DEFAULT 10.0
#define WATCHDOG_MAX 86400.0

static enum fr_status execute_once(struct subject *subject, struct fr_explorer *explorer) {
    PyObject *callables = NULL;  // an evaluated sequence is not known before the execution
    if (subject->harness.evaluated)
        callables = PyTuple_Pack(1, subject->harness.threads);
    else
        callables = Py_XNewRef(subject->harness.threads);
    PyObject *roots = PyTuple_Pack(3, subject->harness.setup, subject->harness.threads,
                                   subject->harness.invariant);
    switch_set(subject->switches);
    struct session_options options = {.carrier = subject->carrier,
                                      .watchdog = subject->watchdog,
                                      .second_try = subject->second_try};
    int opened =
        callables != NULL && roots != NULL
            ? session_open((PyObject *)subject, subject->traced, roots, callables, &options)
            : -1;
    Py_XDECREF(roots);
    Py_XDECREF(callables);
    if (opened < 0)
        return FR_HOST;
    subject->executed_by = explorer;
    return runner_execute(&subject->harness, explorer, &subject->outcome);
}

// Whoever asks for fibers by name gets nothing else.
static bool may_try_again(const struct subject *subject) {
    const char *chosen = subject->carrier != NULL ? subject->carrier : getenv("FRONTRUN_CARRIER");
    return !subject->second_try && (chosen == NULL || strcmp(chosen, "fiber") != 0);
}

static enum fr_status execute(void *self, struct fr_explorer *explorer, enum fr_verdict *verdict,
                              uint64_t *place) {
    struct subject *subject = self;
    enum fr_status status = execute_once(subject, explorer);
    if (status == FR_OK && subject->outcome.verdict == FR_VERDICT_BLOCKED &&
        may_try_again(subject)) {
        subject->second_try = true;
        session_close((PyObject *)subject);
        status = fr_explorer_retry(explorer);
        if (status == FR_OK)
            status = execute_once(subject, explorer);
    }
    if (status != FR_OK)
        return status;
    *verdict = subject->outcome.verdict;
    *place = subject->outcome.site;
    return session_count_execution() < 0 ? FR_HOST : FR_OK;
}

static int check_callable(PyObject *object, const char *name) {
    if (PyCallable_Check(object))
        return 0;
    PyErr_Format(errors_harness, "%s of the harness is %R, not a callable", name, object);
    return -1;
}

// The threads as a tuple, or the callable that answers them; a new reference.
static PyObject *take_threads(PyObject *threads, bool *evaluated) {
    *evaluated = PyCallable_Check(threads) && !PySequence_Check(threads);
    if (*evaluated)
        return Py_NewRef(threads);
    PyObject *tuple = PySequence_Check(threads) ? PySequence_Tuple(threads) : NULL;
    if (tuple == NULL && !PyErr_Occurred())
        PyErr_Format(errors_harness,
                     "threads of the harness is %R, not a sequence of callables and not a callable",
                     threads);
    return tuple;
}

static bool find_clock(const char *word, enum clock_mode *out) {
    for (int mode = 0; mode < CLOCK_MODES; mode++) {
        if (strcmp(clock_mode_word((enum clock_mode)mode), word) == 0) {
            *out = (enum clock_mode)mode;
            return true;
        }
    }
    return false;
}

static int subject_init(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"setup",    "threads",       "invariant",   "traced",
                            "watchdog", "switch_points", "clock",       "carrier",
                            "any_race", "second_try",    "run_seconds", NULL};
    struct subject *subject = (struct subject *)self;
    PyObject *setup, *threads, *invariant;
    PyObject *traced = Py_None;  // not callable: refused below if it is not given
    double watchdog = WATCHDOG_DEFAULT;
    int switches = 0;
    const char *word = clock_mode_word(CLOCK_VIRTUAL);
    enum clock_mode clock;
    const char *carrier = NULL;
    int any_race = 0;
    int second_try = 0;
    double run_seconds = 0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "OOO|$Odpszppd:Subject", names, &setup, &threads,
                                     &invariant, &traced, &watchdog, &switches, &word, &carrier,
                                     &any_race, &second_try, &run_seconds))
        return -1;
    if (carrier != NULL && strcmp(carrier, "thread") != 0 && strcmp(carrier, "fiber") != 0) {
        PyErr_SetString(PyExc_ValueError, "a carrier is \"thread\" or \"fiber\"");
        return -1;
    }
    if (check_callable(setup, "setup") < 0 || check_callable(invariant, "invariant") < 0 ||
        check_callable(traced, "traced") < 0)
        return -1;
    if (subject->harness.setup != NULL) {
        PyErr_SetString(errors_frontrun, "a Subject is initialised once");
        return -1;
    }
    if (!(watchdog > 0 && watchdog <= WATCHDOG_MAX)) {
        PyErr_Format(errors_frontrun, "watchdog is a number of seconds greater than 0, at most %d",
                     (int)WATCHDOG_MAX);
        return -1;
    }
    if (!(run_seconds >= 0)) {
        PyErr_SetString(errors_frontrun, "run_seconds is a number of seconds, 0 for any time");
        return -1;
    }
    if (!find_clock(word, &clock)) {
        PyErr_Format(errors_frontrun, "there is no clock %s; there are: virtual, explored, real",
                     word);
        return -1;
    }
    bool evaluated;
    PyObject *taken = take_threads(threads, &evaluated);
    if (taken == NULL)
        return -1;
    subject->harness = (struct runner_harness){
        .setup = Py_NewRef(setup),
        .threads = taken,
        .invariant = Py_NewRef(invariant),
        .evaluated = evaluated,
        .clock = clock,
        .any_race = any_race != 0,
        .run_seconds = run_seconds,
    };
    subject->carrier = carrier == NULL ? NULL : carrier[0] == 't' ? "thread" : "fiber";
    subject->traced = Py_NewRef(traced);
    subject->watchdog = watchdog;
    subject->second_try = second_try != 0;
    subject->switches = switches != 0;
    subject->face = (struct fr_subject){.self = subject, .execute = execute};
    subject->outcome.thread = -1;
    return 0;
}

static int subject_traverse(PyObject *self, visitproc visit, void *arg) {
    struct subject *subject = (struct subject *)self;
    Py_VISIT(subject->harness.setup);
    Py_VISIT(subject->harness.threads);
    Py_VISIT(subject->harness.invariant);
    Py_VISIT(subject->traced);
    Py_VISIT(subject->outcome.exception);
    return 0;
}

static int subject_clear(PyObject *self) {
    struct subject *subject = (struct subject *)self;
    Py_CLEAR(subject->harness.setup);
    Py_CLEAR(subject->harness.threads);
    Py_CLEAR(subject->harness.invariant);
    Py_CLEAR(subject->traced);
    runner_outcome_clear(&subject->outcome);
    return 0;
}

static void subject_dealloc(PyObject *self) {
    PyObject_GC_UnTrack(self);
    session_close(self);
    subject_clear(self);
    Py_TYPE(self)->tp_free(self);
}

static void release_capsule(PyObject *capsule) {
    Py_XDECREF((PyObject *)PyCapsule_GetContext(capsule));
}

static PyObject *get_capsule(PyObject *self, void *Py_UNUSED(closure)) {
    struct subject *subject = (struct subject *)self;
    if (subject->harness.setup == NULL) {
        PyErr_SetString(errors_frontrun, "this Subject was not initialised");
        return NULL;
    }
    PyObject *capsule = PyCapsule_New(&subject->face, FR_SUBJECT_CAPSULE, release_capsule);
    if (capsule != NULL && PyCapsule_SetContext(capsule, self) == 0)
        Py_INCREF(self);  // the capsule keeps what it points to
    return capsule;
}

static PyObject *get_abandoned(PyObject *self, void *Py_UNUSED(closure)) {
    return PyLong_FromUnsignedLongLong(((struct subject *)self)->outcome.abandoned);
}

static PyObject *get_second_try(PyObject *self, void *Py_UNUSED(closure)) {
    return PyBool_FromLong(((struct subject *)self)->second_try);
}

static PyObject *close_subject(PyObject *self, PyObject *Py_UNUSED(args)) {
    if (runner_is_busy()) {
        PyErr_SetString(errors_frontrun, "an execution is running: its Subject cannot be closed");
        return NULL;
    }
    session_close(self);
    Py_RETURN_NONE;
}

static PyObject *enter_subject(PyObject *self, PyObject *Py_UNUSED(args)) {
    return Py_NewRef(self);
}

static PyGetSetDef subject_getset[] = {
    {"capsule", get_capsule, NULL, "A struct fr_subject.", NULL},
    {"abandoned", get_abandoned, NULL,
     "Logical threads that could not be unwound, in all executions so far.", NULL},
    {"second_try", get_second_try, NULL,
     "An execution was blocked: since then a blocked thread is set aside while others go on.",
     NULL},
    {0},
};

static PyMethodDef subject_methods[] = {
    {"close", close_subject, METH_NOARGS,
     "Restores the interpreter. The next execution sets it up again."},
    {"__enter__", enter_subject, METH_NOARGS, NULL},
    {"__exit__", close_subject, METH_VARARGS, NULL},
    {0},
};

PyTypeObject subject_type = {
    PyVarObject_HEAD_INIT(NULL, 0).tp_name = "frontrun._core.Subject",
    .tp_doc = "A harness: setup() -> state; each thread called with the state; invariant(state).",
    .tp_basicsize = sizeof(struct subject),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC,
    .tp_new = PyType_GenericNew,
    .tp_init = subject_init,
    .tp_dealloc = subject_dealloc,
    .tp_traverse = subject_traverse,
    .tp_clear = subject_clear,
    .tp_getset = subject_getset,
    .tp_methods = subject_methods,
};
