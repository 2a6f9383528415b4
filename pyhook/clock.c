// Clock: what time it is for the program under test, and how it waits.
// SPDX-License-Identifier: Apache-2.0
#include "clock.h"

#include <assert.h>
#include <math.h>

#include "carrier.h"
#include "observe.h"
#include "point.h"
#include "runner.h"
#include "spin.h"

// A thread may read the clock this often at one instant before it counts as polling; after each
// step, a quarter of that.
#define PATIENCE 256
#define PATIENCE_DIVISOR 4
// The same where a wait of its own timed out at that instant, or where looking is an event: what
// still waits then (futures.as_completed, for an end to have passed) does no more than look.
#define PATIENCE_SHORT 8
// How far the clock moves for a thread that polls it: at least so far, ...
#define STEP_MIN UINT64_C(1000000)
// ... and this part of the time that it has been polling. Where any time may have passed: all of
// it.
#define STEP_SHARE 64
#define STEP_SHARE_EXPLORED 1

// How a thread reads the clock.
struct poller {
    uint64_t at;     // the instant at which ...
    uint32_t reads;  // ... it has read it so often
    uint32_t patience;
    bool timed_out;  // a wait ended at that instant
    bool polls;      // it does so, ...
    uint64_t since;  // ... since then
};

static struct {
    enum clock_mode mode;
    uint64_t outside;                           // time that passed in setup() and invariant()
    uint64_t explored;                          // the clock as a variable
    PyObject *variable;                         // names it: its location is this object's
    struct poller pollers[FR_THREADS_MAX + 1];  // the last is the controller's
    bool polled;                                // they are not all as at the beginning
} clock_state = {.polled = true};

const char *clock_mode_word(enum clock_mode mode) {
    static const char *const words[CLOCK_MODES] = {"virtual", "explored", "real"};
    assert(mode < CLOCK_MODES);
    return words[mode];
}

int clock_open(void) {
    clock_state.variable = PyImport_ImportModule("time");
    if (clock_state.variable == NULL || clock_time_open() < 0 || clock_datetime_open() < 0)
        return -1;
    return clock_select_open();
}

void clock_enable(void) {
    clock_time_enable();
    clock_datetime_enable();
    clock_select_enable();
}

void clock_disable(void) {
    clock_select_disable();
    clock_datetime_disable();
    clock_time_disable();
}

void clock_begin(enum clock_mode mode) {
    clock_state.mode = mode;
    clock_state.outside = 0;
    clock_state.explored = 0;
    for (size_t i = 0; i <= FR_THREADS_MAX && clock_state.polled; i++)
        clock_state.pollers[i] = (struct poller){.patience = PATIENCE};
    clock_state.polled = false;
}

// ------------------------------------------------------------------------------ reading

bool clock_is_ours(void) {
    // First: a thread of an execution given up stops here for good.
    int index = carrier_current();
    // There every look at the clock may be another one.
    if (clock_state.mode != CLOCK_VIRTUAL)
        spin_note_progress();
    if (clock_state.mode == CLOCK_REAL || runner.phase == RUNNER_IDLE)
        return false;
    return index >= 0 || (index == CARRIER_CONTROLLER && runner.phase == RUNNER_OUTSIDE);
}

uint64_t clock_now(void) {
    uint64_t now = clock_state.outside;
    uint64_t inside =
        clock_state.mode == CLOCK_VIRTUAL ? fr_run_now(runner.explorer) : clock_state.explored;
    return now + inside < now ? UINT64_MAX : now + inside;
}

// The clock as a variable: one access of it.
static int touch_variable(enum fr_mode mode, const char *action) {
    struct fr_access access = {.key = location_of_object(clock_state.variable), .mode = mode};
    point_close();  // looking up the source may run Python code
    struct point_op op = {.kind = FR_OP_ACCESS,
                          .place = place_of_caller(action, NULL),
                          .accesses = &access,
                          .access_count = 1};
    point_reopen();
    return op.place != NULL ? point_pass(&op) : -1;
}

static int wait_until(uint64_t deadline) {
    point_close();
    struct point_op op = {
        .kind = FR_OP_SLEEP, .place = place_of_caller("sleep", NULL), .deadline_ns = deadline};
    point_reopen();
    return op.place != NULL ? point_pass(&op) : -1;
}

static uint64_t add(uint64_t a, uint64_t b) {
    return a + b < a ? UINT64_MAX : a + b;
}

