// Reverses the races of an execution: which other executions it leads to.
// SPDX-License-Identifier: Apache-2.0
#include "reversal.h"

// One race and its reversal. Sets of events that hold all that happens before them are kept as how
// many events of each thread they have.
struct reversal {
    const struct run *run;
    struct race race;
    uint32_t from;                    // position at which a's move began
    uint32_t at;                      // position of a
    const uint32_t *base;             // E
    const uint32_t *upto;             // everything up to a
    uint32_t counts[FR_THREADS_MAX];  // that, and K
    uint32_t past[FR_THREADS_MAX];    // E, and what happens before b once it is reversed
    const uint32_t *picks;            // P without b, as positions
    uint32_t pick_count;
    struct step a, b;  // as they will be performed: b after the picks, a after b
    struct touch a_spare, b_spare;
};

void reversals_init(struct reversals *r, struct alloc *alloc) {
    *r = (struct reversals){.alloc = alloc};
    completion_init(&r->completion, alloc);
}

void reversals_release(struct reversals *r) {
    completion_release(&r->completion);
    alloc_free(r->alloc, r->races.items);
    alloc_free(r->alloc, r->heads);
    alloc_free(r->alloc, r->nexts);
    alloc_free(r->alloc, r->picks);
}

static bool has_event(const struct run *run, const uint32_t *counts, uint32_t at) {
    const struct event *event = &run->trace.events[at];
    return event->index <= counts[event->thread];
}

// Adds the event (NONE: nothing) and what happens before it.
static void join(uint32_t *counts, const struct run *run, uint32_t at) {
    if (at == NONE)
        return;
    const uint32_t *clock = trace_clock(&run->trace, at);
    for (fr_tid t = 0; t < run->thread_count; t++)
        counts[t] = clock[t] > counts[t] ? clock[t] : counts[t];
}

static void copy(uint32_t *to, const uint32_t *from, const struct run *run) {
    memcpy(to, from, run->thread_count * sizeof *to);
}

// Adds those picks that the step depends on.
static void join_dependent(const struct reversal *v, uint32_t *counts, const struct step *step) {
    for (uint32_t i = 0; i < v->pick_count; i++) {
        struct step other = trace_step(&v->run->trace, v->picks[i]);
        if (step_depends(step, &other))
            join(counts, v->run, v->picks[i]);
    }
}

static bool is_performed(const struct reversal *v) {
    return v->race.second < v->run->trace.length;
}

// The event before b in its thread, or that spawned the thread, or NONE.
static uint32_t find_last(const struct reversal *v) {
    const struct run *run = v->run;
    if (is_performed(v))
        return trace_last(&run->trace, v->race.second);
    return run->threads[v->race.thread].last;
}

// What b needs. If b waits for what a took, it has no other causes than its thread's.
static void find_counts(struct reversal *v) {
    copy(v->counts, v->upto, v->run);
    if (v->race.waits) {
        join(v->counts, v->run, find_last(v));
        return;
    }
    join(v->counts, v->run, v->race.second);
    v->counts[v->race.thread] = v->run->trace.events[v->race.second].index - 1;
}

static void find_picks(struct reversal *v, uint32_t *picks) {
    v->picks = picks;
    v->pick_count = 0;
    for (uint32_t at = v->from; at < v->run->trace.length; at++)
        if (at != v->at && has_event(v->run, v->counts, at))
            picks[v->pick_count++] = at;
}

static void find_past(struct reversal *v, uint32_t last) {
    copy(v->past, v->base, v->run);
    join(v->past, v->run, last);
    join_dependent(v, v->past, &v->b);
}

static void set_outcome(struct step *step, struct touch *spare, bool succeeds) {
    *spare = step->touches[0];
    spare->mode = succeeds ? FR_WRITE : FR_READ;
    step->touches = spare;
}

