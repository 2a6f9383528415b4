// Walks do what their definitions promise, measured on programs where the promise can be computed.
// SPDX-License-Identifier: Apache-2.0
//
// Seeds are fixed, so a run never varies; the limits are those of a test at p = 0.0001.
#include <math.h>
#include <string.h>

#include "check.h"
#include "explore.h"
#include "parse.h"

enum { CLASSES_MAX = 128 };

struct tally {
    uint64_t key[CLASSES_MAX];
    uint64_t count[CLASSES_MAX];
    uint32_t classes;
    uint64_t total;
};

static void count_class(struct tally *tally, uint64_t key) {
    uint32_t i = 0;
    while (i < tally->classes && tally->key[i] != key)
        i++;
    CHECK(i < CLASSES_MAX, "more classes than expected");
    tally->classes += i == tally->classes;
    tally->key[i] = key;
    tally->count[i]++;
    tally->total++;
}

static void parse_text(const char *text, struct program *program) {
    char error[PARSE_ERROR_MAX];
    CHECK(parse_program(text, NULL, 0, program, error), "%s", error);
}

// Which events make the order that is counted.
enum { KEY_ALL = 0, KEY_NONE = UINT32_MAX };

// The order in which threads performed the events that touch the object with this key, or all
// events, as digits.
static uint64_t order_on_object(const struct fr_explorer *e, uint64_t key) {
    uint64_t order = 0;
    for (uint32_t at = 0; at < fr_trace_length(e); at++) {
        struct fr_event event = fr_trace_event(e, at);
        bool counts = key == KEY_ALL;
        for (uint32_t i = 0; i < event.access_count; i++)
            counts |= fr_trace_access(e, at, i).key == key;
        order = counts ? order * 8 + event.thread + 1 : order;
    }
    return order;
}

struct walk_result {
    struct tally orders;
    uint64_t failed;
    uint64_t executions;
    uint32_t steps_most;
};

// Executes the plan `executions` times after `skipped` (in which a walk learns).
static void walk(const struct program *program, struct fr_plan plan, uint64_t skipped,
                 uint64_t executions, uint64_t key, struct walk_result *result) {
    struct fr_config config = fr_config_default();
    config.stable_keys = true;
    struct fr_explorer *e;
    CHECK_OK(fr_explorer_new(&config, &e));
    CHECK_OK(fr_explorer_start(e, &plan));
    static struct program_subject subject;
    struct fr_subject s = program_subject(&subject, program);
    memset(result, 0, sizeof *result);
    for (uint64_t i = 0; i < skipped + executions; i++) {
        enum fr_verdict verdict;
        uint64_t place;
        CHECK_OK(fr_explorer_begin(e));
        CHECK_OK(s.execute(s.self, e, &verdict, &place));
        if (i >= skipped) {
            if (key != KEY_NONE)
                count_class(&result->orders, order_on_object(e, key));
            result->failed += fr_verdict_is_failure(verdict);
            result->executions++;
        }
        if (fr_trace_length(e) > result->steps_most)
            result->steps_most = fr_trace_length(e);
        CHECK_OK(fr_explorer_end(e, verdict, place));
    }
    fr_explorer_free(e);
}

// Wilson and Hilferty's approximation of the chi-square limit at p = 0.0001.
static double chi_square_limit(uint32_t freedom) {
    double n = freedom;
    double root = 1 - 2 / (9 * n) + 3.719 * sqrt(2 / (9 * n));
    return n * root * root * root;
}

static void check_uniform(const char *name, const struct tally *tally, uint32_t classes) {
    CHECK(tally->classes == classes, "%s: %u of %u orders seen", name, tally->classes, classes);
    double expected = (double)tally->total / classes;
    double sum = 0;
    for (uint32_t i = 0; i < classes; i++) {
        double off = (double)tally->count[i] - expected;
        sum += off * off / expected;
    }
    printf("%-44s chi-square %6.1f of at most %6.1f (%u orders, %lu executions)\n", name, sum,
           chi_square_limit(classes - 1), classes, (unsigned long)tally->total);
    CHECK(sum < chi_square_limit(classes - 1), "%s is not uniform", name);
}

