// Lap: what a thread has done since it was at some place.
//
// What it read, which locks it took and gave back, how often it waited for time to pass: enough to
// say, when it is there again, whether it has changed anything (spin.h). A lap belongs to
// one thread; what it is about are the operations of that thread, in order.
#ifndef PYHOOK_LAP_H
#define PYHOOK_LAP_H

#include <stdbool.h>
#include <stdint.h>

#include "fr.h"

// Laps that take more locks are not recognised.
#define LAP_LOCKS_MAX 8

struct lap_lock {
    uint64_t key;
    int taken;    // how often, less how often given back
    bool opened;  // it was held when the lap began, and given back since
};

struct lap {
    bool reads_clock;    // code of the program has read the clock, which stood at ...
    bool library_reads;  // code of the library has: it computes with how long it waits
    uint64_t clock;      // ... this moment
    bool opens;          // some lock is `opened`
    uint32_t waits;      // operations with a deadline
    uint32_t lock_count;
    struct lap_lock locks[LAP_LOCKS_MAX];
    uint32_t read_count;
    struct fr_access reads[FR_ACCESSES_MAX];  // what was read, once each
};

void lap_begin(struct lap *lap);
bool lap_only_reads(const struct fr_access *accesses, uint32_t count);
bool lap_has_read(const struct lap *lap, uint64_t key);
// False: too much for a lap.
bool lap_read(struct lap *lap, const struct fr_access *accesses, uint32_t count);
bool lap_take(struct lap *lap, uint64_t key);
// False, too, if it was held during a wait in this lap.
bool lap_give_back(struct lap *lap, uint64_t key);
// A wait that ends by itself. own: it waits for a lock that nobody else knows and it holds itself,
// which is forgotten with the wait. False: meanwhile it holds locks that it does not hold all the
// lap.
bool lap_wait(struct lap *lap, uint64_t key, bool own);
// Does it hold what it held when the lap began?
bool lap_is_even(const struct lap *lap);

#endif
