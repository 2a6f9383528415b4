// Watchdog: an OS thread that notices when the thread with the turn passes no point for too long.
// SPDX-License-Identifier: Apache-2.0
#include "carrier_futex.h"
#include "carrier_ops.h"

#include <signal.h>
#include <string.h>

#define NANOSECONDS 1000000000LL
#define SECONDS_DEFAULT 10
#define SECONDS_MAX 1e6
#define TICK_MAX (NANOSECONDS / 4)
#define TICK_MIN (NANOSECONDS / 1000)
// After Ctrl-C: this long without progress, and KeyboardInterrupt is raised in the thread; ...
#define INTERRUPT_PATIENCE NANOSECONDS
#define INTERRUPT_DEADLINE (3 * NANOSECONDS)  // ... this long, and it counts as blocked.

static struct {
    _Atomic int64_t limit;     // nanoseconds without progress
    _Atomic uint32_t open;     // futex word: 0 sends the thread to sleep
    _Atomic int64_t patience;  // nanoseconds of sleep in the kernel; 0: any
    _Atomic bool reclaiming;   // the controller waits for the GIL by force
    const struct carrier_ops *_Atomic kind;
    bool exists;
    pthread_t thread;
} watchdog = {.limit = SECONDS_DEFAULT * NANOSECONDS};

// What the thread saw last.
struct sight {
    uint64_t progress;
    int64_t since;
    int64_t interrupted;  // when KeyboardInterrupt was last raised
    int64_t asked;        // when Ctrl-C was first seen, 0: not yet
    bool sleeps;          // the one with the turn, ...
    uint64_t switches;    // ... which had gone to sleep so often ...
    int64_t asleep;       // ... since at least then
};

static int64_t now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (int64_t)time.tv_sec * NANOSECONDS + time.tv_nsec;
}

void carrier_watchdog_give_up(const char *sentence) {
    ssize_t ignored = write(STDERR_FILENO, sentence, strlen(sentence));
    (void)ignored;
    _exit(CARRIER_EXIT_STUCK);
}

// Nobody makes progress: does the one with the turn sleep?
static void look_for_sleep(struct sight *last, int64_t time) {
    int64_t patience = atomic_load(&watchdog.patience);
    const struct carrier_ops *kind = atomic_load(&watchdog.kind);
    struct carrier *running = carrier_running();
    if (patience == 0 || kind->slept == NULL || running == NULL)
        return;
    uint64_t switches = 0;
    bool sleeps = carrier_sleeps(atomic_load(&running->kernel_thread), &switches);
    if (!sleeps || !last->sleeps || switches != last->switches) {
        last->sleeps = sleeps;
        last->switches = switches;
        last->asleep = time;
    } else if (time - last->asleep >= patience) {
        kind->slept(last->progress, switches);
    }
}

static void look(struct sight *last, int64_t time) {
    uint64_t progress = carrier_progress();
    bool reclaiming = atomic_load(&watchdog.reclaiming);
    if (progress != last->progress || (!carrier_running() && !reclaiming)) {
        *last = (struct sight){.progress = progress, .since = time, .interrupted = time};
        return;
    }
    int64_t deadline = last->since + atomic_load(&watchdog.limit);
    if (carrier_interrupt_unheeded()) {
        if (!last->asked)
            last->asked = time;
        if (deadline > last->asked + INTERRUPT_DEADLINE)
            deadline = last->asked + INTERRUPT_DEADLINE;
        if (time - last->interrupted >= INTERRUPT_PATIENCE) {
            last->interrupted = time;
            carrier_interrupt_raise(progress);
        }
    }
    if (!reclaiming)
        look_for_sleep(last, time);
    if (time < deadline)
        return;
    if (reclaiming)
        carrier_watchdog_give_up("frontrun: a thread is stuck in C code that does not let go of "
                                 "the interpreter; this test cannot be explored\n");
    last->since = time;
    last->asked = 0;
    const struct carrier_ops *kind = atomic_load(&watchdog.kind);
    kind->stalled();
}

static int64_t choose_tick(void) {
    int64_t tick = atomic_load(&watchdog.limit) / 4;
    int64_t patience = atomic_load(&watchdog.patience) / 4;
    if (patience != 0 && patience < tick)
        tick = patience;
    return tick > TICK_MAX ? TICK_MAX : tick < TICK_MIN ? TICK_MIN : tick;
}

// Its time stands still while the process is stopped (Ctrl-Z, a debugger): a look counts for at
// most two ticks.
static void *watch(void *Py_UNUSED(argument)) {
    struct sight last = {0};
    int64_t time = 0, before = now();
    for (;;) {
        if (!atomic_load(&watchdog.open)) {
            futex_wait(&watchdog.open, 0, NULL);
            last = (struct sight){.progress = carrier_progress(), .since = time};
        }
        int64_t tick = choose_tick();
        struct timespec pause = {.tv_nsec = (long)tick};
        nanosleep(&pause, NULL);
        int64_t after = now();
        time += after - before < 2 * tick ? after - before : 2 * tick;
        before = after;
        look(&last, time);
    }
    return NULL;
}

static int start(void) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int error = pthread_create(&watchdog.thread, NULL, watch, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!error)
        pthread_detach(watchdog.thread);
    return error;
}

// Must come before the controller is pinned: the thread inherits its CPUs.
int carrier_watchdog_open(const struct carrier_ops *kind) {
    atomic_store(&watchdog.kind, kind);
    atomic_store(&watchdog.patience, 0);
    if (!watchdog.exists) {
        int error = start();
        if (error)
            return error;
        watchdog.exists = true;
    }
    if (!atomic_load(&watchdog.open))
        futex_post(&watchdog.open, 1);
    return 0;
}

void carrier_watchdog_close(void) {
    atomic_store(&watchdog.open, 0);
}

void carrier_watchdog_forget(void) {
    watchdog.exists = false;
    atomic_store(&watchdog.open, 0);
    atomic_store(&watchdog.reclaiming, false);
}

unsigned long carrier_watchdog_ident(void) {
    return (unsigned long)watchdog.thread;
}

void carrier_watchdog_reclaim(bool begin) {
    atomic_store(&watchdog.reclaiming, begin);
}

static int64_t nanoseconds_of(double seconds) {
    return (int64_t)((seconds > SECONDS_MAX ? SECONDS_MAX : seconds) * (double)NANOSECONDS);
}

void carrier_set_watchdog(double seconds) {
    CARRIER_ASSERT(seconds > 0);
    atomic_store(&watchdog.limit, nanoseconds_of(seconds));
}

void carrier_set_patience(double seconds) {
    CARRIER_ASSERT(seconds >= 0);
    atomic_store(&watchdog.patience, nanoseconds_of(seconds));
}