static void check_share(const char *name, uint64_t hits, uint64_t total, double expected) {
    double share = (double)hits / (double)total;
    double deviation = sqrt(expected * (1 - expected) / (double)total);
    printf("%-44s %.4f, expected %.4f\n", name, share, expected);
    CHECK(fabs(share - expected) < 3.9 * deviation, "%s: %.4f instead of %.4f", name, share,
          expected);
}

// --------------------------------------------------------------------------- the definitions

static void test_random_walk_is_uniform_at_each_step(void) {
    static struct program program;
    static struct walk_result result;
    parse_text("shared x; thread a { x = 1; } thread b { x = 2; x = 3; x = 4; }", &program);
    walk(&program, (struct fr_plan){.strategy = FR_STRATEGY_RANDOM, .seed = 1}, 0, 40000, KEY_ALL,
         &result);
    CHECK(result.orders.classes == 4, "four orders");
    static const struct {
        uint64_t order;
        double share;
    } expected[] = {{01222, 0.5}, {02122, 0.25}, {02212, 0.125}, {02221, 0.125}};
    for (uint32_t k = 0; k < 4; k++)
        for (uint32_t i = 0; i < 4; i++)
            if (result.orders.key[i] == expected[k].order)
                check_share("random walk", result.orders.count[i], result.orders.total,
                            expected[k].share);
}

static void test_urw_is_uniform_over_interleavings(void) {
    static struct program program;
    static struct walk_result result;
    struct fr_plan plan = {.strategy = FR_STRATEGY_URW, .seed = 2};
    parse_text("shared x; thread t(i = 1..2) { x = 1; r = x; x = 2; }", &program);
    walk(&program, plan, 1, 40000, KEY_ALL, &result);
    check_uniform("URW, 3 + 3 events", &result.orders, 20);
    parse_text("shared x; thread t(i = 1..3) { x = 1; x = 2; }", &program);
    walk(&program, plan, 1, 60000, KEY_ALL, &result);
    check_uniform("URW, 2 + 2 + 2 events", &result.orders, 90);
    parse_text("shared x; thread a { x = 1; } thread b { x = 2; x = 3; x = 4; x = 5; x = 6; }",
               &program);
    walk(&program, plan, 1, 40000, KEY_ALL, &result);
    check_uniform("URW, 1 + 5 events", &result.orders, 6);
    // The child's events count as its parent's until it is there: 18 interleavings.
    parse_text("shared x; late thread child { x = 3; x = 4; }"
               "thread main { x = 1; spawn child; x = 2; } thread b { x = 5; }",
               &program);
    walk(&program, plan, 1, 40000, KEY_ALL, &result);
    check_uniform("URW, a thread that is spawned", &result.orders, 18);
}

static void test_surw_is_uniform_over_interesting_events(void) {
    static struct program program;
    static struct walk_result result;
    // x is shared; each thread's own array element is not. The first is object 0: key 1.
    parse_text("shared x, own[2];"
               "thread a { own[0] = 1; own[0] = 2; x = 1; own[0] = 3; x = 2; own[0] = 4; x = 3;"
               "           own[0] = 5; own[0] = 6; own[0] = 7; }"
               "thread b { x = 4; x = 5; own[1] = 1; x = 6; }",
               &program);
    walk(&program, (struct fr_plan){.strategy = FR_STRATEGY_SURW, .seed = 3}, 1, 40000, 1, &result);
    check_uniform("SURW, 3 + 3 of 14 events", &result.orders, 20);
    parse_text("shared x, own[3]; late thread child { own[2] = 1; x = 3; own[2] = 2; x = 4; }"
               "thread main { own[0] = 3; spawn child; own[0] = 4; x = 1; }"
               "thread b { own[1] = 1; x = 2; own[1] = 2; }",
               &program);
    walk(&program, (struct fr_plan){.strategy = FR_STRATEGY_SURW, .seed = 7}, 1, 40000, 1, &result);
    check_uniform("SURW, a thread that is spawned", &result.orders, 12);
}

// Two threads, one event on x each, but the second has another before it. With priorities p, q and
// a new q' after it: P(first thread's event first) = 1/2 + 1/2 * P(min(p, q) > q') = 2/3. A random
// walk would give 3/4.
static void test_pos_draws_a_priority_per_event(void) {
    static struct program program;
    static struct walk_result result;
    parse_text("shared x, y; thread a { x = 1; } thread b { y = 1; x = 2; }", &program);
    walk(&program, (struct fr_plan){.strategy = FR_STRATEGY_POS, .seed = 4}, 0, 40000, 1, &result);
    CHECK(result.orders.classes == 2, "two orders");
    uint32_t first = result.orders.key[0] == 012 ? 0 : 1;
    check_share("POS, one event against the second", result.orders.count[first],
                result.orders.total, 2.0 / 3);
}

