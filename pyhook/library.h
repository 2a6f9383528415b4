// Library: code of the standard library that is traced although the filter does not name it.
//
// Its events have the place of the user's line that called it, so that reports speak of that line
// and schedules carry over to a Python whose library is written differently.
#ifndef PYHOOK_LIBRARY_H
#define PYHOOK_LIBRARY_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

enum library_kind {
    LIBRARY_NONE,
    LIBRARY_LISTED,  // in library.def; its globals are not part of the program
    LIBRARY_CALLS,   // there, too; only calls that it makes for the program are announced
    LIBRARY_MADE     // made from a string: a method of a dataclass, exec()
};

// Looks up what library.def names in the modules that are imported by now. -1 with an exception.
int library_refresh(void);
// Runs nothing, sets no exception.
enum library_kind library_kind_of(PyCodeObject *code);
// Does this function of the library, which is not traced, change nothing: it takes locks and gives
// them back, or the other way round, and perhaps waits meanwhile?
bool library_waits(PyCodeObject *code);
// Is it a class of the standard library?
bool library_has_class(PyTypeObject *type);
// Is it one whose instances have locks around what they do, no state, or no part in the program?
bool library_is_quiet(PyTypeObject *type);

#endif
