// How fast the engine is on abstract programs, and how its cost grows, as Markdown tables.
// SPDX-License-Identifier: Apache-2.0
//
// Run from the project's root. With FRONTRUN_LONG the random walk has 10 million executions.
#include <string.h>
#include <time.h>

#include "check.h"
#include "explore.h"
#include "parse.h"

// The explorer's memory.
struct meter {
    uint64_t bytes, calls;
};

static void *resize(void *context, void *block, size_t size) {
    struct meter *meter = context;
    uint64_t *head = block == NULL ? NULL : (uint64_t *)block - 2;
    uint64_t before = head == NULL ? 0 : *head;
    meter->bytes -= before;
    if (size == 0) {
        free(head);
        return NULL;
    }
    head = realloc(head, size + 2 * sizeof *head);
    CHECK(head != NULL, "out of memory");
    *head = size;
    meter->bytes += size;
    meter->calls++;
    return head + 2;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

// Resident memory in kB.
static long resident(void) {
    FILE *file = fopen("/proc/self/status", "r");
    char line[256];
    long kilobytes = 0;
    while (file != NULL && fgets(line, sizeof line, file) != NULL)
        if (sscanf(line, "VmRSS: %ld", &kilobytes) == 1)
            break;
    if (file != NULL)
        fclose(file);
    return kilobytes;
}

struct measure {
    uint64_t executions, events, late_calls;
    double seconds;
    uint64_t bytes;
};

// Explores until `executions` or `seconds` are spent, at least one execution. late_calls: of the
// allocator in the second half.
static struct measure explore(const struct program *program, enum fr_strategy strategy,
                              uint64_t executions, double seconds) {
    static struct program_subject subject;
    struct meter meter = {0};
    struct fr_config config = {.threads_max = program->thread_count,
                               .events_max = 100000,
                               .stable_keys = true,
                               .allocator = {.resize = resize, .context = &meter}};
    struct fr_explorer *e;
    CHECK_OK(fr_explorer_new(&config, &e));
    CHECK_OK(fr_explorer_start(e, &(struct fr_plan){.strategy = strategy, .seed = 1}));
    struct fr_subject s = program_subject(&subject, program);
    struct measure m = {0};
    uint64_t calls_at_half = 0;
    double begin = now();
    while (m.executions < executions && fr_explorer_begin(e) == FR_OK) {
        enum fr_verdict verdict = FR_VERDICT_PASS;
        uint64_t place = 0;
        CHECK_OK(s.execute(s.self, e, &verdict, &place));
        CHECK_OK(fr_explorer_end(e, verdict, place));
        m.events += subject.length;
        if (++m.executions == executions / 2)
            calls_at_half = meter.calls;
        if (m.executions % 16 == 0 || m.events > 100000)
            if (now() - begin > seconds)
                break;
    }
    m.seconds = now() - begin;
    m.bytes = meter.bytes;
    m.late_calls = meter.calls - calls_at_half;
    fr_explorer_free(e);
    CHECK(meter.bytes == 0, "memory is left");
    return m;
}

static void print_programs(void) {
    static const char *const rows[][2] = {
        {"fib_bench", "k=4"}, {"lastzero", "n=10"}, {"indexer", "n=14"}, {"readers", "n=13"}};
    static struct program program;
    printf("| program, DPOR | executions | events | seconds (best of 5) | million events/s |\n"
           "|---|---|---|---|---|\n");
    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        load_program(rows[i][0], rows[i][1], &program);
        struct measure best = {.seconds = 1e9};
        for (uint32_t n = 0; n < 5; n++) {
            struct measure m = explore(&program, FR_STRATEGY_DPOR, UINT64_MAX, 60);
            best = m.seconds < best.seconds ? m : best;
        }
        printf("| %s(%s) | %lu | %lu | %.4f | %.2f |\n", rows[i][0], rows[i][1],
               (unsigned long)best.executions, (unsigned long)best.events, best.seconds,
               (double)best.events / best.seconds / 1e6);
    }
}

static void print_walk(void) {
    static struct program program;
    uint64_t executions = getenv("FRONTRUN_LONG") != NULL ? 10000000 : 200000;
    load_program("inc", "n=3", &program);
    explore(&program, FR_STRATEGY_RANDOM, 1000, 60);
    long before = resident();
    struct measure m = explore(&program, FR_STRATEGY_RANDOM, executions, 600);
    long after = resident();
    printf("\nRandom walk of inc(3): %lu executions, %.2f million events/s, resident memory %ld kB "
           "before and %ld kB after, %lu allocations in the second half.\n",
           (unsigned long)m.executions, (double)m.events / m.seconds / 1e6, before, after,
           (unsigned long)m.late_calls);
    CHECK(after - before < 256, "memory grows");
    CHECK(m.late_calls == 0, "allocations go on");
}

static void print_growth(void) {
    static const uint32_t threads[] = {2, 4, 8, 16};
    static const uint32_t events[] = {10, 100, 1000, 10000};
    static const char text[] = "const n = 2; const k = 1; shared a[32];"
                               "thread t(i = 1..n) {"
                               "    j = 0;"
                               "    while (j < k) { a[(i * 7 + j) % 32] = j; j = j + 1; }"
                               "}";
    static struct program program;
    printf(
        "\n| threads | events | walk: ns/event | DPOR: ns/event (executions) | walk: kB | DPOR: kB"
        " |\n|---|---|---|---|---|---|\n");
    for (uint32_t i = 0; i < 4; i++) {
        for (uint32_t k = 0; k < 4; k++) {
            uint32_t each = events[k] / threads[i] == 0 ? 1 : events[k] / threads[i];
            struct parse_define defines[] = {{"n", threads[i]}, {"k", each}};
            char error[PARSE_ERROR_MAX];
            CHECK(parse_program(text, defines, 2, &program, error), "%s", error);
            struct measure walk = explore(&program, FR_STRATEGY_RANDOM, 100000, 0.1);
            struct measure dpor = explore(&program, FR_STRATEGY_DPOR, 100000, 0.2);
            printf("| %u | %u | %.0f | %.0f (%lu) | %.1f | %.1f |\n", threads[i], each * threads[i],
                   walk.seconds * 1e9 / (double)walk.events,
                   dpor.seconds * 1e9 / (double)dpor.events, (unsigned long)dpor.executions,
                   (double)walk.bytes / 1024, (double)dpor.bytes / 1024);
        }
    }
}

int main(void) {
    print_programs();
    print_walk();
    print_growth();
    return 0;
}
