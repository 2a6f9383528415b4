// One execution as the program's model: threads, what they announced, who is enabled, what it does.
// SPDX-License-Identifier: Apache-2.0
#include "run.h"

enum fr_status run_init(struct run *run, struct alloc *alloc, uint32_t threads_max,
                        bool stable_keys) {
    *run = (struct run){
        .alloc = alloc, .threads_max = threads_max, .current = FR_TID_NONE, .has_pasts = true};
    objects_init(&run->objects, stable_keys);
    trace_init(&run->trace, alloc);
    uint32_t capacity = 0;
    enum fr_status status = ALLOC_GROW(alloc, run->threads, capacity, threads_max);
    // The rest is cleared when somebody is that thread: all of it is two pages for each.
    for (uint32_t t = 0; status == FR_OK && t < threads_max; t++) {
        run->threads[t].positions = NULL;
        run->threads[t].position_capacity = 0;
    }
    return status;
}

void run_release(struct run *run) {
    for (uint32_t t = 0; run->threads != NULL && t < run->threads_max; t++)
        alloc_free(run->alloc, run->threads[t].positions);
    alloc_free(run->alloc, run->threads);
    alloc_free(run->alloc, run->waits);
    objects_release(&run->objects, run->alloc);
    trace_release(&run->trace);
}

void run_begin(struct run *run) {
    trace_clear(&run->trace);
    objects_begin(&run->objects);
    for (uint32_t t = 0; t < run->thread_count; t++) {
        struct thread *thread = &run->threads[t];
        thread->entered = thread->started = thread->left = thread->pending = false;
        thread->children = thread->count = thread->born = 0;
        thread->last = NONE;
    }
    run->live = run->excused = run->pending = run->free = 0;
    run->births = 0;
    run->now = run->wait_count = 0;
    run->current = FR_TID_NONE;
    run->outcome = true;
}

void run_forget(struct run *run) {
    run_begin(run);
    objects_clear(&run->objects);
    run->thread_count = 0;
}

// The number of the ordinal-th child of parent, or thread_count if it has none yet.
static fr_tid find_thread(const struct run *run, fr_tid parent, uint32_t ordinal) {
    for (fr_tid t = 0; t < run->thread_count; t++)
        if (run->threads[t].parent == parent && run->threads[t].ordinal == ordinal)
            return t;
    return run->thread_count;
}

static uint32_t entered_workers(const struct run *run) {
    uint32_t count = 0;
    for (fr_tid t = 0; t < run->thread_count; t++)
        count += run->threads[t].entered && run->threads[t].parent == FR_TID_NONE;
    return count;
}

enum fr_status run_name(struct run *run, fr_tid parent, uint32_t ordinal, fr_tid *out) {
    *out = find_thread(run, parent, ordinal);
    if (*out < run->thread_count)
        return FR_OK;
    if (run->thread_count == run->threads_max)
        return FR_LIMIT;
    enum fr_status status = trace_widen(&run->trace, *out + 1);
    if (status == FR_OK)
        status = objects_widen(&run->objects, run->alloc, *out + 1);
    if (status != FR_OK)
        return status;
    uint64_t above = parent == FR_TID_NONE ? 0 : run->threads[parent].name;
    struct thread *thread = &run->threads[run->thread_count++];
    uint32_t *positions = thread->positions;
    uint32_t position_capacity = thread->position_capacity;
    memset(thread, 0, offsetof(struct thread, touches));
    thread->positions = positions;
    thread->position_capacity = position_capacity;
    thread->last = NONE;
    thread->parent = parent;
    thread->ordinal = ordinal;
    thread->name = mix64(mix64(above) + ordinal + 1);
    return FR_OK;
}

enum fr_status run_child(struct run *run, fr_tid parent, fr_tid *out) {
    if (parent >= run->thread_count || !run->threads[parent].entered)
        return FR_MISUSE;
    return run_name(run, parent, run->threads[parent].children, out);
}

