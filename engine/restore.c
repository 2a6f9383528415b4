// Takes up an exploration that was written as bytes. Any bytes are safe.
// SPDX-License-Identifier: Apache-2.0
// long because every part of what save.c writes is read and checked here, by one reader
#include "save.h"

// Reads what is there; what is not reads as 0 and is remembered as bad.
struct reader {
    const uint8_t *at;
    size_t left;
    bool bad;
};

static uint64_t get(struct reader *r, uint32_t bytes) {
    uint64_t value = 0;
    if (r->left < bytes) {
        r->bad = true;
        r->left = 0;
        return 0;
    }
    for (uint32_t i = 0; i < bytes; i++)
        value |= (uint64_t)r->at[i] << 8 * i;
    r->at += bytes;
    r->left -= bytes;
    return value;
}

static uint8_t get8(struct reader *r) {
    return (uint8_t)get(r, 1);
}

static uint32_t get32(struct reader *r) {
    return (uint32_t)get(r, 4);
}

static uint64_t get64(struct reader *r) {
    return get(r, 8);
}

static void expect(struct reader *r, bool holds) {
    r->bad |= !holds;
}

static bool get_bool(struct reader *r) {
    uint8_t value = get8(r);
    expect(r, value <= 1);
    return value == 1;
}

// The length of a list whose items take at least `size` bytes: never more than can be there.
static uint32_t get_count(struct reader *r, size_t size) {
    uint32_t count = get32(r);
    expect(r, count <= r->left / size);
    return r->bad ? 0 : count;
}

static enum fr_status result(const struct reader *r, enum fr_status status) {
    return r->bad ? FR_CORRUPT : status;
}

static bool is_framed(const uint8_t *bytes, size_t size) {
    if (bytes == NULL || size < SAVE_CHECKSUM)
        return false;
    struct reader r = {.at = bytes + size - SAVE_CHECKSUM, .left = SAVE_CHECKSUM};
    return get64(&r) == save_checksum(bytes, size - SAVE_CHECKSUM);
}

static void check_header(struct reader *r, const struct fr_config *config) {
    expect(r, get32(r) == SAVE_MAGIC);
    expect(r, get32(r) == SAVE_VERSION);
    expect(r, get32(r) == config->threads_max);
    expect(r, get32(r) == config->events_max);
    expect(r, get8(r) == config->stable_keys);
}

static enum fr_status get_segments(struct reader *r, struct fr_explorer *e) {
    uint32_t count = get_count(r, 20);
    expect(r, count == 0 || e->plan.strategy == FR_STRATEGY_REPLAY);
    struct replay *replay = &e->replay;
    enum fr_status status =
        ALLOC_GROW(&e->alloc, replay->segments, replay->segment_capacity, count);
    if (status == FR_OK)
        status = ALLOC_GROW(&e->alloc, replay->seen, replay->seen_capacity, count);
    if (status != FR_OK)
        return status;
    for (uint32_t i = 0; i < count; i++) {
        struct fr_segment *segment = &replay->segments[i];
        segment->thread = get32(r);
        segment->events = get32(r);
        segment->until = get64(r);
        segment->nth = get32(r);
    }
    replay->count = count;
    return result(r, FR_OK);
}

// Starts the exploration anew by its plan.
static enum fr_status get_plan(struct reader *r, struct fr_explorer *e) {
    uint8_t strategy = get8(r);
    uint8_t order = get8(r);
    uint8_t bound = get8(r);
    expect(r, strategy < FR_STRATEGIES && order < FR_ORDERS && bound < FR_BOUNDS);
    struct fr_plan plan = {.strategy = (enum fr_strategy)strategy,
                           .order = (enum fr_order)order,
                           .bound = (enum fr_bound)bound};
    plan.depth = get32(r);
    plan.bound_max = get32(r);
    plan.apart = get_bool(r);
    expect(r, !plan.apart || (strategy == FR_STRATEGY_DPOR && bound == FR_BOUND_NONE));
    expect(r, !plan.apart || e->config.stable_keys);
    plan.seed = get64(r);
    plan.order_seed = get64(r);
    plan.executions_max = get64(r);
    plan.choice_count = get_count(r, 1);
    plan.choices = r->at;
    if (r->bad)
        return FR_CORRUPT;
    r->at += plan.choice_count;
    r->left -= plan.choice_count;
    enum fr_status status = fr_explorer_start(e, &plan);
    return status == FR_OK ? get_segments(r, e) : status;
}