static uint64_t count_of(const struct tally *tally, uint64_t order) {
    for (uint32_t i = 0; i < tally->classes; i++)
        if (tally->key[i] == order)
            return tally->count[i];
    return 0;
}

// Three threads with one event each, of which the first two race. After the first of them, a, the
// other one, b, draws anew, but c, which lost against a, does not: P(a, b, c) is the integral of
// (1 - c) (1 - c^2) / 2 over c, 5/24, and P(a, c, b) 1/3 - 5/24. Priorities that stay, or that are
// all drawn anew, would give 1/6.
static void test_pos_draws_again_for_what_races(void) {
    static struct program program;
    static struct walk_result result;
    parse_text("shared x, y; thread a { x = 1; } thread b { x = 2; } thread c { y = 1; }",
               &program);
    walk(&program, (struct fr_plan){.strategy = FR_STRATEGY_POS, .seed = 8}, 0, 40000, KEY_ALL,
         &result);
    const struct tally *orders = &result.orders;
    check_share("POS, a then b that races with it", count_of(orders, 0123), orders->total,
                5.0 / 24);
    check_share("POS, b then a that races with it", count_of(orders, 0213), orders->total,
                5.0 / 24);
    check_share("POS, a then c that does not", count_of(orders, 0132), orders->total, 3.0 / 24);
    check_share("POS, c then a", count_of(orders, 0312), orders->total, 4.0 / 24);
}

// Programs for which PCT's bound is its very probability: two threads, and one bug for exactly one
// choice of priorities and of each change point.
static void check_pct_is_exact(const char *name, const char *text, uint32_t depth) {
    static struct program program;
    static struct walk_result result;
    parse_text(text, &program);
    struct fr_plan plan = {.strategy = FR_STRATEGY_PCT, .seed = 9, .depth = depth};
    walk(&program, plan, 1, 100000, KEY_NONE, &result);
    check_share(name, result.failed, result.executions,
                1.0 / (2 * pow(result.steps_most, depth - 1)));
}

static void test_pct_reaches_its_bound(void) {
    check_pct_is_exact("PCT(1), exactly its bound",
                       "shared x; thread a { x = 1; } thread b { assert x == 0; }", 1);
    check_pct_is_exact("PCT(2), exactly its bound",
                       "shared x, y; thread a { y = 1; x = 1; x = 0; y = 2; }"
                       "thread b { assert x == 0; }",
                       2);
    check_pct_is_exact("PCT(3), exactly its bound",
                       "shared x; thread a { x = 1; x = 2; }"
                       "thread b { r = x; s = x; assert !(r == 1 && s == 2); }",
                       3);
}

static void check_pct(const char *name, const char *text, uint32_t depth, uint32_t threads) {
    static struct program program;
    static struct walk_result result;
    parse_text(text, &program);
    struct fr_plan plan = {.strategy = FR_STRATEGY_PCT, .seed = 5, .depth = depth};
    walk(&program, plan, 1, 40000, KEY_NONE, &result);
    double bound = 1.0 / (threads * pow(result.steps_most, depth - 1));
    double share = (double)result.failed / (double)result.executions;
    double deviation = sqrt(bound * (1 - bound) / (double)result.executions);
    printf("%-44s %.4f, at least 1/(n k^(d-1)) = %.4f\n", name, share, bound);
    CHECK(share > bound - 3.7 * deviation, "%s: PCT's bound does not hold", name);
}

static void test_pct_keeps_its_bound(void) {
    check_pct("PCT(1), an order", "shared x; thread a { x = 1; } thread b { assert x == 0; }", 1,
              2);
    check_pct("PCT(2), a lost update",
              "shared x, done, own[2];"
              "thread t(i = 0..1) { own[i] = 1; own[i] = 2; r = x; x = r + 1; own[i] = 3;"
              "                     if (add(done, 1) == 1) assert x == 2; }",
              2, 2);
    check_pct("PCT(3), two switches",
              "shared x, own[2];"
              "thread a { own[0] = 1; x = 1; own[0] = 2; x = 2; own[0] = 3; }"
              "thread b { own[1] = 1; r = x; s = x; own[1] = 2; assert !(r == 1 && s == 2); }",
              3, 2);
    check_pct("PCT(2), four threads",
              "shared x, done;"
              "thread t(i = 1..2) { r = x; x = r + 1; if (add(done, 1) == 1) assert x == 2; }"
              "thread u(i = 1..2) { spare = done; spare = done; spare = done; }",
              2, 4);
}

