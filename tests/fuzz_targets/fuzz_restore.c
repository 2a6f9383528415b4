// Fuzz target: restoring from any bytes, also under a right checksum, and going on from there.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "drive.h"
#include "random_program.h"
#include "save.h"
#include "target.h"

static void seal(uint8_t *bytes, size_t size) {
    uint64_t sum = save_checksum(bytes, size - SAVE_CHECKSUM);
    for (uint32_t i = 0; i < SAVE_CHECKSUM; i++)
        bytes[size - SAVE_CHECKSUM + i] = (uint8_t)(sum >> 8 * i);
}

static void restore_and_go_on(const struct program *program, bool stable_keys, const uint8_t *bytes,
                              size_t size) {
    struct drive drive;
    drive_init(&drive, program, stable_keys);
    enum fr_status status = fr_explorer_restore(drive.explorer, bytes, size);
    REQUIRE(status == FR_OK || status == FR_CORRUPT);
    for (uint32_t i = 0; status == FR_OK && i < 6; i++) {
        size_t again = fr_explorer_save(drive.explorer, NULL, 0);
        REQUIRE(again != 0);
        status = drive_once(&drive);
    }
    drive_release(&drive);
}

static const struct fr_plan *any_plan(struct input *input) {
    static struct fr_plan plan;
    static uint8_t choices[3];
    plan = (struct fr_plan){.strategy = (enum fr_strategy)take_below(input, FR_STRATEGIES),
                            .order = (enum fr_order)take_below(input, FR_ORDERS),
                            .depth = 2,
                            .choices = choices};
    if (take_below(input, 3) == 0) {
        plan.bound = (enum fr_bound)take_below(input, FR_BOUNDS);
        plan.bound_max = take_below(input, 3);
    }
    plan.choice_count = take_below(input, 4);
    for (size_t i = 0; i < plan.choice_count; i++)
        choices[i] = take_byte(input);
    return &plan;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static struct program program;
    struct input input = {bytes, size};
    random_mixed_program(&program, take_byte(&input));
    bool stable_keys = take_below(&input, 2) != 0;
    struct drive drive;
    drive_init(&drive, &program, stable_keys);
    enum fr_status status = fr_explorer_start(drive.explorer, any_plan(&input));
    for (uint32_t n = take_below(&input, 12); status == FR_OK && n > 0; n--)
        status = drive_once(&drive);
    size_t saved_size = fr_explorer_save(drive.explorer, NULL, 0);
    uint8_t *saved = malloc(saved_size + size + SAVE_CHECKSUM);
    REQUIRE(saved != NULL);
    if (saved_size != 0 && fr_explorer_save(drive.explorer, saved, saved_size) == saved_size) {
        bool replaces_tail = take_below(&input, 4) == 0;
        while (!replaces_tail && input.left > 2) {
            size_t at = (size_t)take_byte(&input) << 8 | take_byte(&input);
            saved[at % saved_size] = take_byte(&input);
        }
        if (replaces_tail) {
            size_t keep = ((size_t)take_byte(&input) << 8 | take_byte(&input)) % saved_size;
            memcpy(saved + keep, input.at, input.left);
            saved_size = keep + input.left + SAVE_CHECKSUM;
        }
        seal(saved, saved_size);
        restore_and_go_on(&program, stable_keys, saved, saved_size);
    }
    free(saved);
    drive_release(&drive);
    restore_and_go_on(&program, stable_keys, bytes, size);
    return 0;
}