static void get_progress(struct reader *r, struct fr_explorer *e) {
    e->executions = get64(r);
    e->was_cut = get_bool(r);
    uint8_t ending = get8(r);
    expect(r, ending <= FR_ENDING_ONCE);
    e->ending = (enum fr_ending)ending;
    e->stats.executions = get64(r);
    e->stats.redundant = get64(r);
    e->stats.failures = get64(r);
    e->stats.deadlocks = get64(r);
    e->stats.cut = get64(r);
    e->stats.events = get64(r);
}

static enum fr_status get_names(struct reader *r, struct run *run) {
    uint32_t threads = get_count(r, 8);
    expect(r, threads <= run->threads_max);
    for (uint32_t t = 0; !r->bad && t < threads; t++) {
        fr_tid parent = get32(r);
        uint32_t ordinal = get32(r);
        fr_tid made = FR_TID_NONE;
        expect(r, parent == FR_TID_NONE || parent < t);
        enum fr_status status = r->bad ? FR_CORRUPT : run_name(run, parent, ordinal, &made);
        // A name that was there before is no new thread.
        if (status != FR_OK || made != t)
            return status != FR_OK ? status : FR_CORRUPT;
    }
    uint32_t objects = get_count(r, 8);
    expect(r, objects == 0 || run->objects.stable_keys);
    for (uint32_t i = 0; !r->bad && i < objects; i++) {
        uint32_t slot;
        enum fr_status status = objects_slot(&run->objects, run->alloc, get64(r), false, &slot);
        if (status != FR_OK || slot != i)
            return status != FR_OK ? status : FR_CORRUPT;
    }
    return result(r, FR_OK);
}

static enum fr_status get_walk(struct reader *r, struct walk *walk, uint32_t thread_count) {
    walk->steps_most = get32(r);
    for (fr_tid t = 0; t < thread_count; t++)
        walk->counts[t] = get32(r);
    uint32_t object_count = get32(r);
    uint32_t count = get_count(r, 20);
    enum fr_status status = ALLOC_GROW(walk->alloc, walk->samples, walk->sample_capacity, count);
    if (status != FR_OK)
        return status;
    for (uint32_t i = 0; i < count; i++) {
        struct sample *sample = &walk->samples[i];
        sample->site = get64(r);
        sample->at = get32(r);
        sample->object = get32(r);
        sample->thread = get32(r);
        expect(r, sample->object < object_count && sample->thread < thread_count);
    }
    walk->object_count = object_count;
    walk->sample_count = count;
    return result(r, FR_OK);
}

// ------------------------------------------------------------------------------ DPOR

// What numbers in nodes and branches may name.
struct known {
    tset threads;
    uint32_t objects;
    uint32_t events_max;
};

static void get_touches(struct reader *r, struct step *step, struct touch touches[FR_ACCESSES_MAX],
                        uint32_t objects) {
    for (uint32_t i = 0; i < step->touch_count; i++) {
        uint32_t slot = get32(r);
        uint8_t mode = get8(r);
        expect(r, mode < FR_MODES && slot < objects);
        touches[i] = (struct touch){.slot = slot, .mode = mode};
    }
    step->touches = touches;
    step->slots = step_slots(touches, step->touch_count);
}

static bool is_known_thread(const struct known *known, fr_tid thread) {
    return thread < FR_THREADS_MAX && tset_has(known->threads, thread);
}

