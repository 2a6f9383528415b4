// How fast the engine is on abstract programs, and how its cost grows, as Markdown tables.
// SPDX-License-Identifier: Apache-2.0
//
// Run from the project's root (scripts/bench does). Times are of the processor, not of the clock,
// so that a machine shared with others shows much the same.
#include <string.h>
#include <time.h>

#include "check.h"
#include "explore.h"
#include "parse.h"

// The explorer's memory.
struct meter {
    uint64_t bytes, peak, calls;
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
    meter->peak = meter->bytes > meter->peak ? meter->bytes : meter->peak;
    meter->calls++;
    return head + 2;
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
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
    uint64_t executions, events;
    uint64_t late_events, late_calls;  // in the second half of the executions that were asked for
    uint64_t peak;                     // bytes
    double seconds;
};

// Explores until there is nothing left, or so many executions are done.
static struct measure explore_by(const struct program *program, enum fr_strategy strategy,
                                 enum fr_order order, uint64_t executions) {
    static struct program_subject subject;
    struct meter meter = {0};
    struct fr_config config = {.threads_max = program->thread_count,
                               .events_max = 100000,
                               .stable_keys = true,
                               .allocator = {.resize = resize, .context = &meter}};
    struct fr_explorer *e;
    CHECK_OK(fr_explorer_new(&config, &e));
    struct fr_plan plan = {.strategy = strategy, .seed = 1, .depth = 3, .order = order};
    CHECK_OK(fr_explorer_start(e, &plan));
    struct fr_subject s = program_subject(&subject, program);
    struct measure m = {0};
    uint64_t calls_at_half = 0;
    uint64_t events_at_half = 0;
    double begin = now();
    while (m.executions < executions && fr_explorer_begin(e) == FR_OK) {
        enum fr_verdict verdict = FR_VERDICT_PASS;
        uint64_t place = 0;
        CHECK_OK(s.execute(s.self, e, &verdict, &place));
        CHECK_OK(fr_explorer_end(e, verdict, place));
        m.events += subject.length;
        if (++m.executions != executions / 2)
            continue;
        calls_at_half = meter.calls;
        events_at_half = m.events;
    }
    m.seconds = now() - begin;
    m.peak = meter.peak;
    m.late_calls = meter.calls - calls_at_half;
    m.late_events = m.events - events_at_half;
    fr_explorer_free(e);
    CHECK(meter.bytes == 0, "memory is left");
    return m;
}

static struct measure explore(const struct program *program, enum fr_strategy strategy,
                              uint64_t executions) {
    return explore_by(program, strategy, FR_ORDER_DFS, executions);
}

static double million_events(const struct measure *m) {
    return (double)m->events / m->seconds / 1e6;
}

static void print_programs(void) {
    static const struct {
        const char *name, *constant;
        uint64_t executions;
    } rows[] = {{"fib_bench", "k=4", 19605},
                {"lastzero", "n=10", 3328},
                {"indexer", "n=14", 512},
                {"readers", "n=13", 8192}};
    static struct program program;
    printf("| program, DPOR | executions | events | seconds (best of 5) | million events/s | "
           "allocations in the second half |\n|---|---|---|---|---|---|\n");
    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        load_program(rows[i].name, rows[i].constant, &program);
        struct measure best = {.seconds = 1e9};
        for (uint32_t n = 0; n < 5; n++) {
            struct measure m = explore(&program, FR_STRATEGY_DPOR, rows[i].executions);
            CHECK(m.executions == rows[i].executions, "not all traces");
            best = m.seconds < best.seconds ? m : best;
        }
        printf("| %s(%s) | %lu | %lu | %.4f | %.2f | %lu |\n", rows[i].name, rows[i].constant,
               (unsigned long)best.executions, (unsigned long)best.events, best.seconds,
               million_events(&best), (unsigned long)best.late_calls);
    }
}

