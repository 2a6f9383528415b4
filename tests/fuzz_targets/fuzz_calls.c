// Fuzz target: any sequence of calls of fr.h, misuse and failing memory included, is answered.
// SPDX-License-Identifier: Apache-2.0
//
// The bytes say which call comes next and with which arguments. What is checked is that nothing
// crashes, no memory is left, and that no claim is made that cannot be true.
#include <stdio.h>
#include <string.h>

#include "fr.h"
#include "target.h"

struct session {
    struct input input;
    struct fr_explorer *explorer;
    struct fr_shrink *shrink;
    uint8_t choices[16];
    struct fr_segment segments[3];
    uint8_t saved[8192];
    size_t saved_size;
    struct fr_access accesses[FR_ACCESSES_MAX + 2];
    // The allocator.
    uint64_t blocks;      // live
    uint64_t calls_left;  // before one fails, once
};

static void *resize(void *context, void *block, size_t size) {
    struct session *s = context;
    if (size == 0) {
        s->blocks--;
        free(block);
        return NULL;
    }
    if (s->calls_left-- == 0)
        return NULL;
    void *made = realloc(block, size);
    REQUIRE(made != NULL);
    s->blocks += block == NULL;
    return made;
}

// A thread that may or may not exist.
static fr_tid any_thread(struct session *s) {
    uint32_t t = take_below(&s->input, 9);
    return t == 8 ? FR_TID_NONE : t == 7 ? FR_THREADS_MAX + 3 : t;
}

static const struct fr_plan *any_plan(struct session *s) {
    static struct fr_plan plan;
    plan = (struct fr_plan){.strategy = (enum fr_strategy)take_below(&s->input, FR_STRATEGIES + 1),
                            .order = (enum fr_order)take_below(&s->input, FR_ORDERS),
                            .seed = take_byte(&s->input),
                            .depth = take_below(&s->input, 20),
                            .executions_max = take_below(&s->input, 12),
                            .choices = s->choices,
                            .segments = s->segments};
    if (take_below(&s->input, 4) == 0) {
        plan.order = (enum fr_order)take_below(&s->input, FR_ORDERS + 1);
        plan.bound = (enum fr_bound)take_below(&s->input, FR_BOUNDS + 1);
        plan.bound_max = take_below(&s->input, 3);
    }
    plan.choice_count = take_below(&s->input, 5);
    for (size_t i = 0; i < plan.choice_count; i++)
        s->choices[i] = take_byte(&s->input);
    plan.segment_count = take_below(&s->input, 4);
    for (size_t i = 0; i < plan.segment_count; i++)
        s->segments[i] = (struct fr_segment){.thread = any_thread(s),
                                             .events = take_below(&s->input, 4),
                                             .until = take_below(&s->input, 4),
                                             .nth = take_below(&s->input, 3)};
    return &plan;
}

static struct fr_op any_op(struct session *s) {
    struct fr_op op = {.kind = (enum fr_op_kind)take_below(&s->input, FR_OP_KINDS + 1),
                       .site = take_below(&s->input, 4),
                       .accesses = s->accesses,
                       .target = any_thread(s),
                       .value = (int64_t)take_below(&s->input, 3),
                       .expect = (int64_t)take_below(&s->input, 2),
                       .held_outside = take_below(&s->input, 16) == 0};
    uint32_t count = take_byte(&s->input);
    // Mostly what the kind needs, sometimes anything.
    bool has_target = op.kind == FR_OP_SPAWN || op.kind == FR_OP_JOIN;
    bool may_wait = op.kind == FR_OP_ACQUIRE || op.kind == FR_OP_JOIN || op.kind == FR_OP_SPIN ||
                    op.kind == FR_OP_SLEEP;
    if (may_wait && count % 4 != 0)
        op.deadline_ns = fr_run_now(s->explorer) + count % 4 - 1;
    op.access_count = has_target || op.kind == FR_OP_SLEEP ? 0 : 1;
    if (op.kind == FR_OP_ACCESS || count >= 240)
        op.access_count = count < 250 ? count % 4 : count % (FR_ACCESSES_MAX + 2);
    if (count == 255)
        op.value = INT64_MAX;
    for (uint32_t i = 0; i < op.access_count; i++)
        s->accesses[i] = (struct fr_access){.key = take_below(&s->input, 5),
                                            .mode = (enum fr_mode)take_below(&s->input, 4)};
    if (count == 254)
        s->accesses[0].mode = FR_MODES;
    return op;
}

