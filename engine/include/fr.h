// The engine: decides which logical thread goes next, and remembers what happened.
//
// The engine is a clerk. It runs no thread, opens no file, reads no clock, calls nothing back and
// holds no global state; everything is pulled by the caller (the "host": CPython, a model program,
// a fuzz target). One explorer may be used by one OS thread at a time; several explorers are
// independent of each other.
//
// The journey of one exploration:
//
//   fr_explorer_new                                       once
//   fr_explorer_start(e, &plan)                           which strategy, seed, prefix, budget
//   while (fr_explorer_begin(e) == FR_OK) {               one execution
//       fr_run_enter ... fr_run_announce | fr_run_leave   each thread runs to its first operation
//       while (fr_run_decide(e, &t) == FR_OK && t != FR_TID_NONE)
//           host lets t perform its operation and run on; then fr_run_announce | fr_run_leave
//       fr_explorer_end(e, verdict, place)                what came of it
//   }
//   fr_explorer_ending(e)                                 exhausted, bounded, budget or failed
//
// Announce, then act: an operation is announced before it happens, by every thread at once. A
// thread keeps its turn until its next announcement.
//
// Ownership: the explorer owns all it hands out; views of a trace are borrowed until the next
// fr_explorer_begin or _start. Pointers passed in are copied.
#ifndef FR_H
#define FR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FR_VERSION "0.1.0"
#define FR_THREADS_MAX 64

// A logical thread. Its number is the same in every execution of one exploration: threads without
// a parent count up from 0 in order of fr_run_enter, others are named by (parent, n-th child).
typedef uint32_t fr_tid;
#define FR_TID_NONE UINT32_MAX

enum fr_status {
#define FR_STATUS(name, value, sentence) FR_##name = (value),
#include "fr_status.def"
#undef FR_STATUS
};
#define FR_MUST_CHECK __attribute__((warn_unused_result))

// "OK", "NOMEM" ...; never NULL.
const char *fr_status_name(enum fr_status status);
// The sentence for people; never NULL.
const char *fr_status_text(enum fr_status status);

enum fr_op_kind {
#define FR_OP(name, word, may_block) FR_OP_##name,
#include "fr_op.def"
#undef FR_OP
    FR_OP_KINDS
};
const char *fr_op_word(enum fr_op_kind kind);

enum fr_verdict {
#define FR_VERDICT(name, word, failure) FR_VERDICT_##name,
#include "fr_verdict.def"
#undef FR_VERDICT
    FR_VERDICTS
};
const char *fr_verdict_word(enum fr_verdict verdict);
bool fr_verdict_is_failure(enum fr_verdict verdict);

// ------------------------------------------------------------------------------ operations

// May the thread lose its turn between its last operation and this one? In CPython with the GIL
// that depends on the instructions in between. The engine explores as if it always might, and
// remembers what it was told: see fr_trace_reach.
enum fr_switch {
    FR_SWITCH_YES,      // yes, whatever the interpreter does
    FR_SWITCH_UNKNOWN,  // nobody knows
    FR_SWITCH_COLD,     // only while the interpreter has not specialised an instruction in between
    FR_SWITCH_NO,
    FR_SWITCHES
};

// How an access touches its object. Conflicts: read-write, write-write; a weak read with a write
// only; a weak write with a read and a write, but with no weak access.
enum fr_mode { FR_READ, FR_WRITE, FR_READ_WEAK, FR_WRITE_WEAK, FR_MODES };

struct fr_access {
    // Names the shared object within this execution. Equal objects must have equal keys; different
    // ones may share a key (that only costs executions, it never hides a trace).
    uint64_t key;
    enum fr_mode mode;
};

// At most this many accesses in one event.
#define FR_ACCESSES_MAX 1024

// A thread goes round in a loop that changes nothing: since its first `first` events it has come
// back to where it was, in the state that it was in, again and again, and has meanwhile only read,
// waited, and taken and given back locks, so that it holds now what it held then (and perhaps the
// lock it waits for, which nobody else knows). The last such round began after `last` of its
// events. What the thread does next depends on nothing but this state, what it reads and, if it
// waits until a moment, how long from then on.
struct fr_round {
    bool is_known;  // else nothing is said
    uint32_t first, last;
    uint64_t period_ns;  // if it waits once in a round: how long a round lasts; else 0
};

