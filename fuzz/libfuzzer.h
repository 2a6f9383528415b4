// libFuzzer in this process: its main function, its counters, its last words.
// SPDX-License-Identifier: Apache-2.0
//
// Only in builds that found libFuzzer's archive (FRONTRUN_LIBFUZZER).
#ifndef FUZZ_LIBFUZZER_H
#define FUZZ_LIBFUZZER_H

#include <stddef.h>
#include <stdint.h>

#include "counters.h"

// Runs libFuzzer with these arguments; argv is libFuzzer's to change. input is called for each
// input, with the counters cleared; only 0 may come back from it, to end the process is its own
// affair. Returns only in the modes that do not fuzz; else libFuzzer calls exit(). Once a process,
// and the counters must live as long as it.
int libfuzzer_run(int argc, char **argv, struct counters *counters,
                  int (*input)(const uint8_t *bytes, size_t size));
// The input now running, for the last words when the process dies under it. NULL: none.
void libfuzzer_note_input(const uint8_t *bytes, size_t size);

#endif
