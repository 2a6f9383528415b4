// One execution of an abstract program as text for people.
// SPDX-License-Identifier: Apache-2.0
#ifndef MODEL_TEXT_H
#define MODEL_TEXT_H

#include "program.h"

// Executes the program by a schedule (its threads, in order) and writes each step to stdout, then
// who waits for what if anybody does. `length` may be more than the `stored` steps known.
void model_text_print(const struct program *program, const uint8_t *schedule, uint32_t stored,
                      uint32_t length);

#endif
