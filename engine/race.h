// Races of an execution: pairs of events that another execution performs in the other order.
// SPDX-License-Identifier: Apache-2.0
//
// e and e' race (JACM 2017, section 3: e precedes e' in reversible race) iff they are dependent, of
// different threads, no third event lies between them in happens-before, and e' can be performed
// before e. Acquires of one lock race with each other: a blocking acquire with the lock's last
// acquisition, unless the two are ordered by something else than the lock itself.
#ifndef ENGINE_RACE_H
#define ENGINE_RACE_H

#include "run.h"

struct race {
    uint32_t first;   // position of e
    uint32_t second;  // position of e', or the trace's length: the operation `thread` waits with.
                      // An ACQUIRE that waited when time passed is found where it came to an end
    fr_tid thread;    // of e'
    bool waits;       // races_find_all: e' is a blocking acquire, and e took its lock
};

struct races {
    struct race *items;
    uint32_t count;
    uint32_t capacity;
};

// All races of the execution as it stands: first those of two events, in the order of the second,
// then those of operations that were blocked when time passed or are blocked at the end.
FR_MUST_CHECK enum fr_status races_find(struct races *races, const struct run *run);
// Adds those of what enabled threads would have done next, had the execution not been cut.
FR_MUST_CHECK enum fr_status races_find_cut(struct races *races, const struct run *run,
                                            tset threads);
// All races, without those of what was cut, and of a blocking acquire with every acquisition of its
// lock that does not happen before it otherwise, not only with the last.
FR_MUST_CHECK enum fr_status races_find_all(struct races *races, const struct run *run);

#endif
