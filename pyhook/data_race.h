// Data race: two conflicting accesses of an execution that no synchronisation orders.
#ifndef PYHOOK_DATA_RACE_H
#define PYHOOK_DATA_RACE_H

#include <stdbool.h>
#include <stdint.h>

#include "fr.h"

struct data_race {
    bool found;
    uint32_t first, second;  // positions in the trace, first < second
};

// Looks through the last execution of explorer for the first such pair in the order of its events.
// What orders is a thread's own order, a lock from its release to its next acquire, the start of a
// thread and joining it, and atomic operations on one object; that one access simply came before
// the other orders nothing. 0, or -1 if there is no memory (no exception is set).
int data_race_find(const struct fr_explorer *explorer, struct data_race *out);

#endif
