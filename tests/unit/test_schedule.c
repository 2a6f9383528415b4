// Schedule bytes: any string is one, and every execution can be written as one.
// SPDX-License-Identifier: Apache-2.0
#include "schedule.h"

#include "check.h"
#include "random_program.h"
#include "stage.h"

static uint64_t draw(uint64_t *state) {
    *state += 0x9E3779B97F4A7C15U;
    return mix64(*state);
}

static void check_equal_plans(const struct fr_plan *a, const struct fr_plan *b) {
    CHECK(a->strategy == b->strategy && a->seed == b->seed && a->depth == b->depth, "%s and %s",
          fr_strategy_name(a->strategy), fr_strategy_name(b->strategy));
    CHECK(a->executions_max == b->executions_max, "budgets %lu and %lu",
          (unsigned long)a->executions_max, (unsigned long)b->executions_max);
    CHECK(a->choice_count == b->choice_count, "numbers of choices");
    for (size_t i = 0; i < a->choice_count; i++)
        CHECK(a->choices[i] == b->choices[i], "choice %lu", (unsigned long)i);
}

// Decodes to something the explorer takes, and what it decodes to is said by other bytes as well.
static void check_bytes(const uint8_t *bytes, size_t size) {
    struct fr_plan plan = fr_plan_decode(bytes, size);
    CHECK(plan.strategy < FR_STRATEGIES && plan.strategy != FR_STRATEGY_REPLAY, "a strategy");
    CHECK(plan.executions_max > 0, "a fuzzer's input always ends");
    CHECK(plan.depth <= 8 && plan.segment_count == 0, "within the format");
    CHECK(plan.choice_count == (size > SCHEDULE_HEADER ? size - SCHEDULE_HEADER : 0),
          "no byte is dead");
    uint8_t again[64];
    size_t again_size = fr_plan_encode(&plan, again, sizeof again);
    CHECK(again_size <= sizeof again && again_size == SCHEDULE_HEADER + plan.choice_count, "size");
    struct fr_plan same = fr_plan_decode(again, again_size);
    check_equal_plans(&plan, &same);
    uint8_t third[64];
    CHECK(fr_plan_encode(&same, third, sizeof third) == again_size, "stable size");
    CHECK(memcmp(third, again, again_size) == 0, "encoding is stable from the first time on");
}

static void test_every_string_of_bytes_is_a_schedule(void) {
    uint8_t bytes[48] = {0};
    check_bytes(NULL, 0);
    for (uint32_t i = 0; i < 65536; i++) {
        bytes[0] = (uint8_t)i;
        bytes[1] = (uint8_t)(i >> 8);
        check_bytes(bytes, 1);
        check_bytes(bytes, 2);
    }
    uint64_t state = 1;
    for (uint32_t i = 0; i < 100000; i++) {
        size_t size = (size_t)(draw(&state) % sizeof bytes);
        for (size_t k = 0; k < size; k++)
            bytes[k] = (uint8_t)draw(&state);
        check_bytes(bytes, size);
    }
}

static void test_bytes_mean_what_the_format_says(void) {
    // pct (2), budget class 2, ignored bits set; depth bits 5; seed little-endian; two choices.
    static const uint8_t bytes[] = {0xE0 | 2 << 3 | 2, 0xF8 | 5, 0x78, 0x56, 0x34, 0x92, 3, 0x80};
    struct fr_plan plan = fr_plan_decode(bytes, sizeof bytes);
    CHECK(plan.strategy == FR_STRATEGY_PCT && plan.executions_max == 256, "byte 0");
    CHECK(plan.depth == 6, "byte 1, from 1");
    CHECK(plan.seed == 0x92345678, "bytes 2 to 5: %lx", (unsigned long)plan.seed);
    CHECK(plan.choice_count == 2 && plan.choices == bytes + 6, "choices point into the bytes");
    // Missing bytes are 0.
    plan = fr_plan_decode(bytes, 3);
    CHECK(plan.seed == 0x78 && plan.choice_count == 0, "a header cut short");
    plan = fr_plan_decode(NULL, 0);
    CHECK(plan.strategy == FR_STRATEGY_DPOR && plan.executions_max == 1 && plan.seed == 0,
          "nothing at all: one execution of dpor");
    static const enum fr_strategy by_number[] = {
        FR_STRATEGY_DPOR, FR_STRATEGY_RANDOM, FR_STRATEGY_PCT,   FR_STRATEGY_POS,
        FR_STRATEGY_URW,  FR_STRATEGY_SURW,   FR_STRATEGY_DELAY, FR_STRATEGY_DPOR};
    for (uint8_t number = 0; number < 8; number++)
        CHECK(fr_plan_decode(&number, 1).strategy == by_number[number], "number %u", number);
}

