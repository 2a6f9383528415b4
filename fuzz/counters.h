// The counter table of a fuzzer: features of one input, as 8-bit counters.
// SPDX-License-Identifier: Apache-2.0
//
// A feature is a 64-bit hash. Which counter it sets, and to which value, is a pure function of the
// hash, never of what was seen before: merging and forking campaigns compare features between
// processes. A fuzzer tells eight classes of a counter's value apart, so 64 Ki counters give 512 Ki
// features. One OS thread at a time.
#ifndef FUZZ_COUNTERS_H
#define FUZZ_COUNTERS_H

#include <stdint.h>

#define COUNTERS_SIZE 65536u

struct counters {
    uint8_t table[COUNTERS_SIZE];  // of the input now running; libFuzzer reads and clears it
    uint8_t ever[COUNTERS_SIZE];   // which of its eight values each counter has ever had
    uint32_t fresh;                // features of this input that no input before had
};

// Forgets the input, not what was ever seen.
void counters_clear(struct counters *counters);
// The input now running has this feature.
void counters_hit(struct counters *counters, uint64_t feature);

#endif
