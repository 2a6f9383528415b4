// What every file of the engine stands on: libc's string functions, asserts that stay, small maths.
// SPDX-License-Identifier: Apache-2.0
#ifndef ENGINE_BASE_H
#define ENGINE_BASE_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "fr.h"

#ifdef NDEBUG
#error "asserts stay on: they stand between a mistake of ours and a false pass"
#endif

// "No event", "no branch" ...: positions and pool indices are uint32_t.
#define NONE UINT32_MAX

// The splitmix64 finaliser (Steele, Lea, Flood, OOPSLA 2014): a bijection that spreads all bits.
static inline uint64_t mix64(uint64_t x) {
    x += 0x9E3779B97F4A7C15U;
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9U;
    x = (x ^ (x >> 27)) * 0x94D049BB133111EBU;
    return x ^ (x >> 31);
}

// Values of the host's objects wrap around.
static inline int64_t add_wrapping(int64_t a, int64_t b) {
    return (int64_t)((uint64_t)a + (uint64_t)b);
}

// A set of threads in one word.
typedef uint64_t tset;

static inline tset tset_of(fr_tid thread) {
    return (tset)1 << thread;
}
static inline bool tset_has(tset set, fr_tid thread) {
    return (set >> thread & 1) != 0;
}
static inline uint32_t tset_count(tset set) {
    return (uint32_t)__builtin_popcountll(set);
}
// The lowest member. Precondition: not empty.
static inline fr_tid tset_first(tset set) {
    return (fr_tid)__builtin_ctzll(set);
}

#endif