static void test_a_choice_is_an_index_or_goes_on(void) {
    CHECK(schedule_index(0, 3) == 0 && schedule_index(2, 3) == 2, "an index");
    CHECK(schedule_index(3, 3) == 0 && schedule_index(127, 3) == 1, "modulo their number");
    CHECK(schedule_index(128, 3) == 0 && schedule_index(255, 64) == 0, "go on");
    for (uint32_t width = 1; width <= FR_THREADS_MAX; width++)
        for (uint32_t choice = 0; choice < 256; choice++)
            CHECK(schedule_index((uint8_t)choice, width) < width, "in range");
}

static void test_budgets_are_rounded_up(void) {
    static const uint64_t asked[] = {1, 2, 16, 17, 256, 257, 4096};
    static const uint64_t given[] = {1, 16, 16, 256, 256, 4096, 4096};
    for (uint32_t i = 0; i < sizeof asked / sizeof *asked; i++) {
        struct fr_plan plan = {.strategy = FR_STRATEGY_POS, .executions_max = asked[i]};
        uint8_t bytes[SCHEDULE_HEADER];
        CHECK(fr_plan_encode(&plan, bytes, sizeof bytes) == SCHEDULE_HEADER, "no choices");
        CHECK(fr_plan_decode(bytes, sizeof bytes).executions_max == given[i], "%lu",
              (unsigned long)asked[i]);
    }
}

static void test_a_small_buffer_is_filled_and_not_more(void) {
    static const uint8_t choices[] = {1, 2, 3};
    struct fr_plan plan = {.choices = choices, .choice_count = 3};
    uint8_t whole[9];
    CHECK(fr_plan_encode(&plan, whole, sizeof whole) == 9, "its size");
    CHECK(fr_plan_encode(&plan, NULL, 0) == 9, "the same size without a buffer");
    for (size_t capacity = 0; capacity <= 9; capacity++) {
        uint8_t part[10];
        memset(part, 0xEE, sizeof part);
        CHECK(fr_plan_encode(&plan, part, capacity) == 9, "the full size");
        CHECK(memcmp(part, whole, capacity) == 0 && part[capacity] == 0xEE, "%lu bytes",
              (unsigned long)capacity);
    }
}

// An execution of any strategy, written as choices, is repeated by every strategy.
static void repeat(struct stage *stage, uint64_t hash, uint32_t preemptions, const char *name) {
    uint8_t choices[256];
    size_t count = fr_trace_choices(stage->explorer, choices, sizeof choices);
    CHECK(count <= sizeof choices, "too long a program");
    enum fr_verdict verdict = stage->verdict;
    for (enum fr_strategy strategy = 0; strategy < FR_STRATEGIES; strategy++) {
        stage_start(stage, (struct fr_plan){.strategy = strategy,
                                            .seed = 99,
                                            .depth = 3,
                                            .choices = choices,
                                            .choice_count = count});
        CHECK(stage_next(stage), "one execution");
        CHECK(fr_trace_hash(stage->explorer) == hash, "%s: another trace under %s", name,
              fr_strategy_name(strategy));
        CHECK(fr_trace_preemptions(stage->explorer) == preemptions && stage->verdict == verdict,
              "%s: the same in all", name);
        uint8_t again[256];
        CHECK(fr_trace_choices(stage->explorer, again, sizeof again) == count &&
                  memcmp(again, choices, count) == 0,
              "%s: written the same way again", name);
    }
}

static void repeat_some(struct stage *stage, const char *name) {
    for (enum fr_strategy strategy = 0; strategy < FR_STRATEGIES; strategy++)
        for (uint64_t seed = 0; seed < 3; seed++) {
            stage_start(stage, (struct fr_plan){.strategy = strategy, .seed = seed, .depth = 2});
            for (uint64_t i = 0; i <= seed; i++)
                (void)stage_next(stage);
            if (stage->verdict == FR_VERDICT_REDUNDANT)
                continue;
            repeat(stage, fr_trace_hash(stage->explorer), fr_trace_preemptions(stage->explorer),
                   name);
        }
}

static void test_every_execution_is_a_string_of_choices(void) {
    static const char *const names[] = {"lost_update", "philosophers",      "spawn_join",
                                        "semaphore",   "fib_bench",         "indexer",
                                        "iriw",        "timed_philosophers"};
    static struct stage stage;
    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++) {
        stage_open_model(&stage, names[i], "-", NULL);
        repeat_some(&stage, names[i]);
        stage_close(&stage);
    }
    struct fr_config varying = stage_config();
    varying.stable_keys = false;
    for (uint64_t seed = 1; seed <= 100; seed++) {
        stage_open_text(&stage, "thread t { }", &varying);
        random_mixed_program(&stage.program, seed);
        repeat_some(&stage, "random program");
        stage_close(&stage);
    }
}

int main(void) {
    test_every_string_of_bytes_is_a_schedule();
    test_bytes_mean_what_the_format_says();
    test_a_choice_is_an_index_or_goes_on();
    test_budgets_are_rounded_up();
    test_a_small_buffer_is_filled_and_not_more();
    test_every_execution_is_a_string_of_choices();
    return 0;
}
