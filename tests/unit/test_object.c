// The table of shared objects: which keys are the same object, and for how long.
// SPDX-License-Identifier: Apache-2.0
#include "object.h"

#include "alloc_fault.h"
#include "check.h"

enum { THREADS = 3 };

struct room {
    struct alloc_fault fault;
    struct alloc alloc;
    struct objects objects;
};

static void open_room(struct room *room, bool stable_keys) {
    *room = (struct room){0};
    room->alloc.host = alloc_fault_allocator(&room->fault);
    objects_init(&room->objects, stable_keys);
}

static void close_room(struct room *room) {
    objects_release(&room->objects, &room->alloc);
    CHECK(room->fault.blocks == 0, "all is free");
}

static uint32_t slot_of(struct room *room, uint64_t key, bool held_outside) {
    uint32_t slot;
    CHECK_OK(objects_slot(&room->objects, &room->alloc, key, held_outside, &slot));
    return slot;
}

static void test_one_key_is_one_object(void) {
    struct room room;
    open_room(&room, false);
    CHECK(slot_of(&room, 7, false) == 0 && slot_of(&room, 0, false) == 1, "slots count up");
    CHECK(slot_of(&room, 7, false) == 0 && slot_of(&room, 0, false) == 1, "and stay");
    const struct object *object = &room.objects.items[0];
    CHECK(object->last_write == NONE && object->last_change == NONE &&
              object->acquired_at == NONE && object->holder == HOLDER_NOBODY && object->value == 0,
          "nobody has touched it");
    for (uint32_t row = 0; row < SINCE_ROWS; row++)
        CHECK(object->accessed[row] == 0, "no access is on record");
    close_room(&room);
}

static void test_who_holds_a_lock_is_asked_once(void) {
    struct room room;
    open_room(&room, false);
    CHECK(slot_of(&room, 1, true) == 0, "a lock taken before the execution");
    CHECK(room.objects.items[0].holder == HOLDER_OUTSIDE, "somebody outside holds it");
    room.objects.items[0].holder = HOLDER_NOBODY;  // a release
    CHECK(slot_of(&room, 1, true) == 0 && room.objects.items[0].holder == HOLDER_NOBODY,
          "the model knows better than the second answer");
    CHECK(room.objects.items[0].held_outside_at_first, "how it began is kept");
    objects_begin(&room.objects);
    CHECK(slot_of(&room, 1, false) == 0 && room.objects.items[0].holder == HOLDER_NOBODY &&
              !room.objects.items[0].held_outside_at_first,
          "the next execution asks again");
    close_room(&room);
}

static void test_unstable_keys_mean_nothing_in_the_next_execution(void) {
    struct room room;
    open_room(&room, false);
    slot_of(&room, 5, false);
    slot_of(&room, 6, false);
    objects_begin(&room.objects);
    CHECK(room.objects.count == 0, "no object is known");
    CHECK(slot_of(&room, 6, false) == 0 && slot_of(&room, 5, false) == 1,
          "slots follow the order of the first touch");
    close_room(&room);
}

static void test_stable_keys_keep_their_slots_but_not_their_past(void) {
    struct room room;
    open_room(&room, true);
    slot_of(&room, 5, false);
    slot_of(&room, 6, true);
    room.objects.items[0].value = 9;
    room.objects.items[0].last_write = 3;
    room.objects.items[0].accessed[SINCE_READ] = 7;
    objects_begin(&room.objects);
    CHECK(room.objects.count == 2 && slot_of(&room, 6, false) == 1, "the same slot");
    CHECK(room.objects.items[1].holder == HOLDER_NOBODY, "another past");
    CHECK(slot_of(&room, 5, false) == 0 && room.objects.items[0].value == 0 &&
              room.objects.items[0].last_write == NONE &&
              room.objects.items[0].accessed[SINCE_READ] == 0,
          "what happened is forgotten");
    objects_clear(&room.objects);
    CHECK(room.objects.count == 0 && slot_of(&room, 6, false) == 0,
          "a new exploration forgets slots as well");
    close_room(&room);
}

// Over several growths of the table and several executions, with keys that share low bits.
static void test_many_objects(bool stable_keys) {
    struct room room;
    open_room(&room, stable_keys);
    for (uint32_t round = 0; round < 4; round++) {
        objects_begin(&room.objects);
        for (uint64_t i = 0; i < 5000; i++)
            CHECK(slot_of(&room, i << 32, false) == i, "object %lu", (unsigned long)i);
        for (uint64_t i = 0; i < 5000; i++) {
            CHECK(slot_of(&room, i << 32, false) == i, "object %lu again", (unsigned long)i);
            CHECK(room.objects.items[i].key == i << 32, "its key");
        }
        CHECK(room.objects.count == 5000, "no object twice");
    }
    uint64_t calls = room.alloc.calls;
    objects_begin(&room.objects);
    for (uint64_t i = 0; i < 5000; i++)
        slot_of(&room, i << 32, false);
    CHECK(room.alloc.calls == calls, "once warm, nothing is allocated");
    close_room(&room);
}

static void test_rows_of_threads_do_not_overlap(void) {
    struct room room;
    open_room(&room, false);
    for (uint64_t key = 0; key < 10; key++)
        slot_of(&room, key, false);
    uint32_t n = 0;
    for (uint32_t slot = 0; slot < 10; slot++)
        for (uint32_t row = 0; row < SINCE_ROWS; row++)
            for (uint32_t t = 0; t < THREADS; t++)
                objects_since(&room.objects, slot, row)[t] = n++;
    CHECK_OK(objects_widen(&room.objects, &room.alloc, THREADS + 20));
    n = 0;
    for (uint32_t slot = 0; slot < 10; slot++)
        for (uint32_t row = 0; row < SINCE_ROWS; row++)
            for (uint32_t t = 0; t < THREADS; t++)
                CHECK(objects_since(&room.objects, slot, row)[t] == n++, "slot %u row %u", slot,
                      row);
    objects_since(&room.objects, 9, SINCE_STRONG)[THREADS + 19] = n;
    CHECK(objects_since(&room.objects, 9, SINCE_STRONG)[0] == n - THREADS, "and has room");
    close_room(&room);
}

static void test_without_memory_known_objects_stay(void) {
    for (uint64_t n = 1; n < 20; n++) {
        struct room room;
        open_room(&room, true);
        room.fault.fail_at = n;
        uint64_t key = 0;
        uint32_t slot;
        while (key < 400 && objects_slot(&room.objects, &room.alloc, key, false, &slot) == FR_OK)
            key++;
        for (uint64_t i = 0; i < 400; i++)
            CHECK(slot_of(&room, i, false) == i, "failed at %lu: object %lu", (unsigned long)n,
                  (unsigned long)i);
        close_room(&room);
    }
}

int main(void) {
    test_one_key_is_one_object();
    test_who_holds_a_lock_is_asked_once();
    test_unstable_keys_mean_nothing_in_the_next_execution();
    test_stable_keys_keep_their_slots_but_not_their_past();
    test_many_objects(false);
    test_many_objects(true);
    test_rows_of_threads_do_not_overlap();
    test_without_memory_known_objects_stay();
    return 0;
}
