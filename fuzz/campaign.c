// A campaign: runs a fuzzer's inputs on a subject and keeps the books.
// SPDX-License-Identifier: Apache-2.0
#include "campaign.h"

#include <assert.h>
#include <stdlib.h>

// Kinds of feature, kept apart by the high bits of what is hashed.
#define FEATURE_BASELINE UINT64_C(0x1000000000000000)
#define FEATURE_SHAPE UINT64_C(0x2000000000000000)
// One trace hash in this many is a feature when traces are thinned.
#define THIN 16u
// Preemptions beyond this many are one feature.
#define PREEMPTIONS_MAX 15u

struct campaign {
    struct campaign_config config;
    struct fr_explorer *input;        // explores one input
    struct fr_explorer *whole_space;  // NULL if not wanted
    struct fr_seen *seen;             // traces of all executions
    struct fr_seen *seen_in_space;    // traces of the whole space's
    struct campaign_stats stats;
    struct campaign_failure failure;
    uint8_t *schedule;  // owned: of a failure in the whole space
    enum fr_status status;
    const char *errmsg;
};

enum fr_status campaign_new(const struct campaign_config *config, struct campaign **out) {
    assert(config->subject != NULL && config->counters != NULL);
    struct campaign *campaign = calloc(1, sizeof *campaign);
    if (campaign == NULL)
        return FR_NOMEM;
    campaign->config = *config;
    campaign->errmsg = "";
    const struct fr_config limits = fr_config_default();
    enum fr_status status = fr_explorer_new(&limits, &campaign->input);
    if (status == FR_OK)
        status = fr_seen_new(&limits.allocator, &campaign->seen);
    if (status == FR_OK)
        status = fr_seen_new(&limits.allocator, &campaign->seen_in_space);
    if (status == FR_OK && config->whole_space) {
        status = fr_explorer_new(&limits, &campaign->whole_space);
        const struct fr_plan everything = {.strategy = FR_STRATEGY_DPOR};
        if (status == FR_OK)
            status = fr_explorer_start(campaign->whole_space, &everything);
    }
    if (status != FR_OK) {
        campaign_free(campaign);
        return status;
    }
    *out = campaign;
    return FR_OK;
}

void campaign_free(struct campaign *campaign) {
    if (campaign == NULL)
        return;
    fr_explorer_free(campaign->input);
    fr_explorer_free(campaign->whole_space);
    fr_seen_free(campaign->seen);
    fr_seen_free(campaign->seen_in_space);
    free(campaign->schedule);
    free(campaign);
}

static enum campaign_outcome stop(struct campaign *campaign, const struct fr_explorer *explorer,
                                  enum fr_status status) {
    campaign->status = status;
    campaign->errmsg = explorer == NULL ? "" : fr_explorer_errmsg(explorer);
    return CAMPAIGN_STOPPED;
}

// Features of the execution that just ended.
static void hit(struct campaign *campaign, const struct fr_explorer *explorer,
                enum fr_strategy strategy, enum fr_verdict verdict) {
    struct counters *counters = campaign->config.counters;
    const uint32_t preemptions = fr_trace_preemptions(explorer);
    const uint64_t capped = preemptions < PREEMPTIONS_MAX ? preemptions : PREEMPTIONS_MAX;
    counters_hit(counters,
                 FEATURE_SHAPE | (uint64_t)strategy << 16 | (uint64_t)verdict << 8 | capped);
    const uint64_t hash = fr_trace_hash(explorer);
    if (campaign->config.traces == CAMPAIGN_TRACES_ALL ||
        (campaign->config.traces == CAMPAIGN_TRACES_THIN && hash % THIN == 0))
        counters_hit(counters, hash);
}

// How one execution went.
struct result {
    bool went;  // false: the exploration had none left
    enum fr_verdict verdict;
    uint64_t place;
};

