// Spin: recognises a loop of a thread that changes nothing, and lets the thread wait instead.
//
// A loop is a spin if the thread came back to an instruction of one activation of a function with
// the same local state (variables and value stack), and has meanwhile only read shared memory, and
// taken and given back locks. Then another round would do the same, unless somebody writes what it
// read. So it waits for that: the engine's SPIN. If it has waited for time to pass, it goes on as
// it does, and the engine is told of its rounds (struct fr_round). docs/decisions/livelock.md says
// why this hides nothing. What is not known to leave no state behind (pure.h) is taken to be
// progress.
//
// All functions are about the calling logical thread, and do nothing in other OS threads.
#ifndef PYHOOK_SPIN_H
#define PYHOOK_SPIN_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#include "access.h"
#include "point.h"
#include "site.h"

// What to do about an instruction.
struct spin_answer {
    bool is_watched;   // announce weak reads as reads: a SPIN knows those only as seen
    bool spins;        // announce a SPIN on these accesses first; ...
    bool is_the_read;  // ... it is the instruction's own read, if it does not time out
    uint64_t deadline_ns;
    uint32_t access_count;
    struct fr_access accesses[FR_ACCESSES_MAX];
};

// A traced instruction with these accesses is about to be announced, by on->thread. Runs no Python
// code.
void spin_look(const struct site *site, const struct operands *on, const struct access_list *list,
               struct spin_answer *answer);
// An operation of this thread, which calls, passes the door. What is known of the round that it is
// part of.
struct fr_round spin_note(int thread, const struct point_op *op);
// The thread asks whether a lock is held.
void spin_note_look(int thread, uint64_t key);
// The thread did something else that another round would not repeat exactly.
void spin_note_progress(void);
// It has read the clock, which stands at `now`.
void spin_note_clock(uint64_t now);
// An activation of this code ends, or is suspended.
void spin_leave(const PyCodeObject *code);
// An execution of so many threads is over: forgets all of them.
void spin_reset(uint32_t thread_count);

#endif
