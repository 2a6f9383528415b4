// Fiber carrier: parked OS threads lend stack and identity to the one kernel thread that runs.
// SPDX-License-Identifier: Apache-2.0
//
// A shell is a real pthread that parks for good. The controller's kernel thread runs on its stack
// with its FS base, and with these go pthread_self, thread-local storage, errno and the bounds of
// the stack: Python sees what it would see of OS threads that hand over the GIL, at a fortieth of
// the price. What it cannot do: go on when one of them blocks in the kernel.
#include "carrier_futex.h"
#include "carrier_ops.h"
#include "carrier_switch.h"

#include <errno.h>
#include <signal.h>
#include <sys/auxv.h>

#ifdef CARRIER_SWITCH_EXISTS

#define HWCAP2_FSGSBASE_BIT 2UL  // the kernel lets user code write the FS base
// Left to the parked pthread above the fiber: room for a signal frame of glibc's own setxid signal.
#define SHELL_RESERVE ((uintptr_t)64 << 10)

enum { SHELL_WAITS, SHELL_READY, SHELL_QUIT };  // the word `wake` of its carrier

struct shell {
    struct carrier *carrier;
    void (*entry)(void);
};

static _Thread_local struct carrier *mine;

static void enter(void) {
    carrier_live(mine);
}

static void *lend(void *argument) {
    struct shell *shell = argument;
    struct carrier *carrier = shell->carrier;
    char here;
    mine = carrier;
    carrier_adopt(carrier);
    carrier->fs_base = carrier_switch_fs_base();
    void *top = (void *)((uintptr_t)&here - SHELL_RESERVE);
    carrier->stack_pointer = carrier_switch_prepare(top, shell->entry);
    futex_post(&carrier->wake, SHELL_READY);
    while (atomic_load(&carrier->wake) != SHELL_QUIT)
        futex_wait(&carrier->wake, SHELL_READY, NULL);
    return NULL;
}

// The shell is parked, with all signals blocked, when this returns 0.
static int make_shell(struct carrier *carrier, void (*entry)(void)) {
    struct shell shell = {.carrier = carrier, .entry = entry};
    pthread_attr_t attributes;
    int error = pthread_attr_init(&attributes);
    if (error)
        return error;
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    error = pthread_attr_setstacksize(&attributes, CARRIER_STACK_SIZE + SHELL_RESERVE);
    if (!error)
        error = pthread_create(&carrier->thread, &attributes, lend, &shell);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    while (!error && atomic_load(&carrier->wake) == SHELL_WAITS)
        futex_wait(&carrier->wake, SHELL_WAITS, NULL);
    return error;
}

static int spawn(struct carrier *carrier) {
    return make_shell(carrier, enter);
}

static struct {
    struct carrier *controller;
    sigset_t mask;             // the controller's
    _Atomic bool rescuing;     // a rescuer is under way
    _Atomic bool rescued;      // and it went on as the controller
    _Atomic uint64_t stalled;  // the progress at which the watchdog lost its patience
} room;

static int handoff(struct carrier *from, struct carrier *to) {
    if (!carrier_pass(from, to))
        carrier_park(false);  // was blocked, and a rescuer goes on in another kernel thread
    carrier_switch(&from->stack_pointer, to->stack_pointer, to->fs_base);
    if (from != room.controller)
        return CARRIER_BACK;
    from->stack_pointer = NULL;
    return atomic_exchange(&room.rescued, false) ? CARRIER_BLOCKED : CARRIER_BACK;
}

// ------------------------------------------------------------------------------ rescue

static void *rescue(void *Py_UNUSED(argument)) {
    struct carrier *controller = room.controller;
    void *there = __atomic_load_n(&controller->stack_pointer, __ATOMIC_ACQUIRE);
    // NULL: the controller is about to leave its stack. The watchdog will call again.
    bool seized = there && carrier_seize(atomic_load(&room.stalled));
    atomic_store(&room.rescued, seized);
    atomic_store(&room.rescuing, false);
    if (!seized)
        return NULL;
    pthread_sigmask(SIG_SETMASK, &room.mask, NULL);
    void *here;  // nobody comes back
    carrier_switch(&here, there, controller->fs_base);
    return NULL;
}

