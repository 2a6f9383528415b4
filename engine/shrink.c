// Shrinking: the simplest execution that fails in the same way.
// SPDX-License-Identifier: Apache-2.0
//
// First every schedule with fewer preemptions, those with fewest first (so that the first failure
// found is minimal, and finding none proves it); then local changes that leave fewer switches and
// events.
#include "deviation.h"
#include "explorer.h"

struct fr_shrink {
    struct alloc alloc;
    enum fr_verdict verdict;
    uint64_t place;
    uint64_t tries;
    uint64_t tries_max;
    struct deviations deviations;
    bool enumerating;
    bool minimal;
    // The best so far, and a candidate made of it, as blocks.
    struct fr_segment *best;
    struct fr_segment *candidate;
    uint32_t best_capacity;
    uint32_t candidate_capacity;
    uint32_t best_count;
    uint32_t best_preemptions;
    uint32_t best_events;
    // Local changes: kind and where.
    uint32_t change;
    uint32_t at;
};

enum { CHANGE_DROP, CHANGE_PULL, CHANGE_SWAP, CHANGES };

// The last execution as blocks of one thread each.
static enum fr_status take_blocks(struct fr_shrink *s, const struct fr_explorer *e) {
    const struct trace *trace = &e->run.trace;
    uint32_t count = 0;
    for (uint32_t i = 0; i < trace->length; i++) {
        uint32_t thread = run_number(&e->run, trace->events[i].thread);
        if (count != 0 && s->best[count - 1].thread == thread) {
            s->best[count - 1].events++;
            continue;
        }
        enum fr_status status = ALLOC_GROW(&s->alloc, s->best, s->best_capacity, (size_t)count + 1);
        if (status != FR_OK)
            return status;
        s->best[count++] = (struct fr_segment){.thread = thread, .events = 1};
    }
    s->best_count = count;
    s->best_preemptions = trace->preemptions;
    s->best_events = trace->length;
    s->change = s->at = 0;
    return FR_OK;
}

enum fr_status fr_shrink_new(const struct fr_explorer *e, enum fr_verdict verdict, uint64_t place,
                             uint64_t tries_max, struct fr_shrink **out) {
    if (e->running || !fr_verdict_is_failure(verdict))
        return FR_MISUSE;
    struct alloc alloc = {.host = e->config.allocator};
    struct fr_shrink *s = alloc.host.resize(alloc.host.context, NULL, sizeof *s);
    if (s == NULL)
        return FR_NOMEM;
    *s = (struct fr_shrink){.alloc = alloc,
                            .verdict = verdict,
                            .place = place,
                            .tries_max = tries_max,
                            .enumerating = true};
    // Memory for schedules not yet tried stays within a small multiple of those that will be.
    uint32_t items_max = tries_max < (1U << 20) ? (uint32_t)tries_max * 8 + 1 : 1U << 23;
    enum fr_status status = deviations_init(&s->deviations, &s->alloc, items_max);
    if (status == FR_OK)
        status = take_blocks(s, e);
    if (status != FR_OK) {
        fr_shrink_free(s);
        return status;
    }
    *out = s;
    return FR_OK;
}

void fr_shrink_free(struct fr_shrink *s) {
    if (s == NULL)
        return;
    struct alloc alloc = s->alloc;
    deviations_release(&s->deviations, &alloc);
    alloc_free(&alloc, s->best);
    alloc_free(&alloc, s->candidate);
    alloc_free(&alloc, s);
}

static uint32_t next_block_of(const struct fr_shrink *s, uint32_t at) {
    for (uint32_t i = at + 1; i < s->best_count; i++)
        if (s->best[i].thread == s->best[at].thread)
            return i;
    return s->best_count;
}

static void remove_block(struct fr_shrink *s, uint32_t *count, uint32_t at) {
    (*count)--;
    memmove(s->candidate + at, s->candidate + at + 1, (*count - at) * sizeof *s->candidate);
}

