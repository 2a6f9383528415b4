// Spawn: a thread that the code under test starts becomes a logical thread; a fork is refused.
// SPDX-License-Identifier: Apache-2.0
#include "spawn.h"

#include "carrier.h"
#include "errors.h"
#include "interpose.h"
#include "observe.h"
#include "point.h"
#include "runner.h"
#include "threads.h"

static PyObject *start_new_thread_twin(PyObject *self, PyObject *args);
static PyObject *start_new_twin(PyObject *self, PyObject *args);
static PyObject *start_joinable_thread_twin(PyObject *self, PyObject *args, PyObject *kwargs);
static PyObject *fork_twin(PyObject *self, PyObject *args);
static PyObject *forkpty_twin(PyObject *self, PyObject *args);
#if PY_VERSION_HEX < 0x030c0000
#define FORK_EXEC_FLAGS METH_VARARGS
static PyObject *fork_exec_twin(PyObject *self, PyObject *args);
#else
#define FORK_EXEC_FLAGS METH_FASTCALL
static PyObject *fork_exec_twin(PyObject *self, PyObject *const *args, Py_ssize_t count);
#endif

enum { START_NEW_THREAD, START_NEW, START_JOINABLE_THREAD, THREAD_TWINS };
static struct interpose_twin thread_twins[THREAD_TWINS] = {
    [START_NEW_THREAD] = {.name = "start_new_thread",
                          .flags = METH_VARARGS,
                          .twin = start_new_thread_twin},
    [START_NEW] = {.name = "start_new", .flags = METH_VARARGS, .twin = start_new_twin},
    [START_JOINABLE_THREAD] = {.name = "start_joinable_thread",
                               .flags = METH_VARARGS | METH_KEYWORDS,
                               .twin = INTERPOSE_FUNCTION(start_joinable_thread_twin),
                               .optional = true},
};

enum { FORK, FORKPTY, FORK_TWINS };
static struct interpose_twin fork_twins[FORK_TWINS] = {
    [FORK] = {.name = "fork", .flags = METH_NOARGS, .twin = fork_twin, .optional = true},
    [FORKPTY] = {.name = "forkpty", .flags = METH_NOARGS, .twin = forkpty_twin, .optional = true},
};

static struct interpose_twin fork_exec = {
    .name = "fork_exec", .flags = FORK_EXEC_FLAGS, .twin = INTERPOSE_FUNCTION(fork_exec_twin)};

static PyObject *handle_type;  // _thread._ThreadHandle, or NULL before 3.13

// ------------------------------------------------------------------------------ starting

struct start {
    PyObject *function;
    PyObject *args;    // a tuple
    PyObject *kwargs;  // or NULL
    PyObject *handle;  // or NULL
    bool daemon;
};

// Where its own code begins: the place of its last event, which no line has.
static const struct place *end_place(PyObject *function, PyObject *object) {
    PyObject *code = threads_code_of(function, object);
    if (code == NULL)
        return place_of_caller("exit", NULL);
    int line = ((PyCodeObject *)code)->co_firstlineno;
    const struct place *place = place_intern((PyCodeObject *)code, line, "exit", NULL);
    Py_DECREF(code);
    return place;
}

static struct runner_thread make_record(const struct start *start, PyObject *object) {
    return (struct runner_thread){
        .callable = Py_NewRef(start->function),
        .args = Py_NewRef(start->args),
        .kwargs = Py_XNewRef(start->kwargs),
        .handle = Py_XNewRef(start->handle),
        .object = Py_XNewRef(object),
        .start_lock = object != NULL ? threads_start_lock(object) : NULL,
        .daemon = start->daemon,
        .starter = FR_TID_NONE,
    };
}

