// Threads: keeps what Python's threading module knows of logical threads true, and tidies it.
// SPDX-License-Identifier: Apache-2.0
#include "threads.h"

#include <string.h>

#include "carrier.h"
#include "errors.h"
#include "interpose.h"
#include "join.h"
#include "observe.h"
#include "point.h"
#include "runner.h"

static PyObject *excepthook_twin(PyObject *self, PyObject *args);

static struct interpose_twin excepthook = {
    .name = "_excepthook", .flags = METH_O, .twin = excepthook_twin};

static PyObject *library;       // frontrun._threads while an exploration is open
static PyObject *thread_class;  // threading.Thread, likewise

// ------------------------------------------------------------------------------ for _threads.py

// The calling logical thread: its number and what it was given to call; None in any other.
static PyObject *tell_current(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args)) {
    int self = carrier_current();
    if (self < 0 || runner.phase < RUNNER_STARTING)
        Py_RETURN_NONE;
    struct runner_thread *thread = &runner.threads[self];
    thread->known = true;
    runner.spawned = true;
    return Py_BuildValue("(iON)", self, thread->callable, PyBool_FromLong(thread->args == NULL));
}

// Which execution of this process it is, and which thread of it the caller is (-1: none, it is in
// setup() or invariant()). None: the caller has nothing to do with one.
static PyObject *tell_execution(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(args)) {
    if (runner.phase == RUNNER_IDLE || carrier_current() == CARRIER_FOREIGN)
        Py_RETURN_NONE;
    int self = carrier_current();
    return Py_BuildValue("(Ki)", (unsigned long long)runner.number, self >= 0 ? self : -1);
}

static PyObject *call_closed(PyObject *Py_UNUSED(module), PyObject *function) {
    point_close();
    PyObject *answer = PyObject_CallNoArgs(function);
    point_reopen();
    return answer;
}

static PyObject *call_open(PyObject *Py_UNUSED(module), PyObject *function) {
    PyObject *nothing = PyTuple_New(0);
    if (nothing == NULL)
        return NULL;
    point_reopen();
    bool is_c = PyCFunction_Check(function);  // thread.run = items.clear
    bool announced = !is_c || observe_call(function, nothing, NULL) == 0;
    PyObject *answer = announced ? PyObject_CallNoArgs(function) : NULL;
    point_close();
    Py_DECREF(nothing);
    return answer;
}

static PyObject *take_handle(PyObject *Py_UNUSED(module), PyObject *handle) {
    if (join_set_handle(handle) < 0)
        return NULL;
    Py_RETURN_NONE;
}