// Makes the candidate of the change at hand; false if it changes nothing.
static bool make_candidate(struct fr_shrink *s, uint32_t *count) {
    *count = s->best_count;
    memcpy(s->candidate, s->best, s->best_count * sizeof *s->best);
    struct fr_segment *blocks = s->candidate;
    uint32_t at = s->at;
    uint32_t later;
    switch (s->change) {
    case CHANGE_DROP:
        remove_block(s, count, at);
        return true;
    case CHANGE_PULL:
        later = next_block_of(s, at);
        if (later == s->best_count)
            return false;
        blocks[at].events += blocks[later].events;
        remove_block(s, count, later);
        return true;
    default:
        if (at + 1 >= s->best_count)
            return false;
        blocks[at] = s->best[at + 1];
        blocks[at + 1] = s->best[at];
        return true;
    }
}

static bool next_change(struct fr_shrink *s) {
    if (++s->at < s->best_count)
        return true;
    s->at = 0;
    return ++s->change < CHANGES;
}

static enum fr_status next_local(struct fr_shrink *s, struct fr_plan *plan) {
    uint32_t count = 0;
    bool more = s->best_count != 0 && s->change < CHANGES && s->tries < 2 * s->tries_max;
    enum fr_status status =
        ALLOC_GROW(&s->alloc, s->candidate, s->candidate_capacity, (size_t)s->best_count + 1);
    if (status != FR_OK)
        return status;
    while (more && !make_candidate(s, &count))
        more = next_change(s);
    *plan = (struct fr_plan){.strategy = FR_STRATEGY_REPLAY,
                             .segments = more ? s->candidate : s->best,
                             .segment_count = more ? count : s->best_count};
    return more ? FR_OK : FR_DONE;
}

enum fr_status fr_shrink_next(struct fr_shrink *s, struct fr_plan *plan) {
    while (s->enumerating) {
        uint32_t count = NONE;
        if (s->tries < s->tries_max) {
            enum fr_status status =
                deviations_next(&s->deviations, &s->alloc, s->best_preemptions, &count);
            if (status != FR_OK)
                return status;
            s->minimal = count == NONE && !s->deviations.overflowed;
        }
        if (count == NONE) {
            s->enumerating = false;
            break;
        }
        *plan = (struct fr_plan){.strategy = FR_STRATEGY_REPLAY,
                                 .choices = s->deviations.choices,
                                 .choice_count = count};
        return FR_OK;
    }
    return next_local(s, plan);
}

static bool is_simpler(const struct fr_shrink *s, const struct fr_explorer *e) {
    const struct trace *trace = &e->run.trace;
    uint32_t blocks = 0;
    for (uint32_t i = 0; i < trace->length; i++)
        blocks += i == 0 || trace->events[i].thread != trace->events[i - 1].thread;
    if (trace->preemptions != s->best_preemptions)
        return trace->preemptions < s->best_preemptions;
    if (blocks != s->best_count)
        return blocks < s->best_count;
    return trace->length < s->best_events;
}

enum fr_status fr_shrink_tell(struct fr_shrink *s, const struct fr_explorer *e,
                              enum fr_verdict verdict, uint64_t place) {
    if (e->running)
        return FR_MISUSE;
    s->tries++;
    bool same = verdict == s->verdict && place == s->place;
    if (s->enumerating) {
        if (!same)
            return deviations_expand(&s->deviations, &s->alloc, &e->run.trace, s->best_preemptions);
        // Every schedule with fewer preemptions was handed out before this one.
        s->enumerating = false;
        s->minimal = !s->deviations.overflowed;
        return take_blocks(s, e);
    }
    if (same && is_simpler(s, e))
        return take_blocks(s, e);
    next_change(s);
    return FR_OK;
}

bool fr_shrink_is_minimal(const struct fr_shrink *s) {
    return s->minimal;
}
