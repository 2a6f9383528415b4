// Pure: which instructions leave no state behind but on the value stack and in local variables.
//
// Asked about loops that seem to spin. An instruction is repeatable if doing it again in the same
// local state, while nobody writes what it reads, does the same: all it reads is announced to the
// engine, and it runs no Python code and no C code with a memory of its own. Whatever is not known
// to be so is not.
#ifndef PYHOOK_PURE_H
#define PYHOOK_PURE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

#include "access.h"
#include "site.h"

// Once, at import. -1 with an exception.
int pure_open(void);
// Is it an immutable value that is known by its value: None, a bool, an exact int, float, str or
// bytes?
bool pure_is_plain(PyObject *object);
// Is the call at a site one of a function of the library that waits (LIBRARY_WAITS)?
bool pure_is_wait(const struct site *site, const struct operands *on);
// Is the instruction at a site, about to be executed, repeatable? Runs none of the program's code.
bool pure_is_repeatable(const struct site *site, const struct operands *on);

#endif
