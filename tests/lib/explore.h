// Explores an abstract program and compares what was explored with brute force.
// SPDX-License-Identifier: Apache-2.0
#ifndef LIB_EXPLORE_H
#define LIB_EXPLORE_H

#include "brute.h"

struct explored {
    uint64_t executions;  // of any verdict
    uint64_t redundant;   // cut short
    uint64_t repeated;    // complete, but their trace had been seen
    uint64_t traces;      // distinct, by the engine's hash
    uint64_t deadlocked;
    uint64_t failed;
    uint64_t events;
    enum fr_ending ending;
};

// How to explore: plan, and whether keys are stable (else they differ in every execution).
struct explore_options {
    struct fr_plan plan;
    bool stable_keys;
    uint64_t executions_max;  // stop there (0: never)
};

// Explores. truth NULL, or what brute force found: then it also checks that hash and digest match
// one to one, and that every explored trace is a true one with the same value. Ends the process
// with a message if something is wrong; `name` says which program.
struct explored explore_program(const struct program *program,
                                const struct explore_options *options, const struct brute *truth,
                                const char *name);

// The text of tests/model/<name>.prog with one constant replaced ("-" or "name=value").
void load_program(const char *name, const char *constant, struct program *program);

#endif
