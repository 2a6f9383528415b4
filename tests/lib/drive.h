// Drives an exploration of an abstract program step by step, keeping the hashes of its executions.
// SPDX-License-Identifier: Apache-2.0
#ifndef LIB_DRIVE_H
#define LIB_DRIVE_H

#include "program.h"

struct drive {
    struct fr_explorer *explorer;
    struct program_subject subject;
    struct fr_subject driven;
    uint64_t *hashes;  // of the executions that were driven, in order
    uint32_t count;
    uint32_t capacity;
};

// A new explorer without an exploration, to be started or restored.
void drive_init(struct drive *drive, const struct program *program, bool stable_keys);
void drive_release(struct drive *drive);
// One execution. FR_DONE: there was none left. Anything else but FR_OK: what went wrong.
FR_MUST_CHECK enum fr_status drive_once(struct drive *drive);
// At most `executions`, all of which must work. Answers how many there were.
uint32_t drive_some(struct drive *drive, uint32_t executions);
// The exploration as bytes, to be freed by the caller.
uint8_t *drive_save(const struct drive *drive, size_t *size);

#endif
