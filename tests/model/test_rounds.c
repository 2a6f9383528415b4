// Loops that look and wait: with their rounds left out, as many traces, and all that come of them.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "brute.h"
#include "check.h"
#include "random_program.h"

struct totals {
    unsigned long programs, skipped, traces, endless;
};

// Also checks that every trace was executed once.
static uint64_t explore(struct program_subject *subject, struct fr_subject *s,
                        const struct brute *truth, struct digest_set *ends, const char *name) {
    struct fr_config config = fr_config_default();
    config.threads_max = subject->program->thread_count;
    struct fr_plan plan = {.strategy = FR_STRATEGY_DPOR};
    struct fr_explorer *e;
    CHECK_OK(fr_explorer_new(&config, &e));
    CHECK_OK(fr_explorer_start(e, &plan));
    struct digest_set hashes = {0};
    uint64_t executions = 0;
    while (fr_explorer_begin(e) == FR_OK) {
        enum fr_verdict verdict = FR_VERDICT_PASS;
        uint64_t place = 0;
        bool is_new;
        enum fr_status status = s->execute(s->self, e, &verdict, &place);
        CHECK(status == FR_OK, "%s: %s", name, fr_status_text(status));
        CHECK(verdict != FR_VERDICT_STEP_LIMIT, "%s: it goes on for ever", name);
        digest_set_add(&hashes, fr_trace_hash(e), 0, &is_new);
        CHECK(is_new, "%s: a trace twice", name);
        uint64_t end = brute_end(&subject->state);
        digest_set_add(ends, end, 0, &is_new);
        CHECK(digest_set_find(&truth->ends, end) != NULL, "%s: an end that does not exist", name);
        CHECK_OK(fr_explorer_end(e, verdict, place));
        CHECK(++executions <= truth->traces.count, "%s: more than %lu traces", name,
              (unsigned long)truth->traces.count);
    }
    CHECK(fr_explorer_ending(e) == FR_ENDING_EXHAUSTED, "%s: not exhausted", name);
    fr_explorer_free(e);
    digest_set_release(&hashes);
    return executions;
}

// takes_locks: in their rounds, in an order that leaves no trace if the rounds are left out.
static void check_program(const struct program *program, bool takes_locks, const char *name,
                          struct totals *totals) {
    static struct brute truth;
    truth.leaves_max = 200;
    truth.time_max = RANDOM_POLLING_TIME;
    brute_force(&truth, program);
    if (truth.gave_up) {
        totals->skipped++;
        return;
    }
    static struct program_subject subject;
    struct fr_subject s = program_subject(&subject, program);
    subject.vary_keys = true;
    subject.tells_rounds = true;
    struct digest_set ends = {0};
    uint64_t traces = explore(&subject, &s, &truth, &ends, name);
    CHECK(takes_locks || traces == truth.traces.count, "%s: %lu of %lu traces", name,
          (unsigned long)traces, (unsigned long)truth.traces.count);
    CHECK(ends.count == truth.ends.count, "%s: %lu of %lu ends", name, (unsigned long)ends.count,
          (unsigned long)truth.ends.count);
    digest_set_release(&ends);
    totals->programs++;
    totals->traces += traces;
    totals->endless += truth.deadlocked;
}

int main(int argc, char **argv) {
    bool is_long = getenv("FRONTRUN_LONG") != NULL;
    unsigned long from = argc > 1 ? strtoul(argv[1], NULL, 10) : 1;
    unsigned long count = argc > 2 ? strtoul(argv[2], NULL, 10) : is_long ? 100000 : 3000;
    static struct program program;
    struct totals totals = {0};
    for (unsigned long seed = from; seed < from + count; seed++) {
        char name[64];
        bool locked = seed % 2 == 0;
        snprintf(name, sizeof name, "polling program %lu", seed);
        random_polling_program(&program, locked, seed);
        check_program(&program, locked, name, &totals);
    }
    printf(
        "%lu programs that poll (%lu too large for brute force), %lu traces, %lu of brute force's "
        "without an end: the same ends with rounds left out\n",
        totals.programs, totals.skipped, totals.traces, totals.endless);
    CHECK(totals.programs > count / 3, "too many programs skipped");
    return 0;
}
