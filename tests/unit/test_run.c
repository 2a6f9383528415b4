// One execution as a model: who has which name, who is enabled, and which calls are out of order.
// SPDX-License-Identifier: Apache-2.0
#include "run.h"

#include "alloc_fault.h"
#include "check.h"

struct room {
    struct alloc_fault fault;
    struct alloc alloc;
    struct run run;
};

static void open_room(struct room *room, uint32_t threads) {
    *room = (struct room){0};
    room->alloc.host = alloc_fault_allocator(&room->fault);
    CHECK_OK(run_init(&room->run, &room->alloc, threads, false));
    run_forget(&room->run);
}

static void close_room(struct room *room) {
    run_release(&room->run);
    CHECK(room->fault.blocks == 0, "all is free");
}

static fr_tid enter(struct room *room, fr_tid parent) {
    fr_tid tid;
    CHECK_OK(run_enter(&room->run, parent, &tid));
    return tid;
}

static void announce(struct room *room, fr_tid tid, enum fr_op_kind kind, uint64_t key) {
    struct fr_access access = {.key = key, .mode = FR_READ};
    struct fr_op op = {.kind = kind, .accesses = &access, .access_count = 1};
    CHECK_OK(run_announce(&room->run, tid, &op));
}

static void announce_thread(struct room *room, fr_tid tid, enum fr_op_kind kind, fr_tid target) {
    struct fr_op op = {.kind = kind, .target = target};
    CHECK_OK(run_announce(&room->run, tid, &op));
}

static void perform(struct room *room, fr_tid tid) {
    CHECK(run_is_enabled(&room->run, tid), "thread %u is not enabled", tid);
    CHECK_OK(run_perform(&room->run, tid));
}

static void test_workers_count_up_and_children_are_named_by_their_parent(void) {
    struct room room;
    open_room(&room, 8);
    CHECK(enter(&room, FR_TID_NONE) == 0 && enter(&room, FR_TID_NONE) == 1, "workers");
    fr_tid child;
    CHECK_OK(run_child(&room.run, 1, &child));
    CHECK(child == 2, "the number it will have");
    CHECK_OK(run_child(&room.run, 1, &child));
    CHECK(child == 2 && enter(&room, 1) == 2, "asking twice makes no second one");
    CHECK(enter(&room, 1) == 3 && enter(&room, 0) == 4, "children");
    uint64_t first_of_1 = room.run.threads[2].name;
    // In the next execution they come in another order.
    run_begin(&room.run);
    CHECK(enter(&room, FR_TID_NONE) == 0 && enter(&room, FR_TID_NONE) == 1, "workers");
    CHECK(enter(&room, 0) == 4 && enter(&room, 1) == 2 && enter(&room, 1) == 3,
          "first child of 0, first and second of 1: the numbers they had");
    CHECK(room.run.threads[2].name == first_of_1, "and their names");
    for (fr_tid a = 0; a < 5; a++)
        for (fr_tid b = 0; b < a; b++)
            CHECK(room.run.threads[a].name != room.run.threads[b].name, "%u and %u", a, b);
    run_forget(&room.run);
    CHECK(enter(&room, FR_TID_NONE) == 0 && enter(&room, 0) == 1, "a new exploration counts anew");
    CHECK(room.run.threads[1].name != first_of_1, "the first child of 0 is not that of 1");
    close_room(&room);
}

static void test_there_are_no_more_threads_than_configured(void) {
    struct room room;
    open_room(&room, 2);
    enter(&room, FR_TID_NONE);
    enter(&room, 0);
    fr_tid tid;
    CHECK(run_enter(&room.run, FR_TID_NONE, &tid) == FR_LIMIT, "a third worker");
    CHECK(run_child(&room.run, 0, &tid) == FR_LIMIT, "a second child");
    CHECK(room.run.thread_count == 2, "two there are");
    close_room(&room);
}

static enum fr_status announce_status(struct room *room, fr_tid tid, struct fr_op op) {
    return run_announce(&room->run, tid, &op);
}