// One branch, not linked to any other. *links are its SAVE_ bits.
static enum fr_status get_branch(struct reader *r, struct wakeup *wakeup, const struct known *known,
                                 uint8_t *links, uint32_t *made) {
    struct touch touches[FR_ACCESSES_MAX];
    *links = get8(r);
    struct step step = {.kind = get8(r)};
    step.thread = get32(r);
    step.target = get32(r);
    step.index = get32(r);
    step.past = get64(r);
    step.value = (int64_t)get64(r);
    step.expect = (int64_t)get64(r);
    uint64_t required = get64(r);
    step.touch_count = get32(r);
    bool has_target = step.kind == FR_OP_SPAWN || step.kind == FR_OP_JOIN;
    bool is_bare = has_target || step.kind == FR_OP_SLEEP;
    expect(r, *links <= (SAVE_CHILD | SAVE_NEXT) && step.kind < FR_OP_KINDS);
    expect(r, is_known_thread(known, step.thread) && required <= 1);
    expect(r, !has_target || is_known_thread(known, step.target));
    expect(r, step.index != 0 && step.index <= known->events_max);
    expect(r, step.touch_count <= FR_ACCESSES_MAX);
    bool is_many = step.kind == FR_OP_ACCESS || step.kind == FR_OP_SPIN;
    expect(r, is_many || step.touch_count == (is_bare ? 0U : 1U));
    if (r->bad)
        return FR_CORRUPT;
    get_touches(r, &step, touches, known->objects);
    return r->bad ? FR_CORRUPT : wakeup_restore(wakeup, &step, required != 0, made);
}

// A list of trees in preorder. A branch whose sibling is still to come keeps in `next`, until then,
// the branch before it that waits for one too.
static enum fr_status get_trees(struct reader *r, struct wakeup *wakeup, const struct known *known,
                                uint32_t *head) {
    uint32_t waiting = NONE;
    uint32_t parent = NONE;
    *head = NONE;
    for (;;) {
        uint8_t links = 0;
        uint32_t made;
        enum fr_status status = get_branch(r, wakeup, known, &links, &made);
        if (status != FR_OK)
            return status;
        struct branch *branches = wakeup->branches;
        if (parent != NONE) {
            branches[parent].first_child = made;
        } else if (waiting != NONE) {
            uint32_t before = branches[waiting].next;
            branches[waiting].next = made;
            waiting = before;
        } else {
            *head = made;
        }
        if ((links & SAVE_NEXT) != 0) {
            branches[made].next = waiting;
            waiting = made;
        }
        parent = (links & SAVE_CHILD) != 0 ? made : NONE;
        if (parent == NONE && waiting == NONE)
            return FR_OK;
    }
}

static enum fr_status get_node(struct reader *r, struct dpor *dpor, const struct known *known,
                               struct node *node) {
    node->wut = NONE;
    node->sleep = get64(r);
    node->foreign = get64(r);
    node->explored = get32(r);
    node->begun = get64(r), node->size = get64(r), node->last_size = get64(r);
    node->thread = get32(r);
    node->event_hash = get64(r);
    node->announced = get64(r);
    expect(r, ((node->sleep | node->foreign) & ~known->threads) == 0 &&
                  is_known_thread(known, node->thread));
    if (!get_bool(r))
        return result(r, FR_OK);
    return r->bad ? FR_CORRUPT : get_trees(r, &dpor->wakeup, known, &node->wut);
}

static enum fr_status get_dpor(struct reader *r, struct dpor *dpor, const struct known *known) {
    dpor->order.turn = get64(r);
    dpor->inserted = get64(r);
    dpor->ended = get64(r), dpor->later_size = get64(r), dpor->earlier_size = get64(r);
    dpor->exhausted = get_bool(r);
    dpor->base = get32(r);
    dpor->replay = get32(r);
    uint32_t count = get_count(r, 65);
    expect(r, count == 0 ? dpor->replay == 0 : dpor->replay == count - 1);
    expect(r, dpor->base <= dpor->replay && count <= known->events_max);
    if (r->bad)
        return FR_CORRUPT;
    enum fr_status status = ALLOC_GROW(dpor->alloc, dpor->nodes, dpor->node_capacity, count);
    for (uint32_t depth = 0; status == FR_OK && depth < count; depth++)
        status = get_node(r, dpor, known, &dpor->nodes[depth]);
    if (status != FR_OK)
        return status;
    // We go back to a state only because work is left there.
    expect(r, count == 0 || dpor->nodes[count - 1].wut != NONE);
    dpor->node_count = count;
    return result(r, FR_OK);
}