static void print_strategies(void) {
    static struct program program;
    printf("\n| strategy, fib_bench(k=4) | executions/s | million events/s | peak kB | allocations "
           "per event, second half |\n|---|---|---|---|---|\n");
    load_program("fib_bench", "k=4", &program);
    for (enum fr_strategy s = FR_STRATEGY_DPOR; s < FR_STRATEGY_REPLAY; s++) {
        struct measure m = explore(&program, s, 19605);
        printf("| %s | %.0f | %.2f | %.1f | %lu / %lu |\n", fr_strategy_name(s),
               (double)m.executions / m.seconds, million_events(&m), (double)m.peak / 1024,
               (unsigned long)m.late_calls, (unsigned long)m.late_events);
    }
}

static void print_walk(void) {
    static struct program program;
    load_program("inc", "n=3", &program);
    explore(&program, FR_STRATEGY_RANDOM, 1000);
    long before = resident();
    struct measure m = explore(&program, FR_STRATEGY_RANDOM, 10000000);
    long after = resident();
    printf("\nRandom walk of inc(3): %lu executions, %.2f million events/s, resident memory %ld kB "
           "before and %ld kB after, %lu allocations in the second half.\n",
           (unsigned long)m.executions, million_events(&m), before, after,
           (unsigned long)m.late_calls);
    CHECK(after - before < 256, "memory grows");
    CHECK(m.late_calls == 0, "allocations go on");
}

// n threads write four variables in turn, beginning at different ones, k times each.
static void load_growth(uint32_t threads, uint32_t each, struct program *program) {
    static const char text[] = "const n = 2; const k = 1; shared a[4];"
                               "thread t(i = 1..n) {"
                               "    j = 0;"
                               "    while (j < k) { a[(i * 3 + j) % 4] = j; j = j + 1; }"
                               "}";
    struct parse_define defines[] = {{"n", threads}, {"k", each}};
    char error[PARSE_ERROR_MAX];
    CHECK(parse_program(text, defines, 2, program, error), "%s", error);
}

// A cell is bounded by executions: about a million events, but 100 to 10,000 executions.
static uint64_t budget(uint32_t events) {
    uint64_t executions = 1000000 / events;
    return executions > 10000 ? 10000 : executions < 100 ? 100 : executions;
}

static void print_cell(const struct measure *m) {
    printf(" %lu | %.0f | %.2f | %.0f |", (unsigned long)m->executions,
           (double)m->executions / m->seconds, million_events(m), (double)m->peak / 1024);
}

// What a thousand executions take, and two hundred thousand: by wakeup trees it is 45 MB and more.
static void print_frontier(void) {
    static struct program program;
    load_growth(16, 6, &program);
    enum fr_order order = FR_ORDER_LOWEST_FIRST;
    struct measure few = explore_by(&program, FR_STRATEGY_DPOR, order, 1000);
    struct measure many = explore_by(&program, FR_STRATEGY_DPOR, order, 200000);
    printf("\nDPOR, lowest first, of 16 threads with 6 writes each: peak %.1f kB in 1,000 "
           "executions, %.1f kB in %lu, %.2f million events/s.\n",
           (double)few.peak / 1024, (double)many.peak / 1024, (unsigned long)many.executions,
           million_events(&many));
    CHECK(many.peak < 2 * few.peak, "memory grows");
}

static void print_growth(void) {
    static const uint32_t threads[] = {2, 4, 8, 16};
    static const uint32_t events[] = {10, 100, 1000, 10000};
    static struct program program;
    printf("\n| threads | events | walk: executions | executions/s | million events/s | peak kB | "
           "DPOR: executions | executions/s | million events/s | peak kB |\n"
           "|---|---|---|---|---|---|---|---|---|---|\n");
    for (uint32_t i = 0; i < 4; i++) {
        for (uint32_t k = 0; k < 4; k++) {
            uint32_t each = events[k] / threads[i] == 0 ? 1 : events[k] / threads[i];
            load_growth(threads[i], each, &program);
            uint64_t executions = budget(each * threads[i]);
            struct measure walk = explore(&program, FR_STRATEGY_RANDOM, executions);
            struct measure dpor = explore(&program, FR_STRATEGY_DPOR, executions);
            printf("| %u | %u |", threads[i], each * threads[i]);
            print_cell(&walk);
            print_cell(&dpor);
            printf("\n");
            fflush(stdout);
        }
    }
}

int main(void) {
    print_programs();
    print_strategies();
    print_walk();
    print_frontier();
    print_growth();
    return 0;
}