// In a logical thread: gives the execution up with a sentence.
static PyObject *refuse(PyObject *Py_UNUSED(module), PyObject *sentence) {
    const char *text = PyUnicode_AsUTF8(sentence);
    if (text == NULL || (point_is_open() && point_refuse(text) < 0))
        return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef functions[] = {
    {"_current_thread", tell_current, METH_NOARGS,
     "(number, callable, is a worker) of the calling logical thread, else None."},
    {"_execution", tell_execution, METH_NOARGS,
     "(number of the caller's execution, number of the caller or -1), or None."},
    {"_call_closed", call_closed, METH_O, "Calls a function without scheduling points in it."},
    {"_call_open", call_open, METH_O, "Within a function called closed: calls one that is not."},
    {"_set_handle", take_handle, METH_O, "What others ask whether the caller is over."},
    {"_refuse", refuse, METH_O, "Ends the caller's execution, if it is a logical thread."},
    {0},
};

// ------------------------------------------------------------------------------ exceptions

// What threading does with an exception that left Thread.run.
static PyObject *excepthook_twin(PyObject *self, PyObject *args) {
    int thread = carrier_current();
    if (thread < 0 || runner.phase < RUNNER_STARTING)
        return interpose_call(&excepthook, self, args);
    PyObject *exception = PyObject_GetAttrString(args, "exc_value");
    if (exception == NULL || !PyExceptionInstance_Check(exception)) {
        PyErr_Clear();
        Py_XDECREF(exception);
        return interpose_call(&excepthook, self, args);
    }
    runner_take_exception(thread, exception);
    Py_RETURN_NONE;
}

// ------------------------------------------------------------------------------ Thread objects

PyObject *threads_object_of(PyObject *function) {
    if (thread_class == NULL || !PyMethod_Check(function))
        return NULL;
    PyObject *self = PyMethod_GET_SELF(function);
    return PyType_IsSubtype(Py_TYPE(self), (PyTypeObject *)thread_class) ? self : NULL;
}

bool threads_is_daemon(PyObject *object) {
    PyObject *daemon = PyObject_GetAttrString(object, "_daemonic");
    int is_daemon = daemon != NULL ? PyObject_IsTrue(daemon) : -1;
    Py_XDECREF(daemon);
    if (is_daemon < 0)
        PyErr_Clear();
    return is_daemon == 1;
}

PyObject *threads_start_lock(PyObject *object) {
    static const char *const path[] = {"_started", "_cond", "_lock"};
    PyObject *at = Py_NewRef(object);
    for (size_t i = 0; at != NULL && i < sizeof path / sizeof *path; i++)
        Py_SETREF(at, PyObject_GetAttrString(at, path[i]));
    PyErr_Clear();  // a subclass that is built otherwise
    return at;
}

// The code of a Python function, within methods and partials; NULL without an exception.
static PyObject *code_within(PyObject *callable) {
    PyObject *at = Py_XNewRef(callable);
    while (at != NULL && !PyFunction_Check(at)) {
        if (PyMethod_Check(at))
            Py_SETREF(at, Py_NewRef(PyMethod_GET_FUNCTION(at)));
        else
            Py_SETREF(at, PyObject_GetAttrString(at, "func"));
    }
    PyErr_Clear();
    PyObject *code = at != NULL ? Py_NewRef(PyFunction_GET_CODE(at)) : NULL;
    Py_XDECREF(at);
    return code;
}

PyObject *threads_code_of(PyObject *function, PyObject *object) {
    if (object == NULL)
        return code_within(function);
    PyObject *run = PyObject_GetAttrString((PyObject *)Py_TYPE(object), "run");
    PyObject *plain = PyObject_GetAttrString(thread_class, "run");
    PyObject *target = run == plain ? PyObject_GetAttrString(object, "_target") : Py_XNewRef(run);
    PyErr_Clear();
    PyObject *code = target != NULL ? code_within(target) : NULL;
    Py_XDECREF(run);
    Py_XDECREF(plain);
    Py_XDECREF(target);
    return code;
}

// ------------------------------------------------------------------------------ setup()

int threads_note_outside(PyObject *function) {
    if (runner.thread_count != 0)
        return 0;  // in invariant(): the threads are over
    PyObject *object = threads_object_of(function);
    if (runner.outside == NULL)
        runner.outside = PyList_New(0);
    if (runner.outside == NULL)
        return -1;
    return PyList_Append(runner.outside, object != NULL ? object : function);
}

int threads_check_setup(void) {
    for (Py_ssize_t i = 0; runner.outside != NULL && i < PyList_GET_SIZE(runner.outside); i++) {
        PyObject *started = PyList_GET_ITEM(runner.outside, i);
        PyObject *name = NULL;
        bool alive = true;
        if (PyType_IsSubtype(Py_TYPE(started), (PyTypeObject *)thread_class)) {
            PyObject *answer = PyObject_CallMethod(started, "is_alive", NULL);
            alive = answer == Py_True;
            Py_XDECREF(answer);
            name = alive ? PyObject_GetAttrString(started, "name") : NULL;
        }
        if (PyErr_Occurred())
            return -1;
        if (alive) {
            PyErr_Format(errors_harness,
                         "setup() left a thread running (%S): it is not under control; join it in "
                         "setup(), or start it in one of the threads",
                         name != NULL ? name : started);
            Py_XDECREF(name);
            return -1;
        }
    }
    return 0;
}

// ------------------------------------------------------------------------------ the end

// 1 free, 0 held, -1 with an exception.
static int is_free(PyObject *lock) {
    PyObject *got = PyObject_CallMethod(lock, "acquire", "O", Py_False);
    if (got == NULL)
        return -1;
    int taken = got == Py_True;
    Py_DECREF(got);
    PyObject *answer = taken ? PyObject_CallMethod(lock, "release", NULL) : Py_NewRef(Py_None);
    Py_XDECREF(answer);
    return answer == NULL ? -1 : taken;
}

int threads_check_deadlock(void) {
    if (fr_run_stop(runner.explorer) != FR_STOP_DEADLOCK)
        return 0;
    for (fr_tid t = 0; t < runner.thread_count; t++) {
        PyObject *lock = runner.threads[t].awaited;
        if (lock == NULL || !fr_run_is_blocked(runner.explorer, t))
            continue;
        int freed = is_free(lock);
        if (freed > 0)
            PyErr_SetString(errors_frontrun,
                            "a lock was released behind the scheduler's back: by a thread that is "
                            "not one of the harness's `threads`, or by C code");
        if (freed != 0)
            return -1;
    }
    return 0;
}

PyObject *threads_bootstrap(PyObject *object) {
    point_close();
    PyObject *answer = PyObject_CallMethod(library, "bootstrap", "O", object);
    point_reopen();
    return answer;
}

// Calls a function of the Python half; what it raises is our own mistake, and shown. A new
// reference or NULL.
static PyObject *ask_library(const char *name, PyObject *argument) {
    if (library == NULL)
        return NULL;
    PyObject *error = errors_take();
    PyObject *answer = PyObject_CallMethod(library, name, "O", argument);
    if (answer == NULL)
        PyErr_WriteUnraisable(library);
    if (error != NULL)
        errors_restore(error);
    return answer;
}

void threads_unstart(PyObject *object) {
    if (object != NULL)
        Py_XDECREF(ask_library("unstart", object));
}

void threads_leave(struct runner_thread *thread) {
    if (!thread->known)
        return;
    thread->known = false;
    Py_XDECREF(ask_library("leave", Py_None));
}

bool threads_may_wait(const struct runner_thread *thread) {
    if (thread->daemon)
        return true;
    if (thread->object == NULL || thread->pending == NULL ||
        strcmp(thread->pending->action, "get") != 0)
        return false;
    PyObject *answer = ask_library("is_pool_worker", thread->object);
    bool may = answer == Py_True;
    Py_XDECREF(answer);
    return may;
}

PyObject *threads_names(void) {
    PyObject *names = NULL;
    for (fr_tid t = runner.worker_count; t < runner.thread_count; t++) {
        PyObject *object = runner.threads[t].object;
        PyObject *name = object != NULL ? PyObject_GetAttrString(object, "_name") : NULL;
        PyObject *number = PyLong_FromUnsignedLong(fr_run_number(runner.explorer, t));
        if (name != NULL && names == NULL)
            names = PyDict_New();
        if (name != NULL && number != NULL && names != NULL && PyUnicode_Check(name))
            PyDict_SetItem(names, number, name);
        PyErr_Clear();  // it has its number
        Py_XDECREF(number);
        Py_XDECREF(name);
    }
    return names;
}

void threads_hush(bool hush) {
    if (runner.spawned)
        Py_XDECREF(ask_library("hush", hush ? Py_True : Py_False));
}

void threads_tidy(void) {
    if (!runner.spawned)
        return;
    PyObject *records = PyList_New(0);
    for (uint32_t i = 0; records != NULL && i < runner.thread_count; i++) {
        struct runner_thread *thread = &runner.threads[i];
        PyObject *pair = Py_BuildValue("(OO)", thread->object != NULL ? thread->object : Py_None,
                                       thread->handle != NULL ? thread->handle : Py_None);
        if (pair == NULL || PyList_Append(records, pair) < 0)
            PyErr_Clear();
        Py_XDECREF(pair);
    }
    if (records != NULL)
        Py_XDECREF(ask_library("tidy", records));
    Py_XDECREF(records);
}

// ------------------------------------------------------------------------------ open and close

int threads_open(PyObject *module) {
    PyObject *thread = PyImport_ImportModule("_thread");
    int status = thread != NULL ? interpose_bind(thread, &excepthook, 1) : -1;
    Py_XDECREF(thread);
    return status == 0 ? PyModule_AddFunctions(module, functions) : -1;
}

int threads_enable(void) {
    PyObject *half = PyImport_ImportModule("frontrun._threads");
    PyObject *class = half != NULL ? PyObject_CallMethod(half, "enable", NULL) : NULL;
    if (class == NULL) {
        Py_XDECREF(half);
        return -1;
    }
    library = half;
    thread_class = class;
    interpose_enable(&excepthook, 1);
    return 0;
}

PyObject *threads_foreign_queues(void) {
    PyObject *queues = PyObject_CallMethod(library, "foreign_queues", NULL);
    if (queues != NULL && !PyList_Check(queues)) {
        Py_CLEAR(queues);
        PyErr_SetString(PyExc_TypeError, "foreign_queues() answers a list");
    }
    return queues;
}

void threads_disable(void) {
    if (library == NULL)
        return;
    interpose_disable(&excepthook, 1);
    PyObject *answer = PyObject_CallMethod(library, "disable", NULL);
    if (answer == NULL)
        PyErr_WriteUnraisable(library);
    Py_XDECREF(answer);
    Py_CLEAR(library);
    Py_CLEAR(thread_class);
}
