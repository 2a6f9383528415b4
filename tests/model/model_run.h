// One exploration of an abstract program, measured, and compared with brute force if wanted.
// SPDX-License-Identifier: Apache-2.0
#ifndef MODEL_RUN_H
#define MODEL_RUN_H

#include "brute.h"
#include "model_options.h"

struct model_result {
    uint64_t executions;      // of this process
    uint64_t executions_all;  // also those before it was resumed
    uint64_t traces;          // distinct, complete
    uint64_t repeated;        // complete executions of a trace seen before
    uint64_t redundant, beyond_bound, cut;
    uint64_t deadlocked, failed, step_limited;  // traces
    uint64_t reads_from;                        // distinct signatures
    uint64_t events;
    double seconds;
    enum fr_ending ending;
    // One that failed or deadlocked: its schedule, as the program's threads.
    bool has_failing;
    uint32_t failing_length;
    uint8_t failing[4096];
    int64_t failing_times[4096];
    // --brute-force
    bool compared;
    struct brute truth;
};

// 0 on success; else a sentence was written to stderr.
int model_run(const struct program *program, const struct model_options *options,
              struct model_result *result);
void model_result_release(struct model_result *result);
// Reads and parses the options' file. 0 on success; else a sentence was written to stderr.
int model_load(const char *path, const struct parse_define *defines, uint32_t define_count,
               struct program *program);

#endif