static void foresee_both(struct reversal *v) {
    const struct run *run = v->run;
    v->a = trace_step(&run->trace, v->at);
    if (is_performed(v))
        v->b = trace_step(&run->trace, v->race.second);
    else
        v->b = run_pending(run, v->race.thread, &v->b_spare);
    // An acquire that waited may have become a try since then, which succeeds before a.
    if (step_is_conditional(v->b.kind))
        set_outcome(&v->b, &v->b_spare,
                    foresee_success(run, &v->b, v->from, v->picks, v->pick_count));
    if (step_is_conditional(v->a.kind))
        set_outcome(&v->a, &v->a_spare,
                    foresee_success_after(run, &v->a, v->from, v->picks, v->pick_count, &v->b));
}

// a waits for a lock, and b takes it first: what becomes of a is not our business.
static bool is_overtaken(const struct reversal *v) {
    if (v->a.kind != FR_OP_ACQUIRE)
        return false;
    return v->b.kind == FR_OP_ACQUIRE ||
           (v->b.kind == FR_OP_TRY && v->b.touches[0].mode == FR_WRITE);
}

// Does b need all of K, and a all of P? Not if an outcome changes: then there is another race with
// the same reversal.
static bool is_closed(const struct reversal *v) {
    const struct run *run = v->run;
    for (uint32_t i = 0; i < v->pick_count; i++)
        if (v->picks[i] > v->at && !has_event(run, v->past, v->picks[i]))
            return false;
    if (is_overtaken(v))
        return true;
    uint32_t needed[FR_THREADS_MAX];
    copy(needed, v->past, run);
    join_dependent(v, needed, &v->a);
    for (uint32_t i = 0; i < v->pick_count; i++)
        if (!has_event(run, needed, v->picks[i]))
            return false;
    return step_depends(&v->a, &v->b);
}

static bool writes_object(const struct step *step, uint32_t slot) {
    for (uint32_t i = 0; i < step->touch_count; i++)
        if (step->touches[i].slot == slot &&
            (step->touches[i].mode == FR_WRITE || step->touches[i].mode == FR_WRITE_WEAK))
            return true;
    return false;
}

// Which of the last events of P was put before a last: the highest thread's. But one that may
// change the outcome of a was there before those that do not, since without it a might not have
// waited for them.
static uint32_t rank(const struct reversal *v, const struct step *step) {
    bool keeps_outcome =
        step_is_conditional(v->a.kind) && !writes_object(step, v->a.touches[0].slot);
    return step->thread + (keeps_outcome ? FR_THREADS_MAX : 0);
}

static bool is_b_last(const struct reversal *v) {
    const struct run *run = v->run;
    uint32_t covered[FR_THREADS_MAX];
    copy(covered, v->past, run);
    for (uint32_t i = v->pick_count; i-- > 0;) {
        if (has_event(run, covered, v->picks[i]))
            continue;
        struct step other = trace_step(&run->trace, v->picks[i]);
        if (rank(v, &other) > rank(v, &v->b))
            return false;
        join(covered, run, v->picks[i]);
    }
    return true;
}

// The first `repeated` picks will be the events they are.
static enum fr_status push(const struct reversal *v, struct frontier *f, const uint32_t *path,
                           uint32_t repeated) {
    const struct trace *trace = &v->run->trace;
    bool overtakes = is_overtaken(v);
    struct lead lead = {.link = v->from == 0 ? NONE : path[v->from - 1],
                        .at = v->from,
                        .count = v->pick_count + (overtakes ? 1 : 2),
                        .repeated = repeated,
                        .announced = f->links[path[v->from]].announced,
                        .overtakes = overtakes};
    uint8_t *threads;
    enum fr_status status = frontier_reserve(f, lead.count, &threads);
    if (status != FR_OK)
        return status;
    for (uint32_t i = 0; i < v->pick_count; i++) {
        threads[i] = trace->events[v->picks[i]].thread;
        lead.hash += i < repeated ? mix64(trace->events[v->picks[i]].hash) : 0;
    }
    threads[v->pick_count] = (uint8_t)v->b.thread;
    if (!overtakes)
        threads[v->pick_count + 1] = (uint8_t)v->a.thread;
    frontier_count(f, lead.link);
    return frontier_push(f, lead);
}