static enum fr_status any_announcement(struct session *s, fr_tid thread) {
    if (take_below(&s->input, 6) == 0)
        return fr_run_leave(s->explorer, thread);
    struct fr_op op = any_op(s);
    return fr_run_announce(s->explorer, thread, &op);
}

static enum fr_verdict fitting_verdict(const struct fr_explorer *e) {
    switch (fr_run_stop(e)) {
    case FR_STOP_FINISHED:
        return FR_VERDICT_PASS;
    case FR_STOP_DEADLOCK:
        return FR_VERDICT_DEADLOCK;
    case FR_STOP_REDUNDANT:
        return FR_VERDICT_REDUNDANT;
    case FR_STOP_STEPS:
        return FR_VERDICT_STEP_LIMIT;
    default:
        return FR_VERDICT_BLOCKED;
    }
}

// A whole execution by a host that follows the rules but whose program does anything.
static void execute(struct session *s) {
    struct fr_explorer *e = s->explorer;
    if (fr_explorer_begin(e) != FR_OK)
        return;
    uint32_t workers = 1 + take_below(&s->input, 3);
    for (uint32_t i = 0; i < workers; i++) {
        fr_tid made = 0;
        if (fr_run_enter(e, FR_TID_NONE, &made) != FR_OK)
            return;
    }
    for (fr_tid t = 0; t < workers; t++)
        for (uint32_t tries = 0; any_announcement(s, t) != FR_OK; tries++)
            if (tries > 3 && fr_run_leave(e, t) != FR_OK)
                return;
    fr_tid next = FR_TID_NONE;
    while (fr_run_decide(e, &next) == FR_OK && next != FR_TID_NONE)
        if (any_announcement(s, next) != FR_OK && fr_run_leave(e, next) != FR_OK)
            break;
    if (fr_explorer_end(e, fitting_verdict(e), 0) != FR_OK)
        return;
}

// The same small program in every execution: what DPOR works on when nothing goes wrong.
static void execute_steadily(struct session *s, uint32_t shape) {
    struct fr_explorer *e = s->explorer;
    struct fr_access access = {.key = 1, .mode = FR_WRITE};
    struct fr_op op = {.kind = FR_OP_ACCESS, .accesses = &access, .access_count = 1, .site = 1};
    uint32_t done[FR_THREADS_MAX] = {0};
    uint32_t workers = 2 + shape % 2;
    fr_tid made = 0;
    if (fr_explorer_begin(e) != FR_OK)
        return;
    for (uint32_t i = 0; i < workers; i++)
        if (fr_run_enter(e, FR_TID_NONE, &made) != FR_OK || fr_run_announce(e, made, &op) != FR_OK)
            return;
    fr_tid next = FR_TID_NONE;
    while (fr_run_decide(e, &next) == FR_OK && next != FR_TID_NONE) {
        enum fr_status status = FR_OK;
        access.key = done[next] % (1 + shape / 2 % 3);
        access.mode = (enum fr_mode)((next + shape / 6) % FR_MODES);
        status = ++done[next] > shape % 3 ? fr_run_leave(e, next) : fr_run_announce(e, next, &op);
        if (status != FR_OK)
            return;
    }
    if (fr_explorer_end(e, fitting_verdict(e), 0) != FR_OK)
        return;
}

static void look(struct session *s) {
    const struct fr_explorer *e = s->explorer;
    fr_tid thread = any_thread(s);
    uint32_t length = fr_trace_length(e);
    fr_tid other = fr_run_waits_for(e, thread);
    REQUIRE(other == FR_TID_NONE || other < FR_THREADS_MAX);
    REQUIRE(!fr_run_is_blocked(e, thread) || thread < FR_THREADS_MAX);
    uint32_t taken_at = fr_run_taken_at(e, thread);
    REQUIRE(taken_at == FR_TID_NONE || taken_at < length);
    REQUIRE(fr_trace_threads(e) <= FR_THREADS_MAX);
    for (uint32_t at = 0; at < length && at < 8; at++) {
        struct fr_event event = fr_trace_event(e, at);
        REQUIRE(event.kind < FR_OP_KINDS && event.thread < FR_THREADS_MAX);
        for (uint32_t n = 0; n < event.access_count; n++)
            REQUIRE(fr_trace_access(e, at, n).mode < FR_MODES);
        REQUIRE(fr_trace_happens_before(e, at, at));
    }
    uint8_t choices[4];
    fr_trace_choices(e, choices, sizeof choices);
    REQUIRE(fr_explorer_estimate(e) >= 0);
    REQUIRE(fr_explorer_errmsg(e) != NULL);
    struct fr_stats stats = fr_explorer_stats(e);
    REQUIRE(stats.failures <= stats.executions && stats.redundant <= stats.executions);
    // Nothing is exhausted that never ran.
    REQUIRE(stats.executions != 0 || fr_explorer_ending(e) == FR_ENDING_RUNNING);
    (void)(fr_trace_hash(e) ^ fr_trace_reads_from(e) ^ fr_trace_preemptions(e));
    (void)(fr_run_outcome(e) ^ (fr_run_segments_done(e) != 0));
}

