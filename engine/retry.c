// Retry: the execution that runs is begun once more, along the events that it had performed.
// SPDX-License-Identifier: Apache-2.0
#include "explorer.h"

static enum fr_status fail(struct fr_explorer *e, enum fr_status status, const char *sentence) {
    e->errmsg = sentence;
    return status;
}

enum fr_status fr_explorer_retry(struct fr_explorer *e) {
    if (!e->running || e->stop != FR_STOP_NOT)
        return fail(e, FR_MISUSE, "only an execution that goes on can be begun once more");
    uint32_t length = e->run.trace.length;
    enum fr_status status = ALLOC_GROW(&e->alloc, e->redone, e->redo_capacity, length);
    if (status != FR_OK)
        return fail(e, status, fr_status_text(status));
    for (uint32_t i = 0; i < length; i++) {
        const struct event *event = &e->run.trace.events[i];
        e->redone[i] = (struct redone){.thread = event->thread, .hash = event->hash};
    }
    // A replay keeps count of what is announced, and finds its way by itself.
    bool is_replay = e->strategy == FR_STRATEGY_REPLAY;
    e->redo_count = is_replay ? 0 : length;
    if (is_replay)
        e->choices_used = 0;
    run_begin(&e->run);
    replay_begin(&e->replay);
    e->draws = explorer_draws(e);
    return FR_OK;
}

bool explorer_redoes(const struct fr_explorer *e) {
    return e->run.trace.length < e->redo_count;
}

enum fr_status explorer_redo_choose(const struct fr_explorer *e, tset enabled, fr_tid *out) {
    *out = e->redone[e->run.trace.length].thread;
    return tset_has(enabled, *out) ? FR_OK : FR_DIVERGED;
}

enum fr_status explorer_redo_check(const struct fr_explorer *e) {
    uint32_t last = e->run.trace.length - 1;
    return e->run.trace.events[last].hash == e->redone[last].hash ? FR_OK : FR_DIVERGED;
}
