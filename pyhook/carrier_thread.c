// Thread carrier: pooled OS threads on one CPU, the turn handed over by futex.
// SPDX-License-Identifier: Apache-2.0
//
// All of them are pinned to the controller's CPU while an exploration is open: only one runs at a
// time anyway, and a hand-over that crosses CPUs costs twice as much.
#include "carrier_futex.h"
#include "carrier_ops.h"

#include <sched.h>

static struct {
    struct carrier *controller;
    cpu_set_t allowed;  // the controller's CPUs before
    bool pinned;
    // The progress at which the watchdog lost its patience, or saw somebody sleep, plus one.
    _Atomic uint64_t stalled_at;
    _Atomic uint64_t slept_at;
    _Atomic uint64_t switches;  // of the sleeper
} room;

static bool available(void) {
    return true;
}

static void pin(struct carrier *_Atomic *pool) {
    room.pinned = false;
    int cpu = sched_getcpu();
    if (cpu < 0 || cpu >= CPU_SETSIZE || sched_getaffinity(0, sizeof room.allowed, &room.allowed))
        return;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)cpu, &one);
    if (sched_setaffinity(0, sizeof one, &one))
        return;  // only speed is lost
    room.pinned = true;
    for (int i = 0; i < CARRIER_COUNT_MAX; i++) {
        struct carrier *carrier = atomic_load(&pool[i]);
        if (carrier)
            pthread_setaffinity_np(carrier->thread, sizeof one, &one);
    }
}

static void open_room(struct carrier *controller, struct carrier *_Atomic *pool) {
    room.controller = controller;
    atomic_store(&room.stalled_at, 0);
    atomic_store(&room.slept_at, 0);
    pin(pool);
}

static void close_room(void) {
    if (room.pinned)
        sched_setaffinity(0, sizeof room.allowed, &room.allowed);
    room.pinned = false;
}

// CARRIER_BACK, or why the controller need not wait any longer.
static int wait_turn(struct carrier *me) {
    while (!carrier_has_turn(me)) {
        uint64_t now = carrier_progress() + 1;
        if (me == room.controller && atomic_load(&room.stalled_at) == now)
            return CARRIER_BLOCKED;
        if (me == room.controller && atomic_exchange(&room.slept_at, 0) == now)
            return CARRIER_ASLEEP;
        futex_wait(&me->wake, 0, NULL);
        atomic_store(&me->wake, 0);
    }
    return CARRIER_BACK;
}

static void *run(void *argument) {
    struct carrier *me = argument;
    carrier_adopt(me);
    atomic_store(&me->kernel_thread, (int)syscall(SYS_gettid));
    wait_turn(me);
    carrier_live(me);
}

static int spawn(struct carrier *carrier) {
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error)
        return error;
    error = pthread_attr_setstacksize(&attributes, CARRIER_STACK_SIZE);
    if (!error)
        error = pthread_create(&carrier->thread, &attributes, run, carrier);
    pthread_attr_destroy(&attributes);
    return error;
}

static int handoff(struct carrier *from, struct carrier *to) {
    if (!carrier_pass(from, to))
        carrier_park(false);
    futex_post(&to->wake, 1);
    return wait_turn(from);
}

// The controller finds out by itself whether there was progress since.
static void stalled(void) {
    atomic_store(&room.stalled_at, carrier_progress() + 1);
    futex_post(&room.controller->wake, 1);
}

static void slept(uint64_t progress, uint64_t switches) {
    atomic_store(&room.switches, switches);
    atomic_store(&room.slept_at, progress + 1);
    futex_post(&room.controller->wake, 1);
}

static struct carrier *sleeper(void) {
    struct carrier *running = carrier_running();
    uint64_t switches;
    // One that woke up and now waits for the GIL, which the caller has, went to sleep once more.
    bool sleeps = running && carrier_sleeps(atomic_load(&running->kernel_thread), &switches) &&
                  switches == atomic_load(&room.switches);
    return sleeps ? running : NULL;
}

const struct carrier_ops carrier_thread_ops = {
    .name = "thread",
    .available = available,
    .open = open_room,
    .close = close_room,
    .spawn = spawn,
    .handoff = handoff,
    .stalled = stalled,
    .wait = wait_turn,
    .slept = slept,
    .sleeper = sleeper,
};
