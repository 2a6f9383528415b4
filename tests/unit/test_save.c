// Taking up a saved exploration: the executions that follow are those that would have followed.
// SPDX-License-Identifier: Apache-2.0
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "check.h"
#include "drive.h"
#include "explore.h"
#include "random_program.h"
#include "stage.h"

enum { WHOLE_MAX = 4000 };

struct totals {
    unsigned long resumed, explorations, largest;
};

// A whole exploration, and what it is made of.
struct whole {
    const struct program *program;
    const char *name;
    struct fr_plan plan;
    bool stable_keys;
    struct drive drive;
};

static void run_whole(struct whole *whole) {
    drive_init(&whole->drive, whole->program, whole->stable_keys);
    CHECK_OK(fr_explorer_start(whole->drive.explorer, &whole->plan));
    drive_some(&whole->drive, WHOLE_MAX);
}

static void check_equal_bytes(const struct drive *drive, const uint8_t *bytes, size_t size,
                              const char *name) {
    size_t again_size;
    uint8_t *again = drive_save(drive, &again_size);
    CHECK(again_size == size && memcmp(again, bytes, size) == 0, "%s: saved otherwise", name);
    free(again);
}

// No trace lost, none done twice, and the same counters: the rest is the rest of the whole.
static void check_rest(const struct whole *whole, const uint8_t *bytes, size_t size, uint32_t done,
                       uint32_t at_most) {
    struct drive rest;
    drive_init(&rest, whole->program, whole->stable_keys);
    enum fr_status status = fr_explorer_restore(rest.explorer, bytes, size);
    CHECK(status == FR_OK, "%s after %u: %s", whole->name, done, fr_status_text(status));
    check_equal_bytes(&rest, bytes, size, whole->name);
    drive_some(&rest, at_most);
    uint32_t left = whole->drive.count - done;
    uint32_t expected = left < at_most ? left : at_most;
    CHECK(rest.count == expected, "%s after %u: %u more, not %u", whole->name, done, rest.count,
          expected);
    for (uint32_t i = 0; i < rest.count; i++)
        CHECK(rest.hashes[i] == whole->drive.hashes[done + i], "%s: execution %u is another one",
              whole->name, done + i);
    if (expected == left && left < WHOLE_MAX) {
        struct fr_stats a = fr_explorer_stats(whole->drive.explorer);
        struct fr_stats b = fr_explorer_stats(rest.explorer);
        a.allocations = b.allocations = 0;
        CHECK(memcmp(&a, &b, sizeof a) == 0, "%s: other counters", whole->name);
        CHECK(fr_explorer_ending(rest.explorer) == fr_explorer_ending(whole->drive.explorer),
              "%s: another ending", whole->name);
    }
    drive_release(&rest);
}

static void check_at(const struct whole *whole, uint32_t done, uint32_t at_most,
                     struct totals *totals) {
    struct drive first;
    drive_init(&first, whole->program, whole->stable_keys);
    CHECK_OK(fr_explorer_start(first.explorer, &whole->plan));
    drive_some(&first, done);
    size_t size;
    uint8_t *bytes = drive_save(&first, &size);
    drive_release(&first);
    check_rest(whole, bytes, size, done, at_most);
    free(bytes);
    totals->resumed++;
    totals->largest = size > totals->largest ? size : totals->largest;
}

static void check_plan(const struct program *program, const struct fr_plan *plan, bool stable_keys,
                       const char *name, struct totals *totals) {
    struct whole whole = {
        .program = program, .name = name, .plan = *plan, .stable_keys = stable_keys};
    run_whole(&whole);
    uint32_t count = whole.drive.count;
    check_at(&whole, 0, WHOLE_MAX, totals);
    check_at(&whole, 1 < count ? 1 : count, WHOLE_MAX, totals);
    check_at(&whole, count / 3, WHOLE_MAX, totals);
    check_at(&whole, count / 2, WHOLE_MAX, totals);
    check_at(&whole, count, WHOLE_MAX, totals);
    for (uint32_t done = 2; count <= 40 && done < count; done++)
        check_at(&whole, done, 3, totals);
    drive_release(&whole.drive);
    totals->explorations++;
}

static void check_orders(const struct program *program, const char *name, struct totals *totals) {
    for (uint32_t stable = 0; stable < 2; stable++) {
        for (enum fr_order order = 0; order < FR_ORDERS; order++) {
            struct fr_plan plan = {
                .strategy = FR_STRATEGY_DPOR, .order = order, .order_seed = order + stable};
            check_plan(program, &plan, stable != 0, name, totals);
        }
    }
}

