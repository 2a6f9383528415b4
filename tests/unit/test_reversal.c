// What an execution leads to, as text: how much of it is kept, then threads; "!" if one overtakes.
// SPDX-License-Identifier: Apache-2.0
#include "reversal.h"

#include <string.h>

#include "check.h"
#include "explorer.h"
#include "stage.h"

static struct stage stage;

static const char *frontier_text(void) {
    static char out[512];
    const struct frontier *f = &stage.explorer->lineage.frontier;
    size_t size = 0;
    out[0] = '\0';
    for (uint32_t i = 0; i < f->lead_count; i++) {
        const struct lead *lead = &f->leads[i];
        size +=
            (size_t)snprintf(out + size, sizeof out - size, "%s%u:", i == 0 ? "" : " ", lead->at);
        for (uint32_t k = 0; k < lead->count; k++)
            out[size++] = (char)('a' + f->threads[lead->threads_at + k]);
        size += (size_t)snprintf(out + size, sizeof out - size, "%s", lead->overtakes ? "!" : "");
    }
    return out;
}

// `expected`: the frontier after each execution, separated by " / ".
static void expect(const char *text, const char *expected) {
    char got[2048] = "";
    stage_open_text(&stage, text, NULL);
    stage_start(&stage,
                (struct fr_plan){.strategy = FR_STRATEGY_DPOR, .order = FR_ORDER_LOWEST_FIRST});
    for (size_t size = 0; stage_next(&stage); size = strlen(got))
        snprintf(got + size, sizeof got - size, "%s%s", size == 0 ? "" : " / ", frontier_text());
    CHECK(strcmp(got, expected) == 0, "%s\n  \"%s\", not\n  \"%s\"", text, got, expected);
    stage_close(&stage);
}

static void test_two_writes_are_reversed_once(void) {
    expect("shared x; thread a { x = 1; } thread b { x = 2; }", "0:ba / ");
    expect("shared x, y; thread a { x = 1; } thread b { y = 2; }", "");
    expect("shared x; thread a { r = x; } thread b { r = x; }", "");
}

// What b needs comes along, what it does not need is left to come later.
static void test_what_happens_before_b_is_repeated(void) {
    expect("shared x, y; thread a { y = 1; x = 1; } thread b { r = x; }", "1:ba / ");
    expect("shared x, y; thread a { x = 1; } thread b { y = 1; r = x; }", "0:bba / ");
    // c's write needs what b wrote to y, and c read; b's second write comes later.
    expect("shared x, y, z; thread a { x = 1; } thread b { y = 1; z = 1; }"
           "thread c { r = y; x = 2; }",
           "0:bcca 1:cb / 0:bcca 0:cca / 0:bcca / ");
}

// A write that waits for two reads: they are put before it one by one, the higher thread last.
static void test_each_set_of_reads_comes_once(void) {
    expect("shared x; thread a { x = 1; } thread b { r = x; } thread c { r = x; }",
           "0:ba 0:ca / 0:ba / 0:bca / ");
}

// An acquire that is overtaken may not come at all; one that was overtaken is reversed no further.
static void test_acquires_overtake_each_other(void) {
    expect("lock m; thread a { acquire m; release m; } thread b { acquire m; release m; }",
           "0:b! / ");
    expect("lock m; thread a { acquire m; } thread b { acquire m; }", "0:b! / ");
    // With three, the first is overtaken by one of two, and then the next of the two others.
    expect("lock m; thread a { acquire m; release m; } thread b { acquire m; release m; }"
           "thread c { acquire m; release m; }",
           "0:b! 0:c! 2:c! / 0:b! 0:c! / 0:b! 2:b! / 0:b! / 2:c! / ");
    // A try that would succeed overtakes too; one that fails behind another try is a reversal.
    expect("lock m; thread a { acquire m; } thread b { try(m); }", "0:b! / ");
    expect("lock m; thread a { try(m); } thread b { acquire m; }", "0:ba / ");
}

static void test_outcomes_are_those_after_the_reversal(void) {
    // Alone, b's swap would succeed, and a's fail.
    expect("shared x; thread a { cas(x, 0, 1); } thread b { cas(x, 0, 2); }", "0:ba / ");
    // a's swap fails alone, and succeeds, and waits for b's weak read, behind c's weak write.
    expect("shared x; thread a { cas(x, 1, 2); } thread b { r = weak(x); }"
           "thread c { weakadd(x, 1); }",
           "0:ca / 0:cba / ");
    // Swaps that fail both ways do not depend on each other.
    expect("shared x; thread a { cas(x, 3, 1); } thread b { cas(x, 4, 2); }", "");
}

// b's swap succeeds before a's weak write only. Failed, it does not depend on c's weak read: with
// which of them before b is told by an execution in which it succeeded.
static void test_weak_reads_go_before_a_swap_that_succeeds(void) {
    expect("shared x; thread a { weakadd(x, 1); } thread b { cas(x, 0, 5); }"
           "thread c { r = weak(x); }",
           "0:ba / 0:cba / ");
    // Of two, the higher thread's comes last.
    expect("shared x; thread a { weakadd(x, 1); } thread b { cas(x, 0, 5); }"
           "thread c { r = weak(x); } thread d { r = weak(x); }",
           "0:ba / 0:cba 0:dba / 0:cba / 0:cdba / ");
}

int main(void) {
    test_two_writes_are_reversed_once();
    test_what_happens_before_b_is_repeated();
    test_each_set_of_reads_comes_once();
    test_acquires_overtake_each_other();
    test_outcomes_are_those_after_the_reversal();
    test_weak_reads_go_before_a_swap_that_succeeds();
    return 0;
}