static void test_malformed_operations_are_refused(void) {
    struct room room;
    open_room(&room, 4);
    enter(&room, FR_TID_NONE);
    struct fr_access accesses[FR_ACCESSES_MAX + 1] = {{.key = 1, .mode = FR_READ}};
    struct fr_access bad_mode = {.key = 1, .mode = FR_MODES};
    struct fr_op bad[] = {
        {.kind = FR_OP_KINDS},
        {.kind = FR_OP_ACCESS, .accesses = accesses, .access_count = FR_ACCESSES_MAX + 1},
        {.kind = FR_OP_ACCESS, .accesses = &bad_mode, .access_count = 1},
        {.kind = FR_OP_ACQUIRE},
        {.kind = FR_OP_ACQUIRE, .accesses = accesses, .access_count = 2},
        {.kind = FR_OP_CAS},
        {.kind = FR_OP_UPDATE},
        {.kind = FR_OP_SPIN},
        {.kind = FR_OP_SPAWN, .target = 1},
        {.kind = FR_OP_JOIN, .target = FR_TID_NONE},
        {.kind = FR_OP_JOIN, .target = 0, .accesses = accesses, .access_count = 1},
    };
    for (uint32_t i = 0; i < sizeof bad / sizeof *bad; i++)
        CHECK(announce_status(&room, 0, bad[i]) == FR_MISUSE, "operation %u", i);
    CHECK(!room.run.threads[0].pending, "and nothing is pending");
    struct fr_op most = {
        .kind = FR_OP_ACCESS, .accesses = accesses, .access_count = FR_ACCESSES_MAX};
    CHECK_OK(run_announce(&room.run, 0, &most));
    perform(&room, 0);
    struct fr_op none = {.kind = FR_OP_ACCESS};
    CHECK_OK(run_announce(&room.run, 0, &none));  // an event that touches nothing shared
    perform(&room, 0);
    close_room(&room);
}

static void test_calls_out_of_order_are_refused(void) {
    struct room room;
    open_room(&room, 4);
    fr_tid tid;
    struct fr_op nothing = {.kind = FR_OP_ACCESS};
    CHECK(run_enter(&room.run, 0, &tid) == FR_MISUSE, "no such parent");
    CHECK(run_child(&room.run, 0, &tid) == FR_MISUSE, "no such parent");
    CHECK(run_announce(&room.run, 0, &nothing) == FR_MISUSE, "no such thread");
    CHECK(run_leave(&room.run, 0) == FR_MISUSE, "no such thread");
    enter(&room, FR_TID_NONE);
    CHECK_OK(run_announce(&room.run, 0, &nothing));
    CHECK(run_announce(&room.run, 0, &nothing) == FR_MISUSE, "one operation is pending");
    CHECK(run_leave(&room.run, 0) == FR_MISUSE, "it has an operation to do");
    perform(&room, 0);
    CHECK_OK(run_leave(&room.run, 0));
    CHECK(run_leave(&room.run, 0) == FR_MISUSE, "it is gone");
    CHECK(run_announce(&room.run, 0, &nothing) == FR_MISUSE, "it is gone");
    run_begin(&room.run);
    CHECK(run_announce(&room.run, 0, &nothing) == FR_MISUSE, "not entered in this execution");
    CHECK(run_child(&room.run, 0, &tid) == FR_MISUSE, "nor a parent");
    close_room(&room);
}

static void test_a_held_lock_disables_who_wants_it(void) {
    struct room room;
    open_room(&room, 4);
    for (fr_tid t = 0; t < 3; t++)
        enter(&room, FR_TID_NONE);
    CHECK(!run_is_settled(&room.run), "nobody has announced");
    announce(&room, 0, FR_OP_ACQUIRE, 1);
    announce(&room, 1, FR_OP_ACQUIRE, 1);
    announce(&room, 2, FR_OP_TRY, 1);
    CHECK(run_is_settled(&room.run) && run_enabled(&room.run) == 7, "it is free");
    perform(&room, 0);
    CHECK(!run_is_settled(&room.run), "thread 0 has not said what comes next");
    announce(&room, 0, FR_OP_ACQUIRE, 1);
    CHECK(run_enabled(&room.run) == 4, "it is held: also against its holder; only TRY goes on");
    perform(&room, 2);
    CHECK(!room.run.outcome, "and fails");
    announce(&room, 2, FR_OP_RELEASE, 1);
    perform(&room, 2);
    CHECK(room.run.outcome && run_enabled(&room.run) == 3, "anybody may release it");
    close_room(&room);
}

static void test_a_join_waits_for_the_end(void) {
    struct room room;
    open_room(&room, 4);
    enter(&room, FR_TID_NONE);
    fr_tid child = enter(&room, 0);
    announce_thread(&room, 0, FR_OP_SPAWN, child);
    CHECK(run_is_settled(&room.run), "a thread that is not started owes nothing");
    announce(&room, child, FR_OP_ACCESS, 1);
    CHECK(run_enabled(&room.run) == 1, "and does nothing");
    perform(&room, 0);
    CHECK(tset_has(run_enabled(&room.run), child), "now it is started");
    announce_thread(&room, 0, FR_OP_JOIN, child);
    CHECK(run_enabled(&room.run) == tset_of(child), "the join waits");
    perform(&room, child);
    CHECK(!run_is_enabled(&room.run, 0), "still");
    CHECK_OK(run_leave(&room.run, child));
    CHECK(run_enabled(&room.run) == 1, "until it has left");
    perform(&room, 0);
    CHECK_OK(run_leave(&room.run, 0));
    CHECK(room.run.live == 0 && run_enabled(&room.run) == 0, "all are gone");
    close_room(&room);
}

