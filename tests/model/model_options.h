// The command line of fr-model.
// SPDX-License-Identifier: Apache-2.0
#ifndef MODEL_OPTIONS_H
#define MODEL_OPTIONS_H

#include "fr.h"
#include "parse.h"

enum { MODEL_PREFIX_MAX = 4096 };

struct model_options {
    const char *file;
    struct fr_plan plan;  // its choices are `prefix`
    uint64_t budget;      // executions of this process; 0: no limit
    uint32_t events_max;  // of one execution
    bool stable_keys, brute_force, estimate, all, text, help;
    const char *save, *resume;
    struct parse_define defines[PARSE_DEFINES];
    char define_names[PARSE_DEFINES][64];
    uint32_t define_count;
    uint8_t prefix[MODEL_PREFIX_MAX];
};

// False: a sentence on what is wrong was written to stderr.
bool model_options_parse(struct model_options *options, int argc, char **argv);
void model_options_help(void);

#endif
