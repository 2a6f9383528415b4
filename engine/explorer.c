// The explorer: from execution to execution, by the strategy of a plan.
// SPDX-License-Identifier: Apache-2.0
#include "explorer.h"

#include "schedule.h"

struct fr_config fr_config_default(void) {
    return (struct fr_config){.threads_max = 16, .events_max = 100000, .allocator = alloc_libc()};
}

static enum fr_status fail(struct fr_explorer *e, enum fr_status status, const char *sentence) {
    e->errmsg = sentence != NULL ? sentence : fr_status_text(status);
    return status;
}

static enum fr_status checked(struct fr_explorer *e, enum fr_status status) {
    return status == FR_OK ? FR_OK : fail(e, status, NULL);
}

enum fr_status fr_explorer_new(const struct fr_config *config, struct fr_explorer **out) {
    struct fr_config used = config != NULL ? *config : fr_config_default();
    if (used.threads_max == 0 || used.threads_max > FR_THREADS_MAX || used.events_max == 0 ||
        used.allocator.resize == NULL)
        return FR_MISUSE;
    struct fr_explorer *e =
        used.allocator.resize(used.allocator.context, NULL, sizeof(struct fr_explorer));
    if (e == NULL)
        return FR_NOMEM;
    *e = (struct fr_explorer){.config = used, .errmsg = ""};
    e->alloc = (struct alloc){.host = used.allocator, .calls = 1};
    dpor_init(&e->dpor, &e->alloc);
    lineage_init(&e->lineage, &e->alloc);
    bound_init(&e->bound, &e->alloc);
    replay_init(&e->replay);
    walk_init(&e->walk, &e->alloc);
    enum fr_status status = run_init(&e->run, &e->alloc, used.threads_max, used.stable_keys);
    if (status != FR_OK) {
        fr_explorer_free(e);
        return status;
    }
    *out = e;
    return FR_OK;
}

void fr_explorer_free(struct fr_explorer *e) {
    if (e == NULL)
        return;
    struct alloc alloc = e->alloc;
    run_release(&e->run);
    dpor_release(&e->dpor);
    lineage_release(&e->lineage);
    bound_release(&e->bound);
    replay_release(&e->replay, &alloc);
    walk_release(&e->walk);
    alloc_free(&alloc, e->choices);
    alloc_free(&alloc, e->redone);
    alloc_free(&alloc, e);
}

const char *fr_explorer_errmsg(const struct fr_explorer *e) {
    return e->errmsg;
}

enum fr_status fr_explorer_start(struct fr_explorer *e, const struct fr_plan *plan) {
    if (plan->strategy >= FR_STRATEGIES || plan->order >= FR_ORDERS || plan->bound >= FR_BOUNDS ||
        plan->choice_count >= NONE || plan->segment_count >= NONE)
        return fail(e, FR_MISUSE, NULL);
    if (plan->apart && (plan->strategy != FR_STRATEGY_DPOR || plan->bound != FR_BOUND_NONE))
        return fail(e, FR_MISUSE, "only DPOR without a bound shares out traces among prefixes");
    if (plan->apart && !e->config.stable_keys)
        return fail(e, FR_MISUSE, "traces are shared out among prefixes only with stable keys");
    uint64_t calls_at_start = e->alloc.calls;
    enum fr_status status =
        ALLOC_GROW(&e->alloc, e->choices, e->choice_capacity, plan->choice_count);
    size_t segments = plan->strategy == FR_STRATEGY_REPLAY ? plan->segment_count : 0;
    if (status == FR_OK)
        status = replay_set(&e->replay, &e->alloc, plan->segments, segments);
    if (status != FR_OK)
        return checked(e, status);
    if (plan->choice_count != 0)
        memcpy(e->choices, plan->choices, plan->choice_count);
    e->choice_count = (uint32_t)plan->choice_count;
    e->plan = *plan;
    e->plan.choices = NULL;
    e->plan.segments = NULL;
    e->strategy = plan->strategy;
    e->seed = plan->seed;
    e->executions_max = plan->executions_max;
    run_forget(&e->run);
    dpor_start(&e->dpor, plan);
    lineage_start(&e->lineage);
    bound_start(&e->bound, plan);
    walk_start(&e->walk, plan);
    e->started = true;
    e->running = e->was_cut = false;
    e->executions = 0;
    e->stats = (struct fr_stats){0};
    e->calls_at_start = calls_at_start;
    e->ending = FR_ENDING_RUNNING;
    e->stop = FR_STOP_NOT;
    e->errmsg = "";
    return FR_OK;
}

