// Fuzz target: schedule bytes, their mutation and crossover are total, and decoding is stable.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "drive.h"
#include "target.h"

enum { CAPACITY = 300 };

// Two threads on two variables: any plan can be executed.
static const struct program *small_program(void) {
    static struct program program = {.thread_count = 3, .object_count = 2};
    if (program.code_count != 0)
        return &program;
    static const uint8_t opcodes[] = {OPC_READ, OPC_WRITE, OPC_ADD, OPC_READ, OPC_END};
    for (uint32_t i = 0; i < sizeof opcodes; i++)
        program.code[program.code_count++] = (struct instruction){
            .opcode = opcodes[i], .dst = 2, .src = 2, .index = 1, .base = i % 2, .size = 1};
    return &program;
}

static void check_plan(const uint8_t *bytes, size_t size) {
    struct fr_plan plan = fr_plan_decode(bytes, size);
    REQUIRE(plan.strategy < FR_STRATEGIES && plan.choice_count <= size);
    uint8_t first[CAPACITY * 2];
    uint8_t second[CAPACITY * 2];
    size_t full = fr_plan_encode(&plan, first, sizeof first);
    REQUIRE(full <= sizeof first);
    // What was encoded decodes and encodes to itself.
    struct fr_plan again = fr_plan_decode(first, full);
    REQUIRE(again.strategy == plan.strategy && again.seed == plan.seed);
    REQUIRE(again.depth == plan.depth && again.executions_max >= plan.executions_max);
    REQUIRE(again.choice_count == plan.choice_count);
    REQUIRE(fr_plan_encode(&again, second, sizeof second) == full);
    REQUIRE(memcmp(first, second, full) == 0);
    // Too little room writes nothing behind it.
    uint8_t *little = malloc(full / 2 + 1);
    REQUIRE(little != NULL);
    REQUIRE(fr_plan_encode(&plan, little, full / 2) == full);
    free(little);
    struct drive drive;
    drive_init(&drive, small_program(), size % 2 == 0);
    REQUIRE(fr_explorer_start(drive.explorer, &plan) == FR_OK);
    for (uint32_t i = 0; i < 4; i++) {
        enum fr_status status = drive_once(&drive);
        REQUIRE(status == FR_OK || status == FR_DONE);
    }
    drive_release(&drive);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    if (size > CAPACITY)
        return 0;
    check_plan(bytes, size);
    uint64_t seed = size;
    for (size_t i = 0; i < size && i < 8; i++)
        seed = seed * 257 + bytes[i];
    size_t capacity = size + seed % 7;
    uint8_t *changed = malloc(capacity + 1);
    uint8_t *crossed = malloc(capacity + 1);
    REQUIRE(changed != NULL && crossed != NULL);
    if (size != 0)
        memcpy(changed, bytes, size);
    size_t changed_size = fr_mutate(changed, size, capacity, seed);
    REQUIRE(changed_size <= capacity);
    check_plan(changed, changed_size);
    size_t crossed_size =
        fr_crossover(bytes, size, changed, changed_size, crossed, capacity / 2, seed);
    REQUIRE(crossed_size <= capacity / 2);
    check_plan(crossed, crossed_size);
    free(changed);
    free(crossed);
    return 0;
}
