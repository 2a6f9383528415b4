// Completions: every prefix has exactly one among the traces, and the short cut finds the same.
// SPDX-License-Identifier: Apache-2.0
#include "completion.h"

#include "check.h"
#include "explorer.h"
#include "random_program.h"
#include "stage.h"

static struct completion completion;
static struct alloc alloc;

// ------------------------------------------------------------------------------ one of all traces

static bool holds(const struct run *run, const uint32_t *counts) {
    uint32_t begin[FR_THREADS_MAX] = {0};
    memcpy(begin, counts, run->thread_count * sizeof *counts);
    return completion_holds(&completion, run, 0, counts, begin);
}

static bool is_next(const struct run *run, const uint32_t *counts, fr_tid t) {
    if (counts[t] == run->threads[t].count)
        return false;
    const uint32_t *clock = trace_clock(&run->trace, run->threads[t].positions[counts[t]]);
    for (fr_tid other = 0; other < run->thread_count; other++)
        if (other != t && clock[other] > counts[other])
            return false;
    return true;
}

// Every prefix of the trace from counts on, once.
static void visit(const struct run *run, uint32_t *counts, uint64_t digest,
                  struct digest_set *of_trace, struct digest_set *of_all) {
    bool is_new;
    digest_set_add(of_trace, digest, 0, &is_new);
    if (!is_new)
        return;
    digest_set_add(of_all, digest, 0, &is_new)->value += holds(run, counts);
    for (fr_tid t = 0; t < run->thread_count; t++) {
        if (!is_next(run, counts, t))
            continue;
        uint64_t hash = run->trace.events[run->threads[t].positions[counts[t]]].hash;
        counts[t]++;
        visit(run, counts, digest + mix64(hash), of_trace, of_all);
        counts[t]--;
    }
}

static uint64_t check_stage(struct stage *stage, const char *name) {
    struct digest_set of_all = {0};
    struct digest_set of_trace = {0};
    stage_start(stage,
                (struct fr_plan){.strategy = FR_STRATEGY_DPOR, .order = FR_ORDER_LOWEST_FIRST});
    while (stage_next(stage)) {
        const struct run *run = &stage->explorer->run;
        uint32_t counts[FR_THREADS_MAX] = {0};
        CHECK_OK(completion_begin(&completion, run, NONE));
        digest_set_clear(&of_trace);
        visit(run, counts, 0, &of_trace, &of_all);
    }
    for (uint64_t i = 0; i < of_all.size; i++)
        CHECK(!of_all.entries[i].used || of_all.entries[i].value == 1,
              "%s: a prefix with %lu completions", name, (unsigned long)of_all.entries[i].value);
    uint64_t count = of_all.count;
    digest_set_release(&of_all);
    digest_set_release(&of_trace);
    return count;
}

static void test_every_prefix_has_one_completion(void) {
    static const char *const names[][2] = {
        {"inc", "n=3"},     {"casw", "n=3"}, {"philosophers", "n=3"}, {"spawn_join", "-"},
        {"semaphore", "-"}, {"abba", "-"},   {"lost_update", "-"},    {"lockinc", "n=3"},
        {"coa", "n=1"},     {"iriw", "-"},   {"self_deadlock", "-"},  {"popl14_example5", "-"}};
    static struct stage stage;
    for (uint32_t i = 0; i < sizeof names / sizeof *names; i++) {
        stage_open_model(&stage, names[i][0], names[i][1], NULL);
        check_stage(&stage, names[i][0]);
        stage_close(&stage);
    }
}