void explorer_forget(struct fr_explorer *e) {
    run_forget(&e->run);
    dpor_start(&e->dpor, &(struct fr_plan){0});
    lineage_start(&e->lineage);
    bound_start(&e->bound, &(struct fr_plan){0});
    walk_start(&e->walk, &(struct fr_plan){0});
    e->choice_count = e->replay.count = 0;
    e->started = e->running = false;
    e->executions = 0;
    e->stats = (struct fr_stats){0};
    e->ending = FR_ENDING_RUNNING;
    e->stop = FR_STOP_NOT;
}

enum fr_ending explorer_ending_now(const struct fr_explorer *e) {
    if (e->bound.exhausted && e->bound.beyond != 0)
        return FR_ENDING_BOUNDED;
    if (e->bound.exhausted || e->lineage.exhausted ||
        (e->strategy == FR_STRATEGY_DPOR && e->dpor.exhausted))
        return e->was_cut ? FR_ENDING_BOUNDED : FR_ENDING_EXHAUSTED;
    if (e->strategy == FR_STRATEGY_REPLAY && e->executions == 1)
        return FR_ENDING_ONCE;
    if (e->executions_max != 0 && e->executions >= e->executions_max)
        return FR_ENDING_BUDGET;
    return FR_ENDING_RUNNING;
}

// A bound has a search of its own. Wakeup trees hold steps of earlier executions: where their
// objects have no names, trees lose traces (docs/decisions/objects-without-names.md).
static enum search find_search(const struct fr_explorer *e) {
    if (e->strategy == FR_STRATEGY_REPLAY)
        return SEARCH_REPLAY;
    if (e->strategy != FR_STRATEGY_DPOR)
        return SEARCH_WALK;
    if (bound_is_on(&e->bound))
        return SEARCH_BOUND;
    bool has_names = e->config.stable_keys;
    bool is_lineage = !e->plan.apart && (e->plan.order == FR_ORDER_LOWEST_FIRST || !has_names);
    return is_lineage ? SEARCH_LINEAGE : SEARCH_TREES;
}

bool explorer_has_lineage(const struct fr_explorer *e) {
    return find_search(e) == SEARCH_LINEAGE;
}

uint64_t explorer_draws(const struct fr_explorer *e) {
    return mix64(mix64(e->seed) + e->executions);
}

enum fr_status fr_explorer_begin(struct fr_explorer *e) {
    if (!e->started)
        return fail(e, FR_MISUSE, "an exploration begins with fr_explorer_start");
    if (e->running)
        return fail(e, FR_MISUSE, "the last execution has not ended");
    if (e->ending != FR_ENDING_RUNNING)
        return FR_DONE;
    enum fr_status status = walk_begin(&e->walk);
    if (status != FR_OK)
        return checked(e, status);
    run_begin(&e->run);
    e->search = find_search(e);
    e->run.has_pasts = e->search == SEARCH_LINEAGE || e->search == SEARCH_TREES;
    replay_begin(&e->replay);
    e->bound.base = 0;
    e->draws = explorer_draws(e);
    e->redo_count = 0;
    // Below a prefix, DPOR repeats it by itself from the second execution on.
    bool repeats = e->run.has_pasts && e->executions != 0;
    e->choices_used = repeats ? e->choice_count : 0;
    e->stop = FR_STOP_NOT;
    e->running = true;
    return FR_OK;
}

// Choices are counted in the order of run_number, so that they mean the same in an exploration that
// knows threads of earlier executions. Without started threads that is the order of the set.
static uint32_t rank_of(const struct run *run, tset enabled, fr_tid tid) {
    if (run->births == 0)
        return tset_count(enabled & (tset_of(tid) - 1));
    uint32_t number = run_number(run, tid);
    uint32_t rank = 0;
    for (tset rest = enabled; rest != 0; rest &= rest - 1)
        rank += run_number(run, tset_first(rest)) < number;
    return rank;
}

static fr_tid thread_of_rank(const struct run *run, tset enabled, uint32_t rank) {
    tset rest = enabled;
    while (rank_of(run, enabled, tset_first(rest)) != rank)
        rest &= rest - 1;
    return tset_first(rest);
}

// The index-th enabled thread, the current one being number 0.
static fr_tid thread_at(const struct run *run, tset enabled, uint32_t index) {
    bool current = run->current != FR_TID_NONE && tset_has(enabled, run->current);
    if (current && index == 0)
        return run->current;
    if (current)
        return thread_of_rank(run, enabled & ~tset_of(run->current), index - 1);
    return thread_of_rank(run, enabled, index);
}

static uint32_t index_of(const struct run *run, tset enabled, fr_tid tid) {
    bool current = run->current != FR_TID_NONE && tset_has(enabled, run->current);
    if (current && tid == run->current)
        return 0;
    if (current)
        enabled &= ~tset_of(run->current);
    return rank_of(run, enabled, tid) + current;
}