// A child may enter after its SPAWN was performed as well as before.
static void test_a_child_may_enter_late(void) {
    struct room room;
    open_room(&room, 4);
    enter(&room, FR_TID_NONE);
    fr_tid child;
    CHECK_OK(run_child(&room.run, 0, &child));
    announce_thread(&room, 0, FR_OP_SPAWN, child);
    perform(&room, 0);
    CHECK(!tset_has(room.run.live, child), "not there yet");
    CHECK(enter(&room, 0) == child && tset_has(room.run.live, child), "now it is");
    announce(&room, child, FR_OP_ACCESS, 1);
    CHECK(run_is_enabled(&room.run, child), "and may run");
    close_room(&room);
}

static void test_a_spin_waits_for_a_write(void) {
    struct room room;
    open_room(&room, 4);
    enter(&room, FR_TID_NONE);
    enter(&room, FR_TID_NONE);
    announce(&room, 0, FR_OP_SPIN, 1);
    announce(&room, 1, FR_OP_ACCESS, 1);
    perform(&room, 0);  // it has never looked: it looks
    announce(&room, 0, FR_OP_SPIN, 1);
    CHECK(!run_is_enabled(&room.run, 0), "it has seen what is there");
    perform(&room, 1);
    CHECK(!run_is_enabled(&room.run, 0), "a read changes nothing");
    announce(&room, 1, FR_OP_UPDATE, 1);
    perform(&room, 1);
    CHECK(run_is_enabled(&room.run, 0), "a write wakes it");
    perform(&room, 0);
    announce(&room, 0, FR_OP_SPIN, 1);
    CHECK(!run_is_enabled(&room.run, 0), "once");
    announce(&room, 1, FR_OP_UPDATE, 1);
    perform(&room, 1);
    announce(&room, 1, FR_OP_SPIN, 1);
    CHECK(!run_is_enabled(&room.run, 1), "its own write is nothing new to it");
    close_room(&room);
}

static void test_a_spin_waits_for_any_of_its_objects(void) {
    struct room room;
    open_room(&room, 4);
    enter(&room, FR_TID_NONE);
    enter(&room, FR_TID_NONE);
    struct fr_access both[] = {{.key = 1, .mode = FR_READ}, {.key = 2, .mode = FR_READ}};
    struct fr_op spin = {.kind = FR_OP_SPIN, .accesses = both, .access_count = 2};
    announce(&room, 0, FR_OP_ACCESS, 1);
    perform(&room, 0);
    CHECK_OK(run_announce(&room.run, 0, &spin));
    CHECK(run_is_enabled(&room.run, 0), "it has never looked at the second");
    perform(&room, 0);
    for (uint64_t key = 1; key <= 3; key++) {
        CHECK_OK(run_announce(&room.run, 0, &spin));
        CHECK(!run_is_enabled(&room.run, 0), "it has seen both");
        announce(&room, 1, FR_OP_UPDATE, key);
        perform(&room, 1);
        CHECK(run_is_enabled(&room.run, 0) == (key != 3), "object %u", (unsigned)key);
        if (key != 3)
            perform(&room, 0);
    }
    close_room(&room);
}

// What a thread does next is a function of its past; so two pasts must not be taken for one.
static void test_the_past_names_the_operation(void) {
    struct room room;
    open_room(&room, 4);
    enter(&room, FR_TID_NONE);
    enter(&room, FR_TID_NONE);
    announce(&room, 0, FR_OP_ACCESS, 1);
    announce(&room, 1, FR_OP_UPDATE, 1);
    uint64_t first = room.run.threads[0].past;
    CHECK(first != room.run.threads[1].past, "two threads");
    perform(&room, 0);
    announce(&room, 0, FR_OP_ACCESS, 1);
    uint64_t read_before = room.run.threads[0].past;
    CHECK(read_before != first, "one event later");
    run_begin(&room.run);
    enter(&room, FR_TID_NONE);
    enter(&room, FR_TID_NONE);
    announce(&room, 0, FR_OP_ACCESS, 1);
    announce(&room, 1, FR_OP_UPDATE, 1);
    CHECK(room.run.threads[0].past == first, "the same past in the next execution");
    perform(&room, 1);
    perform(&room, 0);
    announce(&room, 0, FR_OP_ACCESS, 1);
    CHECK(room.run.threads[0].past != read_before, "it has read something else");
    close_room(&room);
}

int main(void) {
    test_workers_count_up_and_children_are_named_by_their_parent();
    test_there_are_no_more_threads_than_configured();
    test_malformed_operations_are_refused();
    test_calls_out_of_order_are_refused();
    test_a_held_lock_disables_who_wants_it();
    test_a_join_waits_for_the_end();
    test_a_child_may_enter_late();
    test_a_spin_waits_for_a_write();
    test_a_spin_waits_for_any_of_its_objects();
    test_the_past_names_the_operation();
    return 0;
}
