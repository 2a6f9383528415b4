// Carriers: the turn, the pools and the life of thread states, whatever kind of carrier is in use.
// SPDX-License-Identifier: Apache-2.0
#include "carrier_ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INITIAL_EXEC __attribute__((tls_model("initial-exec")))

static const struct carrier_ops *const kinds[] = {&carrier_thread_ops, &carrier_fiber_ops};
enum { KINDS = sizeof kinds / sizeof kinds[0], KIND_ANYWHERE = 0, KIND_DEFAULT = 1 };

static struct {
    _Atomic int kind;
    _Atomic bool open;
    bool detached;  // the controller, after carrier_handoff did not answer CARRIER_BACK
    int seized;     // who had the turn when it was seized, else CARRIER_FOREIGN
    bool prepared;  // once per process
    unsigned forks;
    PyInterpreterState *interpreter;
    PyInterpreterState *only_interpreter;  // the same, if there is none before it; or NULL
    PyThreadState *controller_state;       // while detached
    PyObject *stopper;                     // exception class that stops a retired thread
    struct carrier controller;
    struct carrier *_Atomic pools[KINDS][CARRIER_COUNT_MAX];
    _Atomic uint64_t turn;  // a ticket
    _Atomic uint64_t progress;
} room = {.seized = CARRIER_FOREIGN, .controller = {.index = CARRIER_CONTROLLER}};

// Each OS thread's own; a fiber's too, as thread-local storage goes with the fiber.
static _Thread_local _Atomic int current INITIAL_EXEC = CARRIER_FOREIGN;
static _Thread_local struct carrier *self INITIAL_EXEC;

// ------------------------------------------------------------------------------ the turn

static uint64_t ticket(const struct carrier *carrier) {
    uint64_t epoch = atomic_load_explicit(&carrier->epoch, memory_order_relaxed);
    return epoch << 32 | (uint32_t)carrier->index;
}

static int holder(uint64_t turn) {
    return (int)(int32_t)(uint32_t)turn;
}

bool carrier_has_turn(const struct carrier *carrier) {
    return atomic_load(&room.turn) == ticket(carrier);
}

bool carrier_pass(struct carrier *from, struct carrier *to) {
    uint64_t mine = ticket(from);
    return atomic_compare_exchange_strong(&room.turn, &mine, ticket(to));
}

bool carrier_seize(uint64_t progress) {
    uint64_t turn = atomic_load(&room.turn);
    if (holder(turn) < 0 || carrier_progress() != progress)
        return false;
    // The controller waits, so nobody else changes its epoch.
    uint64_t epoch = atomic_load(&room.controller.epoch) + 1;
    if (!atomic_compare_exchange_strong(&room.turn, &turn,
                                        epoch << 32 | (uint32_t)CARRIER_CONTROLLER))
        return false;
    atomic_store(&room.controller.epoch, (uint32_t)epoch);
    room.seized = holder(turn);
    return true;
}

struct carrier *carrier_running(void) {
    int index = holder(atomic_load(&room.turn));
    return room.open && index >= 0 ? atomic_load(&room.pools[room.kind][index]) : NULL;
}

uint64_t carrier_progress(void) {
    return atomic_load(&room.progress);
}

// Only the holder of the turn writes, so the increment need not be atomic.
void carrier_beat(void) {
    uint64_t progress = atomic_load_explicit(&room.progress, memory_order_relaxed);
    atomic_store_explicit(&room.progress, progress + 1, memory_order_relaxed);
}

int carrier_current_main(void) {
    int index = atomic_load_explicit(&current, memory_order_relaxed);
    if (__builtin_expect(index == CARRIER_RETIRED, false))
        carrier_park(true);
    return index;
}

int carrier_current(void) {
    int index = carrier_current_main();
    // In a subinterpreter nothing is observed, and no table of the main one may be used. The head
    // is the youngest interpreter: mostly there is no other.
    if (index >= 0 && PyInterpreterState_Head() != room.only_interpreter &&
        PyInterpreterState_Get() != room.interpreter)
        return CARRIER_FOREIGN;
    return index;
}

