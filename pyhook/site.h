// Sites: for each instruction of a code object, how it touches shared memory, and its place.
//
// One table per code object, kept in the code object's own extra slot and freed with it. Building a
// table runs Python code (the filter; linecache), so tables are built when code is instrumented or
// entered, never when an instruction is about to execute.
#ifndef PYHOOK_SITE_H
#define PYHOOK_SITE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

#include "opcode.h"
#include "place.h"

struct site {
    const struct place *place;  // NULL if kind is SITE_NONE or SITE_LEAVE
    int32_t argument;           // full, with EXTENDED_ARG; names: the index in co_names
    int32_t keywords;           // calls on 3.11 and 3.12: the constant with their names; else -1
    int32_t depth;              // values on the stack before the instruction; -1: never reached
    uint8_t kind;               // enum site_kind
    uint8_t switches;           // OPCODE_SWITCH_ flags
    uint8_t width;              // in code units, with prefixes and caches
    bool in_loop;               // as in struct depth_unit
    uint8_t library;   // enum library_kind; if one, events have the place of the user's line
    bool is_ordinary;  // of an attribute, by its name: one that means nothing to the interpreter
};

struct site_caller;

struct site_table {
    struct site *sites;  // by code unit; NULL if the code was never traced
    Py_ssize_t count;
    uint32_t filter;   // generation of the filter that `traced` is from
    uint32_t session;  // 3.12+: the session that instrumented the code last
    bool traced;
    uint8_t library;              // enum library_kind, if the filter does not name the file
    PyObject *function;           // the name in its places
    PyObject *locals;             // set of names whose cells only comprehensions share; NULL: none
    struct site_caller *callers;  // places made by site_caller_place
};

// -1 with an exception.
int site_open(void);
// The table of a code object under the filter now in force, with sites if it is traced. Borrowed
// from the code object. NULL with an exception. May run Python code.
struct site_table *site_table_of(PyCodeObject *code);
// Is it known that all that this code does to the program is seen? Costs a few nanoseconds.
bool site_is_known(PyCodeObject *code);
// Will each instruction of this code be seen? -1 with an exception: the filter raised.
int site_is_traced(PyCodeObject *code);
// The table if there is one, else NULL without an exception. Runs nothing.
struct site_table *site_table_peek(PyCodeObject *code);
// The place of something done at a code unit that is not the instruction itself (a lock taken by
// the function it calls). Remembered in the table. NULL with an exception.
const struct place *site_caller_place(PyCodeObject *code, int unit, const char *action,
                                      PyObject *name);

#endif