static void check_walks(const struct program *program, const char *name, struct totals *totals) {
    static const struct {
        enum fr_strategy strategy;
        uint32_t depth;
    } walks[] = {{FR_STRATEGY_RANDOM, 0}, {FR_STRATEGY_PCT, 3},  {FR_STRATEGY_POS, 0},
                 {FR_STRATEGY_URW, 0},    {FR_STRATEGY_SURW, 0}, {FR_STRATEGY_DELAY, 2}};
    for (uint32_t i = 0; i < sizeof walks / sizeof *walks; i++) {
        struct fr_plan plan = {.strategy = walks[i].strategy,
                               .depth = walks[i].depth,
                               .seed = 11 + i,
                               .executions_max = 50};
        check_plan(program, &plan, i % 2 == 0, name, totals);
    }
}

static void check_prefixes(const struct program *program, const char *name, struct totals *totals) {
    static const uint8_t choices[] = {1, 0, 2, 1};
    for (size_t count = 1; count <= sizeof choices; count++) {
        struct fr_plan plan = {
            .strategy = FR_STRATEGY_DPOR, .choices = choices, .choice_count = count};
        check_plan(program, &plan, count % 2 == 0, name, totals);
        plan.executions_max = 3;
        check_plan(program, &plan, count % 2 != 0, name, totals);
        plan.apart = true;
        check_plan(program, &plan, true, name, totals);
    }
    struct fr_segment segments[] = {{.thread = 1, .events = 1},
                                    {.thread = 0, .until = 3, .nth = 1}};
    struct fr_plan replay = {.strategy = FR_STRATEGY_REPLAY,
                             .segments = segments,
                             .segment_count = sizeof segments / sizeof *segments};
    check_plan(program, &replay, true, name, totals);
}

static void check_bounds(const struct program *program, const char *name, struct totals *totals) {
    static const uint8_t choices[] = {1, 0};
    for (uint32_t i = 0; i < 8; i++) {
        struct fr_plan plan = {.strategy = FR_STRATEGY_DPOR,
                               .order = (enum fr_order)(i % FR_ORDERS),
                               .bound = i % 2 == 0 ? FR_BOUND_PREEMPTIONS : FR_BOUND_DELAYS,
                               .bound_max = i / 2,
                               .choices = choices,
                               .choice_count = i / 3};
        check_plan(program, &plan, i % 4 == 0, name, totals);
    }
}

static void check_golden(struct totals *totals) {
    static const char *const rows[][2] = {
        {"fib_bench", "k=2"}, {"indexer", "n=13"},  {"filesystem", "n=16"},  {"lastzero", "n=6"},
        {"coa", "n=2"},       {"casw", "n=3"},      {"philosophers", "n=5"}, {"inc", "n=3"},
        {"spawn_join", "-"},  {"semaphore", "-"},   {"abba", "-"},           {"self_deadlock", "-"},
        {"iriw", "-"},        {"lost_update", "-"}, {"readers", "n=6"}};
    static struct program program;
    for (uint32_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        load_program(rows[i][0], rows[i][1], &program);
        check_orders(&program, rows[i][0], totals);
        check_walks(&program, rows[i][0], totals);
        check_prefixes(&program, rows[i][0], totals);
        // Taken up after every execution: too slow where they are many or long.
        if (program.thread_count <= 4)
            check_bounds(&program, rows[i][0], totals);
    }
}

static void check_random(unsigned long count, struct totals *totals) {
    static struct program program;
    char name[64];
    for (unsigned long seed = 1; seed <= count; seed++) {
        snprintf(name, sizeof name, "random program %lu", seed);
        random_mixed_program(&program, seed);
        struct whole whole = {.program = &program, .plan = {.strategy = FR_STRATEGY_DPOR}};
        run_whole(&whole);
        uint32_t traces = whole.drive.count;
        drive_release(&whole.drive);
        if (traces > 200)
            continue;
        check_orders(&program, name, totals);
        if (seed % 10 == 1 || seed % 10 == 2)
            check_walks(&program, name, totals);
        if (seed % 10 < 3)
            check_bounds(&program, name, totals);
    }
}

// ------------------------------------------------------------------------------ being killed

static void write_all(int to, const void *bytes, size_t size) {
    for (const char *at = bytes; size > 0;) {
        ssize_t done = write(to, at, size);
        if (done <= 0)
            _exit(1);
        at += done;
        size -= (size_t)done;
    }
}

static bool read_all(int from, void *bytes, size_t size) {
    for (char *at = bytes; size > 0;) {
        ssize_t done = read(from, at, size);
        if (done <= 0)
            return false;
        at += done;
        size -= (size_t)done;
    }
    return true;
}

