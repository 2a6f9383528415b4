// Thread states: each body begins with one as fresh as a new one, which mostly is an old one.
// SPDX-License-Identifier: Apache-2.0
//
// CPython asks the kernel for each new thread state: its thread's number always, on 3.14 also its
// scheduling, its CPUs and the bounds of its stack. For a short execution that is a quarter of its
// time. So a carrier keeps the thread state of its last body. It is used again only if it is byte
// for byte what it was when it was new, but for the few fields below; anything else that a body (or
// somebody from outside) left in it, known to us or not, makes a new one of it.
#include "cpython.h"

#include "carrier_ops.h"

#include <stdlib.h>
#include <string.h>

// Numbers that CPython, which counts from 0, does not get to. Caches (of context variables, of the
// running event loop) know a thread state by its number: a kept one needs another for each body.
#define FIRST_ID (UINT64_C(1) << 62)

struct field {
    size_t offset, size;
};
#define FIELD(name)                                                                                \
    { offsetof(PyThreadState, name), sizeof((PyThreadState *)NULL)->name }

// What may differ from a new one, in the order of the structure.
static const struct field exempt[] = {
    FIELD(prev),  // its place in the list of all thread states
    FIELD(next),
#if PY_VERSION_HEX >= 0x030d0000
    FIELD(
        eval_breaker),  // set by others, at any time; what it asks for is looked for and not found
#endif
#if PY_VERSION_HEX >= 0x030c0000
    FIELD(py_recursion_remaining),  // of the limit, which may be another one by now: has_ended()
    FIELD(py_recursion_limit),
#elif PY_VERSION_HEX >= 0x030b0000
    FIELD(recursion_remaining),
    FIELD(recursion_limit),
#endif
    FIELD(id),
#if PY_VERSION_HEX >= 0x030b0000
    FIELD(datastack_chunk),  // empty: has_ended()
    FIELD(datastack_top),
    FIELD(datastack_limit),
#endif
#if PY_VERSION_HEX >= 0x030d0000
    FIELD(dict_global_version),  // counts on
#endif
#if PY_VERSION_HEX >= 0x030e0000
    FIELD(datastack_cached_chunk),
#endif
};
enum { EXEMPT = sizeof exempt / sizeof exempt[0] };

static struct {
    bool works;
    uint64_t last_id;
} room = {.last_id = FIRST_ID};

// No frame is on its stacks, and none of its recursion is spent.
static bool has_ended(const PyThreadState *state) {
#if PY_VERSION_HEX >= 0x030b0000
    const _PyStackChunk *chunk = state->datastack_chunk;
    if (chunk != NULL && (chunk->previous != NULL || state->datastack_top != &chunk->data[1]))
        return false;
#endif
#if PY_VERSION_HEX >= 0x030c0000
    return state->py_recursion_remaining == state->py_recursion_limit;
#elif PY_VERSION_HEX >= 0x030b0000
    return state->recursion_remaining == state->recursion_limit;
#else
    return state->recursion_depth == 0;
#endif
}

static bool is_fresh(const PyThreadState *state, const void *image) {
    size_t at = 0;
    for (size_t i = 0; i < EXEMPT; i++) {
        const struct field *field = &exempt[i];
        if (memcmp((const char *)state + at, (const char *)image + at, field->offset - at))
            return false;
        at = field->offset + field->size;
    }
    size_t rest = sizeof(cpython_thread_state) - at;
    return !memcmp((const char *)state + at, (const char *)image + at, rest) && has_ended(state);
}

// Undoes what PyThreadState_Clear leaves of every body, or of any that used tracing.
static void refresh(PyThreadState *state, const PyThreadState *image) {
    state->id = ++room.last_id;
    state->context_ver = image->context_ver;
#if PY_VERSION_HEX >= 0x030c0000
    state->_status.finalizing = image->_status.finalizing;
    state->_status.cleared = image->_status.cleared;
#else
    state->root_cframe.use_tracing = image->root_cframe.use_tracing;
#endif
#if PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030c0000
    state->trace_info = image->trace_info;
#endif
#if PY_VERSION_HEX < 0x030b0000
    state->stackcheck_counter = image->stackcheck_counter;
#endif
}