static void stalled(void) {
    if (atomic_exchange(&room.rescuing, true))
        return;
    atomic_store(&room.stalled, carrier_progress());
    pthread_t rescuer;
    if (pthread_create(&rescuer, NULL, rescue, NULL))
        carrier_watchdog_give_up("frontrun: a thread is blocked outside our control, and no other "
                                 "can be made; run again with FRONTRUN_CARRIER=thread\n");
    pthread_detach(rescuer);
}

static void open_room(struct carrier *controller, struct carrier *_Atomic *Py_UNUSED(pool)) {
    controller->fs_base = carrier_switch_fs_base();
    controller->stack_pointer = NULL;
    room.controller = controller;
    pthread_sigmask(SIG_SETMASK, NULL, &room.mask);
    atomic_store(&room.rescued, false);
}

// ------------------------------------------------------------------------------ self-test

enum { TEST_SHELLS = 2, TEST_ROUNDS = 50 };

static struct {
    struct carrier carriers[TEST_SHELLS];
    struct carrier home;
    pthread_key_t key;
    int wrong;
} test;

static void test_step(struct carrier *from, struct carrier *to) {
    carrier_switch(&from->stack_pointer, to->stack_pointer, to->fs_base);
}

// Each shell must keep its own name, thread-specific value and errno over every switch.
static void test_entry(void) {
    struct carrier *me = mine;
    int number = me->index;
    struct carrier *other = &test.carriers[TEST_SHELLS - 1 - number];
    pthread_setspecific(test.key, me);
    for (int i = 0; i < TEST_ROUNDS; i++) {
        errno = 1000 + number;
        test_step(me, other);
        if (!pthread_equal(pthread_self(), me->thread) || mine != me ||
            pthread_getspecific(test.key) != me || errno != 1000 + number)
            test.wrong++;
    }
    test_step(me, number == 0 ? other : &test.home);
    test.wrong++;  // nobody comes back here
}

static bool self_test(void) {
    int made = 0;
    test.wrong = 0;
    if (pthread_key_create(&test.key, NULL))
        return false;
    test.home.fs_base = carrier_switch_fs_base();
    for (; made < TEST_SHELLS; made++) {
        test.carriers[made] = (struct carrier){.index = made};
        if (make_shell(&test.carriers[made], test_entry))
            break;
    }
    if (made == TEST_SHELLS)
        test_step(&test.home, &test.carriers[0]);
    for (int i = 0; i < made; i++) {
        futex_post(&test.carriers[i].wake, SHELL_QUIT);
        pthread_join(test.carriers[i].thread, NULL);
    }
    pthread_key_delete(test.key);
    return made == TEST_SHELLS && test.wrong == 0;
}

static bool available(void) {
    static int known = -1;
    if (known < 0)
        known = (getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE_BIT) && self_test();
    return known;
}

#else  // another machine: the thread carrier does it

static bool available(void) {
    return false;
}

static int spawn(struct carrier *Py_UNUSED(carrier)) {
    return ENOSYS;
}

static int handoff(struct carrier *Py_UNUSED(from), struct carrier *Py_UNUSED(to)) {
    return 0;
}

static void stalled(void) {}

static void open_room(struct carrier *Py_UNUSED(controller),
                      struct carrier *_Atomic *Py_UNUSED(pool)) {}

#endif

static void close_room(void) {}

const struct carrier_ops carrier_fiber_ops = {
    .name = "fiber",
    .available = available,
    .open = open_room,
    .close = close_room,
    .spawn = spawn,
    .handoff = handoff,
    .stalled = stalled,
};
