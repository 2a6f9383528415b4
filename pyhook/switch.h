// Switch points: where a build with the GIL could take the turn from a thread.
// SPDX-License-Identifier: Apache-2.0
//
// Asked for each stretch between two operations of one logical thread: does CPython check for other
// threads anywhere in it, or run C code that releases the GIL? The answer goes to the engine with
// the operation that ends the stretch (fr_op.switchable). switches.def has the instructions.
//
// Costs an event for each of those instructions, so it is off unless a session asks for it. All
// functions need the GIL; those for backends are called in the logical thread.
#ifndef PYHOOK_SWITCH_H
#define PYHOOK_SWITCH_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#include "access.h"
#include "fr.h"
#include "site.h"

// For a session. Off: every stretch is FR_SWITCH_YES.
void switch_set(bool wanted);
bool switch_is_wanted(void);

// A logical thread begins: it may begin at any time.
void switch_thread_begin(int thread);
// What lay between the thread's last operation and this one; another stretch begins.
enum fr_switch switch_take(int thread);

// For backends, in this order around each instruction of traced code that has a site or a flag.
// frame: the interpreter's own; unit: of the instruction.
// It is reached: what came before it has happened.
void switch_reach(const struct site *site, const void *frame, int unit);
// It is executed next, its operation (if it has one) having passed the door.
void switch_leave(const struct site *site, const struct operands *operands, const void *frame,
                  int unit);
// A frame is entered or resumed from `caller`.
void switch_enter(const void *frame, const void *caller, enum fr_switch at_entry);

#endif
