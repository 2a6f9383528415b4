// Carrier internals: what carrier.c and the two kinds of carriers know of each other.
// SPDX-License-Identifier: Apache-2.0
//
// A kind makes OS threads and moves the turn between them; all else (identity, thread states,
// pools, retirement) is shared. The turn is one word, (epoch, holder): it is moved by
// compare-and-swap from the holder's ticket, so that a thread of an abandoned epoch can never give
// it away again.
#ifndef PYHOOK_CARRIER_OPS_H
#define PYHOOK_CARRIER_OPS_H

#include "carrier.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#define CARRIER_COUNT_MAX 64  // logical threads of one execution
// Deep recursion in Python code runs into Python's own limit long before this. Touched lazily.
#define CARRIER_STACK_SIZE ((size_t)16 << 20)
#define CARRIER_EXIT_STUCK 70  // the process cannot go on: EX_SOFTWARE

// An index below CARRIER_FOREIGN in `current`: the thread was retired.
#define CARRIER_RETIRED (-3)

// One OS thread of a pool, or the controller. Never freed: a late wake-up may still touch it.
struct carrier {
    int index;                    // CARRIER_CONTROLLER: the controller
    _Atomic uint32_t epoch;       // of its current body; see carrier_abandon
    _Atomic uint32_t wake;        // futex word
    _Atomic int *identity;        // what carrier_current answers in this OS thread
    _Atomic unsigned long ident;  // Python's name of the thread while a body runs, else 0
    PyThreadState *state;         // while ident is not 0
    PyThreadState *kept;          // between bodies, for the next one; or NULL
    void *image;                  // what it was when it was new; or NULL
    carrier_body body;
    void *argument;
    bool busy;  // started, and its body has not returned
    pthread_t thread;
    _Atomic int kernel_thread;  // thread only: its number, once it runs
    void *stack_pointer;        // fiber only: where it left off
    uint64_t fs_base;           // fiber only: its thread-local storage
};

struct carrier_ops {
    const char *name;
    // Can this machine do it? Asked once.
    bool (*available)(void);
    // Around all executions, in the controller.
    void (*open)(struct carrier *controller, struct carrier *_Atomic *pool);
    void (*close)(void);
    // Makes the OS thread, which calls carrier_adopt, waits for its first turn and then enters
    // carrier_live. 0, or an errno.
    int (*spawn)(struct carrier *carrier);
    // Gives the turn to `to` and returns when `from` has it. Answers as carrier_handoff. Called
    // detached.
    int (*handoff)(struct carrier *from, struct carrier *to);
    // Called by the watchdog's thread when nobody passed a point for too long.
    void (*stalled)(void);
    // The rest: of kinds that go on when a carrier is blocked in the kernel; else NULL.
    // Waits until the caller has the turn. Answers as carrier_handoff. Called detached.
    int (*wait)(struct carrier *me);
    // Called by the watchdog's thread when the carrier that has the turn sleeps and has not woken
    // up since it was switched away from for the `switches`-th time, nor was there progress.
    void (*slept)(uint64_t progress, uint64_t switches);
    // Is that still so? Answers who sleeps, NULL: nobody.
    struct carrier *(*sleeper)(void);
};

extern const struct carrier_ops carrier_thread_ops;
extern const struct carrier_ops carrier_fiber_ops;

// ---- carrier.c, for the kinds

// Names the calling OS thread.
void carrier_adopt(struct carrier *carrier);
// Runs bodies for ever. Called detached, with the turn.
_Noreturn void carrier_live(struct carrier *carrier);
// Moves the turn. False: `from` was retired and must stop here.
bool carrier_pass(struct carrier *from, struct carrier *to);
// Moves the turn from whoever has it to the controller, if there was no progress since `progress`.
// The controller is waiting; it then answers CARRIER_BLOCKED from carrier_handoff.
bool carrier_seize(uint64_t progress);
bool carrier_has_turn(const struct carrier *carrier);
// Who has the turn? NULL: the controller, or nobody.
struct carrier *carrier_running(void);
// Grows with each point and hand-over.
uint64_t carrier_progress(void);
// The calling OS thread stops here. It is attached or not.
_Noreturn void carrier_park(bool attached);
// Our own mistake.
_Noreturn void carrier_bug(const char *what, const char *file, int line);
#define CARRIER_ASSERT(condition)                                                                  \
    ((condition) ? (void)0 : carrier_bug(#condition, __FILE__, __LINE__))

// ---- carrier_chunks.c

// Keeps the 16 KiB blocks of Python's data stacks for reuse. Once per process; stays.
void carrier_chunks_install(void);

// ---- carrier_state.c

// Tries, once per process, whether thread states can be used again. Attached.
void carrier_state_prepare(PyInterpreterState *interpreter);
// Attaches the carrier's OS thread to a thread state as fresh as a new one: carrier->state.
void carrier_state_begin(struct carrier *carrier, PyInterpreterState *interpreter);
// Its body is over, and PyThreadState_Clear was called. Detaches.
void carrier_state_end(struct carrier *carrier);

// ---- carrier_watchdog.c

// Starts looking; calls stalled and slept of the kind. 0, or an errno.
int carrier_watchdog_open(const struct carrier_ops *kind);
void carrier_watchdog_close(void);
// It looks at once. Async-signal-safe.
void carrier_watchdog_rouse(void);
// In the child of a fork: its thread is gone.
void carrier_watchdog_forget(void);
// The identity of its thread, which never runs Python code.
unsigned long carrier_watchdog_ident(void);
// The controller is about to wait for the GIL by force (true), or has it (false).
void carrier_watchdog_reclaim(bool begin);
// One sentence on stderr, and the end of the process.
_Noreturn void carrier_watchdog_give_up(const char *sentence);

// ---- carrier_sleep.c

// Does this thread of the process sleep in the kernel, for anything but a disk? *switches: how
// often it has gone to sleep, so far. False where the kernel does not tell.
bool carrier_sleeps(pid_t thread, uint64_t *switches);

// ---- carrier_interrupt.c

// Notices SIGINT while an exploration runs, if the calling thread is the one that answers to it.
void carrier_interrupt_open(void);
void carrier_interrupt_close(void);
// The controller is back: nothing needs to be stopped any more.
void carrier_interrupt_heed(void);
bool carrier_interrupt_unheeded(void);
// Attached, in the controller: leaves no asynchronous exception behind, neither in the threads of
// these idents nor one that carrier_interrupt_raise raised. `exception` is a class for its own use.
void carrier_interrupt_settle(const unsigned long *idents, int count, PyObject *exception);
// Raises KeyboardInterrupt in whoever runs, if it still makes no progress since `progress`.
void carrier_interrupt_raise(uint64_t progress);

#endif
