// Small random programs for comparing the engine with brute force.
// SPDX-License-Identifier: Apache-2.0
#ifndef LIB_RANDOM_PROGRAM_H
#define LIB_RANDOM_PROGRAM_H

#include "program.h"

// 2 to 4 threads, up to 4 variables, up to 2 locks (nested in any order), compare-and-swap, atomic
// updates, weak accesses, several accesses per event, try-locks, spawn and join, spins, and
// branches on values read. The same seed gives the same program.
void random_program(struct program *program, uint64_t seed);
// The same with sleeps, the time read, and acquires, joins and spins with a timeout.
void random_timed_program(struct program *program, uint64_t seed);
// n threads, each taking lock i, then lock (i + 1) % n, in a random mixture with accesses.
void random_lock_ring(struct program *program, uint32_t threads, uint64_t seed);
// Most of them give up waiting for their second lock.
void random_timed_lock_ring(struct program *program, uint32_t threads, uint64_t seed);
// One or two threads that look for something again and again and sleep, or try to get a lock in
// time; and one or two that sleep, write and take locks for a while: nobody but the first goes on
// after the time RANDOM_POLLING_TIME. locked: some of them look while they hold a lock.
void random_polling_program(struct program *program, bool locked, uint64_t seed);
enum { RANDOM_POLLING_TIME = 60 };

// One of these, by the seed: a ring for one seed in five, with time for every other.
void random_mixed_program(struct program *program, uint64_t seed);

#endif
