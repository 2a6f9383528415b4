// The lattice of a trace: which prefixes there are, who is enabled after them, what steps cost.
// SPDX-License-Identifier: Apache-2.0
#include "check.h"
#include "explorer.h"
#include "lattice.h"
#include "stage.h"

struct walked {
    uint32_t states;    // pairs of a prefix and the thread that ran last, as far as it matters
    uint32_t prefixes;  // distinct by hash
    uint32_t least;     // cost of the whole trace
    uint32_t settled_costs_fall;
};

// Settles every state within the limit, in order, stepping to all that follow in the trace.
static struct walked walk(struct lattice *lattice, const struct run *run, enum fr_bound kind,
                          uint32_t limit) {
    struct walked walked = {.least = UINT32_MAX};
    struct digest_set prefixes = {0};
    uint32_t last_cost = 0;
    uint32_t state;
    fr_tid deferred;
    CHECK_OK(lattice_open(lattice, run, kind, limit, 0));
    while (lattice_settle(lattice, &state, &deferred)) {
        CHECK(deferred == FR_TID_NONE, "nothing was put off");
        bool is_new;
        uint32_t cost = lattice->states[state].cost;
        digest_set_add(&prefixes, lattice->states[state].hash, 0, &is_new);
        walked.states++;
        walked.settled_costs_fall += cost < last_cost;
        last_cost = cost;
        if (lattice_is_whole(lattice, state) && cost < walked.least)
            walked.least = cost;
        tset enabled = lattice_enabled(lattice, state);
        for (fr_tid t = 0; t < lattice->threads; t++) {
            uint32_t at = lattice_next(lattice, state, t);
            if (at == NONE)
                continue;
            CHECK(tset_has(enabled, t), "what comes next in the trace is enabled");
            uint32_t price = lattice_price(lattice, state, enabled, t);
            CHECK_OK(lattice_step(lattice, state, at, cost + price));
        }
    }
    walked.prefixes = (uint32_t)prefixes.count;
    digest_set_release(&prefixes);
    return walked;
}

static struct walked walk_text(const char *text, const char *order, enum fr_bound kind,
                               uint32_t limit) {
    struct stage stage;
    stage_open_text(&stage, text, NULL);
    stage_replay(&stage, order);
    struct lattice lattice;
    lattice_init(&lattice, &stage.explorer->alloc);
    struct walked walked = walk(&lattice, &stage.explorer->run, kind, limit);
    CHECK(walked.settled_costs_fall == 0, "states are settled in the order of their cost");
    uint32_t least;
    CHECK_OK(
        context_least(&stage.explorer->bound.context, &stage.explorer->run, kind, limit, &least));
    CHECK(least == (walked.least <= limit ? walked.least : limit + 1), "least says the same");
    lattice_release(&lattice);
    stage_close(&stage);
    return walked;
}

static void test_independent_threads_have_all_prefixes(void) {
    const char *text = "shared own[2]; thread t(i = 0..1) { own[i] = 1; own[i] = 2; }";
    struct walked walked = walk_text(text, "0101", FR_BOUND_PREEMPTIONS, 9);
    CHECK(walked.prefixes == 9, "3 x 3 prefixes, not %u", walked.prefixes);
    CHECK(walked.least == 0, "one thread after the other needs no preemption");
}

static void test_the_limit_cuts_what_costs_more(void) {
    const char *text = "shared own[2]; thread t(i = 0..1) { own[i] = 1; own[i] = 2; }";
    struct walked walked = walk_text(text, "0101", FR_BOUND_PREEMPTIONS, 0);
    CHECK(walked.prefixes == 8, "both threads in the middle is a preemption; %u prefixes",
          walked.prefixes);
}

static void test_conflicts_forbid_prefixes(void) {
    const char *text = "shared x; thread t(i = 0..1) { r = x; x = r + 1; }";
    // Reads first, then writes: a write of one thread needs both reads.
    struct walked walked = walk_text(text, "0101", FR_BOUND_PREEMPTIONS, 9);
    CHECK(walked.prefixes == 6, "%u prefixes", walked.prefixes);
    CHECK(walked.least == 1, "the lost update needs one preemption, not %u", walked.least);
}

static void test_waiting_for_a_lock_is_no_preemption(void) {
    const char *text = "lock m; shared x; thread t(i = 0..1) { acquire m; x = i; release m; }";
    CHECK(walk_text(text, "000111", FR_BOUND_PREEMPTIONS, 9).least == 0, "free switch");
    CHECK(walk_text(text, "111000", FR_BOUND_PREEMPTIONS, 9).least == 0, "either way round");
}

static void test_delays_count_from_the_lowest_thread(void) {
    const char *text = "shared x; thread t(i = 0..2) { x = i; }";
    CHECK(walk_text(text, "012", FR_BOUND_DELAYS, 9).least == 0, "the round robin itself");
    CHECK(walk_text(text, "120", FR_BOUND_DELAYS, 9).least == 1, "one thread skipped");
    CHECK(walk_text(text, "210", FR_BOUND_DELAYS, 9).least > 1, "more than one");
}

int main(void) {
    test_independent_threads_have_all_prefixes();
    test_the_limit_cuts_what_costs_more();
    test_conflicts_forbid_prefixes();
    test_waiting_for_a_lock_is_no_preemption();
    test_delays_count_from_the_lowest_thread();
    return 0;
}