static void test_every_prefix_of_random_programs_has_one_completion(void) {
    static struct stage stage;
    uint64_t prefixes = 0;
    char name[64];
    for (uint64_t seed = 1; seed <= 400; seed++) {
        snprintf(name, sizeof name, "random program %lu", (unsigned long)seed);
        stage_open_text(&stage, "shared x; thread a { x = 1; }", NULL);
        if (seed % 10 == 0)
            random_lock_ring(&stage.program, 2 + (uint32_t)(seed / 10) % 3, seed);
        else
            random_program(&stage.program, seed);
        stage.driven = program_subject(&stage.subject, &stage.program);
        prefixes += check_stage(&stage, name);
        stage_close(&stage);
    }
    CHECK(prefixes > 10000, "too few prefixes: %lu", (unsigned long)prefixes);
}

// ------------------------------------------------------------------------------ the short cut

static uint64_t state = 1;

static uint32_t below(uint32_t bound) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)((state >> 33) % bound);
}

static void begin_short_cut(const struct lineage *lineage, const struct run *run,
                            uint32_t settled) {
    CHECK_OK(completion_begin(&completion, run, settled));
    for (uint32_t at = 0; at < run->trace.length; at++) {
        const struct link *link = &lineage->frontier.links[lineage->path[at]];
        struct detour detour = {.from = link->from, .end = at + link->overtakes};
        if (detour.from < detour.end)
            CHECK_OK(completion_detour(&completion, detour));
    }
}

// After some moves of an execution that is over but not ended: prefixes with a few events more.
static uint64_t check_execution(const struct fr_explorer *e) {
    const struct lineage *lineage = &e->lineage;
    const struct run *run = &e->run;
    const struct lead *lead = frontier_top(&lineage->frontier);
    uint32_t settled = lead == NULL ? 0 : lead->at + lead->count;
    uint32_t upto[FR_THREADS_MAX] = {0};
    uint64_t held = 0;
    for (uint32_t at = 0; at < run->trace.length; at++) {
        upto[run->trace.events[at].thread]++;
        if (lineage->frontier.links[lineage->path[at]].from == NONE || below(4) != 0)
            continue;
        uint32_t counts[FR_THREADS_MAX] = {0};
        memcpy(counts, upto, sizeof counts);
        const uint32_t *clock = trace_clock(&run->trace, at + below(run->trace.length - at));
        for (fr_tid t = 0; t < run->thread_count; t++)
            counts[t] = clock[t] > counts[t] ? clock[t] : counts[t];
        uint32_t again[FR_THREADS_MAX];
        memcpy(again, counts, sizeof again);
        begin_short_cut(lineage, run, settled);
        bool quick = completion_holds(&completion, run, at, upto, counts);
        CHECK_OK(completion_begin(&completion, run, NONE));
        CHECK(quick == completion_holds(&completion, run, at, upto, again), "not the same");
        held += quick;
    }
    return held;
}

static void test_the_short_cut_finds_the_same(void) {
    static struct stage stage;
    uint64_t held = 0;
    for (uint64_t seed = 1; seed <= 1500; seed++) {
        stage_open_text(&stage, "shared x; thread a { x = 1; }", NULL);
        random_program(&stage.program, seed);
        stage.driven = program_subject(&stage.subject, &stage.program);
        stage_start(&stage,
                    (struct fr_plan){.strategy = FR_STRATEGY_DPOR, .order = FR_ORDER_LOWEST_FIRST});
        struct fr_explorer *e = stage.explorer;
        for (uint32_t n = 0; n < 200 && fr_explorer_begin(e) == FR_OK; n++) {
            enum fr_verdict verdict;
            uint64_t place;
            CHECK_OK(stage.driven.execute(stage.driven.self, e, &verdict, &place));
            held += check_execution(e);
            CHECK_OK(fr_explorer_end(e, verdict, place));
        }
        stage_close(&stage);
    }
    CHECK(held > 1000, "too few hold: %lu", (unsigned long)held);
}

int main(void) {
    alloc.host = alloc_libc();
    completion_init(&completion, &alloc);
    test_every_prefix_has_one_completion();
    test_every_prefix_of_random_programs_has_one_completion();
    test_the_short_cut_finds_the_same();
    completion_release(&completion);
    return 0;
}