struct fr_op {
    enum fr_op_kind kind;
    // Where in the program: the same in every process, see fr_site in schedule-format.md.
    uint64_t site;
    // ACCESS: the accesses. UPDATE, CAS, ACQUIRE, TRY, RELEASE: one access, whose key names the
    // object; SPIN: one or more, the objects that it waits for; the mode is filled in by the
    // engine. SPAWN, JOIN, SLEEP: none.
    const struct fr_access *accesses;
    uint32_t access_count;
    // SPAWN, JOIN: the other thread (SPAWN: as fr_run_child answers).
    fr_tid target;
    // ACCESS with one write: the value written; UPDATE: the delta; CAS: the new value. Only
    // needed by hosts that use CAS, whose outcome the engine must foresee.
    int64_t value;
    // CAS: the value that makes it succeed.
    int64_t expect;
    // ACQUIRE, TRY, RELEASE: the lock is held by something outside the logical threads (or was
    // taken before the execution began). Looked at on the first touch of the lock only.
    bool held_outside;
    // ACQUIRE, JOIN, SPIN, SLEEP: when it stops waiting, in virtual nanoseconds since the start of
    // the execution (fr_run_now); 0: never (SLEEP: at once). From then on it is enabled: a SLEEP is
    // over, an ACQUIRE takes the lock if that is free when it is performed, and a JOIN or SPIN has
    // timed out, which is settled whatever happens at the same instant. A deadline that has passed
    // when it is announced counts as reached, and then a JOIN or SPIN does not look: it has timed
    // out. (To ask whether a thread is alive is a read of something that it writes at its end.)
    uint64_t deadline_ns;
    // ACQUIRE, SLEEP, with a deadline: a wait within a round. It is over at its deadline, or a
    // whole number of periods later: rounds in which nobody does anything else are left out. Where
    // all that is left are such rounds, the execution is over (FR_STOP_DEADLOCK).
    struct fr_round round;
    // Said of the stretch before this operation; an enum fr_switch.
    uint8_t switchable;
};

// ------------------------------------------------------------------------------ the explorer

struct fr_explorer;

// realloc semantics: size 0 frees. Tests make the n-th call fail. Never called per event once warm.
struct fr_allocator {
    void *(*resize)(void *context, void *block, size_t size);
    void *context;
};

struct fr_config {
    uint32_t threads_max;  // of one execution, 1 .. FR_THREADS_MAX
    uint32_t events_max;   // of one execution; more is the verdict STEP_LIMIT
    // Keys of accesses name the same object in every execution (true for model programs, false for
    // Python, where setup() makes new objects each time). False is always sound.
    bool stable_keys;
    struct fr_allocator allocator;
};

// 16 threads, 100,000 events, unstable keys, libc's realloc.
struct fr_config fr_config_default(void);

FR_MUST_CHECK enum fr_status fr_explorer_new(const struct fr_config *config,
                                             struct fr_explorer **out);
void fr_explorer_free(struct fr_explorer *explorer);  // NULL is fine
// What went wrong last, in one sentence; "" if nothing did. Borrowed until the next call.
const char *fr_explorer_errmsg(const struct fr_explorer *explorer);

enum fr_strategy {
#define FR_STRATEGY(name, word) FR_STRATEGY_##name,
#include "fr_strategy.def"
#undef FR_STRATEGY
    FR_STRATEGIES
};
const char *fr_strategy_name(enum fr_strategy strategy);

enum fr_order {
#define FR_ORDER(name, word) FR_ORDER_##name,
#include "fr_order.def"
#undef FR_ORDER
    FR_ORDERS
};
const char *fr_order_name(enum fr_order order);

// What DPOR is restricted to: the traces that some schedule within the bound reaches. Each of them
// is executed exactly once, those that cost least first, and no other (engine/bound.h says how; it
// remembers traces, so that memory grows with the exploration).
//   PREEMPTIONS  at most bound_max switches away from a thread that could have gone on (CHESS)
//   DELAYS       at most bound_max delays (Emmi, Qadeer, Rakamaric, POPL 2011): the scheduler goes
//                on with the current thread, else with the next enabled number, going round, from
//                the lowest; a delay makes it skip the thread it would run
// Below a prefix, costs count from its end: what a schedule costs within the bound is what its
// prefix costs and what the rest does, so the traces within a bound are those below any prefix of
// one length within what that prefix leaves of the bound.
enum fr_bound { FR_BOUND_NONE, FR_BOUND_PREEMPTIONS, FR_BOUND_DELAYS, FR_BOUNDS };