static enum fr_status choose(struct fr_explorer *e, tset enabled, bool is_prefix, fr_tid *out) {
    if (is_prefix) {
        uint32_t width = tset_count(enabled);
        uint32_t index = 0;
        if (width > 1)
            index = schedule_index(e->choices[e->choices_used++], width);
        *out = thread_at(&e->run, enabled, index);
        return FR_OK;
    }
    switch (e->search) {
    case SEARCH_BOUND:
        return bound_choose(&e->bound, &e->run, enabled, out);
    case SEARCH_LINEAGE:
        return lineage_choose(&e->lineage, &e->run, enabled, out);
    case SEARCH_TREES:
        return dpor_choose(&e->dpor, &e->run, enabled, out);
    case SEARCH_REPLAY:
        *out = replay_choose(&e->replay, &e->run, enabled);
        return FR_OK;
    case SEARCH_WALK:
        break;
    }
    *out = walk_choose(&e->walk, &e->run, enabled);
    return FR_OK;
}

// What begins with a choice before the prefix's own belongs to another prefix: it sleeps.
static enum fr_status keep_apart(struct fr_explorer *e, tset enabled, fr_tid *tid) {
    tset before = 0;
    for (uint32_t i = 0; thread_at(&e->run, enabled, i) != *tid; i++)
        before |= tset_of(thread_at(&e->run, enabled, i));
    bool sleeps = false;
    enum fr_status status = dpor_sleep(&e->dpor, &e->run, before, *tid, &sleeps);
    if (sleeps)
        *tid = FR_TID_NONE;
    return status;
}

static enum fr_status note_choice(struct fr_explorer *e, tset enabled, fr_tid tid) {
    struct run *run = &e->run;
    bool current = run->current != FR_TID_NONE && tset_has(enabled, run->current);
    if (current && tid != run->current)
        run->trace.preemptions++;
    if ((enabled & (enabled - 1)) == 0)
        return FR_OK;
    return trace_choice(&run->trace, (struct choice){.index = (uint8_t)index_of(run, enabled, tid),
                                                     .width = (uint8_t)tset_count(enabled),
                                                     .current_enabled = current});
}

// Every search has taken note of this event before.
static enum fr_status redo(struct fr_explorer *e, tset enabled, fr_tid *out) {
    enum fr_status status = explorer_redo_choose(e, enabled, out);
    if (status == FR_OK)
        status = note_choice(e, enabled, *out);
    if (status == FR_OK)
        status = run_perform(&e->run, *out);
    return status == FR_OK ? explorer_redo_check(e) : status;
}

static enum fr_status go(struct fr_explorer *e, tset enabled, fr_tid *out) {
    if (explorer_redoes(e))
        return redo(e, enabled, out);
    bool is_prefix = e->choices_used < e->choice_count;
    if (e->search == SEARCH_LINEAGE)
        lineage_before(&e->lineage, &e->run);
    enum fr_status status = choose(e, enabled, is_prefix, out);
    if (status == FR_OK && is_prefix && e->plan.apart)
        status = keep_apart(e, enabled, out);
    if (status != FR_OK)
        return status;
    if (*out == FR_TID_NONE) {
        e->stop = FR_STOP_REDUNDANT;
        return FR_OK;
    }
    if (is_prefix)
        e->bound.base = e->run.trace.length + 1;
    if (e->search == SEARCH_TREES)
        status = dpor_before(&e->dpor, &e->run, *out, is_prefix);
    if (status == FR_OK)
        status = note_choice(e, enabled, *out);
    if (status == FR_OK)
        status = run_perform(&e->run, *out);
    if (status == FR_OK && e->search == SEARCH_TREES)
        status = dpor_after(&e->dpor, &e->run);
    if (status == FR_OK && e->search == SEARCH_LINEAGE)
        status = lineage_after(&e->lineage, &e->run, is_prefix);
    return status;
}

// Nobody is enabled.
static enum fr_stop stop_of_nobody(const struct fr_explorer *e) {
    return (e->run.live & ~e->run.excused) == 0 ? FR_STOP_FINISHED : FR_STOP_DEADLOCK;
}

enum fr_status fr_run_excuse(struct fr_explorer *e, fr_tid tid) {
    if (!e->running || tid >= e->run.thread_count || !e->run.threads[tid].entered)
        return fail(e, FR_MISUSE, "only a thread of the execution that runs can be excused");
    e->run.excused |= tset_of(tid);
    if (e->stop == FR_STOP_DEADLOCK)
        e->stop = stop_of_nobody(e);
    return FR_OK;
}

void fr_run_admit(struct fr_explorer *e) {
    e->was_cut |= e->running;
}

// The model no longer is what the program does: such an exploration may not claim anything.
static enum fr_status lose(struct fr_explorer *e, enum fr_status status) {
    e->started = e->running = false;
    return fail(e, status, NULL);
}

