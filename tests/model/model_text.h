// One execution of an abstract program as text for people.
// SPDX-License-Identifier: Apache-2.0
#ifndef MODEL_TEXT_H
#define MODEL_TEXT_H

#include "program.h"

// Executes the program by a schedule (its threads in order, and when each of them went) and writes
// each step to stdout, then who waits for what if anybody does. `length` may be more than the
// `stored` steps known.
void model_text_print(const struct program *program, const uint8_t *schedule, const int64_t *times,
                      uint32_t stored, uint32_t length);

#endif
