// Spin: recognises a loop of a thread that changes nothing, and lets the thread wait instead.
// SPDX-License-Identifier: Apache-2.0
#include "spin.h"

#include <string.h>

#include "carrier.h"
#include "clock.h"
#include "lap.h"
#include "library.h"
#include "location.h"
#include "observe.h"
#include "pure.h"
#include "runner.h"

// Larger local states are not compared: such a loop is never taken for a spin.
#define VALUES_MAX 128
// The longest loop that is recognised, in events.
#define POWER_MAX 256
// How long the anchor stays at first, in events and in turns of other loops.
#define POWER_MIN 63
#define TURNS_MIN 1
// Polled locks that are remembered.
#define LOCKS_MAX 64

// A value by itself, if it is plain, else by its identity. Neither: NULL.
struct value {
    PyObject *plain;  // a strong reference
    uint32_t identity;
};

// What a local variable or a stack slot holds, and what is in it if that is a cell.
struct slot {
    struct value object, content;
};

// Where a thread may be going round. The anchor moves as in Brent's algorithm (BIT 20, 1980), so
// that every loop is found, and to loops inside it that turn meanwhile.
struct spin {
    const struct site *anchor;  // NULL: none
    PyObject **locals;          // of its frame
    const PyCodeObject *code;   // only compared
    uint32_t steps, power;
    uint32_t turns, patience;   // of loops without the anchor
    const struct site *latest;  // looked at before this one, in ...
    PyObject **latest_locals;   // ... this frame ...
    const PyCodeObject *latest_code;
    bool armed;             // values hold the local state at the anchor
    bool in_wait;           // a function of the library waits
    bool in_library;        // what was looked at before this one is code of the library
    uint32_t events;        // of the thread, when the lap began
    uint64_t began;         // the time then
    struct fr_round round;  // laps that changed nothing, in which time passed
    uint32_t value_count;
    struct slot values[VALUES_MAX];
    struct lap lap;  // since the anchor
};

// A lock of this execution, and sets of threads: see note_lock.
struct lock_use {
    uint64_t key;
    uint64_t pollers, triers;
};

static struct spin spins[FR_THREADS_MAX];
static struct lock_use lock_uses[LOCKS_MAX];
static uint32_t lock_use_count;
static struct lock_use other_locks;  // those for which there was no room: all as one

static struct spin *own_spin(void) {
    int index = carrier_current();
    return index >= 0 ? &spins[index] : NULL;
}

// ------------------------------------------------------------------------------ local state

static void disarm(struct spin *spin) {
    for (uint32_t i = 0; i < spin->value_count; i++) {
        Py_XDECREF(spin->values[i].object.plain);
        Py_XDECREF(spin->values[i].content.plain);
    }
    spin->value_count = 0;
    spin->armed = false;
    spin->round.is_known = false;
}

static void drop_anchor(struct spin *spin) {
    if (spin->anchor != NULL)
        disarm(spin);
    spin->anchor = NULL;
    spin->code = NULL;
}

static void forget(struct spin *spin) {
    drop_anchor(spin);
    spin->power = spin->patience = 0;
}

static struct value keep(PyObject *object) {
    if (object == NULL)
        return (struct value){NULL, 0};
    if (pure_is_plain(object))
        return (struct value){Py_NewRef(object), 0};
    return (struct value){NULL, location_identity(object)};
}

static PyObject *content_of(PyObject *object) {
    return object != NULL && PyCell_Check(object) ? PyCell_GET(object) : NULL;
}

static void begin_lap(struct spin *spin) {
    lap_begin(&spin->lap);
    spin->events = point_count();
    spin->began = clock_now();
}

static void capture(struct spin *spin, const struct operands *on) {
    disarm(spin);
    if (on->top - on->locals > VALUES_MAX)
        return;
    begin_lap(spin);
    for (PyObject **at = on->locals; at < on->top; at++)
        spin->values[spin->value_count++] =
            (struct slot){.object = keep(*at), .content = keep(content_of(*at))};
    spin->armed = true;
}

static bool is_same(const struct value *before, PyObject *now) {
    PyObject *plain = before->plain;
    if (now == NULL || !pure_is_plain(now))
        return plain == NULL && before->identity == (now != NULL ? location_identity(now) : 0);
    if (plain == now)
        return true;
    if (plain == NULL || Py_TYPE(plain) != Py_TYPE(now))
        return false;
    if (PyFloat_CheckExact(now)) {
        double a = PyFloat_AS_DOUBLE(plain), b = PyFloat_AS_DOUBLE(now);
        return memcmp(&a, &b, sizeof a) == 0;
    }
    return PyObject_RichCompareBool(plain, now, Py_EQ) == 1;
}