enum fr_status run_enter(struct run *run, fr_tid parent, fr_tid *out) {
    enum fr_status status = parent == FR_TID_NONE ? run_name(run, parent, entered_workers(run), out)
                                                  : run_child(run, parent, out);
    if (status != FR_OK)
        return status;
    struct thread *thread = &run->threads[*out];
    thread->entered = true;
    // A child may enter before or after its SPAWN is performed.
    thread->started |= parent == FR_TID_NONE;
    if (thread->started)
        run->live |= tset_of(*out);
    if (parent != FR_TID_NONE)
        run->threads[parent].children++;
    return FR_OK;
}

static enum fr_status record_touches(struct run *run, struct thread *thread,
                                     const struct fr_op *op) {
    uint64_t slots = 0;
    bool has_modes = op->kind == FR_OP_ACCESS;
    enum fr_mode mode = op->kind == FR_OP_SPIN ? FR_READ : FR_WRITE;
    for (uint32_t i = 0; i < op->access_count; i++) {
        if (has_modes)
            mode = op->accesses[i].mode;
        if (mode >= FR_MODES)
            return FR_MISUSE;
        uint32_t slot;
        enum fr_status status =
            objects_slot(&run->objects, run->alloc, op->accesses[i].key, op->held_outside, &slot);
        if (status != FR_OK)
            return status;
        thread->touches[i] = (struct touch){.slot = slot, .mode = (uint8_t)mode};
        slots |= step_slot(slot);
    }
    thread->touch_count = op->access_count;
    thread->slots = slots;
    return FR_OK;
}

// Are the rounds of a thread with so many events possible?
static bool has_round(const struct fr_op *op, uint32_t count) {
    return !op->round.is_known ||
           (op->deadline_ns != 0 && op->round.first <= op->round.last && op->round.last < count);
}

static bool is_well_formed(const struct run *run, const struct fr_op *op, uint32_t count) {
    if (op->access_count > FR_ACCESSES_MAX || op->switchable >= FR_SWITCHES)
        return false;
    switch (op->kind) {
    case FR_OP_ACCESS:
        return op->deadline_ns == 0;  // its modes are looked at one by one
    case FR_OP_ACQUIRE:
        return op->access_count == 1 && has_round(op, count);
    case FR_OP_SPIN:
        return op->access_count != 0;
    case FR_OP_SLEEP:
        return op->access_count == 0 && has_round(op, count);
    case FR_OP_JOIN:
        return op->access_count == 0 && op->target < run->thread_count;
    case FR_OP_SPAWN:
        return op->access_count == 0 && op->target < run->thread_count && op->deadline_ns == 0;
    default:
        return op->kind < FR_OP_KINDS && op->access_count == 1 && op->deadline_ns == 0;
    }
}

// Of which kind are operations that may have to wait?
static const bool may_wait[FR_OP_KINDS] = {
#define FR_OP(name, word, may_block) may_block,
#include "fr_op.def"
#undef FR_OP
};

// Objects have no names to compare; outcomes and modes of conditional operations are not known yet.
static uint64_t hash_announcement(const struct thread *thread) {
    uint64_t hash = mix64(thread->past ^ mix64(thread->site + thread->kind));
    if (thread->deadline != 0)
        hash = mix64(hash + thread->deadline);
    if (thread->kind == FR_OP_SPAWN || thread->kind == FR_OP_JOIN)
        return mix64(hash + thread->target);
    uint64_t modes = 0;
    for (uint32_t i = 0; i < thread->touch_count; i++)
        modes = modes * FR_MODES + thread->touches[i].mode + 1;
    hash = mix64(hash + modes);
    if (thread->kind == FR_OP_CAS)
        hash = mix64(mix64(hash + (uint64_t)thread->expect) + (uint64_t)thread->value);
    return hash;
}

uint64_t run_announced(const struct run *run) {
    uint64_t sum = 0;
    for (tset rest = run->live; rest != 0; rest &= rest - 1)
        sum += run->threads[tset_first(rest)].announced;
    return sum;
}