static struct carrier *find(int index) {
    if (index == CARRIER_CONTROLLER)
        return &room.controller;
    CARRIER_ASSERT(index >= 0 && index < CARRIER_COUNT_MAX);
    struct carrier *carrier =
        atomic_load_explicit(&room.pools[room.kind][index], memory_order_relaxed);
    CARRIER_ASSERT(carrier && carrier->busy);
    return carrier;
}

static enum carrier_answer come_back(PyThreadState *state, int answer) {
    if (answer != CARRIER_BACK) {
        room.controller_state = state;
        room.detached = true;
        return (enum carrier_answer)answer;
    }
    PyEval_RestoreThread(state);
    if (self == &room.controller && carrier_interrupt_unheeded()) {
        carrier_interrupt_settle(NULL, 0, room.stopper);
        carrier_interrupt_heed();
    }
    return CARRIER_BACK;
}

enum carrier_answer carrier_handoff(int to) {
    int index = carrier_current();  // first of all: a retired thread stops here
    CARRIER_ASSERT(index != CARRIER_FOREIGN && index != to && room.open);
    struct carrier *me = self, *next = find(to);
    CARRIER_ASSERT(me != &room.controller || !room.detached);
    carrier_beat();
    PyThreadState *state = PyEval_SaveThread();
    return come_back(state, kinds[room.kind]->handoff(me, next));
}

// ------------------------------------------------------------------------------ setting aside

static void attach(void) {
    carrier_watchdog_reclaim(true);
    PyEval_RestoreThread(room.controller_state);
    carrier_watchdog_reclaim(false);
    room.detached = false;
}

int carrier_set_aside(void) {
    CARRIER_ASSERT(self == &room.controller && room.detached && kinds[room.kind]->sleeper);
    // With the GIL: who has the turn does nothing with it meanwhile, or has made progress.
    attach();
    struct carrier *sleeper = kinds[room.kind]->sleeper();
    if (sleeper && carrier_pass(sleeper, &room.controller))
        return sleeper->index;
    room.controller_state = PyEval_SaveThread();
    room.detached = true;
    return CARRIER_FOREIGN;
}

enum carrier_answer carrier_wait(void) {
    CARRIER_ASSERT(self == &room.controller && room.detached && kinds[room.kind]->wait);
    room.detached = false;
    return come_back(room.controller_state, kinds[room.kind]->wait(self));
}

void carrier_return(void) {
    CARRIER_ASSERT(carrier_current() >= 0 && kinds[room.kind]->wait);
    struct carrier *me = self;
    carrier_beat();  // it has come this far: whoever is asleep gets his patience anew
    PyThreadState *state = PyEval_SaveThread();
    kinds[room.kind]->wait(me);
    PyEval_RestoreThread(state);
}

PyThreadState *carrier_state(int index) {
    return find(index)->state;
}

// ------------------------------------------------------------------------------ one body

void carrier_adopt(struct carrier *carrier) {
    self = carrier;
    atomic_store(&current, carrier->index);
    carrier->identity = &current;
}

_Noreturn void carrier_park(bool attached) {
    if (attached)
        PyEval_SaveThread();
    for (;;)
        pause();
}

_Noreturn void carrier_bug(const char *what, const char *file, int line) {
    fprintf(stderr, "%s:%d: frontrun: internal error: %s\n", file, line, what);
    abort();
}

// Answers who is next. Leaves the calling thread without a thread state.
static struct carrier *run_body(struct carrier *me) {
    carrier_state_begin(me, room.interpreter);
    atomic_store_explicit(&me->ident, PyThread_get_thread_ident(), memory_order_relaxed);
    unsigned forks = room.forks;
    int to = me->body(me->argument, me->index);
    // The child of a fork inside the body: this is its only thread, and it is over.
    if (room.forks != forks)
        _exit(EXIT_SUCCESS);
    carrier_current();
    CARRIER_ASSERT(!PyErr_Occurred());
    // Destructors of thread-local objects are no part of the logical thread.
    atomic_store_explicit(&current, CARRIER_FOREIGN, memory_order_relaxed);
    PyThreadState_Clear(me->state);
    carrier_current();
    struct carrier *next = find(to);
    CARRIER_ASSERT(next != me);
    me->busy = false;
    atomic_store_explicit(&me->ident, 0, memory_order_relaxed);
    atomic_store_explicit(&current, me->index, memory_order_relaxed);
    carrier_beat();
    carrier_state_end(me);
    return next;
}

