// The door: every logical thread stops here before a visible operation.
//
// point_pass announces the operation, asks the engine who goes next, and hands the turn over if it
// is another thread. It returns when the calling thread has the turn again: then it must perform
// exactly that operation, and run on. The calling thread is attached (holds the GIL) before and
// after.
#ifndef PYHOOK_POINT_H
#define PYHOOK_POINT_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

#include "fr.h"
#include "place.h"

struct point_op {
    enum fr_op_kind kind;
    const struct place *place;
    const struct fr_access *accesses;  // copied
    uint32_t access_count;
    bool held_outside;     // as in struct fr_op
    uint64_t deadline_ns;  // as in struct fr_op
    fr_tid target;         // SPAWN, JOIN; else not looked at
};

// Is the calling OS thread a logical thread of a running execution whose operations count now?
// False for foreign threads, inside setup() and invariant(), inside an import, and between
// point_close and point_reopen. Still true while the execution is being given up: point_pass then
// raises. Costs a few nanoseconds; sets no exception.
bool point_is_open(void);
// The same within a callback for trace, profile or monitoring events, where point_is_open answers
// no: what a coverage tool or a debugger does there is no part of the program. For observation,
// which lives in such callbacks of the main interpreter. Which logical thread it is, or -1.
int point_watched(void);
// Between these two the operations of the calling logical thread do not count: around Python code
// that the tool itself runs in it. They nest; in other OS threads they do nothing.
void point_close(void);
void point_reopen(void);
// 0: the operation is to be performed now. -1: an exception is set (the execution is given up);
// return it to Python. Precondition: point_is_open(), or the call returns 0 at once.
int point_pass(const struct point_op *op);
// The same for who knows that it is this logical thread, whose operations count: point_watched said
// so, and no Python code has run since.
int point_pass_as(int thread, const struct point_op *op);
// Gives the turn to a thread that the calling one just started, until its first announcement. As
// point_pass.
int point_lend(fr_tid to);
// Gives the execution up because of a status of the engine, or FR_HOST with the exception that is
// set. Sets an exception, returns -1. Only for a thread whose point is open.
int point_give_up(enum fr_status status);
// How many operations the calling logical thread has passed; 0 in other OS threads.
uint32_t point_count(void);
// TRY, ACQUIRE, JOIN, SPIN: did the operation just passed succeed, by the engine's model? False: it
// found the lock held, or timed out.
bool point_outcome(void);
// Something happened that we do not control (a thread was started, a fork): the execution is given
// up and the campaign ends with this sentence. Sets an exception, returns -1.
int point_refuse(const char *sentence);

#endif
