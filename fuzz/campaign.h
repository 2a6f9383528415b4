// A campaign: a fuzzer's inputs become executions of a subject, executions become features.
// SPDX-License-Identifier: Apache-2.0
//
// An input is a schedule (docs/schedule-format.md). It is explored by itself: the same bytes give
// the same executions and the same features, whatever ran before. Beside that, and without
// features, the campaign explores the whole space from the empty schedule with DPOR, as many
// executions as the inputs spend; when that ends, every trace was executed and the campaign knows
// it.
// A sample of the inputs is executed twice: a program that does not repeat itself stops the
// campaign.
//
// Knows no Python and no fuzzer. One OS thread at a time.
#ifndef FUZZ_CAMPAIGN_H
#define FUZZ_CAMPAIGN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "counters.h"
#include "fr_subject.h"

// At most this many executions for one input, whatever its budget says. A number, never a time:
// an input must do the same work on every machine.
#define CAMPAIGN_INPUT_EXECUTIONS_MAX 256u

// Which trace hashes become features: each of them, one in sixteen, none.
enum campaign_traces { CAMPAIGN_TRACES_ALL, CAMPAIGN_TRACES_THIN, CAMPAIGN_TRACES_OFF };

struct campaign_config {
    const struct fr_subject *subject;  // borrowed, outlives the campaign
    struct counters *counters;         // borrowed, outlives the campaign
    enum campaign_traces traces;
    bool whole_space;  // explore the whole space beside the inputs
};

struct campaign;

FR_MUST_CHECK enum fr_status campaign_new(const struct campaign_config *config,
                                          struct campaign **out);
void campaign_free(struct campaign *campaign);  // NULL is fine

enum campaign_outcome {
    CAMPAIGN_GOES_ON,
    CAMPAIGN_FAILED,     // an execution failed, see campaign_failure
    CAMPAIGN_EXHAUSTED,  // every trace of the subject was executed and none failed
    CAMPAIGN_STOPPED     // something we cannot do, see campaign_status and campaign_errmsg
};
// Executes one input. The counters then hold its features; clearing them before is the caller's.
enum campaign_outcome campaign_input(struct campaign *campaign, const uint8_t *bytes, size_t size);

struct campaign_failure {
    enum fr_verdict verdict;
    uint64_t place;
    // A schedule that shows this failure: the input itself, or, if the whole space's exploration
    // met it, that execution as schedule bytes. Borrowed until the next campaign_input.
    const uint8_t *schedule;
    size_t size;
    bool in_whole_space;
};
// The last failure. Only after CAMPAIGN_FAILED.
struct campaign_failure campaign_failure(const struct campaign *campaign);

enum fr_status campaign_status(const struct campaign *campaign);
const char *campaign_errmsg(const struct campaign *campaign);  // "" if there is none

struct campaign_stats {
    uint64_t inputs;
    uint64_t executions;  // of inputs and of the whole space together
    uint64_t traces;      // distinct ones
    bool is_exact;        // their number; else an estimate
    uint64_t corpus;      // inputs that had a feature no input before them had
    uint64_t failures;
    uint64_t redundant;  // executions cut short because all that follows was explored
    double chance_new;   // that the next execution shows a new trace (Good-Turing)
};
struct campaign_stats campaign_stats(const struct campaign *campaign);

#endif
