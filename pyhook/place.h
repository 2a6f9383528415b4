// A place: where in the program's text an operation is, in words that survive other edits.
//
// A place is function, text of the source line, action and name: not a line number and not an
// instruction offset, so that it is the same on every CPython and after edits elsewhere. Its hash
// is the engine's `site`. Places are interned and live as long as the process.
#ifndef PYHOOK_PLACE_H
#define PYHOOK_PLACE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

struct place {
    uint64_t site;       // XXH3 of function, text, action, name (UTF-8, NUL between them)
    PyObject *filename;  // str, as the code object has it
    PyObject *function;  // str: co_name (co_qualname does not exist before 3.11)
    PyObject *text;      // str: the source line, stripped; "+N" (N lines below the function's
                         // first) where the source cannot be had
    PyObject *name;      // str: attribute, global, cell or key as text; "" if none
    const char *action;  // static: "read", "write", "call", "acquire", "try-acquire", "release" ...
    int line;            // number of the line, for people; not part of the identity
};

// The place of a line of a code object. name may be NULL. NULL with an exception on no memory.
const struct place *place_intern(PyCodeObject *code, int line, const char *action, PyObject *name);
// The same with another function's name: a comprehension belongs to the function it is written in.
const struct place *place_intern_in(PyCodeObject *code, PyObject *function, int line,
                                    const char *action, PyObject *name);
// The place of the nearest traced Python frame of the calling thread (the outermost caller's frame
// that observe_is_traced accepts; else the current frame).
const struct place *place_of_caller(const char *action, PyObject *name);
// A place without text, which never gets into an event. Runs nothing.
const struct place *place_intern_hidden(PyCodeObject *code, const char *action, PyObject *name);
// The same place with another action. Runs nothing. NULL with an exception on no memory.
const struct place *place_with_action(const struct place *place, const char *action);
// The site that a place with these words has; they are as in struct place. -1 with an exception.
int place_site(PyObject *function, PyObject *text, const char *action, PyObject *name,
               uint64_t *site);
// The place with this site, or NULL (no exception).
const struct place *place_find(uint64_t site);

#endif
