// Wakeup trees: what insertion adds, and what it finds covered.
// SPDX-License-Identifier: Apache-2.0
//
// Sequences are words such as "aX bx": thread a writes object x (upper case), thread b reads it.
// Trees are words with their children in parentheses: "aX(bx) bx".
#include "wakeup.h"

#include "alloc_fault.h"
#include "check.h"

enum { STEPS_MAX = 16 };

struct forest {
    struct alloc_fault fault;
    struct alloc alloc;
    struct wakeup wakeup;
    uint32_t head;
};

static void open_forest(struct forest *forest) {
    *forest = (struct forest){.head = NONE};
    forest->alloc.host = alloc_fault_allocator(&forest->fault);
    wakeup_init(&forest->wakeup, &forest->alloc);
}

static void close_forest(struct forest *forest) {
    wakeup_drop(&forest->wakeup, forest->head);
    CHECK(forest->wakeup.live == 0, "every branch was dropped");
    wakeup_release(&forest->wakeup);
    CHECK(forest->fault.blocks == 0, "all is free");
}

// The words of a sequence as steps; touches has room for them.
static uint32_t read_steps(const char *text, struct step *steps, struct touch *touches) {
    uint32_t index[26] = {0};
    uint32_t count = 0;
    for (; *text != '\0'; text += text[2] == ' ' ? 3 : 2, count++) {
        uint32_t thread = (uint32_t)(text[0] - 'a');
        bool writes = text[1] < 'a';
        uint32_t slot = (uint32_t)(writes ? text[1] - 'A' : text[1] - 'a');
        touches[count] = (struct touch){.slot = slot, .mode = writes ? FR_WRITE : FR_READ};
        steps[count] = (struct step){.thread = thread,
                                     .kind = FR_OP_ACCESS,
                                     .index = ++index[thread],
                                     .touches = &touches[count],
                                     .touch_count = 1,
                                     .slots = step_slots(&touches[count], 1),
                                     .past = mix64(thread * 100 + index[thread])};
    }
    return count;
}

static enum fr_status try_insert(struct forest *forest, const char *text, bool *inserted) {
    struct step steps[STEPS_MAX];
    struct touch touches[STEPS_MAX];
    uint32_t order[STEPS_MAX];
    struct sequence w = {.steps = steps, .order = order};
    w.count = read_steps(text, steps, touches);
    for (uint32_t i = 0; i < w.count; i++)
        order[i] = i;
    return wakeup_insert(&forest->wakeup, &forest->head, &w, inserted);
}

static bool insert(struct forest *forest, const char *text) {
    bool inserted;
    CHECK_OK(try_insert(forest, text, &inserted));
    return inserted;
}

static void write_trees(const struct forest *forest, uint32_t at, char **out) {
    for (bool first = true; at != NONE; first = false) {
        const struct branch *branch = &forest->wakeup.branches[at];
        const struct touch *touch = &forest->wakeup.touches[branch->touches_at];
        if (!first)
            *(*out)++ = ' ';
        *(*out)++ = (char)('a' + branch->step.thread);
        *(*out)++ = (char)((touch->mode == FR_WRITE ? 'A' : 'a') + touch->slot);
        if (branch->first_child != NONE) {
            *(*out)++ = '(';
            write_trees(forest, branch->first_child, out);
            *(*out)++ = ')';
        }
        at = branch->next;
    }
}

static void expect(const struct forest *forest, const char *expected) {
    char text[256];
    char *end = text;
    write_trees(forest, forest->head, &end);
    *end = '\0';
    CHECK(strcmp(text, expected) == 0, "\"%s\", not \"%s\"", text, expected);
}

static void test_a_sequence_becomes_a_chain(void) {
    struct forest f;
    open_forest(&f);
    CHECK(insert(&f, "aX bx cY"), "something was added");
    expect(&f, "aX(bx(cY))");
    CHECK(f.wakeup.live == 3 && wakeup_count(&f.wakeup, f.head) == 1, "three branches, one tree");
    close_forest(&f);
}