// One block of a replay: let a thread run until a condition holds, then go to the next block.
struct fr_segment {
    uint32_t thread;  // as fr_run_number answered
    // Stop after this many events (0: no such limit), or ...
    uint32_t events;
    // ... when the thread is about to perform site `until` for the `nth` time, counted from 1 over
    // its announcements since the start of the execution (nth 0: no such condition).
    uint64_t until;
    uint32_t nth;
};

// What to explore.
struct fr_plan {
    enum fr_strategy strategy;
    uint64_t seed;   // of the walk; not used by DPOR and REPLAY
    uint32_t depth;  // PCT: d, the bug depth sought; DELAY: the number of delays; at most 16
    // DPOR: in which order the traces come; the set is always the same. Without stable keys it is
    // LOWEST_FIRST, whatever this says: the others remember objects between executions.
    enum fr_order order;
    uint64_t order_seed;      // DPOR: where the order begins
    enum fr_bound bound;      // DPOR: only traces within the bound
    uint32_t bound_max;       // preemptions or delays
    uint64_t executions_max;  // budget, 0: none
    // The prefix: one byte per branching point (a state with two or more enabled threads), see
    // docs/schedule-format.md. Spent bytes mean: go on by the strategy. DPOR explores exactly the
    // traces below the prefix.
    const uint8_t *choices;
    size_t choice_count;
    // DPOR without a bound, with stable keys and a prefix: only those traces below the prefix that
    // are below no prefix of the same length with a smaller choice in some place and equal ones
    // before it. So the prefixes of one length share out all traces, each to one of them.
    // Executions that turn out to belong to another prefix are given up (FR_STOP_REDUNDANT).
    bool apart;
    // REPLAY only: run these blocks, then go on without preemption.
    const struct fr_segment *segments;
    size_t segment_count;
};

// Forgets the last exploration (keeps memory) and gets ready for another.
FR_MUST_CHECK enum fr_status fr_explorer_start(struct fr_explorer *explorer,
                                               const struct fr_plan *plan);
// FR_OK: an execution began. FR_DONE: there is none left, fr_explorer_ending says why.
FR_MUST_CHECK enum fr_status fr_explorer_begin(struct fr_explorer *explorer);
// Ends the execution with the host's verdict. place: where a failure showed, any number that is the
// same for the same failure in every process (0 if none). BLOCKED and TIMEOUT may come at any time,
// every other verdict after fr_run_decide answered FR_TID_NONE.
FR_MUST_CHECK enum fr_status fr_explorer_end(struct fr_explorer *explorer, enum fr_verdict verdict,
                                             uint64_t place);

// Begins the execution that runs once more, because the host could not carry it on by the means it
// used: what was performed is performed again, and only then does the plan choose again. It stays
// one execution, and no search notices. fr_run_decide answers FR_DIVERGED if the events are not
// what they were. FR_MISUSE once fr_run_decide has answered FR_TID_NONE.
FR_MUST_CHECK enum fr_status fr_explorer_retry(struct fr_explorer *explorer);
// In the execution that runs, not every order was decided by the engine (the host let threads go on
// while one was blocked outside its control): an exploration with such an execution never ends
// EXHAUSTED, but BOUNDED.
void fr_run_admit(struct fr_explorer *explorer);

enum fr_ending {
    FR_ENDING_RUNNING,    // not over yet
    FR_ENDING_EXHAUSTED,  // every trace (below the prefix) was executed, no bound was hit
    FR_ENDING_BOUNDED,    // every trace within the plan's bound was executed, and there may be more
                          // beyond it; or some executions were cut (events_max, BLOCKED,
                          // TIMEOUT), or
                          // not wholly decided (fr_run_admit)
    FR_ENDING_BUDGET,     // the plan's number of executions is spent
    FR_ENDING_ONCE        // a replay: one execution, nothing is claimed about others
};
// A failing verdict does not end an exploration by itself: the host stops, or goes on.
enum fr_ending fr_explorer_ending(const struct fr_explorer *explorer);

