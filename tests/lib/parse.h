// Reads an abstract program from text (docs in tests/model/README.md).
// SPDX-License-Identifier: Apache-2.0
#ifndef LIB_PARSE_H
#define LIB_PARSE_H

#include "program.h"

enum { PARSE_ERROR_MAX = 160, PARSE_DEFINES = 8 };

// Overrides `const NAME = ...` of the text.
struct parse_define {
    const char *name;
    int64_t value;
};

// True: *program is the program. False: error says the line, what is wrong and what was expected.
bool parse_program(const char *text, const struct parse_define *defines, uint32_t define_count,
                   struct program *program, char error[PARSE_ERROR_MAX]);

#endif
