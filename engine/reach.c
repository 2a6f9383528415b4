// Can an interpreter that switches threads at some places only execute a trace?
// SPDX-License-Identifier: Apache-2.0
//
// A trace is a set of schedules; what holds at its end holds at the end of each. So the question is
// asked of the trace's lattice: is there a path to its top on which a thread that could go on is
// left only where it may be?
#include "explorer.h"

// May the turn go from the last thread, which could go on, to another?
static bool may_leave(const struct lattice *l, uint32_t state, fr_tid last,
                      enum fr_switch allowed) {
    const struct thread *thread = &l->run->threads[last];
    uint32_t count = l->counts[(size_t)state * l->threads + last];
    // Its next event, or what it had announced at the end.
    if (count < thread->count)
        return l->run->trace.events[thread->positions[count]].switchable <= allowed;
    return thread->switchable <= allowed;
}

static enum fr_status step_over(struct lattice *l, uint32_t state, fr_tid thread) {
    uint32_t at = lattice_next(l, state, thread);
    if (at == NONE)
        return FR_OK;
    fr_tid last = l->states[state].last;
    uint32_t cost = l->states[state].cost + (last != FR_TID_NONE && last != thread);
    return lattice_step(l, state, at, cost);
}

static enum fr_status step_allowed(struct lattice *l, uint32_t state, enum fr_switch allowed) {
    tset enabled = lattice_enabled(l, state);
    fr_tid last = l->states[state].last;
    // A last thread that cannot go on is none, for costs in preemptions.
    if (last != FR_TID_NONE && !may_leave(l, state, last, allowed))
        enabled &= tset_of(last);
    enum fr_status status = FR_OK;
    for (tset rest = enabled; status == FR_OK && rest != 0; rest &= rest - 1)
        status = step_over(l, state, tset_first(rest));
    return status;
}

static void write_order(const struct lattice *l, uint32_t state, fr_tid *order) {
    for (uint32_t n = lattice_length(l, state); n > 0; n--) {
        order[n - 1] = l->states[state].thread;
        state = l->states[state].parent;
    }
}

static enum fr_status search(struct lattice *l, enum fr_switch allowed, uint32_t states_max,
                             fr_tid *order, bool *reached) {
    uint32_t state;
    fr_tid none;
    while (lattice_settle(l, &state, &none)) {
        if (lattice_is_whole(l, state)) {
            *reached = true;
            write_order(l, state, order);
            return FR_OK;
        }
        enum fr_status status =
            l->state_count < states_max ? step_allowed(l, state, allowed) : FR_LIMIT;
        if (status != FR_OK)
            return status;
    }
    return FR_OK;
}

enum fr_status fr_trace_reach(struct fr_explorer *e, enum fr_switch allowed, uint32_t states_max,
                              fr_tid *order, bool *reached) {
    *reached = false;
    if (e->stop != FR_STOP_FINISHED && e->stop != FR_STOP_DEADLOCK) {
        e->errmsg = "only a complete execution can be asked whether it is reachable";
        return FR_MISUSE;
    }
    struct lattice *lattice = &e->bound.lattice;
    enum fr_status status = lattice_open(lattice, &e->run, FR_BOUND_PREEMPTIONS, UINT32_MAX - 1, 0);
    if (status == FR_OK)
        status = search(lattice, allowed, states_max, order, reached);
    if (status != FR_OK)
        e->errmsg = fr_status_text(status);
    return status;
}