// Counts of the present exploration: since fr_explorer_start, in every process it was taken up in.
struct fr_stats {
    uint64_t executions;      // ended, of any verdict
    uint64_t redundant;       // of them cut short because every continuation was explored
    uint64_t failures;        // of them with a failing verdict
    uint64_t deadlocks;       // of them deadlocked
    uint64_t cut;             // of them stopped by events_max, BLOCKED or TIMEOUT
    uint64_t beyond_bound;    // steps left alone because no schedule known within the bound does
                              // them: 0 means that the bound hides nothing
    uint64_t events;          // performed, in all executions
    uint64_t races_reversed;  // wakeup sequences inserted
    uint64_t allocations;     // calls of the allocator (since it was taken up, in this process)
};
struct fr_stats fr_explorer_stats(const struct fr_explorer *explorer);
// DPOR: about how many executions the whole exploration takes, from the part of its tree done so
// far (after Kilby, Slaney, Thiebaux, Walsh, AAAI 2006; how far off it is:
// docs/decisions/estimate.md). 0 if nothing can be said.
double fr_explorer_estimate(const struct fr_explorer *explorer);

// An exploration as bytes, to be taken up again by another process, with no trace lost or done
// twice. Between executions only. Writes at most capacity bytes, returns how many there are.
size_t fr_explorer_save(const struct fr_explorer *explorer, uint8_t *out, size_t capacity);
// Instead of fr_explorer_start. The configuration must be the one it was saved under. FR_CORRUPT:
// the bytes are none that fr_explorer_save wrote, or of another version or configuration; the
// explorer then has no exploration. Any bytes are safe.
FR_MUST_CHECK enum fr_status fr_explorer_restore(struct fr_explorer *explorer, const uint8_t *bytes,
                                                 size_t size);

// ------------------------------------------------------------------------------ one execution

// A thread is born. parent FR_TID_NONE: a worker; else the child announced last by a SPAWN of that
// parent; it is not enabled before that SPAWN is performed.
FR_MUST_CHECK enum fr_status fr_run_enter(struct fr_explorer *explorer, fr_tid parent, fr_tid *out);
// The number that the next child of parent will have: the target of a SPAWN.
FR_MUST_CHECK enum fr_status fr_run_child(struct fr_explorer *explorer, fr_tid parent, fr_tid *out);
// What the thread will do next. It must have no pending operation.
FR_MUST_CHECK enum fr_status fr_run_announce(struct fr_explorer *explorer, fr_tid thread,
                                             const struct fr_op *op);
// The thread is gone; its last event was its last.
FR_MUST_CHECK enum fr_status fr_run_leave(struct fr_explorer *explorer, fr_tid thread);
// Performs the pending operation of one enabled thread in the model and answers which. Every
// started thread must have announced or left. FR_TID_NONE: nobody goes on, see fr_run_stop.
FR_MUST_CHECK enum fr_status fr_run_decide(struct fr_explorer *explorer, fr_tid *out);

