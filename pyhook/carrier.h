// Carriers: what a logical thread runs on. One of them has the turn, all others are parked.
//
// The holder of the turn is attached (holds the GIL). The controller is the OS thread that called
// carrier_open. Carriers are pooled: after its body returns a carrier is free for the next
// execution, each body starting with a fresh PyThreadState.
#ifndef PYHOOK_CARRIER_H
#define PYHOOK_CARRIER_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#define CARRIER_CONTROLLER (-1)
#define CARRIER_FOREIGN (-2)  // an OS thread that is not ours

// The whole life of a logical thread. Runs attached. Answers who gets the turn when it is over: an
// index that was started and has not ended, or CARRIER_CONTROLLER. Must not leave an exception set.
typedef int (*carrier_body)(void *argument, int index);

// Chooses a carrier by name ("thread", "fiber"; NULL: $FRONTRUN_CARRIER, else the default) and
// makes the calling thread its controller. Nested opens fail. -1 with an exception.
int carrier_open(const char *name);
const char *carrier_name(void);
// Parks and keeps the pool; the calling thread is no longer controller.
void carrier_close(void);

// Logical thread index (0 ..) will run body when it is first handed the turn. Called by the holder
// of the turn. -1 with an exception.
int carrier_start(int index, carrier_body body, void *argument);
// How carrier_handoff comes back; all but the first to the controller only, which then has no turn
// and is detached.
enum carrier_answer {
    CARRIER_BACK,     // the caller has the turn
    CARRIER_BLOCKED,  // nobody passed a point for the watchdog's seconds: carrier_abandon is next
    CARRIER_ASLEEP    // the running one has slept in the kernel for the patience (see below):
                      // carrier_set_aside, carrier_wait or carrier_abandon is next
};
// Gives the turn to another and waits until the caller has it again. Only for the holder of the
// turn. A carrier that cannot take the turn back ends the process instead.
enum carrier_answer carrier_handoff(int to);
// After CARRIER_ASLEEP: takes the turn from the one that sleeps, if it still does, and answers its
// index; the caller is attached. That one lives on: it calls carrier_return before it does anything
// that only the holder of the turn may do. CARRIER_FOREIGN: it is awake; carrier_wait is next.
int carrier_set_aside(void);
// After CARRIER_ASLEEP, or when carrier_set_aside answered CARRIER_FOREIGN: goes on waiting.
enum carrier_answer carrier_wait(void);
// For one that was set aside: waits until it has the turn. The caller is attached.
void carrier_return(void);
// The thread state of a body that runs, for looking at its frames.
PyThreadState *carrier_state(int index);
// Who is calling? An index, CARRIER_CONTROLLER or CARRIER_FOREIGN (also in a subinterpreter that an
// index runs). A few nanoseconds. In a retired
// thread the call does not return: code that may have blocked outside our control, and a body whose
// Python function returned, asks before it touches what is shared. The caller is attached.
int carrier_current(void);
// The same for who is called by the main interpreter alone (its trace functions, its monitoring
// tools) and need not ask which one runs.
int carrier_current_main(void);
// The running thread is alive: called at each point that does not hand over.
void carrier_beat(void);
// Seconds without a beat or hand-over after which carrier_handoff of the controller answers
// CARRIER_BLOCKED. More than 0; 10 until it is called.
void carrier_set_watchdog(double seconds);
// Seconds of sleep in the kernel without a break after which it answers CARRIER_ASLEEP; 0 (until it
// is called): never. Only threads can: a fiber takes the controller to sleep with it.
void carrier_set_patience(double seconds);
// An execution begins that may take so many seconds, 0: any time.
void carrier_time_run(double seconds);
// Has it taken longer? Asked at each point. A few nanoseconds.
bool carrier_run_is_over(void);
// Takes the turn back by force after carrier_handoff answered anything but CARRIER_BACK; also
// allowed while the controller has the turn. All carriers whose bodies run are retired for good:
// their threads and thread states are never reused, and they stop at the next thing they do.
// Started ones that never ran are unstarted. Returns how many were retired. The caller is attached
// again.
int carrier_abandon(void);

// Did Ctrl-C arrive since the last call? The execution is then to be given up, and the controller
// to call PyErr_CheckSignals. A thread that passes no point for 100 ms then gets a
// KeyboardInterrupt raised in it; one that passes none for half a second counts as blocked. Always
// false if the controller is not the main thread.
int carrier_interrupted(void);

#endif