// ------------------------------------------------------------------------------ lineage

// Its depth, the number of events up to it, goes to depths[i].
static enum fr_status get_link(struct reader *r, struct lineage *lineage, const struct known *known,
                               uint32_t *depths, uint32_t i) {
    struct link link = {.event_hash = get64(r)};
    link.announced = get64(r);
    link.parent = get32(r);
    link.from = get32(r);
    link.leads = get32(r);
    fr_tid thread = get32(r);
    link.overtakes = get_bool(r);
    expect(r, link.parent == NONE || link.parent < i);
    expect(r, is_known_thread(known, thread));
    if (r->bad)
        return FR_CORRUPT;
    link.thread = (uint8_t)thread;
    depths[i] = link.parent == NONE ? 1 : depths[link.parent] + 1;
    expect(r, depths[i] <= known->events_max);
    expect(r, link.from == NONE || (link.from >= lineage->base && link.from < depths[i]));
    uint32_t made;
    return r->bad ? FR_CORRUPT : frontier_push_link(&lineage->frontier, link, &made);
}

static enum fr_status get_lead(struct reader *r, struct lineage *lineage, const struct known *known,
                               const uint32_t *depths) {
    struct lead lead = {.link = get32(r)};
    lead.at = get32(r);
    lead.repeated = get32(r);
    lead.hash = get64(r);
    lead.announced = get64(r);
    lead.overtakes = get_bool(r);
    lead.count = get_count(r, 1);
    expect(r, lead.link == NONE || lead.link < lineage->frontier.link_count);
    expect(r, lead.count != 0 && lead.repeated < lead.count && lead.at >= lineage->base);
    if (r->bad)
        return FR_CORRUPT;
    expect(r, lead.at == (lead.link == NONE ? 0 : depths[lead.link]));
    uint8_t *threads;
    enum fr_status status = frontier_reserve(&lineage->frontier, lead.count, &threads);
    for (uint32_t i = 0; status == FR_OK && i < lead.count; i++) {
        threads[i] = get8(r);
        expect(r, is_known_thread(known, threads[i]));
    }
    return status == FR_OK ? frontier_push(&lineage->frontier, lead) : status;
}

static enum fr_status get_lineage(struct reader *r, struct lineage *lineage,
                                  const struct known *known) {
    lineage->inserted = get64(r);
    lineage->exhausted = get_bool(r);
    lineage->base = get32(r);
    expect(r, lineage->base <= known->events_max);
    lineage->frontier.root_leads = get32(r);
    uint32_t count = get_count(r, 33);
    // Until an execution makes its own of it, the path holds the depths of the links.
    enum fr_status status =
        ALLOC_GROW(lineage->alloc, lineage->path, lineage->path_capacity, count);
    for (uint32_t i = 0; status == FR_OK && i < count; i++)
        status = get_link(r, lineage, known, lineage->path, i);
    count = status == FR_OK ? get_count(r, 34) : 0;
    for (uint32_t i = 0; status == FR_OK && !r->bad && i < count; i++)
        status = get_lead(r, lineage, known, lineage->path);
    status = result(r, status);
    return status == FR_OK ? lineage_resume(lineage) : status;
}

// ------------------------------------------------------------------------------ bounded search

static enum fr_status get_path(struct reader *r, struct bound *bound, const struct known *known) {
    uint32_t count = get_count(r, 4);
    expect(r, count <= known->events_max);
    if (r->bad)
        return FR_CORRUPT;
    enum fr_status status = ALLOC_GROW(bound->alloc, bound->path, bound->path_capacity, count);
    for (uint32_t i = 0; status == FR_OK && i < count; i++) {
        bound->path[i] = get32(r);
        expect(r, is_known_thread(known, bound->path[i]));
    }
    bound->path_count = count;
    return status;
}

