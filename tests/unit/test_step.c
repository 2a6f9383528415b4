// When two operations depend on each other: modes, threads, spawns and joins.
// SPDX-License-Identifier: Apache-2.0
#include "step.h"

#include "check.h"

static struct step access_of(fr_tid thread, const struct touch *touches, uint32_t count) {
    return (struct step){.thread = thread,
                         .kind = FR_OP_ACCESS,
                         .touches = touches,
                         .touch_count = count,
                         .slots = step_slots(touches, count)};
}

static bool depends_both_ways(const struct step *a, const struct step *b) {
    bool forward = step_depends(a, b);
    CHECK(forward == step_depends(b, a), "dependence has no direction");
    return forward;
}

// The table of fr.h, as a picture.
static void test_modes_conflict_as_the_header_says(void) {
    static const char *const picture[FR_MODES] = {
        [FR_READ] = ".W.w",
        [FR_WRITE] = "RWrw",
        [FR_READ_WEAK] = ".W..",
        [FR_WRITE_WEAK] = "RW..",
    };
    for (uint8_t a = 0; a < FR_MODES; a++)
        for (uint8_t b = 0; b < FR_MODES; b++) {
            CHECK(step_modes_conflict(a, b) == (picture[a][b] != '.'), "modes %u and %u", a, b);
            struct touch touch[] = {{.slot = 5, .mode = a}, {.slot = 5, .mode = b}};
            struct step one = access_of(0, &touch[0], 1);
            struct step other = access_of(1, &touch[1], 1);
            CHECK(depends_both_ways(&one, &other) == (picture[a][b] != '.'), "the steps too");
        }
}

static void test_a_thread_depends_on_itself(void) {
    struct touch read = {.slot = 1, .mode = FR_READ};
    struct touch elsewhere = {.slot = 2, .mode = FR_READ};
    struct step a = access_of(3, &read, 1);
    struct step b = access_of(3, &elsewhere, 1);
    CHECK(depends_both_ways(&a, &b), "two steps of one thread are ordered");
    b.thread = 4;
    CHECK(!depends_both_ways(&a, &b), "two reads of two threads are not");
}

// The filter word has 64 bits: objects 64 apart share one, and must not share their conflicts.
static void test_the_filter_confuses_no_objects(void) {
    struct touch near = {.slot = 3, .mode = FR_WRITE};
    struct touch far = {.slot = 67, .mode = FR_WRITE};
    struct step a = access_of(0, &near, 1);
    struct step b = access_of(1, &far, 1);
    CHECK(a.slots == b.slots && a.slots == 8, "one bit for both");
    CHECK(!depends_both_ways(&a, &b), "and yet two objects");
    struct touch all[FR_ACCESSES_MAX];
    for (uint32_t i = 0; i < FR_ACCESSES_MAX; i++)
        all[i] = (struct touch){.slot = 100 + i, .mode = FR_READ};
    CHECK(step_slots(all, FR_ACCESSES_MAX) == UINT64_MAX, "64 neighbours fill the word");
    CHECK(step_slots(all, 0) == 0, "nothing touched, nothing in it");
}

static void test_one_pair_of_many_is_enough(void) {
    struct touch many[] = {{1, FR_READ}, {2, FR_READ}, {9, FR_WRITE_WEAK}};
    struct touch others[] = {{4, FR_WRITE}, {1, FR_READ}, {9, FR_READ}};
    struct step a = access_of(0, many, 3);
    struct step b = access_of(1, others, 3);
    CHECK(depends_both_ways(&a, &b), "they meet in 9");
    b.touch_count = 2;
    b.slots = step_slots(others, 2);
    CHECK(!depends_both_ways(&a, &b), "without it they only read 1");
}

static struct step on_thread(fr_tid thread, enum fr_op_kind kind, fr_tid target) {
    return (struct step){.thread = thread, .kind = (uint8_t)kind, .target = target};
}

static void test_spawn_and_join_depend_on_their_thread(void) {
    struct touch write = {.slot = 0, .mode = FR_WRITE};
    struct step child = access_of(2, &write, 1);
    struct step stranger = access_of(3, &write, 1);
    for (int i = 0; i < 2; i++) {
        struct step a = on_thread(0, i == 0 ? FR_OP_SPAWN : FR_OP_JOIN, 2);
        CHECK(depends_both_ways(&a, &child), "with what the thread does");
        CHECK(!depends_both_ways(&a, &stranger), "with nothing else");
    }
    struct step spawn = on_thread(0, FR_OP_SPAWN, 2);
    struct step join = on_thread(1, FR_OP_JOIN, 2);
    struct step other_join = on_thread(3, FR_OP_JOIN, 2);
    struct step other_thread = on_thread(3, FR_OP_JOIN, 1);
    CHECK(depends_both_ways(&spawn, &join), "a thread is joined after it was spawned");
    CHECK(!depends_both_ways(&join, &other_join), "two may join one thread in any order");
    CHECK(!depends_both_ways(&spawn, &other_thread), "other targets have nothing to do with it");
    // An access has target 0 because nobody set it: that is no claim about thread 0.
    struct step of_zero = access_of(0, &write, 1);
    struct touch elsewhere = {.slot = 1, .mode = FR_WRITE};
    struct step other = access_of(1, &elsewhere, 1);
    CHECK(!depends_both_ways(&of_zero, &other), "an access has no target");
}

static void test_two_kinds_are_decided_when_they_happen(void) {
    for (uint8_t kind = 0; kind < FR_OP_KINDS; kind++)
        CHECK(step_is_conditional(kind) == (kind == FR_OP_CAS || kind == FR_OP_TRY), "%s",
              fr_op_word((enum fr_op_kind)kind));
}

int main(void) {
    test_modes_conflict_as_the_header_says();
    test_a_thread_depends_on_itself();
    test_the_filter_confuses_no_objects();
    test_one_pair_of_many_is_enough();
    test_spawn_and_join_depend_on_their_thread();
    test_two_kinds_are_decided_when_they_happen();
    return 0;
}
