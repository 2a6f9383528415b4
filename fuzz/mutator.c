// The mutator and the crossover of libFuzzer: schedule-aware ones, from the engine.
// SPDX-License-Identifier: Apache-2.0
#include <stddef.h>
#include <stdint.h>

#include "fr.h"

#ifdef FRONTRUN_LIBFUZZER

#define EXPORTED __attribute__((visibility("default")))

// libFuzzer finds these by name, as weak symbols.
EXPORTED size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t capacity,
                                        unsigned int seed);
EXPORTED size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b,
                                          size_t b_size, uint8_t *out, size_t capacity,
                                          unsigned int seed);

extern size_t LLVMFuzzerMutate(uint8_t *bytes, size_t size, size_t capacity);

// One mutation in this many is libFuzzer's own: it knows no schedules, so it has no blind spots of
// ours either.
#define FOREIGN_ONE_IN 10u

size_t LLVMFuzzerCustomMutator(uint8_t *bytes, size_t size, size_t capacity, unsigned int seed) {
    if (seed % FOREIGN_ONE_IN == 0)
        return LLVMFuzzerMutate(bytes, size, capacity);
    return fr_mutate(bytes, size, capacity, seed);
}

size_t LLVMFuzzerCustomCrossOver(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size,
                                 uint8_t *out, size_t capacity, unsigned int seed) {
    return fr_crossover(a, a_size, b, b_size, out, capacity, seed);
}

#endif
