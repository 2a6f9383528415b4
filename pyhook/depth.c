// Depth: the stack of each instruction, found by walking the code once without executing it.
// SPDX-License-Identifier: Apache-2.0
//
// 3.12 and 3.13 do not store the stack pointer before they call a monitoring callback: the depth
// is the only way to the operands. All versions need it to name the callable of a call.
#include "depth.h"

#include <stdbool.h>
#include <string.h>

#include "opcode.h"

enum { ROUNDS_MAX = 1000, UNKNOWN = -1 };

struct walk {
    struct depth_unit *units;
    Py_ssize_t count;
    bool changed;
};

static Py_ssize_t next_of(const struct walk *walk, Py_ssize_t at) {
    return at + 1 + opcode_get(walk->units[at].opcode)->caches;
}

static void decode(struct walk *walk, const uint8_t *bytes) {
    uint32_t prefix = 0;
    for (Py_ssize_t at = 0; at < walk->count; at++)
        walk->units[at] = (struct depth_unit){.depth = UNKNOWN, .callable = -1, .is_cache = 1};
    for (Py_ssize_t at = 0; at < walk->count; at = next_of(walk, at)) {
        struct depth_unit *unit = &walk->units[at];
        uint32_t argument = prefix << 8 | bytes[2 * at + 1];
        unit->opcode = bytes[2 * at];
        unit->argument = (int32_t)argument;
        unit->is_cache = 0;
        prefix = opcode_get(unit->opcode)->is_prefix ? argument : 0;
    }
}

static void reach(struct walk *walk, Py_ssize_t at, int depth) {
    if (at < 0 || at >= walk->count || depth < 0 || walk->units[at].depth != UNKNOWN)
        return;
    walk->units[at].depth = depth;
    walk->changed = true;
}

static int effect_of(const struct depth_unit *unit, int jump) {
    const struct opcode *opcode = opcode_get(unit->opcode);
    if (opcode->is_prefix)
        return 0;
#if PY_VERSION_HEX >= 0x030b0000 && PY_VERSION_HEX < 0x030c0000
    // The compiler books the arguments at PRECALL; the interpreter pops them at CALL.
    if (opcode->is_precall)
        return 0;
    if (opcode->is_call)
        return -(unit->argument + 1);
#endif
        // The function wants 0 from instructions that have no argument.
#if PY_VERSION_HEX >= 0x030d0000
    int argument = unit->argument;
#else
    int argument = unit->opcode >= 90 ? unit->argument : 0;  // HAVE_ARGUMENT
#endif
    return PyCompile_OpcodeStackEffectWithJump(unit->opcode, argument, jump);
}

static void step(struct walk *walk, Py_ssize_t at) {
    const struct depth_unit *unit = &walk->units[at];
    const struct opcode *opcode = opcode_get(unit->opcode);
    Py_ssize_t next = next_of(walk, at);
    if (opcode->jump != OPCODE_JUMP_NONE) {
        int effect = effect_of(unit, 1);
        Py_ssize_t target = opcode->jump == OPCODE_JUMP_FORWARD    ? next + unit->argument
                            : opcode->jump == OPCODE_JUMP_BACKWARD ? next - unit->argument
                                                                   : unit->argument;
        if (effect != PY_INVALID_STACK_EFFECT)
            reach(walk, target, unit->depth + effect);
        // What advances an iterator never comes back to where it was.
        if (target <= at && opcode_get(walk->units[target].opcode)->kind == SITE_NEXT)
            target = at + 1;
        for (Py_ssize_t back = target; back >= 0 && back <= at; back++)
            walk->units[back].in_loop = 1;
    }
    if (!opcode->is_terminal) {
        int effect = effect_of(unit, 0);
        if (effect != PY_INVALID_STACK_EFFECT)
            reach(walk, next, unit->depth + effect);
    }
}

#if PY_VERSION_HEX >= 0x030b0000
// The exception table's numbers: six bits a byte, most significant first, bit 6 says "more".
static const uint8_t *read_number(const uint8_t *at, const uint8_t *end, int *out) {
    int value = 0;
    while (at < end) {
        value = value << 6 | (*at & 63);
        if ((*at++ & 64) == 0)
            break;
    }
    *out = value;
    return at;
}

static void reach_handlers(struct walk *walk, PyObject *table) {
    const uint8_t *at = (const uint8_t *)PyBytes_AS_STRING(table);
    const uint8_t *end = at + PyBytes_GET_SIZE(table);
    while (at < end) {
        int start, size, handler, level;
        at = read_number(at, end, &start);
        at = read_number(at, end, &size);
        at = read_number(at, end, &handler);
        at = read_number(at, end, &level);
        // Two values are pushed if the bit says "lasti", else one: the exception.
        reach(walk, handler, (level >> 1) + (level & 1) + 1);
    }
}
#endif

static int depth_at_start(const struct walk *walk, PyCodeObject *code) {
    if ((code->co_flags & (CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR)) == 0)
        return 0;
#if PY_VERSION_HEX < 0x030b0000
    (void)walk;
    return 1;  // the value sent in
#else
    // Resumed generators find the value sent in on the stack; some versions do not book it.
    for (Py_ssize_t at = 0; at < walk->count; at = next_of(walk, at))
        if (opcode_get(walk->units[at].opcode)->is_generator_start)
            return PyCompile_OpcodeStackEffect(walk->units[at].opcode, 0) == 0 ? 1 : 0;
    return 0;
#endif
}