static enum fr_status execute(struct campaign *campaign, struct fr_explorer *explorer,
                              struct result *result) {
    const struct fr_subject *subject = campaign->config.subject;
    *result = (struct result){.verdict = FR_VERDICT_PASS};
    enum fr_status status = fr_explorer_begin(explorer);
    if (status == FR_DONE)
        return FR_OK;
    if (status == FR_OK)
        status = subject->execute(subject->self, explorer, &result->verdict, &result->place);
    if (status == FR_OK)
        status = fr_explorer_end(explorer, result->verdict, result->place);
    result->went = status == FR_OK;
    return status;
}

// Enters the execution that just ended in the books. plan: of an input, else NULL.
static enum campaign_outcome account(struct campaign *campaign, const struct fr_explorer *explorer,
                                     const struct fr_plan *plan, const struct result *result) {
    campaign->stats.executions++;
    if (result->verdict == FR_VERDICT_REDUNDANT) {
        campaign->stats.redundant++;
        return CAMPAIGN_GOES_ON;
    }
    const uint64_t hash = fr_trace_hash(explorer);
    enum fr_status status = fr_seen_add(campaign->seen, hash, NULL);
    if (status == FR_OK && plan == NULL)
        status = fr_seen_add(campaign->seen_in_space, hash, NULL);
    if (status != FR_OK)
        return stop(campaign, NULL, status);
    if (plan != NULL)
        hit(campaign, explorer, plan->strategy, result->verdict);
    if (!fr_verdict_is_failure(result->verdict))
        return CAMPAIGN_GOES_ON;
    campaign->stats.failures++;
    campaign->failure =
        (struct campaign_failure){.verdict = result->verdict, .place = result->place};
    return CAMPAIGN_FAILED;
}

// Writes down the last execution of the whole space, so that the bytes alone show the failure.
static enum campaign_outcome express(struct campaign *campaign) {
    const size_t count = fr_trace_choices(campaign->whole_space, NULL, 0);
    uint8_t *choices = malloc(count + 1);
    if (choices == NULL)
        return stop(campaign, NULL, FR_NOMEM);
    fr_trace_choices(campaign->whole_space, choices, count);
    const struct fr_plan plan = {.strategy = FR_STRATEGY_DPOR,
                                 .executions_max = 1,
                                 .choices = choices,
                                 .choice_count = count};
    const size_t size = fr_plan_encode(&plan, NULL, 0);
    free(campaign->schedule);
    campaign->schedule = malloc(size + 1);
    if (campaign->schedule != NULL)
        fr_plan_encode(&plan, campaign->schedule, size);
    free(choices);
    if (campaign->schedule == NULL)
        return stop(campaign, NULL, FR_NOMEM);
    campaign->failure.schedule = campaign->schedule;
    campaign->failure.size = size;
    campaign->failure.in_whole_space = true;
    return CAMPAIGN_FAILED;
}

// The program did not repeat itself, so nothing that was seen says anything.
static enum campaign_outcome stop_diverged(struct campaign *campaign) {
    campaign->status = FR_DIVERGED;
    campaign->errmsg = "the same schedule did not give the same execution twice: time, randomness, "
                       "other threads or state that setup() does not make anew decides, too; take "
                       "that out of the harness";
    return CAMPAIGN_STOPPED;
}

// Goes on with the whole space by this many executions.
static enum campaign_outcome advance(struct campaign *campaign, uint64_t executions) {
    struct result result = {.went = true};
    for (uint64_t n = 0; n < executions; n++) {
        const enum fr_status status = execute(campaign, campaign->whole_space, &result);
        if (status != FR_OK)
            return stop(campaign, campaign->whole_space, status);
        if (!result.went)
            break;
        const enum campaign_outcome outcome =
            account(campaign, campaign->whole_space, NULL, &result);
        if (outcome == CAMPAIGN_FAILED)
            return express(campaign);
        if (outcome != CAMPAIGN_GOES_ON)
            return outcome;
    }
    if (fr_explorer_ending(campaign->whole_space) != FR_ENDING_EXHAUSTED)
        return CAMPAIGN_GOES_ON;
    // Zero executions never are a pass.
    const uint64_t traces = fr_seen_distinct(campaign->seen_in_space);
    if (traces == 0)
        return CAMPAIGN_GOES_ON;
    // An input that showed a trace that the whole space does not have refutes "whole". Two samples
    // of the same traces are the same.
    if (traces != fr_seen_distinct(campaign->seen))
        return stop_diverged(campaign);
    return CAMPAIGN_EXHAUSTED;
}