// Lets time pass. -1 with an exception.
static int pass_time(uint64_t nanoseconds) {
    if (!point_is_open()) {
        // In setup() or invariant(), or in an import: nobody else can do anything meanwhile.
        if (carrier_current() == CARRIER_CONTROLLER)
            clock_state.outside = add(clock_state.outside, nanoseconds);
        return 0;
    }
    if (runner_is_aborting())
        return 0;
    if (clock_state.mode == CLOCK_VIRTUAL)
        return wait_until(add(fr_run_now(runner.explorer), nanoseconds));
    uint64_t due = add(clock_state.explored, nanoseconds);
    if (touch_variable(FR_WRITE, "sleep") < 0)
        return -1;
    if (clock_state.explored < due)
        clock_state.explored = due;
    return 0;
}

static struct poller *find_poller(void) {
    int index = carrier_current();
    clock_state.polled = true;
    return &clock_state.pollers[index >= 0 ? index : FR_THREADS_MAX];
}

// How long a thread that polls the clock is to wait now.
static uint64_t next_step(struct poller *poller, uint64_t now) {
    if (!poller->polls)
        poller->since = now;
    poller->polls = true;
    bool is_explored = clock_state.mode == CLOCK_EXPLORED;
    uint64_t step = (now - poller->since) / (is_explored ? STEP_SHARE_EXPLORED : STEP_SHARE);
    return step > STEP_MIN ? step : STEP_MIN;
}

uint64_t clock_poll(void) {
    return clock_deadline(next_step(find_poller(), clock_now()));
}

static void begin_instant(struct poller *poller, uint64_t now) {
    if (poller->at == now)
        return;
    poller->at = now;
    poller->reads = 0;
    poller->timed_out = false;
}

// Counts one look at the clock; lets time pass if the caller does nothing but look. -1 with an
// exception.
static int count_look(struct poller *poller) {
    uint64_t now = clock_now();
    begin_instant(poller, now);
    bool is_short = poller->timed_out || clock_state.mode == CLOCK_EXPLORED;
    uint32_t patience =
        is_short && poller->patience > PATIENCE_SHORT ? PATIENCE_SHORT : poller->patience;
    if (++poller->reads <= patience)
        return 0;
    poller->patience /= PATIENCE_DIVISOR;
    spin_note_progress();  // how far time moves is no function of what the loop does
    if (pass_time(next_step(poller, now)) < 0)
        return -1;
    begin_instant(poller, clock_now());
    return 0;
}

int clock_read(uint64_t *now) {
    if (count_look(find_poller()) < 0)
        return -1;
    if (clock_state.mode == CLOCK_EXPLORED && point_is_open() && !runner_is_aborting() &&
        touch_variable(FR_READ, "read") < 0)
        return -1;
    *now = clock_now();
    spin_note_clock(*now);
    return 0;
}

// ------------------------------------------------------------------------------ waiting

int clock_sleep(uint64_t nanoseconds) {
    struct poller *poller = find_poller();
    if (nanoseconds == 0)
        return count_look(poller);
    poller->patience = PATIENCE;
    poller->polls = false;
    return pass_time(nanoseconds);
}

uint64_t clock_nanoseconds(double seconds) {
    if (!(seconds > 0))
        return 0;
    double nanoseconds = ceil(seconds * (double)CLOCK_NANOSECONDS);
    return nanoseconds >= (double)CLOCK_FOREVER ? CLOCK_FOREVER : (uint64_t)nanoseconds;
}

uint64_t clock_deadline(uint64_t nanoseconds) {
    if (nanoseconds >= CLOCK_FOREVER)
        return 0;
    uint64_t deadline = add(fr_run_now(runner.explorer), nanoseconds);
    return deadline != 0 ? deadline : 1;
}

bool clock_has_deadlines(void) {
    return clock_state.mode == CLOCK_VIRTUAL;
}

int clock_time_out(uint64_t nanoseconds) {
    if (!clock_is_ours())
        return 0;
    // Virtual time has passed in the engine already.
    bool has_passed = clock_state.mode == CLOCK_VIRTUAL && carrier_current() >= 0;
    if (!has_passed && pass_time(nanoseconds) < 0)
        return -1;
    struct poller *poller = find_poller();
    begin_instant(poller, clock_now());
    poller->timed_out = true;
    return 0;
}