static void shuffle(int32_t *pushers, const struct opcode *opcode, int argument, int depth) {
    int n =
        opcode->shuffle == OPCODE_SHUFFLE_SWAP || opcode->rotate == 0 ? argument : opcode->rotate;
    if (n < 2 || n > depth)
        return;
    int32_t top = pushers[depth - 1];
    if (opcode->shuffle == OPCODE_SHUFFLE_SWAP) {
        pushers[depth - 1] = pushers[depth - n];
        pushers[depth - n] = top;
    } else {
        memmove(&pushers[depth - n + 1], &pushers[depth - n], (size_t)(n - 1) * sizeof *pushers);
        pushers[depth - n] = top;
    }
}

// Where the callable may lie below the stack's top, nearest first; 0 ends the list.
static void callable_slots(enum site_kind kind, int n, int slots[2]) {
    slots[0] = slots[1] = 0;
    switch (kind) {
    case SITE_CALL_FUNCTION:
        slots[0] = n + 1;
        break;
    case SITE_CALL:
#if PY_VERSION_HEX >= 0x030d0000
        slots[0] = n + 2;
#else
        slots[0] = n + 1;
        slots[1] = n + 2;
#endif
        break;
    case SITE_CALL_KEYWORDS:
        slots[0] = PY_VERSION_HEX >= 0x030d0000 ? n + 3 : n + 2;
        break;
    case SITE_CALL_UNPACKED:
        slots[0] = PY_VERSION_HEX >= 0x030e0000   ? 4
                   : PY_VERSION_HEX >= 0x030d0000 ? 3 + (n & 1)
                                                  : 2 + (n & 1);
        break;
    default:
        break;
    }
}

static bool has_name(const struct depth_unit *unit) {
    const struct opcode *opcode = opcode_get(unit->opcode);
    if (opcode->is_special)
        return true;
    switch (opcode->kind) {
    case SITE_GET_ATTRIBUTE:
    case SITE_GET_SUPER:
    case SITE_GET_GLOBAL:
    case SITE_GET_NAME:
    case SITE_GET_CELL:
    case SITE_ENTER:
        return true;
    default:
        return false;
    }
}

// The lowest level that the instruction writes.
static int first_pushed(enum site_kind kind, int depth, int effect) {
    switch (kind) {
    case SITE_GET_ATTRIBUTE:
    case SITE_ENTER:
        return depth - 1;
    case SITE_GET_SUPER:
        return depth - 3;
    default:
        return effect > 0 ? depth : depth + effect - 1;
    }
}

// Follows who wrote each level of the stack last, in the order of the text: the arguments of a call
// lie between what pushed the callable and the call.
static void name_callables(struct walk *walk, int32_t *pushers, int levels) {
    for (int i = 0; i < levels; i++)
        pushers[i] = -1;
    for (Py_ssize_t at = 0; at < walk->count; at = next_of(walk, at)) {
        struct depth_unit *unit = &walk->units[at];
        const struct opcode *opcode = opcode_get(unit->opcode);
        if (unit->depth < 0 || unit->depth > levels)
            continue;
        if (opcode->shuffle != OPCODE_SHUFFLE_NONE) {
            shuffle(pushers, opcode, unit->argument, unit->depth);
            continue;
        }
        int slots[2];
        callable_slots(opcode->kind, unit->argument, slots);
        for (int i = 0; i < 2 && slots[i] > 0 && unit->callable < 0; i++) {
            int32_t by = unit->depth >= slots[i] ? pushers[unit->depth - slots[i]] : -1;
            if (by >= 0 && has_name(&walk->units[by]))
                unit->callable = by;
        }
        if (opcode->only_pops)
            continue;
        int effect = effect_of(unit, 0);
        int from = first_pushed(opcode->kind, unit->depth, effect);
        for (int i = from < 0 ? 0 : from; i < unit->depth + effect && i < levels; i++)
            pushers[i] = (int32_t)at;
    }
}

int depth_compute(PyCodeObject *code, const uint8_t *bytes, struct depth_unit *units,
                  Py_ssize_t count) {
    struct walk walk = {.units = units, .count = count};
    decode(&walk, bytes);
    reach(&walk, 0, depth_at_start(&walk, code));
    walk.changed = true;
    for (int round = 0; walk.changed && round < ROUNDS_MAX; round++) {
        walk.changed = false;
        for (Py_ssize_t at = 0; at < count; at = next_of(&walk, at))
            if (units[at].depth != UNKNOWN)
                step(&walk, at);
#if PY_VERSION_HEX >= 0x030b0000
        reach_handlers(&walk, code->co_exceptiontable);
#endif
    }
    int levels = code->co_stacksize + 2;
    int32_t *pushers = PyMem_Malloc((size_t)levels * sizeof *pushers);
    if (pushers == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    name_callables(&walk, pushers, levels);
    PyMem_Free(pushers);
    return 0;
}
