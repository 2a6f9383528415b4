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
// After Ctrl-C: this long without progress, and KeyboardInterrupt is raised in the thread, ...
#define INTERRUPT_PATIENCE (NANOSECONDS / 10)
#define INTERRUPT_AGAIN NANOSECONDS           // ... and again, should it be swallowed; ...
#define INTERRUPT_DEADLINE (NANOSECONDS / 2)  // ... this long, and it counts as blocked; ...
// ... and so long may C code keep the interpreter to itself.
#define INTERRUPT_RECLAIM (3 * NANOSECONDS)
#define INTERRUPT_TICK (NANOSECONDS / 200)

static struct {
    _Atomic int64_t limit;      // nanoseconds without progress
    _Atomic uint32_t open;      // futex word: 0 sends the thread to sleep
    _Atomic uint32_t roused;    // futex word: 1 ends its present tick
    _Atomic int64_t patience;   // nanoseconds of sleep in the kernel; 0: any
    _Atomic int64_t run_limit;  // nanoseconds of one execution; 0: any
    _Atomic uint64_t run;       // its number
    _Atomic uint64_t overdue;   // number of one that took too long
    _Atomic bool reclaiming;    // the controller waits for the GIL by force
    const struct carrier_ops *_Atomic kind;
    bool exists;
    pthread_t thread;
} watchdog = {.limit = SECONDS_DEFAULT * NANOSECONDS, .overdue = UINT64_MAX};

// What the thread saw last.
struct sight {
    uint64_t progress;
    int64_t since;
    int64_t interrupted;  // when KeyboardInterrupt was last raised, 0: not yet
    int64_t asked;        // when Ctrl-C was first seen, 0: not yet
    bool sleeps;          // the one with the turn, ...
    uint64_t switches;    // ... which had gone to sleep so often ...
    int64_t asleep;       // ... since at least then
    uint64_t run;         // the execution, ...
    int64_t run_since;    // ... which was first seen then
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
        *last = (struct sight){
            .progress = progress, .since = time, .run = last->run, .run_since = last->run_since};
        return;
    }
    int64_t deadline = last->since + atomic_load(&watchdog.limit);
    if (carrier_interrupt_unheeded()) {
        if (!last->asked)
            last->asked = time;
        int64_t patience = reclaiming ? INTERRUPT_RECLAIM : INTERRUPT_DEADLINE;
        if (deadline > last->asked + patience)
            deadline = last->asked + patience;
        bool is_due = last->interrupted == 0 ? time - last->since >= INTERRUPT_PATIENCE
                                             : time - last->interrupted >= INTERRUPT_AGAIN;
        if (is_due) {
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

static void look_at_run(struct sight *last, int64_t time) {
    uint64_t run = atomic_load(&watchdog.run);
    int64_t limit = atomic_load(&watchdog.run_limit);
    if (run != last->run) {
        last->run = run;
        last->run_since = time;
    } else if (limit != 0 && time - last->run_since >= limit) {
        atomic_store(&watchdog.overdue, run);
    }
}

static int64_t choose_tick(void) {
    int64_t tick = atomic_load(&watchdog.limit) / 4;
    int64_t run_limit = atomic_load(&watchdog.run_limit) / 4;
    if (run_limit != 0 && run_limit < tick)
        tick = run_limit;
    int64_t patience = atomic_load(&watchdog.patience) / 4;
    if (patience != 0 && patience < tick)
        tick = patience;
    if (carrier_interrupt_unheeded() && INTERRUPT_TICK < tick)
        tick = INTERRUPT_TICK;
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
        futex_wait(&watchdog.roused, 0, &pause);
        atomic_store(&watchdog.roused, 0);
        int64_t after = now();
        time += after - before < 2 * tick ? after - before : 2 * tick;
        before = after;
        look_at_run(&last, time);
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

void carrier_watchdog_rouse(void) {
    futex_post(&watchdog.roused, 1);
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

void carrier_time_run(double seconds) {
    atomic_store(&watchdog.run_limit, nanoseconds_of(seconds));
    // Only the controller writes it.
    atomic_store(&watchdog.run, atomic_load(&watchdog.run) + 1);
}

bool carrier_run_is_over(void) {
    return atomic_load_explicit(&watchdog.overdue, memory_order_relaxed) ==
           atomic_load_explicit(&watchdog.run, memory_order_relaxed);
}
