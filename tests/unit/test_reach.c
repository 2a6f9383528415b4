// Reach: which traces an interpreter that switches at some places only can execute: brute force.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "brute_cost.h"
#include "check.h"
#include "explorer.h"
#include "random_program.h"
#include "stage.h"

enum { STATES_MAX = 100000 };

// An order that is said to be allowed: executed, it is the same trace and leaves no thread where it
// may not be left.
static void check_order(struct stage *stage, const fr_tid *order, uint32_t length, uint64_t hash,
                        enum fr_switch allowed, const char *name) {
    char text[65] = {0};
    if (length > 64)
        return;
    for (uint32_t i = 0; i < length; i++)
        text[i] = (char)('0' + order[i]);
    stage_replay(stage, text);
    CHECK(fr_trace_hash(stage->explorer) == hash, "%s: %s is another trace", name, text);
    const struct run *run = &stage->explorer->run;
    uint32_t counts[FR_THREADS_MAX] = {0}, preemptions = 0;
    for (uint32_t at = 0; at < length; at++) {
        fr_tid last = at > 0 ? order[at - 1] : FR_TID_NONE;
        bool leaves =
            last != FR_TID_NONE && last != order[at] && counts[last] < run->threads[last].count;
        uint32_t next = leaves ? run->threads[last].positions[counts[last]] : NONE;
        if (leaves && run->trace.events[next].kind == FR_OP_ACCESS) {
            preemptions++;
            CHECK(run->trace.events[next].switchable <= allowed, "%s: %s leaves %u at %u", name,
                  text, last, at);
        }
        counts[order[at]]++;
    }
    CHECK(preemptions <= fr_trace_preemptions(stage->explorer), "%s: %s", name, text);
}

struct tally {
    uint32_t yes;
    uint32_t no;
};

static void check_trace(struct stage *stage, const struct brute_cost *truth, const char *name,
                        struct tally *tally) {
    fr_tid order[256];
    uint64_t value;
    uint64_t digest =
        brute_digest(&stage->program, stage->subject.schedule, stage->subject.length, &value);
    const struct digest_entry *entry = digest_set_find(&truth->switches, digest);
    CHECK(entry != NULL, "%s: a trace that brute force does not know", name);
    for (int allowed = FR_SWITCH_YES; allowed <= FR_SWITCH_NO; allowed++) {
        bool reached;
        CHECK_OK(
            fr_trace_reach(stage->explorer, (enum fr_switch)allowed, STATES_MAX, order, &reached));
        CHECK(reached == (entry->value <= (uint64_t)allowed), "%s, %d: %d, but it needs %d", name,
              allowed, reached, (int)entry->value);
        tally->yes += reached;
        tally->no += !reached;
    }
}

static void test_random(uint32_t programs) {
    static struct brute_cost truth;
    static struct stage stage;
    struct tally tally = {0};
    stage_open_model(&stage, "inc", "n=2", NULL);
    for (uint32_t seed = 1; seed <= programs; seed++) {
        char name[64];
        snprintf(name, sizeof name, "program %u", seed);
        if (seed % 10 == 0)
            random_lock_ring(&stage.program, 2 + seed / 10 % 4, seed);
        else
            random_program(&stage.program, seed);
        truth.leaves_max = 3000;
        truth.switch_seed = stage.subject.switch_seed = seed;
        brute_cost(&truth, &stage.program);
        if (truth.gave_up)
            continue;
        stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_DPOR});
        while (stage_next(&stage))
            check_trace(&stage, &truth, name, &tally);
    }
    stage_close(&stage);
    brute_cost_release(&truth);
    printf("%u questions answered yes, %u no\n", tally.yes, tally.no);
    CHECK(tally.yes > 1000 && tally.no > 1000, "the programs ask nothing");
}

// Two threads, each a read and a write of one variable: the lost update needs a switch between.
static void test_lost_update(void) {
    struct stage stage;
    stage_open_model(&stage, "inc", "n=2", NULL);
    fr_tid order[16];
    bool reached;
    for (uint64_t seed = 1; seed < 200; seed++) {
        stage.subject.switch_seed = seed;
        stage_replay(&stage, "0011");
        uint64_t hash = fr_trace_hash(stage.explorer);
        CHECK_OK(fr_trace_reach(stage.explorer, FR_SWITCH_YES, STATES_MAX, order, &reached));
        CHECK(reached, "one after the other is always possible");
        check_order(&stage, order, 4, hash, FR_SWITCH_YES, "serial");
        stage_replay(&stage, "0101");
        hash = fr_trace_hash(stage.explorer);
        // Thread 0 writes first, so thread 1 has read before and is left before its write.
        enum fr_switch needed = program_switchable(seed, 1, 1);
        CHECK_OK(fr_trace_reach(stage.explorer, FR_SWITCH_COLD, STATES_MAX, order, &reached));
        CHECK(reached == (needed <= FR_SWITCH_COLD), "seed %d: %d, %d", (int)seed, reached, needed);
        if (reached)
            check_order(&stage, order, 4, hash, FR_SWITCH_COLD, "lost update");
    }
    stage_close(&stage);
}

static void test_refusals(void) {
    struct stage stage;
    stage_open_model(&stage, "inc", "n=2", NULL);
    fr_tid order[16];
    bool reached;
    CHECK(fr_trace_reach(stage.explorer, FR_SWITCH_YES, 1, order, &reached) == FR_MISUSE,
          "nothing was executed");
    stage_replay(&stage, "0101");
    CHECK(fr_trace_reach(stage.explorer, FR_SWITCH_YES, 1, order, &reached) == FR_LIMIT && !reached,
          "one prefix is too few");
    stage_close(&stage);
}

int main(void) {
    test_lost_update();
    test_refusals();
    test_random(1000);
    return 0;
}
