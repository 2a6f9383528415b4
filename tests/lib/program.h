// Abstract programs: a register machine per thread over shared objects and locks.
// SPDX-License-Identifier: Apache-2.0
//
// Instructions are visible (they touch shared state: one event each) or local. A thread runs its
// local instructions up to the next visible one, announces that, and performs it when it has the
// turn: as Python threads do under the real host, without Python.
#ifndef LIB_PROGRAM_H
#define LIB_PROGRAM_H

#include <stdbool.h>
#include <stdint.h>

#include "fr_subject.h"

enum {
    PROGRAM_THREADS = 64,
    PROGRAM_CODE = 1024,     // instructions of all threads
    PROGRAM_REGISTERS = 48,  // of one thread
    PROGRAM_OBJECTS = 512,   // variables, array elements and locks
    PROGRAM_MULTI = 8,       // accesses of one event
    PROGRAM_LOCAL_STEPS = 100000,
    PROGRAM_LABELS = 128,
    PROGRAM_LABEL_MAX = 32
};

enum opcode {
    // Visible. Object = base + register[index], which must be < size.
    OPC_READ,        // dst = object
    OPC_WRITE,       // object = src
    OPC_ADD,         // dst = object; object += src          (atomic)
    OPC_CAS,         // dst = object == src; if so object = other
    OPC_READ_WEAK,   // dst = object, without what weak writes added
    OPC_WRITE_WEAK,  // object += src, commuting with other weak writes
    OPC_ACQUIRE,
    OPC_TRY,  // dst = taken?
    OPC_RELEASE,
    OPC_SPAWN,  // thread base
    OPC_JOIN,   // thread base
    OPC_SPIN,   // dst = object, disabled until somebody wrote it since the last access
    // The same with a timeout: the register `wait` says how long, from when the thread comes to it.
    OPC_ACQUIRE_FOR,  // dst = taken?
    OPC_JOIN_FOR,     // dst = has it ended?
    OPC_SPIN_FOR,     // dst = object, -1 if nobody wrote it
    OPC_SLEEP,        // no object
    OPC_MULTI,        // the next imm instructions (READ, WRITE, weak ones; or all SPIN) are one
                      // event
    OPC_VISIBLE,
    // Local.
    OPC_SET = OPC_VISIBLE,  // dst = imm
    OPC_MOVE,               // dst = src
    OPC_CALC,               // dst = src <operator imm> other
    OPC_NOT,
    OPC_NOW,           // dst = the time
    OPC_JUMP,          // to imm
    OPC_JUMP_IF_ZERO,  // src == 0: to imm
    OPC_ASSERT,        // src != 0
    OPC_END
};

struct instruction {
    uint8_t opcode;
    uint8_t dst, src, other;  // registers
    uint8_t index;            // register
    uint8_t wait;             // register
    uint16_t base, size;      // objects, or the thread
    int32_t imm;
    uint16_t line;  // of the statement in the text, 0 if there is none
};

// What `count` threads, or objects, from number `first` on are called in the text.
struct program_label {
    char name[PROGRAM_LABEL_MAX];
    uint16_t first, count;
    bool numbered;  // an array, threads with a parameter
};

struct program {
    struct instruction code[PROGRAM_CODE];
    uint32_t code_count;
    uint32_t entry[PROGRAM_THREADS];    // where a thread's code begins
    int64_t first[PROGRAM_THREADS][2];  // registers 0 and 1 at the start (the thread's parameter)
    bool late[PROGRAM_THREADS];         // starts only when spawned
    uint32_t thread_count;
    uint32_t object_count;
    int64_t init[PROGRAM_OBJECTS];
    struct program_label objects[PROGRAM_LABELS], threads[PROGRAM_LABELS];
    uint32_t object_labels, thread_labels;
};

struct program_thread {
    uint32_t pc;  // of the visible instruction it is about to perform
    bool started, finished;
    bool due;          // its instruction has a timeout, which is over
    int64_t deadline;  // of that timeout, if there is one
    int64_t registers[PROGRAM_REGISTERS];
};

