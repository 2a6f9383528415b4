// A small fuzzing loop of our own: pick an input, change it, keep it if it shows something new.
// SPDX-License-Identifier: Apache-2.0
#include "builtin.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "fr.h"

// One input in this many is made out of two.
#define CROSSOVER_ONE_IN 8u

struct input {
    uint8_t *bytes;
    size_t size;
};

struct builtin {
    struct input *inputs;
    size_t count;
    size_t capacity;
    uint64_t random;
};

struct builtin *builtin_new(void) {
    return calloc(1, sizeof(struct builtin));
}

void builtin_free(struct builtin *builtin) {
    if (builtin == NULL)
        return;
    for (size_t i = 0; i < builtin->count; i++)
        free(builtin->inputs[i].bytes);
    free(builtin->inputs);
    free(builtin);
}

bool builtin_seed(struct builtin *builtin, const uint8_t *bytes, size_t size) {
    if (builtin->count == builtin->capacity) {
        const size_t capacity = builtin->capacity == 0 ? 16 : 2 * builtin->capacity;
        struct input *inputs = realloc(builtin->inputs, capacity * sizeof *inputs);
        if (inputs == NULL)
            return false;
        builtin->inputs = inputs;
        builtin->capacity = capacity;
    }
    uint8_t *copy = malloc(size + 1);
    if (copy == NULL)
        return false;
    if (size > 0)
        memcpy(copy, bytes, size);
    builtin->inputs[builtin->count++] = (struct input){.bytes = copy, .size = size};
    return true;
}

// SplitMix64 (Steele, Lea, Flood 2014).
static uint64_t draw(struct builtin *builtin) {
    uint64_t z = builtin->random += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
    return z ^ (z >> 31);
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + 1e-9 * (double)time.tv_nsec;
}

// Writes a new input into out and returns its size.
static size_t invent(struct builtin *builtin, uint8_t *out, size_t capacity) {
    const struct input *a = &builtin->inputs[draw(builtin) % builtin->count];
    const struct input *b = &builtin->inputs[draw(builtin) % builtin->count];
    if (draw(builtin) % CROSSOVER_ONE_IN == 0)
        return fr_crossover(a->bytes, a->size, b->bytes, b->size, out, capacity, draw(builtin));
    const size_t size = a->size < capacity ? a->size : capacity;
    memcpy(out, a->bytes, size);
    return fr_mutate(out, size, capacity, draw(builtin));
}

// Is the budget left, after this many inputs?
static bool may_go_on(const struct builtin_options *options, int64_t done, double begun) {
    if (options->runs >= 0 && done >= options->runs)
        return false;
    return options->seconds_max <= 0 || now() - begun < options->seconds_max;
}

static enum builtin_end mutate_on(struct builtin *builtin, const struct builtin_options *options,
                                  struct counters *counters, const struct builtin_host *host,
                                  int64_t done, double begun, uint8_t *buffer) {
    for (; may_go_on(options, done, begun); done++) {
        const size_t size = invent(builtin, buffer, options->size_max);
        counters_clear(counters);
        if (!host->input(host->self, buffer, size))
            return BUILTIN_ENDED;
        if (counters->fresh == 0)
            continue;
        if (!builtin_seed(builtin, buffer, size))
            return BUILTIN_NOMEM;
        if (!host->keep(host->self, buffer, size))
            return BUILTIN_ENDED;
    }
    return BUILTIN_SPENT;
}

enum builtin_end builtin_run(struct builtin *builtin, const struct builtin_options *options,
                             struct counters *counters, const struct builtin_host *host) {
    const double begun = now();
    builtin->random = options->seed;
    // As libFuzzer: the empty input comes first, and the inputs given all run even with runs 0.
    const size_t given = builtin->count;
    if (given == 0 && !builtin_seed(builtin, NULL, 0))
        return BUILTIN_NOMEM;
    for (size_t i = 0; i < builtin->count; i++) {
        counters_clear(counters);
        if (!host->input(host->self, builtin->inputs[i].bytes, builtin->inputs[i].size))
            return BUILTIN_ENDED;
    }
    uint8_t *buffer = malloc(options->size_max + 1);
    if (buffer == NULL)
        return BUILTIN_NOMEM;
    const enum builtin_end end =
        mutate_on(builtin, options, counters, host, (int64_t)builtin->count, begun, buffer);
    free(buffer);
    return end;
}