enum fr_stop {
    FR_STOP_NOT,        // decide has not answered FR_TID_NONE yet
    FR_STOP_FINISHED,   // every thread has left, or is blocked and excused (fr_run_excuse)
    FR_STOP_DEADLOCK,   // nobody is enabled, or waits with a deadline except in a round that nobody
                        // is left to end; somebody has not left who should have
    FR_STOP_REDUNDANT,  // every enabled thread sleeps: explored before, give the execution up
    FR_STOP_STEPS       // events_max was reached: give the execution up
};
enum fr_stop fr_run_stop(const struct fr_explorer *explorer);
// The thread need not end (a daemon): where only such threads are left, blocked, the execution is
// FR_STOP_FINISHED, not FR_STOP_DEADLOCK. From when it entered until fr_explorer_end; told after a
// deadlock, it may turn that into FR_STOP_FINISHED. Holds for this execution.
FR_MUST_CHECK enum fr_status fr_run_excuse(struct fr_explorer *explorer, fr_tid thread);
// TRY, CAS: did the event just decided succeed? ACQUIRE, JOIN, SPIN with a deadline: false if it
// timed out. RELEASE: was the lock held? True for every other operation.
bool fr_run_outcome(const struct fr_explorer *explorer);
// The virtual time of this execution in nanoseconds, 0 at its start. It is part of the model: it
// stands still while anybody is enabled. When fr_run_decide finds nobody enabled and somebody waits
// with a deadline, it jumps to the earliest one (of those whose rounds are left out: a later one),
// and all operations due by then are enabled. So it
// changes within fr_run_decide only, and what a thread reads of it between two of its events is the
// same in every execution of the trace. All that happened before a jump happens before all after.
uint64_t fr_run_now(const struct fr_explorer *explorer);
// A draw in [0, bound) from the schedule's seed, for choices of data. bound > 0.
uint64_t fr_run_draw(struct fr_explorer *explorer, uint64_t bound);
// The number that a thread of the last execution would have if that were the first of its
// exploration: workers from 0, then started threads in the order in which their SPAWNs were
// announced. A fr_tid depends on the executions before; what is to be repeated elsewhere is not to.
uint32_t fr_run_number(const struct fr_explorer *explorer, fr_tid thread);
// Is the thread blocked (has announced, is not enabled)? After a deadlock: who waits.
bool fr_run_is_blocked(const struct fr_explorer *explorer, fr_tid thread);
// Which thread holds the lock that a blocked ACQUIRE of thread waits for, or which thread a JOIN
// waits for; FR_TID_NONE if none is known (held from outside, a SPIN).
fr_tid fr_run_waits_for(const struct fr_explorer *explorer, fr_tid thread);
// Position in the trace of the event that took the lock a blocked ACQUIRE waits for, or
// FR_TID_NONE.
uint32_t fr_run_taken_at(const struct fr_explorer *explorer, fr_tid thread);
// Does the blocked thread go round in a loop that changes nothing: a SPIN, or an operation with a
// known round?
bool fr_run_goes_round(const struct fr_explorer *explorer, fr_tid thread);
// Does the thread hold the lock with this key, by what was performed so far?
bool fr_run_holds(const struct fr_explorer *explorer, fr_tid thread, uint64_t key);
// The host leaves out of this execution what may matter: the exploration will not claim to be
// exhaustive (FR_ENDING_BOUNDED).
void fr_run_leave_out(struct fr_explorer *explorer);
// REPLAY: number of leading segments that ran to their stated end. Less than the plan's: the
// place of that segment was never reached, the schedule is stale.
size_t fr_run_segments_done(const struct fr_explorer *explorer);

// ------------------------------------------------------------------------------ the trace

struct fr_event {
    fr_tid thread;
    uint32_t index;        // 1, 2, ... in its thread
    enum fr_op_kind kind;  // as announced
    bool outcome;          // as fr_run_outcome told
    uint64_t now;          // virtual time at which it happened
    uint64_t site;
    uint64_t hash;  // of this event and all that happens before it
    uint32_t access_count;
    fr_tid target;
};

uint32_t fr_trace_length(const struct fr_explorer *explorer);
uint32_t fr_trace_threads(const struct fr_explorer *explorer);
struct fr_event fr_trace_event(const struct fr_explorer *explorer, uint32_t at);
// n-th access of the event at a position. Keys are those of the last execution.
struct fr_access fr_trace_access(const struct fr_explorer *explorer, uint32_t at, uint32_t n);
bool fr_trace_happens_before(const struct fr_explorer *explorer, uint32_t a, uint32_t b);
// The hash of the partial order: the same for every linearisation of a trace and in every process.
// Meaningful for prefixes too.
uint64_t fr_trace_hash(const struct fr_explorer *explorer);
// A coarser view: which event each read, compare-and-swap, update and acquire reads from. The same
// for traces that differ only in the order of writes nobody tells apart.
uint64_t fr_trace_reads_from(const struct fr_explorer *explorer);
// Switches away from a thread that could have gone on.
uint32_t fr_trace_preemptions(const struct fr_explorer *explorer);
// The least number of preemptions over all schedules with this trace; limit + 1 if it is more than
// limit. The trace must be complete (fr_run_stop FINISHED or DEADLOCK).
FR_MUST_CHECK enum fr_status fr_trace_least_preemptions(struct fr_explorer *explorer,
                                                        uint32_t limit, uint32_t *out);
// Is there a schedule of the last execution's trace that preempts a thread only before operations
// whose fr_op.switchable is at most `allowed`? Losing the turn because it cannot go on is no
// preemption. *reached: yes, and order[0 .. length) are the threads of its events (capacity at
// least fr_trace_length). The trace must be complete (fr_run_stop FINISHED or DEADLOCK). FR_LIMIT:
// not settled within states_max prefixes of the trace. One schedule of a trace stands for all of
// them: if none is allowed, no schedule with these events in this partial order is.
FR_MUST_CHECK enum fr_status fr_trace_reach(struct fr_explorer *explorer, enum fr_switch allowed,
                                            uint32_t states_max, fr_tid *order, bool *reached);
