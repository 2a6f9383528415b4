// One execution as the program's model: threads, what they announced, who is enabled, what it does.
// SPDX-License-Identifier: Apache-2.0
#ifndef ENGINE_RUN_H
#define ENGINE_RUN_H

#include "object.h"
#include "trace.h"

struct thread {
    bool entered;  // in this execution
    bool started;  // may run: a worker, or its SPAWN was performed
    bool left;
    bool pending;   // has announced
    bool due;       // the pending operation waits no longer
    uint8_t kind;   // of the pending operation, as it stands now: see run_fall_due
    uint8_t asked;  // as it was announced
    uint8_t switchable;
    fr_tid target;
    fr_tid parent;      // FR_TID_NONE: a worker
    uint32_t ordinal;   // n-th child of its parent, n-th worker
    uint32_t children;  // entered in this execution
    uint32_t born;      // n-th whose SPAWN was announced in this execution; 0: a worker
    uint32_t count;     // events so far
    uint32_t last;      // position of its last event, or of its SPAWN; NONE
    uint32_t touch_count;
    uint64_t name;  // the same in every process
    uint64_t site;
    uint64_t past;       // 0, like `announced`, if they are not asked for
    uint64_t announced;  // hash of the pending operation and `past`
    uint64_t slots;
    int64_t value;
    int64_t expect;
    uint64_t deadline;      // of the pending operation, 0 if it has none
    struct fr_round round;  // of the pending operation
    uint32_t *positions;    // of its events, by index - 1
    uint32_t position_capacity;
    struct touch touches[FR_ACCESSES_MAX];
};

// A thread that waited for a lock when time passed: it races with the acquisition that took it.
struct wait {
    uint32_t at;     // of the jump
    uint32_t taken;  // position of the acquisition
    fr_tid thread;
};

struct run {
    struct alloc *alloc;
    struct trace trace;
    struct objects objects;
    struct thread *threads;
    struct wait *waits;
    uint32_t wait_count;
    uint32_t wait_capacity;
    uint64_t now;
    uint32_t threads_max;
    uint32_t thread_count;  // known in this exploration (names are kept between executions)
    tset live;              // entered, started, not left
    tset pending;           // have announced
    tset free;              // of them: what they announced can always happen
    tset excused;           // need not leave
    uint32_t births;        // SPAWNs announced
    fr_tid current;         // performed the last event; FR_TID_NONE after a jump
    bool outcome;           // of the last event
    bool has_pasts;         // steps and announcements are compared with those of other executions
};

FR_MUST_CHECK enum fr_status run_init(struct run *run, struct alloc *alloc, uint32_t threads_max,
                                      bool stable_keys);
void run_release(struct run *run);
// A new execution; a new exploration also forgets the threads' names.
void run_begin(struct run *run);
void run_forget(struct run *run);

// The number of the ordinal-th child of parent (FR_TID_NONE: the ordinal-th worker), made if new.
FR_MUST_CHECK enum fr_status run_name(struct run *run, fr_tid parent, uint32_t ordinal,
                                      fr_tid *out);
FR_MUST_CHECK enum fr_status run_child(struct run *run, fr_tid parent, fr_tid *out);
FR_MUST_CHECK enum fr_status run_enter(struct run *run, fr_tid parent, fr_tid *out);
FR_MUST_CHECK enum fr_status run_announce(struct run *run, fr_tid thread, const struct fr_op *op);
FR_MUST_CHECK enum fr_status run_leave(struct run *run, fr_tid thread);

// The number that the thread would have in an exploration that begins with this execution.
uint32_t run_number(const struct run *run, fr_tid thread);
// Can the started thread's pending operation happen now?
bool run_is_enabled(const struct run *run, fr_tid thread);
tset run_enabled(const struct run *run);
// Hash of what all started threads have announced. With the events so far it makes the state: who
// is enabled follows from both.
uint64_t run_announced(const struct run *run);
// True if every started thread has announced or left.
bool run_is_settled(const struct run *run);

// Nobody is enabled: time jumps to the earliest deadline, and what is due by then no longer waits.
// *jumped false: nobody has a deadline, or it would go on like this for ever.
FR_MUST_CHECK enum fr_status run_jump(struct run *run, bool *jumped);
// What the pending operation comes to when its deadline is reached: an ACQUIRE is a TRY from then
// on; a JOIN or SPIN has timed out, and is a SLEEP that was cut short.
void run_fall_due(struct thread *thread);
// Position of the acquisition that a blocked ACQUIRE of the thread races with, or NONE.
uint32_t run_blocked_by(const struct run *run, fr_tid thread);

// The pending operation with the footprint it would have now. The touches are borrowed until the
// thread's next announcement; those of a conditional operation are written to *spare.
struct step run_pending(const struct run *run, fr_tid thread, struct touch *spare);
// Performs the pending operation of an enabled thread: appends the event, updates the model.
FR_MUST_CHECK enum fr_status run_perform(struct run *run, fr_tid thread);

#endif
