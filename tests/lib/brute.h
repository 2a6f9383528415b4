// Truth by brute force: every interleaving of a program, and what makes two of them equal.
// SPDX-License-Identifier: Apache-2.0
//
// Shares no code with the engine but the program's own steps: conflicts, enabledness of spins and
// the digest of a trace are written here a second time, in the plainest way.
#ifndef LIB_BRUTE_H
#define LIB_BRUTE_H

#include "digest_set.h"
#include "program.h"

enum { BRUTE_EVENTS = 256 };

struct brute {
    uint64_t interleavings;
    uint64_t leaves_max;   // give up beyond, and where BRUTE_EVENTS or a broken program stops us
    bool ends_at_failure;  // a trace ends where the first assertion fails
    int64_t time_max;      // a trace ends when this time has come; 0: it never does
    bool gave_up;
    uint64_t deadlocked;       // traces
    uint64_t failed;           // traces in which an assertion failed
    struct digest_set traces;  // value: 1 deadlocked, 2 failed
    struct digest_set ends;    // how traces end: brute_end
};

enum { BRUTE_DEADLOCKED = 1, BRUTE_FAILED = 2 };

// Digest of a state in which nobody goes on: values, locks, and who has not come to his end.
uint64_t brute_end(const struct program_state *state);

// Enumerates. The limits and ends_at_failure are set by the caller, the rest is reset.
void brute_force(struct brute *brute, const struct program *program);
void brute_release(struct brute *brute);

// Digest of the trace of a schedule (threads in order): equal for two schedules iff every pair of
// conflicting events is in the same order in both. *left says what brute_force stores as value.
uint64_t brute_digest(const struct program *program, const uint8_t *schedule, uint32_t length,
                      uint64_t *value);

#endif