// ------------------------------------------------------------------------------ self-test

// Are the fields where this module looks for them?
static bool is_laid_out(PyThreadState *state) {
    return state->interp == PyThreadState_GetInterpreter(state) &&
           state->id == PyThreadState_GetID(state) && state->id < FIRST_ID &&
           state->thread_id == PyThread_get_thread_ident() &&
           state->exc_info == &state->exc_state && has_ended(state);
}

// Two new ones differ in nothing but the exempt fields and where they point to themselves.
static bool are_alike(PyThreadState *a, PyThreadState *b) {
    if (PY_VERSION_HEX < 0x030b0000)
        return a->id != b->id;  // what lies between the fields is anything
    PyThreadState *image = malloc(sizeof(cpython_thread_state));
    if (!image)
        return false;
    const uintptr_t *words = (const uintptr_t *)b;
    uintptr_t from = (uintptr_t)b, to = (uintptr_t)a, size = sizeof(cpython_thread_state);
    for (size_t i = 0; i < size / sizeof *words; i++) {
        uintptr_t word = words[i];
        ((uintptr_t *)image)[i] = word - from < size ? word - from + to : word;
    }
    bool alike = is_fresh(a, image) && a->id != b->id;
    free(image);
    return alike;
}

static bool self_test(PyInterpreterState *interpreter) {
    for (size_t i = 1; i < EXEMPT; i++)
        if (exempt[i].offset < exempt[i - 1].offset + exempt[i - 1].size)
            return false;
    PyThreadState *states[2];
    bool works = true;
    for (int i = 0; i < 2; i++) {
        states[i] = PyThreadState_New(interpreter);
        works = works && states[i] && is_laid_out(states[i]);
    }
    works = works && are_alike(states[0], states[1]);
    for (int i = 0; i < 2; i++) {
        if (!states[i])
            continue;
        PyThreadState_Clear(states[i]);
        PyThreadState_Delete(states[i]);
    }
    return works;
}

// Fields come and go even between micro versions.
static bool is_version(void) {
    size_t length = strlen(PY_VERSION);
    return !strncmp(Py_GetVersion(), PY_VERSION, length) && Py_GetVersion()[length] == ' ';
}

void carrier_state_prepare(PyInterpreterState *interpreter) {
    room.works = is_version() && self_test(interpreter);
}

// ------------------------------------------------------------------------------ one body

// Attaches with the kept one. NULL, detached: there is none that is fresh.
static PyThreadState *take_kept(struct carrier *carrier, PyInterpreterState *interpreter) {
    PyThreadState *state = carrier->kept;
    carrier->kept = NULL;
    if (!state)
        return NULL;
    PyEval_RestoreThread(state);
    state->thread_id = ((const PyThreadState *)carrier->image)->thread_id;
    // All thread states are reached by threading.settrace_all_threads, for instance.
    if (state->interp == interpreter && is_fresh(state, carrier->image))
        return state;
    PyThreadState_Clear(state);
    PyThreadState_DeleteCurrent();
    return NULL;
}

void carrier_state_begin(struct carrier *carrier, PyInterpreterState *interpreter) {
    carrier->state = take_kept(carrier, interpreter);
    if (carrier->state)
        return;
    // Made here and not in carrier_start: it belongs to the OS thread that makes it.
    PyThreadState *state = PyThreadState_New(interpreter);
    if (!state)
        carrier_watchdog_give_up("frontrun: no memory for a thread state\n");
    PyEval_RestoreThread(state);
    carrier->state = state;
    if (room.works && !carrier->image)
        carrier->image = malloc(sizeof(cpython_thread_state));
    if (carrier->image)
        memcpy(carrier->image, state, sizeof(cpython_thread_state));
}

void carrier_state_end(struct carrier *carrier) {
    PyThreadState *state = carrier->state;
    if (carrier->image)
        refresh(state, carrier->image);
    if (carrier->image && is_fresh(state, carrier->image)) {
        // Nobody is to find it by the identity of its thread, which has ended. (faulthandler wants
        // the identity of a thread that exists.)
        state->thread_id = carrier_watchdog_ident();
        carrier->kept = state;
        PyEval_SaveThread();
    } else {
        PyThreadState_DeleteCurrent();
    }
}