// What an input's executions were, in their order, in one number.
static uint64_t digest(uint64_t before, const struct fr_explorer *explorer,
                       const struct result *result) {
    const uint64_t one = fr_trace_hash(explorer) ^ (uint64_t)result->verdict;
    return (before ^ one) * UINT64_C(0x9e3779b97f4a7c15) + 1;
}

// Is this input to be executed twice? The first few are, then fewer and fewer.
static bool is_sample(uint64_t inputs) {
    return inputs <= 4 || (inputs & (inputs - 1)) == 0;
}

// Executes the input again, outside of the books: it must do the same.
static enum campaign_outcome repeat(struct campaign *campaign, const struct fr_plan *plan,
                                    uint64_t expected) {
    enum fr_status status = fr_explorer_start(campaign->input, plan);
    struct result result = {.went = true};
    uint64_t again = 0;
    while (status == FR_OK && result.went) {
        status = execute(campaign, campaign->input, &result);
        if (status == FR_OK && result.went)
            again = digest(again, campaign->input, &result);
        if (fr_verdict_is_failure(result.verdict))
            return stop_diverged(campaign);  // it did not fail before
    }
    if (status != FR_OK)
        return stop(campaign, campaign->input, status);
    return again == expected ? CAMPAIGN_GOES_ON : stop_diverged(campaign);
}

// Executes an input within its budget. *spent: how many executions that took.
static enum campaign_outcome explore(struct campaign *campaign, const struct fr_plan *plan,
                                     uint64_t *spent) {
    enum fr_status status = fr_explorer_start(campaign->input, plan);
    uint64_t seen = 0;
    for (*spent = 0;; ++*spent) {
        struct result result;
        if (status == FR_OK)
            status = execute(campaign, campaign->input, &result);
        if (status != FR_OK)
            return stop(campaign, campaign->input, status);
        if (!result.went)
            break;
        const enum campaign_outcome outcome = account(campaign, campaign->input, plan, &result);
        if (outcome != CAMPAIGN_GOES_ON)
            return outcome;
        seen = digest(seen, campaign->input, &result);
    }
    return is_sample(campaign->stats.inputs) ? repeat(campaign, plan, seen) : CAMPAIGN_GOES_ON;
}

enum campaign_outcome campaign_input(struct campaign *campaign, const uint8_t *bytes, size_t size) {
    campaign->stats.inputs++;
    campaign->config.counters->fresh = 0;
    counters_hit(campaign->config.counters, FEATURE_BASELINE);
    struct fr_plan plan = fr_plan_decode(bytes, size);
    if (plan.executions_max == 0 || plan.executions_max > CAMPAIGN_INPUT_EXECUTIONS_MAX)
        plan.executions_max = CAMPAIGN_INPUT_EXECUTIONS_MAX;
    uint64_t spent;
    const enum campaign_outcome outcome = explore(campaign, &plan, &spent);
    if (outcome == CAMPAIGN_FAILED) {
        campaign->failure.schedule = bytes;
        campaign->failure.size = size;
    }
    if (outcome != CAMPAIGN_GOES_ON)
        return outcome;
    if (campaign->config.counters->fresh > 0)
        campaign->stats.corpus++;
    if (campaign->whole_space == NULL)
        return CAMPAIGN_GOES_ON;
    return advance(campaign, spent > 0 ? spent : 1);
}

struct campaign_failure campaign_failure(const struct campaign *campaign) {
    return campaign->failure;
}

enum fr_status campaign_status(const struct campaign *campaign) {
    return campaign->status;
}

const char *campaign_errmsg(const struct campaign *campaign) {
    return campaign->errmsg;
}

struct campaign_stats campaign_stats(const struct campaign *campaign) {
    struct campaign_stats stats = campaign->stats;
    stats.traces = fr_seen_distinct(campaign->seen);
    stats.is_exact = fr_seen_is_exact(campaign->seen);
    stats.chance_new = fr_seen_chance_new(campaign->seen);
    return stats;
}