enum fr_status fr_run_decide(struct fr_explorer *e, fr_tid *out) {
    if (!e->running || !run_is_settled(&e->run))
        return fail(e, FR_MISUSE, "every thread announces or leaves before the next decision");
    *out = FR_TID_NONE;
    if (e->stop != FR_STOP_NOT)
        return FR_OK;
    tset enabled = run_enabled(&e->run);
    if (enabled == 0) {
        // Time stands still for those that need not end.
        bool jumped = false;
        enum fr_status status = FR_OK;
        if (stop_of_nobody(e) == FR_STOP_DEADLOCK)
            status = run_jump(&e->run, &jumped);
        if (status != FR_OK)
            return lose(e, status);
        enabled = run_enabled(&e->run);
    }
    if (enabled == 0) {
        e->stop = stop_of_nobody(e);
        return FR_OK;
    }
    if (e->run.trace.length >= e->config.events_max) {
        e->stop = FR_STOP_STEPS;
        e->was_cut = true;
        return FR_OK;
    }
    enum fr_status status = go(e, enabled, out);
    return status == FR_OK ? FR_OK : lose(e, status);
}

// A thread that is blocked outside our control never announces: nothing stops such a run. Nor does
// the model know how long one takes.
static bool may_come_at_any_time(enum fr_verdict verdict) {
    return verdict == FR_VERDICT_BLOCKED || verdict == FR_VERDICT_TIMEOUT;
}

// A pass needs positive evidence, and only what was given up as redundant is redundant.
static const char *reason_against(const struct fr_explorer *e, enum fr_verdict verdict) {
    if (!e->running || (e->stop == FR_STOP_NOT && !may_come_at_any_time(verdict)))
        return "an execution ends when nobody goes on";
    if (verdict >= FR_VERDICTS)
        return "an unknown verdict";
    if (verdict == FR_VERDICT_PASS && e->stop != FR_STOP_FINISHED)
        return "an execution that did not finish is no pass";
    if ((verdict == FR_VERDICT_REDUNDANT) != (e->stop == FR_STOP_REDUNDANT))
        return "only an execution given up as redundant is redundant";
    return NULL;
}

static enum fr_status finish(struct fr_explorer *e, bool is_cut) {
    switch (e->search) {
    case SEARCH_BOUND:
        return bound_finish(&e->bound, &e->run, e->config.events_max);
    case SEARCH_LINEAGE:
        return lineage_finish(&e->lineage, &e->run, is_cut);
    case SEARCH_TREES:
        return dpor_finish(&e->dpor, &e->run, is_cut);
    case SEARCH_WALK:
    case SEARCH_REPLAY:
        break;
    }
    return walk_end(&e->walk, &e->run);
}

enum fr_status fr_explorer_end(struct fr_explorer *e, enum fr_verdict verdict, uint64_t place) {
    (void)place;
    const char *reason = reason_against(e, verdict);
    if (reason != NULL)
        return fail(e, FR_MISUSE, reason);
    e->running = false;
    bool is_cut = e->stop == FR_STOP_STEPS || may_come_at_any_time(verdict);
    e->was_cut |= is_cut;
    replay_end(&e->replay, &e->run);
    enum fr_status status = finish(e, is_cut);
    // What was not remembered is lost: such an exploration may not go on and claim anything.
    e->started = status == FR_OK;
    if (status != FR_OK)
        return checked(e, status);
    e->executions++;
    e->stats.executions++;
    e->stats.cut += is_cut;
    e->stats.redundant += verdict == FR_VERDICT_REDUNDANT;
    e->stats.failures += fr_verdict_is_failure(verdict);
    e->stats.deadlocks += e->stop == FR_STOP_DEADLOCK;
    e->stats.events += e->run.trace.length;
    e->ending = explorer_ending_now(e);
    return FR_OK;
}

enum fr_ending fr_explorer_ending(const struct fr_explorer *e) {
    return e->ending;
}

struct fr_stats fr_explorer_stats(const struct fr_explorer *e) {
    struct fr_stats stats = e->stats;
    stats.races_reversed = e->dpor.inserted + e->lineage.inserted;
    stats.beyond_bound = e->bound.beyond;
    stats.allocations = e->alloc.calls - e->calls_at_start;
    return stats;
}

enum fr_stop fr_run_stop(const struct fr_explorer *e) {
    return e->stop;
}

uint64_t fr_run_now(const struct fr_explorer *e) {
    return e->run.now;
}

bool fr_run_outcome(const struct fr_explorer *e) {
    return e->run.outcome;
}

uint64_t fr_run_draw(struct fr_explorer *e, uint64_t bound) {
    assert(bound > 0);
    e->draws += 0x9E3779B97F4A7C15U;
    return (uint64_t)((unsigned __int128)mix64(e->draws) * bound >> 64);
}

size_t fr_run_segments_done(const struct fr_explorer *e) {
    return e->replay.done;
}
