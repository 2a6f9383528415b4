// Explorations cut by a limit of events: no execution for nothing, none twice, and an honest end.
// Without stable keys a trace may be missed or executed twice: only the end is honest.
// SPDX-License-Identifier: Apache-2.0
#include "check.h"
#include "explore.h"
#include "random_program.h"

struct totals {
    unsigned long explorations, executions, cut, complete;
};

static struct program program;
static struct brute truth;
static struct program_subject subject;

// One execution: a trace that no other execution had. Answers whether it came to its end, and had
// not been seen.
static bool execute_once(struct fr_explorer *e, const struct fr_subject *s, bool stable_keys,
                         struct digest_set *hashes, const char *name) {
    enum fr_verdict verdict = FR_VERDICT_PASS;
    uint64_t place = 0;
    enum fr_status status = s->execute(s->self, e, &verdict, &place);
    CHECK(status == FR_OK, "%s: %s", name, fr_explorer_errmsg(e));
    bool is_new;
    digest_set_add(hashes, fr_trace_hash(e), 0, &is_new);
    CHECK(verdict != FR_VERDICT_REDUNDANT, "%s: given up", name);
    CHECK(is_new || !stable_keys, "%s: an execution for nothing", name);
    CHECK_OK(fr_explorer_end(e, verdict, place));
    return verdict != FR_VERDICT_STEP_LIMIT && is_new;
}

static void check_limit(uint32_t events_max, bool stable_keys, const char *name,
                        struct totals *totals) {
    struct fr_config config = fr_config_default();
    config.events_max = events_max;
    config.stable_keys = stable_keys;
    config.threads_max = program.thread_count;
    struct fr_explorer *e;
    CHECK_OK(fr_explorer_new(&config, &e));
    CHECK_OK(fr_explorer_start(e, &(struct fr_plan){.strategy = FR_STRATEGY_DPOR}));
    struct fr_subject s = program_subject(&subject, &program);
    subject.vary_keys = !stable_keys;
    struct digest_set hashes = {0};
    unsigned long complete = 0;
    enum fr_status status;
    while ((status = fr_explorer_begin(e)) == FR_OK)
        complete += execute_once(e, &s, stable_keys, &hashes, name);
    CHECK(status == FR_DONE, "%s: %s", name, fr_explorer_errmsg(e));
    struct fr_stats stats = fr_explorer_stats(e);
    enum fr_ending ending = stats.cut == 0 ? FR_ENDING_EXHAUSTED : FR_ENDING_BOUNDED;
    CHECK(fr_explorer_ending(e) == ending, "%s: ending", name);
    CHECK(stats.cut + complete == stats.executions || !stable_keys, "%s: cut or complete", name);
    CHECK(complete <= truth.traces.count, "%s: more than there are", name);
    CHECK(stats.cut != 0 || complete == truth.traces.count, "%s: not all", name);
    totals->explorations++;
    totals->executions += stats.executions;
    totals->cut += stats.cut;
    totals->complete += complete;
    digest_set_release(&hashes);
    fr_explorer_free(e);
}

int main(void) {
    struct totals totals = {0};
    char name[64];
    for (unsigned long seed = 1; seed <= 1000; seed++) {
        snprintf(name, sizeof name, "random program %lu", seed);
        random_program(&program, seed);
        truth.leaves_max = 20000;
        brute_force(&truth, &program);
        for (uint32_t limit = 2; !truth.gave_up && limit <= 8; limit += 2) {
            check_limit(limit, true, name, &totals);
            check_limit(limit, false, name, &totals);
        }
    }
    printf("%lu explorations, %lu executions, %lu cut, %lu complete\n", totals.explorations,
           totals.executions, totals.cut, totals.complete);
    CHECK(totals.cut != 0 && totals.complete != 0, "both kinds");
    return 0;
}