static bool is_same_state(const struct spin *spin, const struct operands *on) {
    if (on->top - on->locals != (Py_ssize_t)spin->value_count)
        return false;
    for (uint32_t i = 0; i < spin->value_count; i++) {
        const struct slot *slot = &spin->values[i];
        PyObject *now = on->locals[i];
        if (!is_same(&slot->object, now) || !is_same(&slot->content, content_of(now)))
            return false;
    }
    return true;
}

// ------------------------------------------------------------------------------ locks

static struct lock_use *find_use(uint64_t key) {
    for (uint32_t i = 0; i < lock_use_count; i++)
        if (lock_uses[i].key == key)
            return &lock_uses[i];
    if (lock_use_count == LOCKS_MAX)
        return &other_locks;
    lock_uses[lock_use_count] = (struct lock_use){.key = key};
    return &lock_uses[lock_use_count++];
}

// A thread takes a lock in each round that is left out, or (tries) asks whether it is free. Another
// one that asks may see it held, in rounds that are left out, too.
static void note_lock(int thread, uint64_t key, bool tries) {
    struct lock_use *use = find_use(key);
    uint64_t own = (uint64_t)1 << thread;
    *(tries ? &use->triers : &use->pollers) |= own;
    if (((tries ? use->pollers : use->triers) & ~own) != 0)
        fr_run_leave_out(runner.explorer);
}

// ------------------------------------------------------------------------------ going round

static void move_anchor(struct spin *spin, const struct site *site, const struct operands *on) {
    // What suspends a generator may be a loop of its own.
    if (!site->in_loop ||
        (on->code->co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) != 0)
        return;
    disarm(spin);
    // Odd, so that the anchor gets to every instruction of a loop: at some there is a temporary
    // object on the stack, which is another one in each round.
    bool is_first = spin->power == 0 || spin->power >= POWER_MAX;
    spin->power = is_first ? POWER_MIN : 2 * spin->power + 1;
    spin->patience = is_first ? TURNS_MIN : 2 * spin->patience;
    spin->anchor = site;
    spin->locals = on->locals;
    spin->code = on->code;
    spin->steps = spin->turns = 0;
    if (pure_is_repeatable(site, on))
        capture(spin, on);
}

// Time passed, and nothing else happened: true if so.
static bool close_round(struct spin *spin) {
    const struct lap *lap = &spin->lap;
    // What the program sees of the clock is another moment in each round.
    if (lap->waits == 0 || lap->reads_clock || clock_now() <= spin->began)
        return false;
    struct fr_round *round = &spin->round;
    if (!round->is_known)
        round->first = spin->events;
    round->is_known = true;
    round->last = spin->events;
    round->period_ns = lap->waits == 1 ? clock_now() - spin->began : 0;
    return true;
}

// Nothing but another thread, or the clock, makes the next round another one.
static void answer_spin(struct spin *spin, const struct operands *on,
                        const struct access_list *list, struct spin_answer *answer) {
    const struct lap *lap = &spin->lap;
    bool polls = lap->reads_clock || lap->library_reads;
    // A time has come that the last round did not see.
    if (lap->read_count == 0 || lap->waits != 0 || (polls && clock_now() != lap->clock))
        return;
    answer->spins = true;
    answer->deadline_ns = polls ? clock_poll() : 0;
    answer->access_count = lap->read_count;
    memcpy(answer->accesses, lap->reads, lap->read_count * sizeof lap->reads[0]);
    answer->is_the_read = list->count == lap->read_count && lap->lock_count == 0;
    for (uint32_t i = 0; i < list->count; i++)
        answer->is_the_read &= lap_has_read(lap, list->items[i].key);
    for (uint32_t i = 0; i < lap->lock_count; i++)
        note_lock(on->thread, lap->locks[i].key, false);
}

// The thread is at the anchor again, in the state it was in.
static void close_lap(struct spin *spin, const struct operands *on, const struct access_list *list,
                      struct spin_answer *answer) {
    if (!close_round(spin)) {
        spin->round.is_known = false;
        if (spin->lap.opens) {
            drop_anchor(spin);  // here it holds a lock, and must not wait
            return;
        }
        answer_spin(spin, on, list, answer);
    }
    begin_lap(spin);
    if (answer->is_the_read && !lap_read(&spin->lap, list->items, list->count))
        forget(spin);
}

static bool is_call(const struct site *site) {
    return site->kind >= SITE_CALL && site->kind <= SITE_CALL_UNPACKED;
}

// A jump back, in a loop that the anchor is not in, or that is inside its own.
static bool turns_elsewhere(struct spin *spin, const struct site *site, const struct operands *on) {
    bool is_turn = spin->latest_locals == on->locals && spin->latest_code == on->code &&
                   site <= spin->latest && site->in_loop;
    spin->latest_locals = on->locals;
    spin->latest_code = on->code;
    spin->latest = site;
    return is_turn && ++spin->turns >= spin->patience;
}