enum { ROUND_THREADS = 3, ROUND_EVENTS = 2, ROUND_STEPS = ROUND_THREADS * ROUND_EVENTS };

// The definition: go on with the current thread, else with the next one that has not ended, going
// round; skip as many as there are delays at this step.
static uint64_t round_robin(const uint32_t *delays, uint32_t count) {
    uint32_t left[ROUND_THREADS] = {ROUND_EVENTS, ROUND_EVENTS, ROUND_EVENTS};
    uint32_t t = 0;
    uint64_t order = 0;
    for (uint32_t step = 1; step <= ROUND_STEPS; step++) {
        uint32_t skip = 0;
        for (uint32_t i = 0; i < count; i++)
            skip += delays[i] == step;
        while (left[t] == 0)
            t = (t + 1) % ROUND_THREADS;
        for (; skip > 0; skip--)
            do
                t = (t + 1) % ROUND_THREADS;
            while (left[t] == 0);
        left[t]--;
        order = order * 8 + t + 1;
    }
    return order;
}

// Exactly the schedules with at most so many delays, by trying all places for them.
static void test_delays_are_those_of_the_definition(void) {
    static struct program program;
    static struct walk_result result;
    parse_text("shared x; thread t(i = 1..3) { x = 1; x = 2; }", &program);
    for (uint32_t depth = 0; depth <= 2; depth++) {
        static struct tally expected;
        memset(&expected, 0, sizeof expected);
        for (uint32_t a = 1; a <= ROUND_STEPS; a++)
            for (uint32_t b = a; b <= ROUND_STEPS; b++)
                count_class(&expected, round_robin((uint32_t[]){a, b}, depth));
        struct fr_plan plan = {.strategy = FR_STRATEGY_DELAY, .seed = 10, .depth = depth};
        walk(&program, plan, 1, 4000, KEY_ALL, &result);
        CHECK(result.orders.classes == expected.classes, "%u delays: %u schedules of %u", depth,
              result.orders.classes, expected.classes);
        for (uint32_t i = 0; i < expected.classes; i++)
            CHECK(count_of(&result.orders, expected.key[i]) != 0, "%u delays: one is missing",
                  depth);
        printf("DELAY, 2 + 2 + 2 events, %u delays: %u schedules, as defined\n", depth,
               expected.classes);
    }
}

// Every schedule of DELAY has at most its number of delays, and without one there is one schedule.
static void test_delays_leave_the_round_robin_only_where_they_may(void) {
    static struct program program;
    static struct walk_result result;
    parse_text("shared x; thread t(i = 1..3) { x = 1; x = 2; }", &program);
    struct fr_plan plan = {.strategy = FR_STRATEGY_DELAY, .seed = 6};
    walk(&program, plan, 1, 1000, KEY_ALL, &result);
    CHECK(result.orders.classes == 1 && result.orders.key[0] == 0112233,
          "no delay: round robin without preemption");
    plan.depth = 1;
    walk(&program, plan, 1, 4000, KEY_ALL, &result);
    // One delay at each of 6 steps: those at the last thread's steps change nothing.
    CHECK(result.orders.classes == 5, "%u schedules with one delay", result.orders.classes);
    printf("%-44s %u schedules with at most one delay\n", "DELAY, 2 + 2 + 2 events",
           result.orders.classes);
}

int main(void) {
    test_random_walk_is_uniform_at_each_step();
    test_urw_is_uniform_over_interleavings();
    test_surw_is_uniform_over_interesting_events();
    test_pos_draws_a_priority_per_event();
    test_pos_draws_again_for_what_races();
    test_pct_reaches_its_bound();
    test_pct_keeps_its_bound();
    test_delays_are_those_of_the_definition();
    test_delays_leave_the_round_robin_only_where_they_may();
    return 0;
}
