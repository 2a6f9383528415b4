// The counter table of a fuzzer: from a feature's hash to a counter and its value.
// SPDX-License-Identifier: Apache-2.0
#include "counters.h"

#include <string.h>

// How far a feature may move when another feature of the same input has taken its counter.
#define PROBES 4u

// One value out of each class that a fuzzer tells apart.
static const uint8_t values[8] = {1, 2, 3, 4, 8, 16, 32, 128};

// The finaliser of SplitMix64 (Steele, Lea, Flood 2014).
static uint64_t mix(uint64_t hash) {
    hash ^= hash >> 30;
    hash *= UINT64_C(0xbf58476d1ce4e5b9);
    hash ^= hash >> 27;
    hash *= UINT64_C(0x94d049bb133111eb);
    return hash ^ (hash >> 31);
}

void counters_clear(struct counters *counters) {
    memset(counters->table, 0, sizeof counters->table);
    counters->fresh = 0;
}

void counters_hit(struct counters *counters, uint64_t feature) {
    const uint64_t hash = mix(feature);
    const uint32_t class = (uint32_t)(hash >> 61);
    for (uint32_t probe = 0; probe < PROBES; probe++) {
        const uint32_t at = (uint32_t)(hash + probe) % COUNTERS_SIZE;
        if (counters->table[at] != 0 && counters->table[at] != values[class])
            continue;
        counters->table[at] = values[class];
        const uint8_t bit = (uint8_t)(1u << class);
        if ((counters->ever[at] & bit) == 0) {
            counters->ever[at] |= bit;
            counters->fresh++;
        }
        return;
    }
}