enum fr_status run_announce(struct run *run, fr_tid tid, const struct fr_op *op) {
    if (tid >= run->thread_count || !is_well_formed(run, op, run->threads[tid].count))
        return FR_MISUSE;
    struct thread *thread = &run->threads[tid];
    if (!thread->entered || thread->left || thread->pending)
        return FR_MISUSE;
    enum fr_status status = record_touches(run, thread, op);
    if (status != FR_OK)
        return status;
    thread->kind = thread->asked = (uint8_t)op->kind;
    thread->switchable = op->switchable;
    thread->site = op->site;
    thread->target = op->target;
    thread->value = op->value;
    thread->expect = op->expect;
    thread->deadline = op->deadline_ns;
    thread->round = op->round;
    thread->pending = true;
    run->pending |= tset_of(tid);
    if (!may_wait[thread->kind])
        run->free |= tset_of(tid);
    if (run->has_pasts) {
        uint64_t last = thread->last == NONE ? 0 : run->trace.events[thread->last].hash;
        thread->past = mix64((thread->name + thread->count) ^ last);
        thread->announced = hash_announcement(thread);
    }
    if (op->kind == FR_OP_SPAWN && run->threads[op->target].born == 0)
        run->threads[op->target].born = ++run->births;
    thread->due = false;
    if (op->deadline_ns <= run->now && (op->deadline_ns != 0 || op->kind == FR_OP_SLEEP))
        run_fall_due(thread);
    return FR_OK;
}

enum fr_status run_leave(struct run *run, fr_tid tid) {
    if (tid >= run->thread_count)
        return FR_MISUSE;
    struct thread *thread = &run->threads[tid];
    if (!thread->entered || thread->left || thread->pending)
        return FR_MISUSE;
    thread->left = true;
    run->live &= ~tset_of(tid);
    return FR_OK;
}

uint32_t run_number(const struct run *run, fr_tid tid) {
    uint32_t born = run->threads[tid].born;
    return born == 0 ? tid : entered_workers(run) + born - 1;
}

static bool is_written_behind(const struct run *run, fr_tid tid, uint32_t slot) {
    const struct object *object = &run->objects.items[slot];
    if (!tset_has(object->accessed[SINCE_STRONG], tid))
        return true;
    uint32_t seen = objects_since(&run->objects, slot, SINCE_STRONG)[tid];
    return object->last_change != NONE && object->last_change > seen;
}

static bool spin_is_enabled(const struct run *run, fr_tid tid) {
    const struct thread *thread = &run->threads[tid];
    for (uint32_t i = 0; i < thread->touch_count; i++)
        if (is_written_behind(run, tid, thread->touches[i].slot))
            return true;
    return false;
}

bool run_is_enabled(const struct run *run, fr_tid tid) {
    const struct thread *thread = &run->threads[tid];
    if (!tset_has(run->live, tid) || !thread->pending)
        return false;
    switch (thread->kind) {
    case FR_OP_ACQUIRE:
        return run->objects.items[thread->touches[0].slot].holder == HOLDER_NOBODY;
    case FR_OP_JOIN:
        return run->threads[thread->target].left;
    case FR_OP_SPIN:
        return spin_is_enabled(run, tid);
    case FR_OP_SLEEP:
        return thread->due;
    default:
        return true;
    }
}

tset run_enabled(const struct run *run) {
    tset enabled = run->live & run->free;
    for (tset rest = run->live & run->pending & ~run->free; rest != 0; rest &= rest - 1) {
        fr_tid t = tset_first(rest);
        if (run_is_enabled(run, t))
            enabled |= tset_of(t);
    }
    return enabled;
}

bool run_is_settled(const struct run *run) {
    return (run->live & ~run->pending) == 0;
}

static bool condition_holds(const struct run *run, const struct thread *thread) {
    const struct object *object = &run->objects.items[thread->touches[0].slot];
    if (thread->kind == FR_OP_TRY)
        return object->holder == HOLDER_NOBODY;
    return thread->kind != FR_OP_CAS || object->value == thread->expect;
}

struct step run_pending(const struct run *run, fr_tid tid, struct touch *spare) {
    const struct thread *thread = &run->threads[tid];
    struct step step = {
        .thread = tid,
        .kind = thread->kind,
        .target = thread->target,
        .index = thread->count + 1,
        .touch_count = thread->touch_count,
        .touches = thread->touches,
        .slots = thread->slots,
        .past = thread->past,
        .value = thread->value,
        .expect = thread->expect,
    };
    if (step_is_conditional(thread->kind)) {
        *spare = thread->touches[0];
        spare->mode = condition_holds(run, thread) ? FR_WRITE : FR_READ;
        step.touches = spare;
    }
    return step;
}