// A leaf covers everything that begins with it, and what only begins with it in another order.
static void test_a_leaf_covers_what_is_equivalent(void) {
    struct forest f;
    open_forest(&f);
    CHECK(insert(&f, "aX bY"), "first");
    CHECK(!insert(&f, "aX bY"), "the same");
    CHECK(!insert(&f, "aX bY cZ"), "more of the same");
    CHECK(!insert(&f, "bY aX"), "the same but for the order of independent steps");
    CHECK(!insert(&f, "cZ bY dW aX"), "scattered");
    expect(&f, "aX(bY)");
    close_forest(&f);
}

// b's step does not occur in w, and nothing in w depends on it: w may as well be done after it.
static void test_an_independent_step_is_a_weak_initial(void) {
    struct forest f;
    open_forest(&f);
    CHECK(insert(&f, "bY"), "a leaf");
    CHECK(!insert(&f, "aX cX"), "covered: do bY, then the rest");
    expect(&f, "bY");
    CHECK(insert(&f, "aX cY"), "not this: c's step depends on b's");
    expect(&f, "bY aX(cY)");
    close_forest(&f);
}

static void test_what_conflicts_becomes_a_sibling(void) {
    struct forest f;
    open_forest(&f);
    CHECK(insert(&f, "aX bx"), "a writes first");
    CHECK(insert(&f, "bx aX"), "b reads first");
    expect(&f, "aX(bx) bx(aX)");
    CHECK(insert(&f, "aX cX"), "below a's write, c's is before b's read");
    expect(&f, "aX(bx cX) bx(aX)");
    CHECK(insert(&f, "cX"), "c first of all");
    expect(&f, "aX(bx cX) bx(aX) cX");
    CHECK(!insert(&f, "bx aX"), "known");
    CHECK(wakeup_count(&f.wakeup, f.head) == 3, "three trees");
    close_forest(&f);
}

// Equivalence, not equal prefixes: aX is not the first step of w, and yet w begins with it. What is
// hung below is w without it.
static void test_insertion_goes_down_by_equivalence(void) {
    struct forest f;
    open_forest(&f);
    CHECK(insert(&f, "aX bX"), "a before b");
    CHECK(insert(&f, "cY aX cX bX"), "c before b as well: below a's write");
    expect(&f, "aX(bX cY(cX(bX)))");
    CHECK(!insert(&f, "aX cY bX cX"), "b before c: the leaf there covers it");
    close_forest(&f);
}

static void test_the_first_of_several_initials_is_taken(void) {
    struct forest f;
    open_forest(&f);
    CHECK(insert(&f, "aX bX"), "one");
    CHECK(insert(&f, "bX aX"), "two");
    // cY is independent of all: it goes under the first tree, where b's write is a leaf.
    CHECK(!insert(&f, "cY aX bX"), "covered by the first");
    CHECK(!insert(&f, "cY bX aX"), "covered by the second");
    CHECK(insert(&f, "cX aX bX"), "covered by none");
    expect(&f, "aX(bX) bX(aX) cX(aX(bX))");
    close_forest(&f);
}

static void test_taking_and_dropping(void) {
    struct forest f;
    open_forest(&f);
    insert(&f, "aX bX cX");
    insert(&f, "bX aX");
    insert(&f, "aX cX");
    expect(&f, "aX(bX(cX) cX) bX(aX)");
    uint32_t children;
    struct branch branch = wakeup_take(&f.wakeup, &f.head, &children);
    CHECK(branch.step.thread == 0 && branch.required, "a's write");
    expect(&f, "bX(aX)");
    CHECK(wakeup_count(&f.wakeup, children) == 2 && f.wakeup.live == 5, "its children are ours");
    wakeup_drop(&f.wakeup, children);
    CHECK(f.wakeup.live == 2, "they are gone");
    // What was freed is used again.
    uint32_t count = f.wakeup.branch_count;
    insert(&f, "cX aX bX");
    CHECK(f.wakeup.branch_count == count, "no new place was needed");
    wakeup_drop(&f.wakeup, NONE);
    close_forest(&f);
}

static enum initial initial_of(const char *step_text, const char *w_text) {
    struct step step[1], steps[STEPS_MAX];
    struct touch touch[1], touches[STEPS_MAX];
    uint32_t order[STEPS_MAX];
    read_steps(step_text, step, touch);
    struct sequence w = {.steps = steps, .order = order};
    w.count = read_steps(w_text, steps, touches);
    for (uint32_t i = 0; i < w.count; i++)
        order[i] = i;
    return wakeup_initial(step, &w);
}

