// Spin: recognises a loop of a thread that changes nothing, and lets the thread wait instead.
// SPDX-License-Identifier: Apache-2.0
#include "spin.h"

#include <string.h>

#include "carrier.h"
#include "clock.h"
#include "observe.h"
#include "pure.h"

// Larger local states are not compared: such a loop is never taken for a spin.
#define VALUES_MAX 128
// The longest loop that is recognised, in events.
#define POWER_MAX 256
// How long the anchor stays at first: most loops are shorter.
#define POWER_MIN 15

struct value {
    PyObject *object;   // a strong reference if it is plain, else pinned by location.c
    PyObject *content;  // likewise, of a cell
};

// Where a thread may be going round. The anchor moves as in Brent's algorithm (BIT 20, 1980), so
// that every loop is found.
struct spin {
    const struct site *anchor;  // NULL: none
    PyObject **locals;          // of its frame
    const PyCodeObject *code;   // only compared
    uint32_t steps, power;
    bool armed;      // values hold the local state at the anchor
    bool polls;      // has read the clock since ...
    uint64_t clock;  // ... which stood here
    uint32_t value_count;
    uint32_t access_count;
    struct value values[VALUES_MAX];
    struct fr_access accesses[FR_ACCESSES_MAX];  // read since the anchor
};

static struct spin spins[FR_THREADS_MAX];

static struct spin *own_spin(void) {
    int index = carrier_current();
    return index >= 0 ? &spins[index] : NULL;
}

// ------------------------------------------------------------------------------ local state

static void release(PyObject *object) {
    if (object != NULL && pure_is_plain(object))
        Py_DECREF(object);
}

static void disarm(struct spin *spin) {
    for (uint32_t i = 0; i < spin->value_count; i++) {
        release(spin->values[i].object);
        release(spin->values[i].content);
    }
    spin->value_count = 0;
    spin->armed = false;
}

static void drop_anchor(struct spin *spin) {
    if (spin->anchor != NULL)
        disarm(spin);
    spin->anchor = NULL;
    spin->code = NULL;
    spin->polls = false;
}

static void forget(struct spin *spin) {
    drop_anchor(spin);
    spin->power = 0;
}

static PyObject *keep(PyObject *object) {
    if (object == NULL)
        return NULL;
    if (pure_is_plain(object))
        return Py_NewRef(object);
    location_of_object(object);  // its address stays its own
    return object;
}

static PyObject *content_of(PyObject *object) {
    return object != NULL && PyCell_Check(object) ? PyCell_GET(object) : NULL;
}

static void capture(struct spin *spin, const struct operands *on) {
    disarm(spin);
    spin->access_count = 0;
    spin->polls = false;
    if (on->top - on->locals > VALUES_MAX)
        return;
    for (PyObject **at = on->locals; at < on->top; at++)
        spin->values[spin->value_count++] =
            (struct value){.object = keep(*at), .content = keep(content_of(*at))};
    spin->armed = true;
}

static bool is_same(PyObject *before, PyObject *now) {
    if (before == now)
        return true;
    if (before == NULL || now == NULL || Py_TYPE(before) != Py_TYPE(now) || !pure_is_plain(now))
        return false;
    if (PyFloat_CheckExact(now)) {
        double a = PyFloat_AS_DOUBLE(before), b = PyFloat_AS_DOUBLE(now);
        return memcmp(&a, &b, sizeof a) == 0;
    }
    return PyObject_RichCompareBool(before, now, Py_EQ) == 1;
}

static bool is_same_state(const struct spin *spin, const struct operands *on) {
    if (on->top - on->locals != (Py_ssize_t)spin->value_count)
        return false;
    for (uint32_t i = 0; i < spin->value_count; i++) {
        const struct value *value = &spin->values[i];
        PyObject *now = on->locals[i];
        if (!is_same(value->object, now) || !is_same(value->content, content_of(now)))
            return false;
    }
    return true;
}

// ------------------------------------------------------------------------------ what was read

static bool only_reads(const struct fr_access *accesses, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (accesses[i].mode != FR_READ && accesses[i].mode != FR_READ_WEAK)
            return false;
    return true;
}

static bool has_read(const struct spin *spin, uint64_t key) {
    for (uint32_t i = 0; i < spin->access_count; i++)
        if (spin->accesses[i].key == key)
            return true;
    return false;
}

static void add_reads(struct spin *spin, const struct fr_access *accesses, uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        if (has_read(spin, accesses[i].key))
            continue;
        if (spin->access_count == FR_ACCESSES_MAX) {
            forget(spin);
            return;
        }
        spin->accesses[spin->access_count++] =
            (struct fr_access){.key = accesses[i].key, .mode = FR_READ};
    }
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
    spin->anchor = site;
    spin->locals = on->locals;
    spin->code = on->code;
    spin->steps = 0;
}

// The thread is at the anchor again, in the state it was in.
static void wait_for_writes(struct spin *spin, const struct access_list *list,
                            struct spin_answer *answer) {
    // A time has come that the last round did not see.
    bool is_late = spin->polls && clock_now() != spin->clock;
    if (spin->access_count != 0 && !is_late) {
        answer->spins = true;
        answer->deadline_ns = spin->polls ? clock_poll() : 0;
        answer->access_count = spin->access_count;
        memcpy(answer->accesses, spin->accesses, spin->access_count * sizeof spin->accesses[0]);
        answer->is_the_read = list->count == spin->access_count;
        for (uint32_t i = 0; i < list->count; i++)
            answer->is_the_read &= has_read(spin, list->items[i].key);
    }
    spin->access_count = 0;
    spin->polls = false;
    if (answer->is_the_read)
        add_reads(spin, list->items, list->count);
}

static bool is_call(const struct site *site) {
    return site->kind >= SITE_CALL && site->kind <= SITE_CALL_UNPACKED;
}

static void look(struct spin *spin, const struct site *site, const struct operands *on,
                 const struct access_list *list, struct spin_answer *answer) {
    if (!only_reads(list->items, list->count) || (spin->armed && !pure_is_repeatable(site, on))) {
        forget(spin);
        return;
    }
    if (list->count == 0 && !is_call(site))
        return;
    bool is_back = spin->anchor == site && spin->locals == on->locals;
    if (is_back && spin->armed && is_same_state(spin, on)) {
        spin->steps = 0;
        wait_for_writes(spin, list, answer);
        return;
    }
    if (spin->anchor == NULL || ++spin->steps >= spin->power) {
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
}

void spin_note(int thread, const struct point_op *op) {
    struct spin *spin = &spins[thread];
    if (spin->anchor == NULL || op->kind == FR_OP_SPIN)
        return;
    bool may_read = op->kind == FR_OP_TRY ||
                    (op->kind == FR_OP_ACCESS && only_reads(op->accesses, op->access_count));
    if (!may_read)
        forget(spin);
    else if (spin->armed)
        add_reads(spin, op->accesses, op->access_count);
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
    // Read at two times in one round: the next round is another one.
    if (spin->polls && spin->clock != now)
        forget(spin);
    spin->polls = true;
    spin->clock = now;
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
}
