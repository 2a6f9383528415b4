// Interrupt: notices Ctrl-C while logical threads run, none of which would answer to it.
// SPDX-License-Identifier: Apache-2.0
//
// Python runs signal handlers in the main thread only, and the main thread waits for its turn. So a
// handler in front of Python's notes the signal: the next point gives the execution up, and a
// thread that passes no point is stopped by an asynchronous KeyboardInterrupt.
#include "carrier_ops.h"

#include <errno.h>
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static struct {
    struct sigaction below;  // what was installed before
    bool installed;
    bool main_known;
    pthread_t main_thread;
    _Atomic int arrived;   // not yet told to the caller of carrier_interrupted
    _Atomic int unheeded;  // the controller did not come back since
    _Atomic int raising;   // a helper thread is at work
    _Atomic int raised;    // it raised, and nobody looked since
    uint64_t progress;     // for the helper thread
} interrupt;

static void note(int number, siginfo_t *info, void *context) {
    if (interrupt.below.sa_flags & SA_SIGINFO)
        interrupt.below.sa_sigaction(number, info, context);
    else
        interrupt.below.sa_handler(number);
    // Last: this may be another kernel thread than the one that looks, and who sees the note must
    // find Python's own, or one Ctrl-C would be raised twice.
    atomic_store(&interrupt.arrived, 1);
    atomic_store(&interrupt.unheeded, 1);
    int error = errno;
    carrier_watchdog_rouse();
    errno = error;
}

// By identity: after a rescue (carrier_fiber.c) the main thread is no longer the first kernel
// thread.
static bool is_main(void) {
    if (getpid() == syscall(SYS_gettid)) {
        interrupt.main_thread = pthread_self();
        interrupt.main_known = true;
    }
    return interrupt.main_known && pthread_equal(interrupt.main_thread, pthread_self());
}

void carrier_interrupt_open(void) {
    atomic_store(&interrupt.arrived, 0);
    atomic_store(&interrupt.unheeded, 0);
    interrupt.installed = false;
    struct sigaction ours;
    if (!is_main() || sigaction(SIGINT, NULL, &ours))
        return;
    if ((ours.sa_flags & SA_SIGINFO) && ours.sa_sigaction == note) {
        interrupt.installed = true;
        return;
    }
    interrupt.below = ours;
    // Nobody handles it: it kills the process, or does nothing; both are right.
    if (!(interrupt.below.sa_flags & SA_SIGINFO) &&
        (interrupt.below.sa_handler == SIG_DFL || interrupt.below.sa_handler == SIG_IGN))
        return;
    ours.sa_flags |= SA_SIGINFO;
    ours.sa_sigaction = note;
    interrupt.installed = sigaction(SIGINT, &ours, NULL) == 0;
}

void carrier_interrupt_close(void) {
    struct sigaction now;
    // The tested program may have installed its own in between: that one stays.
    if (interrupt.installed && !sigaction(SIGINT, NULL, &now) && (now.sa_flags & SA_SIGINFO) &&
        now.sa_sigaction == note)
        sigaction(SIGINT, &interrupt.below, NULL);
    interrupt.installed = false;
}

int carrier_interrupted(void) {
    if (!atomic_load_explicit(&interrupt.arrived, memory_order_relaxed))
        return 0;
    return atomic_exchange(&interrupt.arrived, 0);
}

// ------------------------------------------------------------------------------ before 3.13
//
// Before 3.13 all threads share the flag "somebody has an asynchronous exception", which goes down
// only when somebody receives one. A retired thread may never run again, and the flag slows down
// every loop. On 3.11 it does worse: a traced function that starts goes round in circles until the
// flag is down. There none may be left waiting, as its thread raises the flag again whenever it
// takes the GIL.

#if PY_VERSION_HEX < 0x030D0000
#define RECEIVING_NANOSECONDS 20000000  // four times Python's switch interval

#if PY_VERSION_HEX >= 0x030B0000 && PY_VERSION_HEX < 0x030C0000
static void take_back(const unsigned long *idents, int count) {
    // Whoever runs Python code receives his meanwhile.
    Py_BEGIN_ALLOW_THREADS;
    nanosleep(&(struct timespec){.tv_nsec = RECEIVING_NANOSECONDS}, NULL);
    Py_END_ALLOW_THREADS;
    for (int i = 0; i < count; i++)
        PyThreadState_SetAsyncExc(idents[i], NULL);
}
#else
static void take_back(const unsigned long *Py_UNUSED(idents), int Py_UNUSED(count)) {}
#endif

// The controller receives one, too.
static void lower_flag(PyObject *exception) {
    PyObject *names = PyDict_New();
    if (names)
        PyThreadState_SetAsyncExc(PyThread_get_thread_ident(), exception);
    bool received = !names;
    bool interrupted = false;
    for (int tries = 0; !received && tries < 3; tries++) {
        Py_XDECREF(PyRun_String("for n in range(1000): pass", Py_file_input, names, names));
        received = PyErr_Occurred() && PyErr_ExceptionMatches(exception);
        interrupted |= PyErr_Occurred() && !received;  // Ctrl-C comes first
        PyErr_Clear();
    }
    Py_XDECREF(names);
    if (interrupted)
        PyErr_SetInterrupt();
}

void carrier_interrupt_settle(const unsigned long *idents, int count, PyObject *exception) {
    if (!atomic_exchange(&interrupt.raised, 0) && count == 0)
        return;
    take_back(idents, count);
    lower_flag(exception);
}

#else

void carrier_interrupt_settle(const unsigned long *Py_UNUSED(idents), int Py_UNUSED(count),
                              PyObject *Py_UNUSED(exception)) {}

#endif

void carrier_interrupt_heed(void) {
    if (atomic_load_explicit(&interrupt.unheeded, memory_order_relaxed))
        atomic_store(&interrupt.unheeded, 0);
}

bool carrier_interrupt_unheeded(void) {
    return atomic_load(&interrupt.unheeded);
}

static void *raise_in_running(void *Py_UNUSED(argument)) {
    PyGILState_STATE state = PyGILState_Ensure();
    struct carrier *running = carrier_running();
    if (running && carrier_progress() == interrupt.progress) {
        unsigned long ident = atomic_load(&running->ident);
        if (ident && PyThreadState_SetAsyncExc(ident, PyExc_KeyboardInterrupt))
            atomic_store(&interrupt.raised, 1);
    }
    PyGILState_Release(state);
    atomic_store(&interrupt.raising, 0);
    return NULL;
}

// A thread of its own, since the GIL may be held for ever and the watchdog must go on watching.
void carrier_interrupt_raise(uint64_t progress) {
    if (atomic_exchange(&interrupt.raising, 1))
        return;
    interrupt.progress = progress;
    pthread_t helper;
    if (pthread_create(&helper, NULL, raise_in_running, NULL))
        atomic_store(&interrupt.raising, 0);
    else
        pthread_detach(helper);
}
