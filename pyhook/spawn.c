// Spawn: refuses what would start threads or processes behind the engine's back.
// SPDX-License-Identifier: Apache-2.0
#include "spawn.h"

#include "interpose.h"
#include "point.h"

static PyObject *start_new_thread_twin(PyObject *self, PyObject *args);
static PyObject *start_new_twin(PyObject *self, PyObject *args);
static PyObject *start_joinable_thread_twin(PyObject *self, PyObject *args, PyObject *kwargs);
static PyObject *fork_twin(PyObject *self, PyObject *args);
static PyObject *forkpty_twin(PyObject *self, PyObject *args);

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

static PyObject *refuse_thread(void) {
    point_refuse("threads started by the code under test are not supported yet; give them as "
                 "`threads` of the harness");
    return NULL;
}

static PyObject *refuse_fork(void) {
    point_refuse("the code under test forks the process; a fork cannot be explored");
    return NULL;
}

static PyObject *start_new_thread_twin(PyObject *self, PyObject *args) {
    if (point_is_open())
        return refuse_thread();
    return interpose_call(&thread_twins[START_NEW_THREAD], self, args);
}

static PyObject *start_new_twin(PyObject *self, PyObject *args) {
    if (point_is_open())
        return refuse_thread();
    return interpose_call(&thread_twins[START_NEW], self, args);
}

static PyObject *start_joinable_thread_twin(PyObject *self, PyObject *args, PyObject *kwargs) {
    if (point_is_open())
        return refuse_thread();
    return interpose_call_keywords(&thread_twins[START_JOINABLE_THREAD], self, args, kwargs);
}

static PyObject *fork_twin(PyObject *self, PyObject *args) {
    return point_is_open() ? refuse_fork() : interpose_call(&fork_twins[FORK], self, args);
}

static PyObject *forkpty_twin(PyObject *self, PyObject *args) {
    return point_is_open() ? refuse_fork() : interpose_call(&fork_twins[FORKPTY], self, args);
}

static int bind_module(const char *name, struct interpose_twin *twins, size_t count) {
    PyObject *module = PyImport_ImportModule(name);
    int status = module != NULL ? interpose_bind(module, twins, count) : -1;
    Py_XDECREF(module);
    return status;
}

int spawn_open(void) {
    if (bind_module("_thread", thread_twins, THREAD_TWINS) < 0)
        return -1;
    return bind_module("posix", fork_twins, FORK_TWINS);
}

void spawn_enable(void) {
    interpose_enable(thread_twins, THREAD_TWINS);
    interpose_enable(fork_twins, FORK_TWINS);
}

void spawn_disable(void) {
    interpose_disable(thread_twins, THREAD_TWINS);
    interpose_disable(fork_twins, FORK_TWINS);
}