static void test_weak_initials(void) {
    CHECK(initial_of("aX", "aX bX") == INITIAL_FIRST, "it is the first");
    CHECK(initial_of("aX", "bY aX") == INITIAL_FIRST, "nothing before depends on it");
    CHECK(initial_of("aX", "bX aX") == INITIAL_NOT, "b's write does");
    CHECK(initial_of("ax", "bx cx") == INITIAL_INDEPENDENT, "three reads");
    CHECK(initial_of("ax", "bx cX") == INITIAL_NOT, "c writes");
    CHECK(initial_of("aX", "") == INITIAL_INDEPENDENT, "of nothing");
}

// The first level is what has to be explored from E; what is below may be dropped.
static void test_only_the_first_level_is_required(void) {
    struct forest f;
    open_forest(&f);
    insert(&f, "aX bX");
    insert(&f, "bX aX");
    insert(&f, "aX cX");
    expect(&f, "aX(bX cX) bX(aX)");
    for (uint32_t at = f.head; at != NONE; at = f.wakeup.branches[at].next) {
        CHECK(f.wakeup.branches[at].required, "a reversal at this state");
        uint32_t child = f.wakeup.branches[at].first_child;
        for (; child != NONE; child = f.wakeup.branches[child].next)
            CHECK(!f.wakeup.branches[child].required, "a hint");
    }
    close_forest(&f);
}

static void test_what_may_come_first(void) {
    struct forest f;
    open_forest(&f);
    insert(&f, "aX bX");
    insert(&f, "bX aX");
    insert(&f, "cX");
    expect(&f, "aX(bX) bX(aX) cX");
    CHECK(wakeup_move_first(&f.wakeup, &f.head, 2), "c's write begins none of the others");
    expect(&f, "cX aX(bX) bX(aX)");
    CHECK(wakeup_move_first(&f.wakeup, &f.head, 0), "the first is first");
    expect(&f, "cX aX(bX) bX(aX)");
    close_forest(&f);
    open_forest(&f);
    insert(&f, "aX bY");
    insert(&f, "bX aX");
    expect(&f, "aX(bY) bX(aX)");
    CHECK(wakeup_move_first(&f.wakeup, &f.head, 1), "b's write depends on a's in the other tree");
    close_forest(&f);
    // cZ is a weak initial of the other's only sequence: moved, it would have taken it over.
    open_forest(&f);
    insert(&f, "aX bX");
    uint32_t aside = f.head;
    f.head = NONE;
    insert(&f, "cZ");
    f.wakeup.branches[aside].next = f.head;
    f.head = aside;
    expect(&f, "aX(bX) cZ");
    CHECK(!wakeup_move_first(&f.wakeup, &f.head, 1), "it stays");
    expect(&f, "aX(bX) cZ");
    close_forest(&f);
}

static void test_without_memory_the_tree_stays_as_it_was(void) {
    bool failed = true;
    for (uint64_t n = 1; failed; n++) {
        struct forest f;
        open_forest(&f);
        bool inserted;
        CHECK_OK(try_insert(&f, "aX bX", &inserted));
        f.fault.fail_at = f.fault.requests + n;
        failed = false;
        for (char c = 'c'; c < 'z' && !failed; c++) {
            char text[] = {c, 'X', ' ', 'a', 'X', '\0'};
            uint32_t before = f.wakeup.live;
            enum fr_status status = try_insert(&f, text, &inserted);
            failed = status != FR_OK;
            CHECK(status == FR_OK || status == FR_NOMEM, "%s", fr_status_name(status));
            CHECK(f.wakeup.live == before + (failed ? 0 : 2), "all of it, or nothing");
        }
        close_forest(&f);
    }
}

int main(void) {
    test_a_sequence_becomes_a_chain();
    test_a_leaf_covers_what_is_equivalent();
    test_an_independent_step_is_a_weak_initial();
    test_what_conflicts_becomes_a_sibling();
    test_insertion_goes_down_by_equivalence();
    test_the_first_of_several_initials_is_taken();
    test_taking_and_dropping();
    test_weak_initials();
    test_only_the_first_level_is_required();
    test_what_may_come_first();
    test_without_memory_the_tree_stays_as_it_was();
    return 0;
}
