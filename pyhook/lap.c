// Lap: what a thread has done since it was at some place.
// SPDX-License-Identifier: Apache-2.0
#include "lap.h"

#include <stddef.h>

void lap_begin(struct lap *lap) {
    lap->reads_clock = lap->library_reads = lap->opens = false;
    lap->clock = 0;
    lap->waits = lap->lock_count = lap->read_count = 0;
}

bool lap_only_reads(const struct fr_access *accesses, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (accesses[i].mode != FR_READ && accesses[i].mode != FR_READ_WEAK)
            return false;
    return true;
}

bool lap_has_read(const struct lap *lap, uint64_t key) {
    for (uint32_t i = 0; i < lap->read_count; i++)
        if (lap->reads[i].key == key)
            return true;
    return false;
}

bool lap_read(struct lap *lap, const struct fr_access *accesses, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (lap_has_read(lap, accesses[i].key))
            continue;
        if (lap->read_count == FR_ACCESSES_MAX)
            return false;
        lap->reads[lap->read_count++] = (struct fr_access){.key = accesses[i].key, .mode = FR_READ};
    }
    return true;
}

// Its entry, made if need be; NULL: there are too many.
static struct lap_lock *find_lock(struct lap *lap, uint64_t key) {
    for (uint32_t i = 0; i < lap->lock_count; i++)
        if (lap->locks[i].key == key)
            return &lap->locks[i];
    if (lap->lock_count == LAP_LOCKS_MAX)
        return NULL;
    struct lap_lock *lock = &lap->locks[lap->lock_count++];
    *lock = (struct lap_lock){.key = key};
    return lock;
}

bool lap_take(struct lap *lap, uint64_t key) {
    struct lap_lock *lock = find_lock(lap, key);
    if (lock != NULL)
        lock->taken++;
    return lock != NULL;
}

bool lap_give_back(struct lap *lap, uint64_t key) {
    struct lap_lock *lock = find_lock(lap, key);
    if (lock == NULL)
        return false;
    bool opens = lock->taken-- <= 0;
    lock->opened |= opens;
    lap->opens |= opens;
    return !opens || lap->waits == 0;
}

bool lap_wait(struct lap *lap, uint64_t key, bool own) {
    lap->waits++;
    for (uint32_t i = 0; i < lap->lock_count; i++) {
        if (own && lap->locks[i].key == key)
            lap->locks[i--] = lap->locks[--lap->lock_count];
        else if (lap->locks[i].taken > 0 || (lap->locks[i].opened && lap->locks[i].taken == 0))
            return false;
    }
    return true;
}

bool lap_is_even(const struct lap *lap) {
    for (uint32_t i = 0; i < lap->lock_count; i++)
        if (lap->locks[i].taken != 0)
            return false;
    return true;
}