_Noreturn void carrier_live(struct carrier *me) {
    for (;;)
        kinds[room.kind]->handoff(me, run_body(me));
}

int carrier_start(int index, carrier_body body, void *argument) {
    CARRIER_ASSERT(carrier_current() != CARRIER_FOREIGN && room.open);
    if (index < 0 || index >= CARRIER_COUNT_MAX) {
        PyErr_Format(PyExc_RuntimeError, "too many threads in one execution (at most %d)",
                     CARRIER_COUNT_MAX);
        return -1;
    }
    struct carrier *carrier = atomic_load(&room.pools[room.kind][index]);
    if (!carrier) {
        carrier = calloc(1, sizeof *carrier);
        if (!carrier) {
            PyErr_NoMemory();
            return -1;
        }
        carrier->index = index;
        int error = kinds[room.kind]->spawn(carrier);
        if (error) {
            free(carrier);
            PyErr_Format(PyExc_RuntimeError, "cannot start a thread: %s", strerror(error));
            return -1;
        }
        atomic_store(&room.pools[room.kind][index], carrier);
    }
    CARRIER_ASSERT(!carrier->busy);
    carrier->body = body;
    carrier->argument = argument;
    carrier->busy = true;
    atomic_store(&carrier->epoch, atomic_load(&room.controller.epoch));
    return 0;
}

// ------------------------------------------------------------------------------ giving up

// Making an instance stops a retired thread for good. Raised asynchronously in one it does so
// before any `finally` or `except` of the tested program runs.
static PyObject *stop_here(PyTypeObject *type, PyObject *args, PyObject *kwargs) {
    carrier_current();
    return ((PyTypeObject *)PyExc_BaseException)->tp_new(type, args, kwargs);
}

static PyObject *new_stopper(void) {
    PyType_Slot slots[] = {{Py_tp_new, (void *)(uintptr_t)stop_here}, {0, NULL}};
    PyType_Spec spec = {
        .name = "frontrun._core.Retired",
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
        .slots = slots,
    };
    PyObject *bases = PyTuple_Pack(1, PyExc_BaseException);
    PyObject *type = bases ? PyType_FromSpecWithBases(&spec, bases) : NULL;
    Py_XDECREF(bases);
    return type;
}

#if PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030C0000

static int stop_at_event(PyObject *Py_UNUSED(object), PyFrameObject *Py_UNUSED(frame),
                         int Py_UNUSED(what), PyObject *Py_UNUSED(argument)) {
    carrier_current();
    return 0;
}

// 3.11 cannot have the stopper wait in a blocked thread (carrier_interrupt.c): its next trace event
// stops it instead, if observation has tracing on in it.
static void stop_when_traced(PyThreadState *state) {
    if (state->c_tracefunc)
        state->c_tracefunc = stop_at_event;
}

#else

static void stop_when_traced(PyThreadState *Py_UNUSED(state)) {}

#endif

// Answers the thread's ident, 0: it runs no Python code.
static unsigned long retire(struct carrier *carrier) {
    atomic_store(carrier->identity, CARRIER_RETIRED);
    unsigned long ident = atomic_load(&carrier->ident);
    if (ident && PyThreadState_SetAsyncExc(ident, room.stopper))
        stop_when_traced(carrier->state);
    return ident;
}

