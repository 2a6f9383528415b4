// Words for people: of statuses, operations, verdicts and strategies.
// SPDX-License-Identifier: Apache-2.0
#include "base.h"

const char *fr_status_name(enum fr_status status) {
    switch (status) {
#define FR_STATUS(name, value, sentence)                                                           \
    case FR_##name:                                                                                \
        return #name;
#include "fr_status.def"
#undef FR_STATUS
    }
    return "UNKNOWN";
}

const char *fr_status_text(enum fr_status status) {
    switch (status) {
#define FR_STATUS(name, value, sentence)                                                           \
    case FR_##name:                                                                                \
        return sentence;
#include "fr_status.def"
#undef FR_STATUS
    }
    return "an unknown status";
}

const char *fr_op_word(enum fr_op_kind kind) {
    static const char *const words[] = {
#define FR_OP(name, word, may_block) word,
#include "fr_op.def"
#undef FR_OP
    };
    return kind < FR_OP_KINDS ? words[kind] : "unknown";
}

const char *fr_verdict_word(enum fr_verdict verdict) {
    static const char *const words[] = {
#define FR_VERDICT(name, word, failure) word,
#include "fr_verdict.def"
#undef FR_VERDICT
    };
    return verdict < FR_VERDICTS ? words[verdict] : "unknown";
}

bool fr_verdict_is_failure(enum fr_verdict verdict) {
    static const bool failures[] = {
#define FR_VERDICT(name, word, failure) failure,
#include "fr_verdict.def"
#undef FR_VERDICT
    };
    // What we do not know is no pass.
    return verdict < FR_VERDICTS ? failures[verdict] : true;
}

const char *fr_strategy_name(enum fr_strategy strategy) {
    static const char *const words[] = {
#define FR_STRATEGY(name, word) word,
#include "fr_strategy.def"
#undef FR_STRATEGY
    };
    return strategy < FR_STRATEGIES ? words[strategy] : "unknown";
}
