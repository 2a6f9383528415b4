// A small fuzzing loop of our own, for builds without libFuzzer.
// SPDX-License-Identifier: Apache-2.0
//
// Executes the inputs it is given, then mutates them for ever; an input with a feature that is new
// joins them. Knows neither campaign nor Python nor files.
#ifndef FUZZ_BUILTIN_H
#define FUZZ_BUILTIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counters.h"

struct builtin_options {
    int64_t runs;        // at most this many inputs in all; negative: no such limit
    double seconds_max;  // 0: no such limit
    uint64_t seed;
    size_t size_max;  // of a mutated input, in bytes
};

// What the loop asks of its caller. Each answers false to end the loop.
struct builtin_host {
    void *self;
    // Executes one input; the counters then hold its features.
    bool (*input)(void *self, const uint8_t *bytes, size_t size);
    // This input has a new feature and was found by mutation: keep it for later campaigns.
    bool (*keep)(void *self, const uint8_t *bytes, size_t size);
};

struct builtin;

// NULL if there is no memory.
struct builtin *builtin_new(void);
void builtin_free(struct builtin *builtin);  // NULL is fine
// An input to begin with. False if there is no memory.
bool builtin_seed(struct builtin *builtin, const uint8_t *bytes, size_t size);

enum builtin_end {
    BUILTIN_SPENT,  // runs or seconds are
    BUILTIN_ENDED,  // the host ended it
    BUILTIN_NOMEM
};
enum builtin_end builtin_run(struct builtin *builtin, const struct builtin_options *options,
                             struct counters *counters, const struct builtin_host *host);

#endif