// The new thread runs to its first operation before this returns. -1 with an exception.
static int start_thread(const struct start *start) {
    if (runner_is_aborting()) {
        PyErr_SetNone(errors_abort);
        return -1;
    }
    PyObject *object = threads_object_of(start->function);
    fr_tid self = (fr_tid)carrier_current();
    fr_tid child;
    point_close();
    struct point_op op = {.kind = FR_OP_SPAWN, .place = place_of_caller("spawn", NULL)};
    const struct place *end = op.place != NULL ? end_place(start->function, object) : NULL;
    point_reopen();
    if (end == NULL)
        return -1;
    enum fr_status status = fr_run_child(runner.explorer, self, &child);
    if (status != FR_OK)
        return point_give_up(status);
    op.target = child;
    if (point_pass(&op) < 0)
        return -1;
    status = fr_run_enter(runner.explorer, self, &child);
    if (status == FR_OK && start->daemon)
        status = fr_run_excuse(runner.explorer, child);
    if (status != FR_OK)
        return point_give_up(status);
    point_close();
    struct runner_thread record = make_record(start, object);
    point_reopen();
    record.exit_place = end;
    runner_add_thread(child, record);
    runner.spawned = true;
    if (carrier_start((int)child, runner_run_thread, NULL) < 0)
        return point_give_up(FR_HOST);
    runner.threads[child].started = true;
    return point_lend(child);
}

// Is the calling thread under control? -1 with an exception: it must not start a thread now.
static int is_controlled(PyObject *function) {
    if (point_is_open())
        return 1;
    int caller = carrier_current();
    if (caller >= 0 && runner.phase >= RUNNER_STARTING) {
        PyErr_SetString(errors_frontrun,
                        "a module starts a thread while it is being imported inside of a thread of "
                        "the harness; import it at the top of the harness");
        runner_give_up(FR_HOST);
        threads_unstart(threads_object_of(function));
        PyErr_SetNone(errors_abort);
        return -1;
    }
    if (caller == CARRIER_CONTROLLER && runner.phase == RUNNER_OUTSIDE)
        return threads_note_outside(function) < 0 ? -1 : 0;
    return 0;
}

// The original has not seen the arguments: what it would refuse is refused in its words.
static int check_arguments(PyObject *function, PyObject *args, PyObject *kwargs) {
    if (!PyCallable_Check(function))
        PyErr_SetString(PyExc_TypeError, "first arg must be callable");
    else if (!PyTuple_Check(args))
        PyErr_SetString(PyExc_TypeError, "2nd arg must be a tuple");
    else if (kwargs != NULL && !PyDict_Check(kwargs))
        PyErr_SetString(PyExc_TypeError, "optional 3rd arg must be a dictionary");
    else
        return 0;
    return -1;
}

static PyObject *start_plain(const struct interpose_twin *twin, PyObject *self, PyObject *args) {
    PyObject *function = PyTuple_GET_SIZE(args) > 0 ? PyTuple_GET_ITEM(args, 0) : Py_None;
    int controlled = is_controlled(function);
    if (controlled <= 0)
        return controlled < 0 ? NULL : interpose_call(twin, self, args);
    struct start start = {.daemon = true};  // nobody waits for its end
    if (!PyArg_UnpackTuple(args, "start_new_thread", 2, 3, &start.function, &start.args,
                           &start.kwargs) ||
        check_arguments(start.function, start.args, start.kwargs) < 0)
        return NULL;
    PyObject *object = threads_object_of(start.function);
    if (object != NULL)
        start.daemon = threads_is_daemon(object);
    if (start_thread(&start) < 0) {
        threads_unstart(object);
        return NULL;
    }
    return PyLong_FromUnsignedLong(PyThread_get_thread_ident());
}

static PyObject *start_new_thread_twin(PyObject *self, PyObject *args) {
    return start_plain(&thread_twins[START_NEW_THREAD], self, args);
}

static PyObject *start_new_twin(PyObject *self, PyObject *args) {
    return start_plain(&thread_twins[START_NEW], self, args);
}

