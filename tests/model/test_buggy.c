// The buggy programs of SCTBench (CS/*), counted as published: a trace ends at a failed assertion.
// SPDX-License-Identifier: Apache-2.0
//
// The engine lets the other threads go on after an assertion, as Python does, and counts other
// traces (traces.txt). That brute force finds the published numbers too shows that the programs are
// the published ones.
#include <string.h>

#include "check.h"
#include "explore.h"

static unsigned long count_bad(const struct brute *brute) {
    unsigned long bad = 0;
    for (uint64_t i = 0; i < brute->traces.size; i++)
        bad += brute->traces.entries[i].used && brute->traces.entries[i].value != 0;
    return bad;
}

static void check_row(const char *name, const char *constant, unsigned long traces,
                      unsigned long bad) {
    static struct program program;
    static struct brute brute;
    load_program(name, constant, &program);
    brute.leaves_max = 1000000;
    brute.ends_at_failure = true;
    brute_force(&brute, &program);
    CHECK(!brute.gave_up, "%s: too large", name);
    CHECK(brute.traces.count == traces, "%s %s: %lu traces", name, constant,
          (unsigned long)brute.traces.count);
    CHECK(count_bad(&brute) == bad, "%s %s: %lu bad", name, constant, count_bad(&brute));
    // The engine, which goes on, finds that there is a bug as well, and every trace exactly once.
    brute.ends_at_failure = false;
    brute_force(&brute, &program);
    struct explore_options options = {.plan = {.strategy = FR_STRATEGY_DPOR}, .stable_keys = true};
    struct explored got = explore_program(&program, &options, &brute, name);
    CHECK(got.traces == brute.traces.count && got.executions == got.traces, "%s: not exact", name);
    CHECK(got.deadlocked == brute.deadlocked && got.failed == brute.failed, "%s: ends", name);
    CHECK((got.deadlocked + got.failed != 0) == (bad != 0), "%s: missed the bug", name);
    printf("%-18s %-10s %5lu traces, %4lu bad; going on %5lu traces, %4lu bad\n", name, constant,
           traces, bad, (unsigned long)got.traces, (unsigned long)(got.deadlocked + got.failed));
}

int main(void) {
    FILE *file = fopen("tests/model/buggy.txt", "r");
    CHECK(file != NULL, "run from the project's root");
    char line[160];
    unsigned rows = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        char name[64];
        char constant[16];
        unsigned long traces;
        unsigned long bad;
        if (line[0] == '#' || line[0] == '\n')
            continue;
        CHECK(sscanf(line, "%63s %15s %lu %lu", name, constant, &traces, &bad) == 4,
              "cannot read: %s", line);
        check_row(name, constant, traces, bad);
        rows++;
    }
    fclose(file);
    CHECK(rows == 9, "%u rows", rows);
    return 0;
}
