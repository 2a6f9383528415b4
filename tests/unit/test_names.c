// Words for people: every value has its own, and a number that is none is said to be unknown.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "check.h"
#include "fr.h"

static void check_words(const char *const *words, uint32_t count, const char *what) {
    for (uint32_t i = 0; i < count; i++) {
        CHECK(words[i] != NULL && words[i][0] != '\0', "%s %u has no word", what, i);
        CHECK(strcmp(words[i], "unknown") != 0, "%s %u is unknown", what, i);
        for (uint32_t j = 0; j < i; j++)
            CHECK(strcmp(words[i], words[j]) != 0, "%s: %s twice", what, words[i]);
    }
}

static void test_every_value_has_its_own_word(void) {
    const char *words[64];
    for (uint32_t i = 0; i < FR_OP_KINDS; i++)
        words[i] = fr_op_word((enum fr_op_kind)i);
    check_words(words, FR_OP_KINDS, "operation");
    for (uint32_t i = 0; i < FR_VERDICTS; i++)
        words[i] = fr_verdict_word((enum fr_verdict)i);
    check_words(words, FR_VERDICTS, "verdict");
    for (uint32_t i = 0; i < FR_STRATEGIES; i++)
        words[i] = fr_strategy_name((enum fr_strategy)i);
    check_words(words, FR_STRATEGIES, "strategy");
    for (uint32_t i = 0; i < FR_ORDERS; i++)
        words[i] = fr_order_name((enum fr_order)i);
    check_words(words, FR_ORDERS, "order");
}

static void test_every_status_has_a_name_and_a_sentence(void) {
    static const enum fr_status all[] = {
#define FR_STATUS(name, value, sentence) FR_##name,
#include "fr_status.def"
#undef FR_STATUS
    };
    const char *names[64];
    const char *sentences[64];
    uint32_t count = sizeof all / sizeof *all;
    for (uint32_t i = 0; i < count; i++) {
        names[i] = fr_status_name(all[i]);
        sentences[i] = fr_status_text(all[i]);
    }
    check_words(names, count, "name of status");
    check_words(sentences, count, "sentence of status");
    CHECK(strcmp(fr_status_name(FR_NOMEM), "NOMEM") == 0, "as in fr.h, without FR_");
    CHECK(strcmp(fr_status_text(FR_OK), "done") == 0, "the sentence of the list");
    CHECK(FR_OK == 0, "hosts test for 0");
}

static void test_other_numbers_are_unknown(void) {
    CHECK(strcmp(fr_op_word(FR_OP_KINDS), "unknown") == 0, "operation");
    CHECK(strcmp(fr_op_word((enum fr_op_kind)1000), "unknown") == 0, "operation");
    CHECK(strcmp(fr_verdict_word(FR_VERDICTS), "unknown") == 0, "verdict");
    CHECK(strcmp(fr_strategy_name(FR_STRATEGIES), "unknown") == 0, "strategy");
    CHECK(strcmp(fr_order_name(FR_ORDERS), "unknown") == 0, "order");
    CHECK(strcmp(fr_status_name((enum fr_status)77), "UNKNOWN") == 0, "status");
    CHECK(strcmp(fr_status_text((enum fr_status)77), "an unknown status") == 0, "status");
}

static void test_only_two_verdicts_are_no_failure(void) {
    for (uint32_t i = 0; i < FR_VERDICTS; i++) {
        bool fine = i == FR_VERDICT_PASS || i == FR_VERDICT_REDUNDANT;
        CHECK(fr_verdict_is_failure((enum fr_verdict)i) == !fine, "%s",
              fr_verdict_word((enum fr_verdict)i));
    }
    CHECK(fr_verdict_is_failure(FR_VERDICTS), "what we do not know is no pass");
}

int main(void) {
    test_every_value_has_its_own_word();
    test_every_status_has_a_name_and_a_sentence();
    test_other_numbers_are_unknown();
    test_only_two_verdicts_are_no_failure();
    return 0;
}
