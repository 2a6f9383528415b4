// fr-model: explores an abstract program and prints what it found.
// SPDX-License-Identifier: Apache-2.0
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "model_run.h"
#include "model_text.h"

static struct program program;
static struct model_options options;
static struct model_result result;

static const char *ending_word(void) {
    switch (result.ending) {
    case FR_ENDING_EXHAUSTED:
        return "exhausted";
    case FR_ENDING_BOUNDED:
        return "bounded";
    default:
        return "budget";
    }
}

static double rate(void) {
    return result.seconds > 0 ? (double)result.events / result.seconds : 0;
}

static void print_plan(void) {
    const struct fr_plan *plan = &options.plan;
    printf("program     %s", options.file);
    for (uint32_t i = 0; i < options.define_count; i++)
        printf(" %s=%" PRId64, options.defines[i].name, options.defines[i].value);
    if (options.resume != NULL) {
        printf("\nresumed     %s\n", options.resume);
        return;
    }
    printf("\nstrategy    %s", fr_strategy_name(plan->strategy));
    if (plan->strategy == FR_STRATEGY_DPOR)
        printf(", order %s:%" PRIu64, fr_order_name(plan->order), plan->order_seed);
    else
        printf(", seed %" PRIu64, plan->seed);
    if (plan->strategy == FR_STRATEGY_PCT || plan->strategy == FR_STRATEGY_DELAY)
        printf(", depth %" PRIu32, plan->depth);
    if (plan->bound != FR_BOUND_NONE)
        printf(", at most %" PRIu32 " %s", plan->bound_max,
               plan->bound == FR_BOUND_PREEMPTIONS ? "preemptions" : "delays");
    if (plan->choice_count != 0)
        printf(", below a prefix of %zu choices", plan->choice_count);
    printf("%s\n", options.stable_keys ? "" : ", unstable keys");
}

static void print_counts(void) {
    printf("executions  %" PRIu64, result.executions);
    if (result.executions_all != result.executions)
        printf(" (%" PRIu64 " with those before)", result.executions_all);
    printf("\ntraces      %" PRIu64 "\n", result.traces);
    printf("redundant   %" PRIu64 "\n", result.redundant);
    if (result.repeated != 0)
        printf("repeated    %" PRIu64 "\n", result.repeated);
    if (options.plan.bound != FR_BOUND_NONE)
        printf("beyond      %" PRIu64 " steps lead beyond the bound\n", result.beyond_bound);
    printf("deadlocked  %" PRIu64 "\n", result.deadlocked);
    printf("failed      %" PRIu64 "\n", result.failed);
    if (result.step_limited != 0)
        printf("endless     %" PRIu64 " (more than %" PRIu32 " events)\n", result.step_limited,
               options.events_max);
    printf("reads-from  %" PRIu64 "\n", result.reads_from);
    printf("ending      %s\n", ending_word());
    printf("events      %" PRIu64 "\n", result.events);
    printf("events/s    %.0f\n", rate());
}

// Whether what was explored is what brute force says; everything is explored only if exhausted.
static int print_comparison(void) {
    const struct brute *truth = &result.truth;
    if (!result.compared)
        return 0;
    bool is_whole = result.ending == FR_ENDING_EXHAUSTED && options.plan.choice_count == 0 &&
                    options.resume == NULL;
    bool is_equal = result.traces == truth->traces.count &&
                    result.deadlocked == truth->deadlocked && result.failed == truth->failed;
    printf("brute force %" PRIu64 " interleavings, %" PRIu64 " traces, %" PRIu64
           " deadlocked, %" PRIu64 " failed: %s\n",
           truth->interleavings, truth->traces.count, truth->deadlocked, truth->failed,
           is_equal   ? "equal"
           : is_whole ? "NOT EQUAL"
                      : "a part of them was explored");
    return is_whole && !is_equal ? 2 : 0;
}

static int run_one(void) {
    int code = model_load(options.file, options.defines, options.define_count, &program);
    if (code == 0)
        code = model_run(&program, &options, &result);
    if (code != 0)
        return code;
    print_plan();
    print_counts();
    code = print_comparison();
    if (options.text && result.has_failing) {
        printf("\none execution that failed:\n");
        model_text_print(&program, result.failing, result.failing_times, sizeof result.failing,
                         result.failing_length);
    }
    if (code != 0)
        return code;
    return result.has_failing ? 1 : 0;
}

// ------------------------------------------------------------------------------ --all

struct row {
    char name[64], constant[64];
    uint64_t traces, deadlocked, failed;
    uint64_t reads_from;  // 0: not given
};