// A state of a program under execution.
struct program_state {
    const struct program *program;
    struct program_thread threads[PROGRAM_THREADS];
    int64_t base[PROGRAM_OBJECTS];    // value of an object without weak writes
    int64_t bag[PROGRAM_OBJECTS];     // what weak writes added
    int32_t holder[PROGRAM_OBJECTS];  // of a lock, -1: nobody
    int64_t now;                      // the time, 0 at the start
    bool failed;                      // an assertion did not hold; the threads run on
    uint32_t failed_line;             // of the last one
    bool broken;  // the program itself is wrong (bad index, endless local loop): see why
    const char *why;
};

void program_begin(struct program_state *state, const struct program *program);
// The instruction a started, unfinished thread is about to perform.
const struct instruction *program_next(const struct program_state *state, uint32_t thread);
// Does an instruction (a part of MULTI) of this kind have an object, a timeout?
bool program_has_object(uint8_t opcode);
bool program_has_timeout(uint8_t opcode);
// The object it touches.
uint32_t program_object(const struct program_state *state, uint32_t thread,
                        const struct instruction *instruction);
// What a strong read of the object gives.
int64_t program_value(const struct program_state *state, uint32_t object);
// Is the pending instruction possible now? (SPIN is judged by the caller: it depends on history.)
bool program_is_enabled(const struct program_state *state, uint32_t thread);
// Nobody is enabled: time jumps to the earliest deadline, and whoever has reached his is enabled.
// False, and nothing happens, if nobody waits with one.
bool program_jump(struct program_state *state);
// Performs it and runs on to the next visible instruction.
void program_step(struct program_state *state, uint32_t thread);

// The pending instruction as the engine's operation. accesses: room for PROGRAM_MULTI. salt != 0
// gives objects other keys (an execution whose addresses changed).
struct fr_op program_op(const struct program_state *state, uint32_t thread, uint64_t salt,
                        struct fr_access *accesses);

// Where a thread came to a wait, for recognising rounds that change nothing.
struct program_round {
    bool is_known;   // `thread` is such a place, and since then ...
    bool is_clean;   // ... it has only read, and given back the locks it took
    uint32_t holds;  // locks taken since then and not given back
    uint32_t waits;  // since then, at other places
    uint32_t count;  // its events by then
    int64_t deadline;
    struct program_thread thread;
    bool is_told;  // the engine was told this of the pending operation
    struct fr_round told;
};

// A program as a subject.
struct program_subject {
    const struct program *program;
    struct program_state state;
    bool vary_keys;        // keys differ from execution to execution
    uint64_t switch_seed;  // operations are announced with program_switchable
    uint32_t retry_every;  // executions are begun once more after so many events; 0: never
    uint64_t executions;
    // The engine's number of each of the program's threads, and back: late ones come last there.
    fr_tid tid_of[PROGRAM_THREADS];
    uint8_t thread_of[PROGRAM_THREADS];
    uint8_t schedule[4096];  // the program's threads of the last execution, in order
    int64_t times[4096];     // when each of them went
    uint32_t length;
    uint32_t counts[PROGRAM_THREADS];  // of events, by thread of the program
    bool tells_rounds;                 // the engine is told of rounds (struct fr_round)
    struct program_round rounds[PROGRAM_THREADS];
};
// Where threads may be switched, made up: before the n-th (from 0) operation of a thread. Seed 0:
// everywhere.
enum fr_switch program_switchable(uint64_t seed, uint32_t thread, uint32_t n);
struct fr_subject program_subject(struct program_subject *subject, const struct program *program);

// Rounds, in a subject that tells of them. A thread performs an instruction, as it turned out;
// a thread announces the operation of its next one, and is told what is known of its round; time is
// `now`: who would have waited until a moment before waits some rounds longer.
void program_round_step(struct program_subject *subject, uint32_t thread, bool succeeds);
void program_round_tell(struct program_subject *subject, uint32_t thread, struct fr_op *op);
void program_round_jump(struct program_subject *subject, int64_t now);

#endif
