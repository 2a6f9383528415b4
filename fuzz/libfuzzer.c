// libFuzzer in this process: starts it, lends it our counters, answers its hooks.
// SPDX-License-Identifier: Apache-2.0
#include "libfuzzer.h"

#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#ifdef FRONTRUN_LIBFUZZER

#define EXPORTED __attribute__((visibility("default")))

// libFuzzer's own interface, declared as it is by its sources.
extern int LLVMFuzzerRunDriver(int *argc, char ***argv,
                               int (*input)(const uint8_t *bytes, size_t size));
extern void __sanitizer_cov_8bit_counters_init(uint8_t *start, uint8_t *stop);
extern void __sanitizer_cov_pcs_init(const uintptr_t *start, const uintptr_t *stop);

// libFuzzer looks these up as weak symbols; without them it warns and its reports are shorter.
EXPORTED void __sanitizer_set_death_callback(void (*callback)(void));
EXPORTED int __sanitizer_acquire_crash_state(void);
EXPORTED void __sanitizer_print_stack_trace(void);

// A program counter and flags for each counter. There is no code behind our counters, so all are
// zero; libFuzzer needs the table for its "cov:" figure.
static uintptr_t pcs[2 * COUNTERS_SIZE];

static const uint8_t *noted_bytes;
static size_t noted_size;

void libfuzzer_note_input(const uint8_t *bytes, size_t size) {
    noted_bytes = bytes;
    noted_size = size;
}

// libFuzzer saves the input in its own signal handlers; nothing of ours is to be done at death.
void __sanitizer_set_death_callback(void (*callback)(void)) {
    (void)callback;
}

int __sanitizer_acquire_crash_state(void) {
    static bool taken;
    return !__atomic_test_and_set(&taken, __ATOMIC_SEQ_CST);
}

// Called in a signal handler: only write(2) here.
void __sanitizer_print_stack_trace(void) {
    static const char intro[] = "    while executing the schedule ";
    static const char digits[] = "0123456789abcdef";
    char line[sizeof intro + 2 * 64 + 4];
    size_t length = sizeof intro - 1;
    if (noted_bytes == NULL)
        return;
    memcpy(line, intro, length);
    for (size_t i = 0; i < noted_size && i < 64; i++) {
        line[length++] = digits[noted_bytes[i] >> 4];
        line[length++] = digits[noted_bytes[i] & 15];
    }
    for (size_t i = 0; noted_size > 64 && i < 3; i++)
        line[length++] = '.';
    line[length++] = '\n';
    const ssize_t written = write(STDERR_FILENO, line, length);
    (void)written;
}

int libfuzzer_run(int argc, char **argv, struct counters *counters,
                  int (*input)(const uint8_t *bytes, size_t size)) {
    __sanitizer_cov_8bit_counters_init(counters->table, counters->table + COUNTERS_SIZE);
    __sanitizer_cov_pcs_init(pcs, pcs + 2 * (size_t)COUNTERS_SIZE);
    return LLVMFuzzerRunDriver(&argc, &argv, input);
}

#endif