static PyObject *start_joinable_thread_twin(PyObject *self, PyObject *args, PyObject *kwargs) {
    static char *names[] = {"function", "handle", "daemon", NULL};
    PyObject *function = PyTuple_GET_SIZE(args) > 0 ? PyTuple_GET_ITEM(args, 0) : Py_None;
    int controlled = is_controlled(function);
    if (controlled < 0)
        return NULL;
    if (controlled == 0)
        return interpose_call_keywords(&thread_twins[START_JOINABLE_THREAD], self, args, kwargs);
    PyObject *handle = Py_None;
    int daemon = 1;
    PyObject *nothing = PyTuple_New(0);
    struct start start = {.args = nothing};
    if (nothing == NULL ||
        !PyArg_ParseTupleAndKeywords(args, kwargs, "O|Op:start_joinable_thread", names,
                                     &start.function, &handle, &daemon) ||
        check_arguments(start.function, nothing, NULL) < 0) {
        Py_XDECREF(nothing);
        return NULL;
    }
    handle = handle == Py_None ? PyObject_CallNoArgs(handle_type) : Py_NewRef(handle);
    start.handle = handle;
    start.daemon = daemon;
    if (handle != NULL && start_thread(&start) < 0) {
        threads_unstart(threads_object_of(start.function));
        Py_CLEAR(handle);
    }
    Py_DECREF(nothing);
    return handle;
}

// ------------------------------------------------------------------------------ processes

static PyObject *refuse_fork(void) {
    point_refuse("the code under test forks the process; a fork cannot be explored");
    return NULL;
}

static PyObject *fork_twin(PyObject *self, PyObject *args) {
    return point_is_open() ? refuse_fork() : interpose_call(&fork_twins[FORK], self, args);
}

static PyObject *forkpty_twin(PyObject *self, PyObject *args) {
    return point_is_open() ? refuse_fork() : interpose_call(&fork_twins[FORKPTY], self, args);
}

static PyObject *refuse_process(void) {
    point_refuse("the code under test starts another process (subprocess); what that does cannot "
                 "be explored");
    return NULL;
}

#if PY_VERSION_HEX < 0x030c0000

static PyObject *fork_exec_twin(PyObject *self, PyObject *args) {
    return point_is_open() ? refuse_process() : interpose_call(&fork_exec, self, args);
}

#else

static PyObject *fork_exec_twin(PyObject *self, PyObject *const *args, Py_ssize_t count) {
    if (point_is_open())
        return refuse_process();
    return ((interpose_fastcall)(void (*)(void))fork_exec.original)(self, args, count);
}

#endif

// ------------------------------------------------------------------------------ in place

static int bind_module(const char *name, struct interpose_twin *twins, size_t count) {
    PyObject *module = PyImport_ImportModule(name);
    int status = module != NULL ? interpose_bind(module, twins, count) : -1;
    Py_XDECREF(module);
    return status;
}

int spawn_open(void) {
    if (bind_module("_thread", thread_twins, THREAD_TWINS) < 0 ||
        bind_module("posix", fork_twins, FORK_TWINS) < 0 ||
        bind_module("_posixsubprocess", &fork_exec, 1) < 0)
        return -1;
    if (thread_twins[START_JOINABLE_THREAD].method == NULL)
        return 0;
    PyObject *module = PyImport_ImportModule("_thread");
    handle_type = module != NULL ? PyObject_GetAttrString(module, "_ThreadHandle") : NULL;
    Py_XDECREF(module);
    return handle_type != NULL ? 0 : -1;
}

void spawn_enable(void) {
    interpose_enable(thread_twins, THREAD_TWINS);
    interpose_enable(fork_twins, FORK_TWINS);
    interpose_enable(&fork_exec, 1);
}

void spawn_disable(void) {
    interpose_disable(thread_twins, THREAD_TWINS);
    interpose_disable(fork_twins, FORK_TWINS);
    interpose_disable(&fork_exec, 1);
}