static enum fr_status reverse(struct reversals *r, struct frontier *f, struct reversal *v,
                              const uint32_t *path) {
    find_counts(v);
    uint32_t begin[FR_THREADS_MAX];
    copy(begin, v->counts, v->run);
    begin[v->race.thread] += !v->race.waits;
    if (!completion_holds(&r->completion, v->run, v->at, v->upto, begin))
        return FR_OK;
    find_picks(v, r->picks);
    foresee_both(v);
    // Without P'' and outcomes that may change, P is what b needs, and a needs nothing but b.
    if (v->from < v->at || step_is_conditional(v->a.kind) || step_is_conditional(v->b.kind)) {
        find_past(v, find_last(v));
        if (!is_closed(v) || (!is_overtaken(v) && !is_b_last(v)))
            return FR_OK;
    }
    return push(v, f, path, v->pick_count);
}

// ------------------------------------------------------------------------------ weak reads

// Is the last pick, a weak read, of all last picks that only a successful b depends on, and a does
// not, that of the highest thread?
static bool is_read_last(const struct reversal *v, const struct step *failed) {
    const struct run *run = v->run;
    uint32_t needed[FR_THREADS_MAX];   // E and P''
    uint32_t covered[FR_THREADS_MAX];  // before other picks
    copy(needed, v->base, run);
    join_dependent(v, needed, &v->a);
    memset(covered, 0, sizeof covered);
    uint32_t last = v->pick_count - 1;
    struct step read = trace_step(&run->trace, v->picks[last]);
    for (uint32_t i = last; i-- > 0;) {
        struct step other = trace_step(&run->trace, v->picks[i]);
        bool is_covered = has_event(run, covered, v->picks[i]) || step_depends(&read, &other);
        join(covered, run, v->picks[i]);
        if (!is_covered && other.thread > read.thread && !has_event(run, needed, v->picks[i]) &&
            step_depends(&v->b, &other) && !step_depends(failed, &other))
            return false;
    }
    return true;
}

// The picks are P without b, and then the read with what it needs. False if b is not a last event
// of P: then the read goes with another race.
static bool find_picks_of_read(struct reversal *v, uint32_t *picks) {
    const struct run *run = v->run;
    uint32_t b = v->race.first;
    v->picks = picks;
    v->pick_count = 0;
    for (uint32_t at = v->from; at < run->trace.length; at++) {
        if (at == b || at == v->at || !has_event(run, v->counts, at))
            continue;
        if (at < v->at && trace_before(&run->trace, b, at))
            return false;
        picks[v->pick_count++] = at;
    }
    return true;
}

// The race of b, a compare-and-swap before a weak write a in a's move, with a weak read behind it.
// If b succeeds before a and fails behind, then no race of a and b tells that reads were to come
// before b: a failed one does not depend on them. So they are put there one by one, afterwards.
static enum fr_status reverse_read(struct reversals *r, struct frontier *f, struct reversal *v,
                                   const uint32_t *path) {
    const struct run *run = v->run;
    const struct trace *trace = &run->trace;
    v->a = trace_step(trace, v->at);
    v->b = trace_step(trace, v->race.first);
    struct step failed = v->b;
    set_outcome(&failed, &v->b_spare, false);
    struct step read = trace_step(trace, v->race.second);
    if (step_depends(&failed, &read) || trace_before(trace, v->at, v->race.second))
        return FR_OK;
    copy(v->counts, v->upto, run);
    join(v->counts, run, v->race.second);
    if (!find_picks_of_read(v, r->picks))
        return FR_OK;
    uint32_t begin[FR_THREADS_MAX];
    copy(begin, v->counts, run);
    if (!completion_holds(&r->completion, run, v->at, v->upto, begin))
        return FR_OK;
    if (foresee_success_after(run, &v->b, v->from, v->picks, v->pick_count, &v->a))
        return FR_OK;
    find_past(v, trace_last(trace, v->race.first));
    if (!is_b_last(v) || !is_read_last(v, &failed))
        return FR_OK;
    return push(v, f, path, v->pick_count - 1);
}