// The execution as choice bytes: with them as prefix every strategy repeats it. Writes at most
// capacity bytes, returns how many there are.
size_t fr_trace_choices(const struct fr_explorer *explorer, uint8_t *out, size_t capacity);

// ------------------------------------------------------------------------------ schedule bytes

// Any byte string is a valid schedule: decoding is total. choices points into bytes.
struct fr_plan fr_plan_decode(const uint8_t *bytes, size_t size);
// Writes header and choices, returns the full size (also when capacity is less). Decoding gives an
// equal plan, except that a budget is rounded up to the next class of the format (none becomes the
// smallest), REPLAY becomes DPOR, and order, bound and the seed's upper half are not kept.
size_t fr_plan_encode(const struct fr_plan *plan, uint8_t *out, size_t capacity);
// A schedule-aware change of size bytes in place; returns the new size, at most capacity.
size_t fr_mutate(uint8_t *bytes, size_t size, size_t capacity, uint64_t seed);
// The beginning of a and the end of b, cut at choices; returns the size, at most capacity.
size_t fr_crossover(const uint8_t *a, size_t a_size, const uint8_t *b, size_t b_size, uint8_t *out,
                    size_t capacity, uint64_t seed);

// ------------------------------------------------------------------------------ shrinking

// Looks for the simplest execution that fails in the same way: fewest preemptions first, then
// fewest switches, then shortest. Hands out replays, takes verdicts.
struct fr_shrink;

// Starts from the last execution of explorer, which failed with (verdict, place). tries_max bounds
// the number of candidates.
FR_MUST_CHECK enum fr_status fr_shrink_new(const struct fr_explorer *explorer,
                                           enum fr_verdict verdict, uint64_t place,
                                           uint64_t tries_max, struct fr_shrink **out);
void fr_shrink_free(struct fr_shrink *shrink);  // NULL is fine
// FR_OK: plan is the next candidate, to be executed once; borrowed until the next call.
// FR_DONE: nothing simpler was found; plan is the best one.
FR_MUST_CHECK enum fr_status fr_shrink_next(struct fr_shrink *shrink, struct fr_plan *plan);
// How the candidate ended: call after fr_explorer_end of that execution.
FR_MUST_CHECK enum fr_status fr_shrink_tell(struct fr_shrink *shrink,
                                            const struct fr_explorer *explorer,
                                            enum fr_verdict verdict, uint64_t place);
// True if no schedule with fewer preemptions fails so: every one was tried.
bool fr_shrink_is_minimal(const struct fr_shrink *shrink);

// ------------------------------------------------------------------------------ traces seen

// A set of trace hashes with counts: how many distinct traces there were, and how likely the next
// execution shows a new one. Exact up to so many distinct traces; above, it keeps a sample of half,
// a quarter ... of all traces, and both numbers are estimates from that (docs/decisions/seen.md).
// So it takes at most 64 MiB (96 while it grows).
#define FR_SEEN_EXACT_MAX (UINT64_C(1) << 21)
struct fr_seen;

FR_MUST_CHECK enum fr_status fr_seen_new(const struct fr_allocator *allocator,
                                         struct fr_seen **out);
void fr_seen_free(struct fr_seen *seen);  // NULL is fine
// Counts one execution with this trace hash; *is_new tells whether it is the first (may be NULL);
// of a trace that is not in the sample, false.
FR_MUST_CHECK enum fr_status fr_seen_add(struct fr_seen *seen, uint64_t hash, bool *is_new);
uint64_t fr_seen_distinct(const struct fr_seen *seen);
// Is the number of distinct traces exact? No: its standard error is 0.1 % of it.
bool fr_seen_is_exact(const struct fr_seen *seen);
uint64_t fr_seen_total(const struct fr_seen *seen);
// Good-Turing (Good 1953): the share of executions whose trace was seen exactly once estimates the
// chance that the next execution shows a trace not seen before. 1 before the first.
double fr_seen_chance_new(const struct fr_seen *seen);

#endif
