// The published counts: every program of traces.txt has exactly its traces, each explored once.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>
#include <time.h>

#include "check.h"
#include "explore.h"

struct row {
    char name[64];
    char constant[16];
    unsigned long traces, deadlocked, failed;
};

static void check_row(const struct row *row, enum fr_order order, bool stable_keys) {
    static struct program program;
    load_program(row->name, row->constant, &program);
    struct explore_options options = {.plan = {.strategy = FR_STRATEGY_DPOR, .order = order},
                                      .stable_keys = stable_keys,
                                      .executions_max = 4 * row->traces};
    struct explored got = explore_program(&program, &options, NULL, row->name);
    printf("%-24s %-5s %s %6lu traces %6lu executions %4lu deadlocked %8lu events\n", row->name,
           row->constant, stable_keys ? "stable " : "varying", (unsigned long)got.traces,
           (unsigned long)got.executions, (unsigned long)got.deadlocked, (unsigned long)got.events);
    CHECK(got.traces == row->traces, "%s %s: %lu traces", row->name, row->constant,
          (unsigned long)got.traces);
    CHECK(got.executions == row->traces, "%s %s: %lu executions for %lu traces", row->name,
          row->constant, (unsigned long)got.executions, row->traces);
    CHECK(got.deadlocked == row->deadlocked, "%s: %lu deadlocked", row->name,
          (unsigned long)got.deadlocked);
    CHECK(got.failed == row->failed, "%s: %lu failed", row->name, (unsigned long)got.failed);
    CHECK(got.ending == FR_ENDING_EXHAUSTED, "%s: not exhausted", row->name);
}

int main(void) {
    FILE *file = fopen("tests/model/traces.txt", "r");
    CHECK(file != NULL, "run from the project's root");
    char line[160];
    unsigned rows = 0;
    while (fgets(line, sizeof line, file) != NULL) {
        struct row row;
        if (line[0] == '#' || line[0] == '\n')
            continue;
        CHECK(sscanf(line, "%63s %15s %lu %lu %lu", row.name, row.constant, &row.traces,
                     &row.deadlocked, &row.failed) == 5,
              "cannot read: %s", line);
        check_row(&row, FR_ORDER_DFS, true);
        check_row(&row, FR_ORDER_DFS, false);
        check_row(&row, FR_ORDER_LOWEST_FIRST, false);
        rows++;
    }
    fclose(file);
    CHECK(rows >= 105, "only %u rows", rows);
    printf("%u rows exact\n", rows);
    return 0;
}
