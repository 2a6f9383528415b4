// Interrupt: notices Ctrl-C while logical threads run, none of which would answer to it.
// SPDX-License-Identifier: Apache-2.0
//
// Python runs signal handlers in the main thread only, and the main thread waits for its turn. So a
// handler in front of Python's notes the signal: the next point gives the execution up, and a
// thread that passes no point is stopped by an asynchronous KeyboardInterrupt.
#include "carrier_ops.h"

#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
    struct sigaction below;  // what was installed before
    bool installed;
    bool main_known;
    pthread_t main_thread;
    _Atomic int arrived;   // not yet told to the caller of carrier_interrupted
    _Atomic int unheeded;  // the controller did not come back since
    _Atomic int raising;   // a helper thread is at work
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
        if (ident)
            PyThreadState_SetAsyncExc(ident, PyExc_KeyboardInterrupt);
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
