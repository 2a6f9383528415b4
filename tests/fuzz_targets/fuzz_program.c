// Fuzz target: any text is a program or has a mistake that is named, and every program can be run.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "drive.h"
#include "parse.h"
#include "target.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static struct program program;
    if (size > 4096)
        return 0;
    char *text = malloc(size + 1);
    REQUIRE(text != NULL);
    if (size != 0)
        memcpy(text, bytes, size);
    text[size] = '\0';
    char error[PARSE_ERROR_MAX];
    struct parse_define define = {"n", (int64_t)(size % 5)};
    bool good = parse_program(text, &define, size % 2, &program, error);
    free(text);
    REQUIRE(good == (error[0] == '\0'));
    if (!good || program.thread_count == 0)
        return 0;
    struct drive drive;
    drive_init(&drive, &program, size % 3 != 0);
    struct fr_plan plan = {.strategy = size % 4 == 0 ? FR_STRATEGY_RANDOM : FR_STRATEGY_DPOR};
    REQUIRE(fr_explorer_start(drive.explorer, &plan) == FR_OK);
    for (uint32_t i = 0; i < 4; i++) {
        enum fr_status status = drive_once(&drive);
        REQUIRE(status == FR_OK || status == FR_DONE || status == FR_HOST);
        if (status != FR_OK)
            break;
    }
    drive_release(&drive);
    return 0;
}