// "-", or name=value[,name=value]...
static bool read_constants(const char *text) {
    options.define_count = 0;
    for (const char *at = text; *at != '\0' && strcmp(text, "-") != 0;) {
        uint32_t n = options.define_count;
        int length = 0;
        long long value;
        if (n == PARSE_DEFINES ||
            sscanf(at, "%63[A-Za-z0-9_]=%lld%n", options.define_names[n], &value, &length) != 2)
            return false;
        options.defines[n] = (struct parse_define){options.define_names[n], value};
        options.define_count++;
        at += length;
        at += *at == ',';
    }
    return true;
}

static int run_row(const char *table, const struct row *row, bool *is_good) {
    char path[4096];
    const char *slash = strrchr(table, '/');
    int directory = slash != NULL ? (int)(slash - table) + 1 : 0;
    snprintf(path, sizeof path, "%.*s%s.prog", directory, table, row->name);
    options.file = path;
    result = (struct model_result){0};
    int code = model_load(path, options.defines, options.define_count, &program);
    if (code == 0)
        code = model_run(&program, &options, &result);
    if (code != 0)
        return code;
    bool has_traces = result.traces == row->traces && result.deadlocked == row->deadlocked &&
                      result.failed == row->failed &&
                      (row->reads_from == 0 || result.reads_from == row->reads_from);
    bool is_exact = result.ending == FR_ENDING_EXHAUSTED &&
                    (!options.stable_keys || result.executions == row->traces);
    *is_good = has_traces && is_exact;
    printf("%-22s %-9s %8" PRIu64 " %10" PRIu64 " %9" PRIu64 " %10" PRIu64 " %8" PRIu64
           " %10" PRIu64 " %8.0f %s\n",
           row->name, row->constant, result.traces, result.executions, result.redundant,
           result.deadlocked, result.failed, result.reads_from, rate() / 1000,
           *is_good ? "as expected" : "WRONG");
    if (!*is_good)
        printf("    expected %" PRIu64 " traces, %" PRIu64 " deadlocked, %" PRIu64
               " failed, %" PRIu64 " reads-from classes\n",
               row->traces, row->deadlocked, row->failed, row->reads_from);
    model_result_release(&result);
    return 0;
}

static bool read_row(const char *line, struct row *row) {
    *row = (struct row){0};
    int fields =
        sscanf(line, "%63s %63s %" SCNu64 " %" SCNu64 " %" SCNu64 " %" SCNu64, row->name,
               row->constant, &row->traces, &row->deadlocked, &row->failed, &row->reads_from);
    return fields >= 5 && read_constants(row->constant);
}

static int run_rows(FILE *file, const char *table) {
    char line[256];
    uint32_t rows = 0;
    uint32_t wrong = 0;
    for (uint32_t number = 1; fgets(line, sizeof line, file) != NULL; number++) {
        struct row row;
        if (line[strspn(line, " \t\r\n")] == '\0' || line[0] == '#')
            continue;
        if (!read_row(line, &row)) {
            fprintf(stderr,
                    "fr-model: %s: line %" PRIu32 ": expected a program, a constant, and the "
                    "numbers of traces, deadlocked and failed ones\n",
                    table, number);
            return 2;
        }
        bool is_good = false;
        int code = run_row(table, &row, &is_good);
        if (code != 0)
            return code;
        rows++;
        wrong += !is_good;
    }
    printf("%" PRIu32 " rows, %" PRIu32 " not as expected\n", rows, wrong);
    return wrong == 0 && rows != 0 ? 0 : 1;
}

static int run_all(void) {
    const char *table = options.file != NULL ? options.file : "tests/model/traces.txt";
    FILE *file = fopen(table, "r");
    if (file == NULL) {
        fprintf(stderr,
                "fr-model: %s cannot be read; go to the project's directory, or name the "
                "table\n",
                table);
        return 2;
    }
    printf("%-22s %-9s %8s %10s %9s %10s %8s %10s %8s\n", "program", "constant", "traces",
           "executions", "redundant", "deadlocked", "failed", "reads-from", "kevent/s");
    int code = run_rows(file, table);
    fclose(file);
    return code;
}

int main(int argc, char **argv) {
    if (!model_options_parse(&options, argc, argv))
        return 2;
    if (options.help) {
        model_options_help();
        return 0;
    }
    int code = options.all ? run_all() : run_one();
    model_result_release(&result);
    if (fflush(stdout) != 0 || ferror(stdout) != 0) {
        perror("fr-model");
        return 2;
    }
    return code;
}