static void look(struct spin *spin, const struct site *site, const struct operands *on,
                 const struct access_list *list, struct spin_answer *answer) {
    if (!lap_only_reads(list->items, list->count) ||
        (spin->armed && !pure_is_repeatable(site, on))) {
        forget(spin);
        return;
    }
    if (list->count == 0 && !is_call(site))
        return;
    bool is_back = spin->anchor == site && spin->locals == on->locals;
    bool is_elsewhere = turns_elsewhere(spin, site, on) && !is_back;
    if (is_back)
        spin->turns = 0;
    if (is_back && spin->armed && lap_is_even(&spin->lap) && is_same_state(spin, on)) {
        spin->steps = 0;
        close_lap(spin, on, list, answer);
        return;
    }
    if (spin->anchor == NULL || is_elsewhere || ++spin->steps >= spin->power) {
        move_anchor(spin, site, on);
        return;
    }
    if (!is_back)
        return;
    if (pure_is_repeatable(site, on))
        capture(spin, on);
    else
        forget(spin);
}

void spin_look(const struct site *site, const struct operands *on, const struct access_list *list,
               struct spin_answer *answer) {
    answer->spins = answer->is_the_read = answer->is_watched = false;
    if (on->thread < 0)
        return;
    struct spin *spin = &spins[on->thread];
    look(spin, site, on, list, answer);
    answer->is_watched = spin->armed;
    spin->in_library = site->library == LIBRARY_LISTED;
    spin->in_wait = spin->armed && is_call(site) && pure_is_wait(site, on);
}

// The same lap, with this operation; false: it is none that leaves things as they are.
static bool add_operation(struct spin *spin, const struct point_op *op) {
    struct lap *lap = &spin->lap;
    uint64_t key = op->access_count != 0 ? op->accesses[0].key : 0;
    switch (op->kind) {
    case FR_OP_ACCESS:
        return lap_only_reads(op->accesses, op->access_count) &&
               lap_read(lap, op->accesses, op->access_count);
    case FR_OP_TRY:
        return lap_read(lap, op->accesses, op->access_count);
    case FR_OP_ACQUIRE:
        if (op->deadline_ns == 0)
            return lap_take(lap, key);
        return lap_wait(lap, key, spin->in_wait) &&
               (spin->in_wait || lap_read(lap, op->accesses, op->access_count));
    case FR_OP_RELEASE:
        return lap_give_back(lap, key);
    case FR_OP_SLEEP:
        return lap_wait(lap, key, false);
    default:
        return false;
    }
}

static bool is_read(const struct point_op *op) {
    return op->kind == FR_OP_ACCESS && lap_only_reads(op->accesses, op->access_count);
}

void spin_note_look(int thread, uint64_t key) {
    if (!fr_run_holds(runner.explorer, (fr_tid)thread, key))
        note_lock(thread, key, true);
}

struct fr_round spin_note(int thread, const struct point_op *op) {
    struct spin *spin = &spins[thread];
    struct fr_round none = {.is_known = false};
    if (op->kind == FR_OP_TRY || (op->kind == FR_OP_ACQUIRE && op->deadline_ns != 0))
        spin_note_look(thread, op->accesses[0].key);
    if (spin->anchor == NULL || op->kind == FR_OP_SPIN)
        return none;
    if (spin->armed ? !add_operation(spin, op) : op->kind != FR_OP_TRY && !is_read(op))
        forget(spin);
    return spin->armed && op->deadline_ns != 0 ? spin->round : none;
}

void spin_note_progress(void) {
    struct spin *spin = own_spin();
    if (spin != NULL)
        forget(spin);
}

void spin_note_clock(uint64_t now) {
    struct spin *spin = own_spin();
    if (spin == NULL || !spin->armed)
        return;
    struct lap *lap = &spin->lap;
    // Read at two times in one round: the next round is another one.
    if (lap->reads_clock && lap->clock != now)
        forget(spin);
    *(spin->in_library ? &lap->library_reads : &lap->reads_clock) = true;
    lap->clock = now;
}

void spin_leave(const PyCodeObject *code) {
    int index = carrier_current_main();
    // The next anchor may be in the caller, and must stay there for longer than one call.
    if (index >= 0 && spins[index].code == code)
        drop_anchor(&spins[index]);
}

void spin_reset(uint32_t thread_count) {
    for (uint32_t i = 0; i < thread_count; i++)
        forget(&spins[i]);
    lock_use_count = 0;
    other_locks = (struct lock_use){.key = 0};
}
