// Search orders: every choice in its turn, whatever the order, and never one that is not there.
// SPDX-License-Identifier: Apache-2.0
#include "order.h"

#include "check.h"
#include "explorer.h"
#include "stage.h"

static void expect_picks(enum fr_order kind, uint32_t count, const uint32_t *expected) {
    struct order order = {.kind = kind};
    for (uint32_t i = 0; i < count; i++) {
        uint32_t pick = order_pick(&order, count);
        CHECK(pick == expected[i], "%s of %u: pick %u is %u", fr_order_name(kind), count, i, pick);
    }
}

static void test_orders_are_what_their_names_say(void) {
    expect_picks(FR_ORDER_BIT_REVERSAL, 8, (const uint32_t[]){0, 4, 2, 6, 1, 5, 3, 7});
    expect_picks(FR_ORDER_ROUND_ROBIN, 5, (const uint32_t[]){0, 1, 2, 3, 4});
    expect_picks(FR_ORDER_DFS, 3, (const uint32_t[]){0, 0, 0});
    struct order shifted = {.kind = FR_ORDER_ROUND_ROBIN, .seed = 7};
    CHECK(order_pick(&shifted, 5) == 2 && order_pick(&shifted, 5) == 3, "the seed says where");
}

static void test_picks_are_in_range(void) {
    for (enum fr_order kind = 0; kind < FR_ORDERS; kind++)
        for (uint64_t seed = 0; seed < 20; seed++) {
            struct order order = {.kind = kind, .seed = seed << 60 | seed};
            for (uint32_t count = 1; count <= 64; count++)
                for (uint32_t i = 0; i < 70; i++)
                    CHECK(order_pick(&order, count) < count, "%s of %u", fr_order_name(kind),
                          count);
        }
}

// In as many turns as there are choices, each is taken once.
static void test_round_robin_and_stride_leave_nothing_out(void) {
    static const enum fr_order kinds[] = {FR_ORDER_ROUND_ROBIN, FR_ORDER_STRIDE};
    for (uint32_t k = 0; k < 2; k++)
        for (uint64_t seed = 0; seed < 50; seed++)
            for (uint32_t count = 1; count < 64; count++) {
                struct order order = {.kind = kinds[k], .seed = seed * count};
                tset taken = 0;
                for (uint32_t i = 0; i < count; i++)
                    taken |= tset_of(order_pick(&order, count));
                CHECK(taken == tset_of(count) - 1, "%s of %u", fr_order_name(kinds[k]), count);
            }
}

// Four threads: 0 and 2 write x, 1 reads x, 3 writes y.
static void test_conflicts_are_counted(void) {
    static struct stage stage;
    stage_open_text(&stage, "thread t { }", NULL);
    struct fr_explorer *e = stage.explorer;
    stage_start(&stage, (struct fr_plan){.strategy = FR_STRATEGY_REPLAY});
    CHECK_OK(fr_explorer_begin(e));
    static const struct fr_access accesses[] = {
        {1, FR_WRITE}, {1, FR_READ}, {1, FR_WRITE}, {2, FR_WRITE}, {1, FR_READ}};
    for (uint32_t i = 0; i < 5; i++) {
        fr_tid tid;
        struct fr_op op = {.kind = FR_OP_ACCESS, .accesses = &accesses[i], .access_count = 1};
        CHECK_OK(fr_run_enter(e, FR_TID_NONE, &tid));
        CHECK_OK(fr_run_announce(e, tid, &op));
    }
    static const uint32_t expected[] = {3, 2, 3, 0, 2};
    for (fr_tid t = 0; t < 5; t++)
        CHECK(order_conflicts(&e->run, t) == expected[t], "thread %u", t);
    struct order conflicts = {.kind = FR_ORDER_CONFLICT_FIRST};
    CHECK(order_pick_thread(&conflicts, &e->run, 0x1F) == 0, "most conflicts, lowest number");
    CHECK(order_pick_thread(&conflicts, &e->run, 0x1A) == 1, "of 1, 3 and 4");
    struct order dfs = {.kind = FR_ORDER_DFS};
    CHECK(order_pick_thread(&dfs, &e->run, 0x1A) == 1, "nobody runs yet: the lowest");
    e->run.current = 3;
    CHECK(order_pick_thread(&dfs, &e->run, 0x1A) == 3, "who runs goes on");
    CHECK(order_pick_thread(&dfs, &e->run, 0x12) == 1, "if it may");
    struct order robin = {.kind = FR_ORDER_ROUND_ROBIN, .seed = 1};
    CHECK(order_pick_thread(&robin, &e->run, 0x1A) == 3, "the second of 1, 3 and 4");
    stage_close(&stage);
}

int main(void) {
    test_orders_are_what_their_names_say();
    test_picks_are_in_range();
    test_round_robin_and_stride_leave_nothing_out();
    test_conflicts_are_counted();
    return 0;
}
