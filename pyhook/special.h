// Special: programs that change what operators and calls run.
//
// `C.__len__ = f`, `x.__class__ = D`, `f.__code__ = g.__code__`, `del name` of a global in front of
// a builtin: which code an instruction runs is looked up by the interpreter, without an attribute
// access that could be seen. So that those who do such things pay for it and nobody else, the code
// that is traced is searched for them when an exploration begins. If there are any, they write one
// location, and every instruction that may look something up reads it.
#ifndef PYHOOK_SPECIAL_H
#define PYHOOK_SPECIAL_H

#include "access.h"

// Searches the functions that a harness reaches from these callables by name, as far as their files
// are traced under the filter now in force. The same harness gets the same answer in each process.
// -1 with an exception.
int special_begin(PyObject *roots);
// Does anything do such things?
bool special_is_watched(void);
// The assignment or deletion of an attribute: adds the write if it is such a thing. If it was not
// to be found (a name that was put together), the execution is refused, and it is watched from now.
void special_add_write(struct access_list *list, PyObject *object, PyObject *name);
// Another class is about to be made: a write if anybody asks for the classes there are.
void special_add_class(struct access_list *list);
// What an instruction of this kind may look up.
void special_add_read(struct access_list *list, enum site_kind kind);

#endif