static void save_or_restore(struct session *s, bool saves) {
    if (saves) {
        size_t size = fr_explorer_save(s->explorer, s->saved, sizeof s->saved);
        s->saved_size = size <= sizeof s->saved ? size : 0;
        return;
    }
    enum fr_status status = fr_explorer_restore(s->explorer, s->saved, s->saved_size);
    REQUIRE(status == FR_OK || status == FR_CORRUPT || status == FR_NOMEM);
}

static void shrink(struct session *s) {
    struct fr_plan plan;
    uint32_t what = take_below(&s->input, 4);
    if (s->shrink == NULL || what == 3) {
        fr_shrink_free(s->shrink);
        s->shrink = NULL;
        enum fr_verdict verdict = (enum fr_verdict)take_below(&s->input, FR_VERDICTS);
        if (fr_shrink_new(s->explorer, verdict, 0, take_byte(&s->input), &s->shrink) != FR_OK)
            s->shrink = NULL;
        return;
    }
    if (what == 0)
        (void)fr_shrink_is_minimal(s->shrink);
    enum fr_status status = fr_shrink_next(s->shrink, &plan);
    if (status != FR_OK || fr_explorer_start(s->explorer, &plan) != FR_OK)
        return;
    execute(s);
    if (what != 1 && fr_shrink_tell(s->shrink, s->explorer, fitting_verdict(s->explorer), 0) != 0)
        return;
}

static enum fr_status call(struct session *s, uint32_t what) {
    struct fr_explorer *e = s->explorer;
    fr_tid out = 0;
    uint32_t least = 0;
    switch (what) {
    case 0:
        return fr_explorer_start(e, any_plan(s));
    case 1:
        return fr_explorer_begin(e);
    case 2:
        return fr_run_enter(e, any_thread(s), &out);
    case 3:
        return fr_run_child(e, any_thread(s), &out);
    case 4:
    case 5:
        return any_announcement(s, any_thread(s));
    case 6:
        return fr_run_leave(e, any_thread(s));
    case 7:
        return fr_run_decide(e, &out);
    case 8:
        return fr_explorer_end(e, fitting_verdict(e), take_byte(&s->input));
    case 9:
        return fr_explorer_end(e, (enum fr_verdict)take_below(&s->input, FR_VERDICTS + 1), 0);
    case 10:
        save_or_restore(s, take_below(&s->input, 2) == 0);
        return FR_OK;
    case 11:
        return fr_run_draw(e, 1 + take_byte(&s->input)) <= 255 ? FR_OK : FR_MISUSE;
    case 12:
        shrink(s);
        return FR_OK;
    case 13:
        return fr_trace_least_preemptions(e, take_below(&s->input, 4), &least);
    case 14:
        execute(s);
        return FR_OK;
    default:
        for (uint32_t n = take_below(&s->input, 16), shape = take_byte(&s->input); n > 0; n--)
            execute_steadily(s, shape);
        return FR_OK;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    static struct session session;
    struct session *s = &session;
    if (size > 4096)
        return 0;
    *s = (struct session){.input = {bytes, size}};
    uint8_t first = take_byte(&s->input);
    s->calls_left = first % 2 == 0 ? UINT64_MAX : 1U + take_byte(&s->input) % 100U;
    struct fr_config config = {.threads_max = 1 + first / 2 % 5,
                               .events_max = 1 + take_byte(&s->input) % 40U,
                               .stable_keys = first / 16 % 2 != 0,
                               .allocator = {.resize = resize, .context = s}};
    if (fr_explorer_new(&config, &s->explorer) == FR_OK) {
        if (first / 32 % 2 == 0 && fr_explorer_start(s->explorer, any_plan(s)) != FR_OK)
            s->input.left = 0;
        while (s->input.left > 0) {
            enum fr_status status = call(s, take_below(&s->input, 16));
            REQUIRE(fr_status_text(status) != NULL && fr_status_name(status)[0] != 'U');
            look(s);
        }
        fr_shrink_free(s->shrink);
        fr_explorer_free(s->explorer);
    }
    REQUIRE(s->blocks == 0);
    return 0;
}
