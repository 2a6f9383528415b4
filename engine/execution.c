// One execution as the host sees it: threads, announcements, who waits for whom, what happened.
// SPDX-License-Identifier: Apache-2.0
#include "explorer.h"

static enum fr_status checked(struct fr_explorer *e, enum fr_status status) {
    if (status != FR_OK)
        e->errmsg = fr_status_text(status);
    return status;
}

enum fr_status fr_run_enter(struct fr_explorer *e, fr_tid parent, fr_tid *out) {
    return checked(e, e->running ? run_enter(&e->run, parent, out) : FR_MISUSE);
}

enum fr_status fr_run_child(struct fr_explorer *e, fr_tid parent, fr_tid *out) {
    return checked(e, e->running ? run_child(&e->run, parent, out) : FR_MISUSE);
}

enum fr_status fr_run_announce(struct fr_explorer *e, fr_tid thread, const struct fr_op *op) {
    if (!e->running)
        return checked(e, FR_MISUSE);
    enum fr_status status = run_announce(&e->run, thread, op);
    if (status == FR_OK && e->strategy == FR_STRATEGY_REPLAY)
        replay_announced(&e->replay, thread, op->site);
    return checked(e, status);
}

enum fr_status fr_run_leave(struct fr_explorer *e, fr_tid thread) {
    return checked(e, e->running ? run_leave(&e->run, thread) : FR_MISUSE);
}

uint32_t fr_run_number(const struct fr_explorer *e, fr_tid tid) {
    return tid < e->run.thread_count ? run_number(&e->run, tid) : tid;
}

bool fr_run_is_blocked(const struct fr_explorer *e, fr_tid tid) {
    if (tid >= e->run.thread_count || !tset_has(e->run.live, tid))
        return false;
    return e->run.threads[tid].pending && !run_is_enabled(&e->run, tid);
}

static const struct object *awaited_lock(const struct fr_explorer *e, fr_tid tid) {
    if (!fr_run_is_blocked(e, tid) || e->run.threads[tid].kind != FR_OP_ACQUIRE)
        return NULL;
    return &e->run.objects.items[e->run.threads[tid].touches[0].slot];
}

fr_tid fr_run_waits_for(const struct fr_explorer *e, fr_tid tid) {
    const struct object *lock = awaited_lock(e, tid);
    if (lock != NULL)
        return lock->holder == HOLDER_OUTSIDE ? FR_TID_NONE : lock->holder;
    if (fr_run_is_blocked(e, tid) && e->run.threads[tid].kind == FR_OP_JOIN)
        return e->run.threads[tid].target;
    return FR_TID_NONE;
}

uint32_t fr_run_taken_at(const struct fr_explorer *e, fr_tid tid) {
    const struct object *lock = awaited_lock(e, tid);
    return lock != NULL ? lock->acquired_at : NONE;
}

bool fr_run_goes_round(const struct fr_explorer *e, fr_tid tid) {
    if (!fr_run_is_blocked(e, tid))
        return false;
    const struct thread *thread = &e->run.threads[tid];
    return thread->asked == FR_OP_SPIN || thread->round.is_known;
}

bool fr_run_holds(const struct fr_explorer *e, fr_tid tid, uint64_t key) {
    uint32_t slot = objects_find(&e->run.objects, key);
    return slot != NONE && e->run.objects.items[slot].holder == tid;
}

void fr_run_leave_out(struct fr_explorer *e) {
    e->was_cut = true;
}

uint32_t fr_trace_length(const struct fr_explorer *e) {
    return e->run.trace.length;
}

uint32_t fr_trace_threads(const struct fr_explorer *e) {
    uint32_t count = 0;
    for (fr_tid t = 0; t < e->run.thread_count; t++)
        count += e->run.threads[t].entered;
    return count;
}

struct fr_event fr_trace_event(const struct fr_explorer *e, uint32_t at) {
    assert(at < e->run.trace.length);
    const struct event *event = &e->run.trace.events[at];
    return (struct fr_event){
        .thread = event->thread,
        .index = event->index,
        .kind = (enum fr_op_kind)event->asked,
        .outcome = event->outcome,
        .now = trace_now(&e->run.trace, at),
        .site = event->site,
        .hash = event->hash,
        .access_count = event->touch_count,
        .target = event->target,
    };
}

struct fr_access fr_trace_access(const struct fr_explorer *e, uint32_t at, uint32_t n) {
    assert(at < e->run.trace.length && n < e->run.trace.events[at].touch_count);
    struct touch touch = e->run.trace.touches[e->run.trace.events[at].touches_at + n];
    return (struct fr_access){.key = e->run.objects.items[touch.slot].key,
                              .mode = (enum fr_mode)touch.mode};
}

bool fr_trace_happens_before(const struct fr_explorer *e, uint32_t a, uint32_t b) {
    assert(a < e->run.trace.length && b < e->run.trace.length);
    return trace_before(&e->run.trace, a, b);
}

uint64_t fr_trace_hash(const struct fr_explorer *e) {
    return e->run.trace.hash;
}

uint32_t fr_trace_preemptions(const struct fr_explorer *e) {
    return e->run.trace.preemptions;
}

size_t fr_trace_choices(const struct fr_explorer *e, uint8_t *out, size_t capacity) {
    const struct trace *trace = &e->run.trace;
    for (size_t i = 0; i < trace->choice_count && i < capacity; i++)
        out[i] = trace->choices[i].index;
    return trace->choice_count;
}
