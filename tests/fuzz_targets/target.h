// What every fuzz target is: one function over bytes, driven by libFuzzer or by driver.c.
// SPDX-License-Identifier: Apache-2.0
#ifndef FUZZ_TARGETS_TARGET_H
#define FUZZ_TARGETS_TARGET_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);
// Without arguments: some seconds, or a minute if FRONTRUN_LONG is set.
int LLVMFuzzerInitialize(int *argc, char ***argv);

// A property that does not hold: a crash, so that every engine keeps the input.
#define REQUIRE(condition)                                                                         \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);          \
            abort();                                                                               \
        }                                                                                          \
    } while (0)

// Bytes as a stream of numbers; what is spent reads as 0.
struct input {
    const uint8_t *at;
    size_t left;
};

static inline uint8_t take_byte(struct input *input) {
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->at++;
}

// In [0, bound), 0 < bound <= 256.
static inline uint32_t take_below(struct input *input, uint32_t bound) {
    return take_byte(input) % bound;
}

#endif