static enum fr_status get_prefixes(struct reader *r, struct bound *bound) {
    uint32_t count = get_count(r, 24);
    if (count == 0)
        return FR_OK;
    enum fr_status status = bound_reserve(bound, count);
    for (uint32_t i = 0; status == FR_OK && i < count; i++) {
        struct prefix prefix = {.key = get64(r)};
        prefix.taken = get64(r);
        prefix.judged = get64(r);
        expect(r, bound_restore_prefix(bound, prefix));
    }
    return status;
}

static enum fr_status get_events(struct reader *r, struct library *library,
                                 const struct known *known) {
    enum fr_status status = FR_OK;
    for (uint32_t left = get_count(r, 14); status == FR_OK && !r->bad && left > 0; left--) {
        struct need needs[UINT8_MAX];
        struct volume volume = {.hash = get64(r)};
        volume.before = get32(r);
        volume.thread = get8(r);
        volume.need_count = get8(r);
        expect(r, is_known_thread(known, volume.thread));
        for (uint32_t k = 0; k < volume.need_count; k++) {
            needs[k].index = get32(r);
            needs[k].thread = get8(r);
            expect(r, is_known_thread(known, needs[k].thread));
        }
        bool fits = !r->bad;
        if (fits)
            status = library_restore_event(library, volume, needs, &fits);
        expect(r, fits);
    }
    return status;
}

static enum fr_status get_library(struct reader *r, struct library *library,
                                  const struct known *known) {
    enum fr_status status = get_events(r, library, known);
    for (uint32_t left = get_count(r, 4); status == FR_OK && !r->bad && left > 0; left--) {
        uint32_t last[FR_THREADS_MAX];
        uint32_t threads = get_count(r, 4);
        expect(r, threads <= FR_THREADS_MAX);
        for (fr_tid t = 0; !r->bad && t < threads; t++) {
            last[t] = get32(r);
            bool is_event = last[t] < library->volume_count;
            expect(r, last[t] == NONE || (is_event && library->volumes[last[t]].thread == t));
        }
        status = r->bad ? FR_CORRUPT : library_restore_trace(library, last, threads);
    }
    return status;
}

static enum fr_status get_level(struct reader *r, const struct bound *bound, struct level *level,
                                const struct known *known) {
    uint32_t count = get_count(r, 8);
    enum fr_status status =
        ALLOC_GROW(bound->alloc, level->stretches, level->stretch_capacity, count);
    for (uint32_t i = 0; status == FR_OK && i < count; i++) {
        struct stretch *stretch = &level->stretches[i];
        stretch->thread = get32(r);
        stretch->count = get32(r);
        expect(r, is_known_thread(known, stretch->thread));
        expect(r, stretch->count != 0 && stretch->count <= known->events_max);
    }
    level->stretch_count = status == FR_OK ? count : 0;
    count = get_count(r, 20);
    if (status == FR_OK)
        status = ALLOC_GROW(bound->alloc, level->items, level->capacity, count);
    for (uint32_t i = 0; status == FR_OK && !r->bad && i < count; i++) {
        struct branching *item = &level->items[i];
        item->hash = get64(r);
        item->first_stretch = get32(r);
        item->trace = get32(r);
        item->thread = get32(r);
        uint32_t from = i == 0 ? 0 : level->items[i - 1].first_stretch;
        expect(r, is_known_thread(known, item->thread));
        expect(r, item->first_stretch >= from && item->first_stretch <= level->stretch_count);
        expect(r, item->trace == NONE || item->trace < bound->library.trace_count);
        expect(r, !r->bad && bound_is_known(bound, item->hash, item->thread));
    }
    level->count = status == FR_OK ? count : 0;
    return status;
}

// The schedule of each branching is no longer than an execution.
static void check_lengths(struct reader *r, const struct level *level, uint32_t events_max) {
    uint32_t end = level->stretch_count;
    for (uint32_t i = level->count; i-- > 0; end = level->items[i].first_stretch) {
        uint64_t length = 1;
        for (uint32_t k = level->items[i].first_stretch; k < end; k++)
            length += level->stretches[k].count;
        expect(r, length <= events_max);
    }
    expect(r, end == 0);
}

