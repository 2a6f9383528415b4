// Clock: what time it is for the program under test, and how it waits.
//
// Three modes. VIRTUAL: time is the engine's (fr_run_now): it stands still while anybody can go on,
// and jumps when nobody can. EXPLORED: a timer may fire at any point; the clock is a variable that
// reads read and that a timer writes when it fires. REAL: time is left alone.
//
// Unless it is real, time is that of the execution, which starts at a fixed instant, for logical
// threads and for the controller inside setup() and invariant(). Other OS threads never notice. All
// functions need the GIL.
#ifndef PYHOOK_CLOCK_H
#define PYHOOK_CLOCK_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#include "interpose.h"

enum clock_mode { CLOCK_VIRTUAL, CLOCK_EXPLORED, CLOCK_REAL, CLOCK_MODES };

#define CLOCK_NANOSECONDS UINT64_C(1000000000)
// Nanoseconds from the Unix epoch to the start of an execution: 2030-01-01T00:00:00Z.
#define CLOCK_EPOCH (UINT64_C(1893456000) * CLOCK_NANOSECONDS)
// What the monotonic clocks show at the start of an execution.
#define CLOCK_MONOTONIC_EPOCH (UINT64_C(1000000) * CLOCK_NANOSECONDS)
// A wait at least this long never ends by itself (threading.TIMEOUT_MAX is twice that).
#define CLOCK_FOREVER (UINT64_C(1) << 62)

// "virtual", "explored", "real".
const char *clock_mode_word(enum clock_mode mode);

// Once, at import. -1 with an exception.
int clock_open(void);
// Around an exploration: the twins of the functions that tell the time or wait.
void clock_enable(void);
void clock_disable(void);
// An execution begins: its time starts anew.
void clock_begin(enum clock_mode mode);

// Is the calling thread's time that of the execution?
bool clock_is_ours(void);
// Nanoseconds since the start of the execution. Precondition: clock_is_ours(). Costs no event.
uint64_t clock_now(void);
// The same, as the program under test reads it: an event if the mode is EXPLORED. A thread that
// reads the clock over and over is polling it: time then moves, by steps that grow (docs/time.md).
// -1 with an exception.
int clock_read(uint64_t *now);
// Waits this long, in virtual time. -1 with an exception.
int clock_sleep(uint64_t nanoseconds);

// Seconds as nanoseconds, rounded up; at most CLOCK_FOREVER, 0 for what is negative or no number.
uint64_t clock_nanoseconds(double seconds);
// For a logical thread: the deadline of a wait that begins now, for struct point_op. 0: no deadline
// (the wait is for ever).
uint64_t clock_deadline(uint64_t nanoseconds);
// The caller polls the clock and waits for something else, too: the deadline of its next look.
// Precondition: clock_has_deadlines().
uint64_t clock_poll(void);
// Do timed waits have deadlines for the calling logical thread? If not, they are attempts.
bool clock_has_deadlines(void);
// A timed wait of the caller ended without success: time has passed. -1 with an exception.
int clock_time_out(uint64_t nanoseconds);

// The parts: time, datetime and select.
int clock_time_open(void);
void clock_time_enable(void);
void clock_time_disable(void);
int clock_datetime_open(void);
void clock_datetime_enable(void);
void clock_datetime_disable(void);
int clock_select_open(void);
void clock_select_enable(void);
void clock_select_disable(void);

#endif