int carrier_abandon(void) {
    CARRIER_ASSERT(self == &room.controller);
    if (room.detached)
        attach();
    // Attached: whoever else runs cannot move the turn now, and afterwards has the wrong epoch.
    atomic_fetch_add(&room.controller.epoch, 1);
    int last = holder(atomic_exchange(&room.turn, ticket(&room.controller)));
    if (room.seized != CARRIER_FOREIGN)
        last = room.seized;
    room.seized = CARRIER_FOREIGN;
    unsigned long idents[CARRIER_COUNT_MAX];
    int retired = 0, stopped = 0;
    for (int i = 0; i < CARRIER_COUNT_MAX; i++) {
        struct carrier *carrier = atomic_load(&room.pools[room.kind][i]);
        if (!carrier || (!carrier->busy && i != last))
            continue;
        carrier->busy = false;
        if (i != last && !atomic_load(&carrier->ident))
            continue;  // parked at the start
        atomic_store(&room.pools[room.kind][i], NULL);
        idents[stopped] = retire(carrier);
        stopped += idents[stopped] != 0;
        retired++;
    }
    carrier_interrupt_settle(idents, stopped, room.stopper);
    carrier_interrupt_heed();
    return retired;
}

// ------------------------------------------------------------------------------ open and close

// In the child of a fork, whose only thread is the caller: no pool, nobody's turn.
static void forget(void) {
    room.forks++;
    memset((void *)room.pools, 0, sizeof room.pools);
    atomic_store(&current, CARRIER_FOREIGN);
    self = NULL;
    carrier_watchdog_forget();
    if (room.open) {
        carrier_interrupt_close();
        kinds[room.kind]->close();
    }
    room.open = false;
    room.detached = false;
}

static int prepare(void) {
    if (room.prepared)
        return 0;
    room.stopper = new_stopper();
    if (!room.stopper)
        return -1;
    if (pthread_atfork(NULL, NULL, forget)) {
        Py_CLEAR(room.stopper);
        PyErr_NoMemory();
        return -1;
    }
    carrier_chunks_install();
    carrier_state_prepare(PyInterpreterState_Get());
    room.prepared = true;
    return 0;
}

// -1: no such name. One that this machine cannot do is replaced by the one that works anywhere.
static int choose(const char *name) {
    if (!name)
        name = getenv("FRONTRUN_CARRIER");
    int chosen = -1;
    if (!name || !*name)
        chosen = KIND_DEFAULT;
    for (int kind = 0; kind < KINDS && chosen < 0; kind++)
        if (!strcmp(name, kinds[kind]->name))
            chosen = kind;
    return chosen < 0 || kinds[chosen]->available() ? chosen : KIND_ANYWHERE;
}

const char *carrier_name(void) {
    int kind = room.open ? room.kind : choose(NULL);
    return kinds[kind < 0 ? KIND_ANYWHERE : kind]->name;
}

int carrier_open(const char *name) {
    if (room.open || carrier_current() != CARRIER_FOREIGN) {
        PyErr_SetString(PyExc_RuntimeError, "an exploration is already running in this process");
        return -1;
    }
    int kind = choose(name);
    if (kind < 0) {
        PyErr_SetString(PyExc_ValueError, name ? "a carrier is \"thread\" or \"fiber\""
                                               : "FRONTRUN_CARRIER must be thread or fiber");
        return -1;
    }
    if (prepare())
        return -1;
    int error = carrier_watchdog_open(kinds[kind]);
    if (error) {
        PyErr_Format(PyExc_RuntimeError, "cannot start a thread: %s", strerror(error));
        return -1;
    }
    room.kind = kind;
    room.interpreter = PyThreadState_GetInterpreter(PyThreadState_Get());
    bool is_eldest = PyInterpreterState_Next(room.interpreter) == NULL;
    room.only_interpreter = is_eldest ? room.interpreter : NULL;
    carrier_adopt(&room.controller);
    // A pooled thread of the other kind that wakes late must not take a turn of its index for its.
    atomic_fetch_add(&room.controller.epoch, 1);
    atomic_store(&room.turn, ticket(&room.controller));
    carrier_interrupt_open();
    kinds[kind]->open(&room.controller, room.pools[kind]);
    room.open = true;
    return 0;
}

void carrier_close(void) {
    CARRIER_ASSERT(room.open && self == &room.controller && !room.detached);
    room.open = false;
    carrier_watchdog_close();
    kinds[room.kind]->close();
    carrier_interrupt_close();
    self = NULL;
    atomic_store(&current, CARRIER_FOREIGN);
}
