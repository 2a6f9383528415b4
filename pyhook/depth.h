// Depth: how many values are on the stack before each instruction, and who pushed a callable.
#ifndef PYHOOK_DEPTH_H
#define PYHOOK_DEPTH_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

// One instruction of a code object; the units of its inline cache are marked.
struct depth_unit {
    int32_t argument;  // full
    int32_t depth;     // -1: not reached
    int32_t callable;  // calls: index of the instruction that pushed the callable, -1 if unknown
    uint8_t opcode;
    uint8_t is_cache;
    uint8_t in_loop;  // a jump behind it, or its own, leads back to it or before it
};

// Fills units (zeroed, one per code unit) from the code. -1 with an exception.
int depth_compute(PyCodeObject *code, const uint8_t *bytes, struct depth_unit *units,
                  Py_ssize_t count);

#endif
