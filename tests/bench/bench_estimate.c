// How far off the estimate of an exploration's size is on the way, as a Markdown table.
// SPDX-License-Identifier: Apache-2.0
//
// Run from the project's root.
#include <math.h>
#include <string.h>

#include "check.h"
#include "stage.h"

enum { POINTS = 3 };
static const double points[POINTS] = {0.10, 0.25, 0.50};

int main(void) {
    FILE *file = fopen("tests/model/traces.txt", "r");
    CHECK(file != NULL, "run from the project's root");
    static struct stage stage;
    struct fr_config config = stage_config();
    config.threads_max = FR_THREADS_MAX;
    double sum[POINTS] = {0}, worst[POINTS] = {0};
    uint32_t rows = 0;
    char line[160];
    printf("| program | executions | at 10 %% | at 25 %% | at 50 %% |\n|---|---|---|---|---|\n");
    while (fgets(line, sizeof line, file) != NULL) {
        char name[64], constant[16];
        unsigned long all;
        if (line[0] == '#' || sscanf(line, "%63s %15s %lu", name, constant, &all) != 3 || all < 30)
            continue;
        stage_open_model(&stage, name, constant, &config);
        stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_DPOR});
        double at[POINTS] = {0};
        for (double done = 1; stage_next(&stage); done++)
            for (uint32_t k = 0; k < POINTS; k++)
                if (done <= points[k] * (double)all)
                    at[k] = fr_explorer_estimate(stage.explorer) / (double)all;
        printf("| %s %s | %lu | %.2f | %.2f | %.2f |\n", name, constant, all, at[0], at[1], at[2]);
        for (uint32_t k = 0; k < POINTS; k++) {
            sum[k] += fabs(log2(at[k]));
            worst[k] = fmax(worst[k], fabs(log2(at[k])));
        }
        rows++;
        stage_close(&stage);
    }
    fclose(file);
    printf("| off by a factor of, on average | | %.2f | %.2f | %.2f |\n", exp2(sum[0] / rows),
           exp2(sum[1] / rows), exp2(sum[2] / rows));
    printf("| at worst | | %.2f | %.2f | %.2f |\n", exp2(worst[0]), exp2(worst[1]), exp2(worst[2]));
    return 0;
}
