// Runner: carries out one execution of a harness under an explorer.
//
// One execution at a time per process. All functions need the GIL. What point.c (the door), lock.c
// and the other twins need to know of the execution that runs is in `runner`, which only runner.c
// and point.c change.
#ifndef PYHOOK_RUNNER_H
#define PYHOOK_RUNNER_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

#include "clock.h"
#include "fr.h"
#include "place.h"

struct runner_harness {
    PyObject *setup;
    PyObject *threads;  // a tuple of callables; or, if `evaluated`, a callable state -> sequence
    PyObject *invariant;
    bool evaluated;
    enum clock_mode clock;
    bool any_race;       // two unordered conflicting accesses are a failure
    double run_seconds;  // that the threads of one execution may take; 0: any time
};

// What came of the last execution; owned by the caller of runner_execute.
struct runner_outcome {
    enum fr_verdict verdict;
    uint64_t site;          // where a failure showed, as fr_explorer_end takes it
    int thread;             // which raised, for EXCEPTION; else -1
    PyObject *exception;    // of the thread, or of invariant(); or NULL
    uint32_t thread_count;  // numbers of threads: some may have no thread
    // What each thread announced last; NULL: nothing.
    const struct place *pending[FR_THREADS_MAX];
    bool asleep[FR_THREADS_MAX];  // in the kernel, where it was set aside
    PyObject *names;     // dict: number of a thread that the program started -> str; or NULL
    uint64_t abandoned;  // logical threads that could not be unwound, in all executions so far
};

// A logical thread of the execution that runs: a worker of the harness, or a thread that one of
// them started (spawn.c). Those of a number that no thread has in this execution are all zero.
struct runner_thread {
    bool entered;        // there is such a thread
    PyObject *callable;  // with args, kwargs: what a started thread calls
    PyObject *args;      // NULL: a worker, called with the state
    PyObject *kwargs;
    PyObject *object;  // the threading.Thread that it is, or NULL
    // What others ask whether it is over: the lock or handle of its Thread object; or NULL.
    PyObject *handle;
    PyObject *start_lock;            // the lock inside its Thread object's `_started`; or NULL
    const struct place *exit_place;  // of its last event, if it has a handle
    fr_tid starter;                  // gets the turn back at the first announcement; or FR_TID_NONE
    const struct place *pending;     // announced last
    PyObject *awaited;               // borrowed: the lock that it announced to acquire
    uint32_t closed;                 // its operations do not count while > 0
    uint32_t raises;                 // of Abort
    uint32_t spared;                 // points passed after the first Abort
    uint32_t points;                 // passed
    bool aside;                      // blocked in the kernel, and others go on (aside.h)
    bool returned;                   // from there, and waits for its turn
    bool daemon;                     // may be left waiting at the end
    bool known;                      // threading._active has an entry for it that we remove
    bool started;
    bool ran;  // its callable was called
    bool ended;
};

enum runner_phase {
    RUNNER_IDLE,      // no execution
    RUNNER_OUTSIDE,   // in setup() or invariant()
    RUNNER_STARTING,  // each worker runs to its first operation, one after the other
    RUNNER_RUNNING,
    RUNNER_ABORTING  // given up: threads unwind one after the other
};

struct runner {
    enum runner_phase phase;
    uint64_t number;  // of the execution, in this process
    struct fr_explorer *explorer;
    PyObject *state;
    uint32_t thread_count;   // numbers in use: some may have no thread
    uint32_t worker_count;   // of them, from 0
    uint32_t started_count;  // of the workers
    bool spawned;            // a thread was started, or has a Thread object
    struct runner_thread threads[FR_THREADS_MAX];
    enum fr_status status;  // of the host's or the engine's failure, FR_OK if none
    PyObject *error;        // exception that goes with status; or NULL
    PyObject *exception;    // first that left a thread; or NULL
    int exception_thread;
    PyObject *outside;  // list of what was started in setup(); or NULL
    bool blocked;       // the watchdog spoke
    bool overdue;       // it took longer than the harness's run_seconds
    uint32_t abandoned;
};
extern struct runner runner;

// Runs setup(), the threads and invariant(). FR_OK: *outcome is filled in. Else an exception is
// set, and the exploration cannot go on.
enum fr_status runner_execute(const struct runner_harness *harness, struct fr_explorer *explorer,
                              struct runner_outcome *outcome);
// Drops what the outcome owns; it is then empty. `abandoned` stays.
void runner_outcome_clear(struct runner_outcome *outcome);
// Does an execution run (setup() and invariant() included)?
bool runner_is_busy(void);

// Gives the execution up; the first reason counts. The exception that is set, if any, goes with it.
void runner_give_up(enum fr_status status);
// The same because it takes too long: the verdict is TIMEOUT.
void runner_time_out(void);
// Is the calling OS thread a logical thread of an execution that is being given up?
bool runner_is_aborting(void);
// The calling thread, or the controller, may not go on by itself: who does? FR_TID_NONE: nobody.
// FR_HOST with an exception.
enum fr_status runner_choose(fr_tid *next);
// An exception that left a thread: the first is the failure of the execution, SystemExit is none,
// KeyboardInterrupt gives the execution up. Takes ownership.
void runner_take_exception(int thread, PyObject *exception);
// Which thread has this handle? -1: none. Never sets an exception.
int runner_find_handle(PyObject *handle);
// The record of a thread that enters now.
void runner_add_thread(fr_tid thread, struct runner_thread record);
// Its whole life, as a carrier_body.
int runner_run_thread(void *argument, int thread);

#endif
