// One small program under one explorer: what the unit tests of the engine are made of.
// SPDX-License-Identifier: Apache-2.0
#include "stage.h"

#include <string.h>

#include "brute.h"
#include "check.h"
#include "explore.h"
#include "explorer.h"
#include "parse.h"

struct fr_config stage_config(void) {
    struct fr_config config = fr_config_default();
    config.events_max = 2000;
    config.stable_keys = true;
    return config;
}

static void open_explorer(struct stage *stage, const struct fr_config *config) {
    struct fr_config used = config != NULL ? *config : stage_config();
    CHECK_OK(fr_explorer_new(&used, &stage->explorer));
    stage->driven = program_subject(&stage->subject, &stage->program);
    stage->subject.vary_keys = !used.stable_keys;
}

void stage_open_text(struct stage *stage, const char *text, const struct fr_config *config) {
    char error[PARSE_ERROR_MAX];
    CHECK(parse_program(text, NULL, 0, &stage->program, error), "%s", error);
    open_explorer(stage, config);
}

void stage_open_model(struct stage *stage, const char *name, const char *constant,
                      const struct fr_config *config) {
    load_program(name, constant, &stage->program);
    open_explorer(stage, config);
}

void stage_close(struct stage *stage) {
    fr_explorer_free(stage->explorer);
    stage->explorer = NULL;
}

void stage_start(struct stage *stage, struct fr_plan plan) {
    CHECK_OK(fr_explorer_start(stage->explorer, &plan));
}

bool stage_next(struct stage *stage) {
    enum fr_status status = fr_explorer_begin(stage->explorer);
    if (status == FR_DONE)
        return false;
    CHECK_OK(status);
    uint64_t place = 0;
    CHECK_OK(stage->driven.execute(stage->driven.self, stage->explorer, &stage->verdict, &place));
    CHECK_OK(fr_explorer_end(stage->explorer, stage->verdict, place));
    return true;
}

void stage_replay(struct stage *stage, const char *order) {
    struct fr_segment segments[64];
    size_t count = strlen(order);
    CHECK(count <= 64, "too long an order");
    for (size_t i = 0; i < count; i++)
        segments[i] = (struct fr_segment){.thread = (fr_tid)(order[i] - '0'), .events = 1};
    stage_start(stage, (struct fr_plan){.strategy = FR_STRATEGY_REPLAY,
                                        .segments = segments,
                                        .segment_count = count});
    CHECK(stage_next(stage), "a replay is one execution");
}

uint64_t stage_explore(struct stage *stage, struct fr_plan plan, struct digest_set *hashes) {
    uint64_t executions = 0;
    stage_start(stage, plan);
    for (; stage_next(stage); executions++) {
        bool is_new;
        if (stage->verdict == FR_VERDICT_REDUNDANT)
            continue;
        digest_set_add(hashes, fr_trace_hash(stage->explorer), 0, &is_new)->value++;
    }
    return executions;
}

static struct interleaving *add_interleaving(struct interleavings *all) {
    if (all->count == all->capacity) {
        all->capacity = all->capacity == 0 ? 64 : all->capacity * 2;
        all->items = realloc(all->items, all->capacity * sizeof *all->items);
        CHECK(all->items != NULL, "a test without memory has no verdict");
    }
    return &all->items[all->count++];
}

// The next choices after those of the trace, as an odometer turns; false at the end.
static bool turn(const struct trace *trace, uint8_t *choices, uint32_t *count) {
    for (uint32_t at = trace->choice_count; at-- > 0;) {
        if (trace->choices[at].index + 1 >= trace->choices[at].width)
            continue;
        for (uint32_t i = 0; i <= at; i++)
            choices[i] = trace->choices[i].index;
        choices[at]++;
        *count = at + 1;
        return true;
    }
    return false;
}

void interleavings_find(struct interleavings *all, struct stage *stage) {
    uint8_t choices[INTERLEAVING_CHOICES];
    uint32_t count = 0;
    const struct fr_explorer *e = stage->explorer;
    *all = (struct interleavings){0};
    do {
        stage_start(stage, (struct fr_plan){.strategy = FR_STRATEGY_REPLAY,
                                            .choices = choices,
                                            .choice_count = count});
        CHECK(stage_next(stage), "a replay is one execution");
        struct interleaving *one = add_interleaving(all);
        *one = (struct interleaving){.hash = fr_trace_hash(e),
                                     .preemptions = fr_trace_preemptions(e),
                                     .verdict = stage->verdict};
        size_t size = fr_trace_choices(e, one->choices, INTERLEAVING_CHOICES);
        CHECK(size <= INTERLEAVING_CHOICES, "too long a program");
        one->choice_count = (uint32_t)size;
        uint64_t value;
        one->digest =
            brute_digest(&stage->program, stage->subject.schedule, stage->subject.length, &value);
    } while (turn(&e->run.trace, choices, &count));
}

void interleavings_release(struct interleavings *all) {
    free(all->items);
}

bool interleaving_extends(const struct interleaving *interleaving, const uint8_t *prefix,
                          uint32_t count) {
    return interleaving->choice_count >= count && memcmp(interleaving->choices, prefix, count) == 0;
}
