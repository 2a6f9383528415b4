// What a preemption bound costs: executions, time and memory of bounded explorations, as Markdown.
// SPDX-License-Identifier: Apache-2.0
//
// Run from the project's root, with the seconds each row may take (default 3) as an argument.
#include <string.h>
#include <time.h>

#include "check.h"
#include "explore.h"
#include "parse.h"

// The explorer's memory.
struct meter {
    uint64_t bytes, most;
};

static void *resize(void *context, void *block, size_t size) {
    struct meter *meter = context;
    uint64_t *head = block == NULL ? NULL : (uint64_t *)block - 2;
    meter->bytes -= head == NULL ? 0 : *head;
    if (size == 0) {
        free(head);
        return NULL;
    }
    head = realloc(head, size + 2 * sizeof *head);
    CHECK(head != NULL, "out of memory");
    *head = size;
    meter->bytes += size;
    meter->most = meter->bytes > meter->most ? meter->bytes : meter->most;
    return head + 2;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static void print_row(const char *name, const struct program *program, uint32_t k, double seconds) {
    static struct program_subject subject;
    struct meter meter = {0};
    struct fr_config config = fr_config_default();
    config.stable_keys = true;
    config.threads_max = program->thread_count;
    config.allocator = (struct fr_allocator){.resize = resize, .context = &meter};
    struct fr_explorer *e;
    CHECK_OK(fr_explorer_new(&config, &e));
    struct fr_plan plan = {
        .strategy = FR_STRATEGY_DPOR, .bound = FR_BOUND_PREEMPTIONS, .bound_max = k};
    CHECK_OK(fr_explorer_start(e, &plan));
    struct fr_subject s = program_subject(&subject, program);
    uint64_t executions = 0;
    uint64_t events = 0;
    double begin = now();
    double slowest = 0;
    for (double before = begin; before - begin < seconds && fr_explorer_begin(e) == FR_OK;) {
        enum fr_verdict verdict = FR_VERDICT_PASS;
        uint64_t place = 0;
        CHECK_OK(s.execute(s.self, e, &verdict, &place));
        CHECK_OK(fr_explorer_end(e, verdict, place));
        events = subject.length > events ? subject.length : events;
        executions++;
        double after = now();
        slowest = after - before > slowest ? after - before : slowest;
        before = after;
    }
    double spent = now() - begin;
    bool is_over = fr_explorer_ending(e) != FR_ENDING_RUNNING;
    printf("| %s | %u | %lu | %u | %s%lu | %.3f | %.3f | %.1f |\n", name, program->thread_count,
           (unsigned long)events, k, is_over ? "" : "the first ", (unsigned long)executions,
           spent * 1e3 / (double)executions, slowest * 1e3, (double)meter.most / 1e6);
    fflush(stdout);
    fr_explorer_free(e);
}

static void print_model(const char *name, const char *constant, double seconds) {
    static struct program program;
    char title[96];
    load_program(name, constant, &program);
    snprintf(title, sizeof title, "%s(%s)", name, strchr(constant, '=') + 1);
    for (uint32_t k = 0; k < 3; k++)
        print_row(title, &program, k, seconds);
}

// Two threads, n reads and n writes of one variable.
static void print_long(long n, double seconds) {
    static struct program program;
    struct parse_define define = {"n", n};
    char error[PARSE_ERROR_MAX];
    char title[96];
    CHECK(parse_program("const n = 1; shared x; thread t(i = 0..1) {"
                        "j = 0; while (j < n) { r = x; x = r + 1; j = j + 1; } }",
                        &define, 1, &program, error),
          "%s", error);
    snprintf(title, sizeof title, "%ld reads and writes each", n);
    for (uint32_t k = 0; k < 3; k++)
        print_row(title, &program, k, seconds);
}

int main(int argc, char **argv) {
    static const char *const rows[][2] = {{"filesystem", "n=16"}, {"filesystem", "n=19"},
                                          {"indexer", "n=13"},    {"indexer", "n=14"},
                                          {"readers", "n=13"},    {"lastzero", "n=10"},
                                          {"fib_bench", "k=4"},   {"philosophers", "n=5"}};
    double seconds = argc > 1 ? strtod(argv[1], NULL) : 3;
    printf("| program | threads | events | k | executions | ms per execution | slowest, ms | "
           "most memory, MB |\n|---|---|---|---|---|---|---|---|\n");
    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++)
        print_model(rows[i][0], rows[i][1], seconds);
    print_long(10, seconds);
    print_long(50, seconds);
    print_long(200, seconds);
    return 0;
}