static enum fr_status reverse_reads(struct reversals *r, struct frontier *f,
                                    const struct reversal *of, const uint32_t *path) {
    const struct event *events = of->run->trace.events;
    enum fr_status status = FR_OK;
    for (uint32_t b = of->from; b < of->at; b++) {
        if (events[b].kind != FR_OP_CAS || !events[b].outcome)
            continue;
        for (uint32_t i = r->heads[b]; status == FR_OK && i != NONE; i = r->nexts[i]) {
            struct reversal v = *of;
            v.race = r->races.items[i];
            if (v.race.second > of->at)
                status = reverse_read(r, f, &v, path);
        }
    }
    return status;
}

// ------------------------------------------------------------------------------ all races

static enum fr_status sort_races(struct reversals *r, const struct run *run) {
    uint32_t length = run->trace.length;
    enum fr_status status = races_find_all(&r->races, run);
    if (status == FR_OK)
        status = ALLOC_GROW(r->alloc, r->heads, r->head_capacity, length);
    if (status == FR_OK)
        status = ALLOC_GROW(r->alloc, r->picks, r->pick_capacity, length);
    if (status == FR_OK)
        status = ALLOC_GROW(r->alloc, r->nexts, r->next_capacity, r->races.count);
    if (status != FR_OK)
        return status;
    for (uint32_t at = 0; at < length; at++)
        r->heads[at] = NONE;
    for (uint32_t i = r->races.count; i-- > 0;) {
        r->nexts[i] = r->heads[r->races.items[i].first];
        r->heads[r->races.items[i].first] = i;
    }
    return FR_OK;
}

static enum fr_status find_detours(struct reversals *r, const struct frontier *f,
                                   const struct run *run, const uint32_t *path) {
    enum fr_status status = FR_OK;
    for (uint32_t at = 0; status == FR_OK && at < run->trace.length; at++) {
        const struct link *link = &f->links[path[at]];
        struct detour detour = {.from = link->from, .end = link->overtakes ? at + 1 : at};
        if (link->from < detour.end)
            status = completion_detour(&r->completion, detour);
    }
    return status;
}

enum fr_status reversals_push(struct reversals *r, struct frontier *f, const struct run *run,
                              const uint32_t *path, uint32_t settled) {
    const struct event *events = run->trace.events;
    uint32_t upto[FR_THREADS_MAX];
    uint32_t base[FR_THREADS_MAX];
    uint32_t base_end = 0;
    memset(upto, 0, run->thread_count * sizeof *upto);
    memset(base, 0, run->thread_count * sizeof *base);
    enum fr_status status = sort_races(r, run);
    if (status == FR_OK)
        status = completion_begin(&r->completion, run, settled);
    if (status == FR_OK)
        status = find_detours(r, f, run, path);
    for (uint32_t at = 0; status == FR_OK && at < run->trace.length; at++) {
        const struct link *link = &f->links[path[at]];
        upto[events[at].thread]++;
        if (link->from == NONE || link->overtakes)
            continue;
        for (; base_end < link->from; base_end++)
            base[events[base_end].thread]++;
        struct reversal v;  // the rest of it is filled in race by race
        v.run = run;
        v.from = link->from;
        v.at = at;
        v.base = base;
        v.upto = upto;
        for (uint32_t i = r->heads[at]; status == FR_OK && i != NONE; i = r->nexts[i]) {
            v.race = r->races.items[i];
            status = reverse(r, f, &v, path);
        }
        if (status == FR_OK)
            status = reverse_reads(r, f, &v, path);
    }
    return status;
}