static enum fr_status get_bound(struct reader *r, struct bound *bound, const struct known *known) {
    bound->order.turn = get64(r);
    bound->exhausted = get_bool(r);
    bound->path_hash = get64(r);
    enum fr_status status = get_path(r, bound, known);
    if (status == FR_OK)
        status = get_prefixes(r, bound);
    if (status == FR_OK)
        status = get_library(r, &bound->library, known);
    bool is_open = bound->path_count != 0;
    for (uint32_t i = 0; status == FR_OK && i <= BOUND_LEVELS; i++) {
        status = get_level(r, bound, &bound->levels[i], known);
        if (status == FR_OK && !r->bad)
            check_lengths(r, &bound->levels[i], known->events_max);
        is_open |= bound->levels[i].count != 0;
    }
    expect(r, bound_is_on(bound) || !(bound->exhausted || is_open || bound->prefix_count != 0 ||
                                      bound->library.trace_count != 0));
    return result(r, status);
}

// What the parts say about each other.
static void check_whole(struct reader *r, const struct fr_explorer *e) {
    bool is_bounded = bound_is_on(&e->bound);
    bool has_lineage = explorer_has_lineage(e);
    bool is_dpor = e->plan.strategy == FR_STRATEGY_DPOR && !is_bounded && !has_lineage;
    const struct lineage *lineage = &e->lineage;
    const struct dpor *dpor = &e->dpor;
    expect(r, r->left == 0);
    expect(r, is_dpor || (dpor->node_count == 0 && !dpor->exhausted));
    bool has_work = dpor->node_count != 0;
    bool has_begun = e->executions != 0;
    expect(r, !is_dpor || has_work == (has_begun && !dpor->exhausted));
    expect(r, !dpor->exhausted || has_begun);
    expect(r, has_lineage || (lineage->frontier.lead_count == 0 && !lineage->exhausted));
    bool has_leads = lineage->frontier.lead_count != 0;
    expect(r, !has_lineage || has_leads == (has_begun && !lineage->exhausted));
    expect(r, !lineage->exhausted || has_begun);
    // Work of a bounded search is its path.
    expect(r, !is_bounded || has_begun == (e->bound.exhausted || e->bound.path_count != 0));
    expect(r, e->ending == explorer_ending_now(e));
}

static enum fr_status restore(struct reader *r, struct fr_explorer *e) {
    check_header(r, &e->config);
    if (r->bad)
        return FR_CORRUPT;
    enum fr_status status = get_plan(r, e);
    if (status != FR_OK)
        return status;
    get_progress(r, e);
    e->walk.executions = e->executions;
    status = result(r, FR_OK);
    if (status == FR_OK)
        status = get_names(r, &e->run);
    if (status == FR_OK)
        status = get_walk(r, &e->walk, e->run.thread_count);
    uint32_t threads = e->run.thread_count;
    struct known known = {.threads = threads == FR_THREADS_MAX ? ~(tset)0 : tset_of(threads) - 1,
                          .objects = e->run.objects.count,
                          .events_max = e->config.events_max};
    if (status == FR_OK)
        status = get_dpor(r, &e->dpor, &known);
    if (status == FR_OK)
        status = get_lineage(r, &e->lineage, &known);
    if (status == FR_OK)
        status = get_bound(r, &e->bound, &known);
    if (status != FR_OK)
        return status;
    check_whole(r, e);
    return result(r, FR_OK);
}

enum fr_status fr_explorer_restore(struct fr_explorer *e, const uint8_t *bytes, size_t size) {
    struct reader r = {.at = bytes};
    enum fr_status status = FR_CORRUPT;
    if (is_framed(bytes, size)) {
        r.left = size - SAVE_CHECKSUM;
        status = restore(&r, e);
    }
    if (status != FR_OK)
        explorer_forget(e);
    e->errmsg = status == FR_OK ? "" : fr_status_text(status);
    return status;
}