// Explores and saves every few executions, until it is killed.
static void explore_and_save(const struct whole *whole, int to) {
    struct drive drive;
    drive_init(&drive, whole->program, whole->stable_keys);
    CHECK_OK(fr_explorer_start(drive.explorer, &whole->plan));
    while (drive_some(&drive, 7) == 7) {
        size_t size;
        uint8_t *bytes = drive_save(&drive, &size);
        write_all(to, &drive.count, sizeof drive.count);
        write_all(to, &size, sizeof size);
        write_all(to, bytes, size);
        free(bytes);
    }
    _exit(0);
}

static void check_killed(struct whole *whole, uint32_t saves, struct totals *totals) {
    run_whole(whole);
    int ends[2];
    CHECK(pipe(ends) == 0, "no pipe");
    pid_t child = fork();
    CHECK(child >= 0, "no process");
    if (child == 0)
        explore_and_save(whole, ends[1]);
    close(ends[1]);
    uint8_t *last = NULL;
    size_t size = 0;
    uint32_t done = 0;
    for (uint32_t i = 0; i < saves; i++) {
        CHECK(read_all(ends[0], &done, sizeof done) && read_all(ends[0], &size, sizeof size),
              "too few saves");
        free(last);
        last = malloc(size);
        CHECK(last != NULL && read_all(ends[0], last, size), "too few saves");
    }
    // It may be anywhere by now, also in the middle of an execution.
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    close(ends[0]);
    CHECK(done == 7 * saves, "other saves");
    check_rest(whole, last, size, done, WHOLE_MAX);
    free(last);
    drive_release(&whole->drive);
    totals->resumed++;
}

enum { WIDE_THREADS = 3, WIDE = 300 };

// One execution of three threads that write three hundred objects at once. False: none is left.
static bool execute_wide(struct fr_explorer *e, uint64_t *hash) {
    enum fr_status status = fr_explorer_begin(e);
    if (status != FR_OK)
        return false;
    static struct fr_access accesses[WIDE];
    for (uint32_t i = 0; i < WIDE; i++)
        accesses[i] = (struct fr_access){.key = 1 + i, .mode = FR_WRITE};
    struct fr_op op = {.accesses = accesses, .access_count = WIDE};
    for (fr_tid t = 0; status == FR_OK && t < WIDE_THREADS; t++)
        status = fr_run_enter(e, FR_TID_NONE, &t);
    for (fr_tid t = 0; status == FR_OK && t < WIDE_THREADS; t++)
        status = fr_run_announce(e, t, &op);
    for (;;) {
        fr_tid next;
        CHECK_OK(status);
        CHECK_OK(fr_run_decide(e, &next));
        if (next == FR_TID_NONE)
            break;
        status = fr_run_leave(e, next);
    }
    CHECK_OK(fr_explorer_end(e, FR_VERDICT_PASS, 0));
    *hash = fr_trace_hash(e);
    return true;
}

static void check_wide(void) {
    struct fr_config config = stage_config();
    struct fr_plan plan = {.strategy = FR_STRATEGY_DPOR};
    struct fr_explorer *whole, *rest;
    CHECK_OK(fr_explorer_new(&config, &whole));
    CHECK_OK(fr_explorer_start(whole, &plan));
    uint64_t hash, again;
    CHECK(execute_wide(whole, &hash), "the first of six");
    size_t size = fr_explorer_save(whole, NULL, 0);
    uint8_t *bytes = malloc(size);
    CHECK(fr_explorer_save(whole, bytes, size) == size, "saved");
    CHECK_OK(fr_explorer_new(&config, &rest));
    CHECK_OK(fr_explorer_restore(rest, bytes, size));
    for (uint32_t i = 1; i < 6; i++) {
        CHECK(execute_wide(whole, &hash) && execute_wide(rest, &again), "%u more", 6 - i);
        CHECK(hash == again, "execution %u is another one", i);
    }
    CHECK(!execute_wide(whole, &hash) && !execute_wide(rest, &again), "nothing is left");
    free(bytes);
    fr_explorer_free(whole);
    fr_explorer_free(rest);
}

int main(void) {
    struct totals totals = {0};
    bool is_long = getenv("FRONTRUN_LONG") != NULL;
    check_golden(&totals);
    check_random(is_long ? 3000 : 300, &totals);
    check_wide();
    static struct program program;
    load_program("fib_bench", "k=3", &program);
    for (uint32_t saves = 1; saves <= 200; saves += 66)
        for (uint32_t stable = 0; stable < 2; stable++) {
            struct whole whole = {.program = &program,
                                  .name = "killed",
                                  .plan = {.strategy = FR_STRATEGY_DPOR},
                                  .stable_keys = stable != 0};
            check_killed(&whole, saves, &totals);
        }
    printf("%lu explorations taken up at %lu points, the same executions follow; at most %lu "
           "bytes\n",
           totals.explorations, totals.resumed, totals.largest);
    return 0;
}
