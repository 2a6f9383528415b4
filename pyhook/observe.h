// Observation: sees each access of traced Python code before it happens and brings it to the door.
//
// CPython 3.10, 3.11: a C trace function with opcode events (observe_trace.c). 3.12 and later:
// sys.monitoring INSTRUCTION events with a C callback (observe_monitor.c). Both read the operands
// from the real value stack through the site table of the code object (site.c) and turn them into
// accesses (access.c, location.c).
#ifndef PYHOOK_OBSERVE_H
#define PYHOOK_OBSERVE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

// Once per process, at import of frontrun._core: opcode tables, co_extra index, and a self-test of
// operand identity on a few functions. -1 with ImportError naming the versions that work if the
// interpreter's layout is not the one this module was built for.
int observe_open(PyObject *module);

// Which files are traced: a callable str -> bool, asked once per file name and remembered.
// Replaces the last one and forgets what it answered. Also looks which of the library's modules
// that are observed by their functions are there by now: before anything in them is replaced.
int observe_set_filter(PyObject *is_traced);
// Is code of this file traced under the filter now in force? False if there is none.
bool observe_is_traced(PyCodeObject *code);

// Around one or many executions, called by the controlling thread. observe_begin also instruments
// the given code objects' functions eagerly (a sequence of callables), frames already running
// included. Restores what it found.
int observe_begin(PyObject *callables);
void observe_end(void);

// In a logical thread, around its body.
int observe_thread_begin(void);
void observe_thread_end(void);

// The calling logical thread is about to call this with a tuple of arguments and a dict of keywords
// (or NULL), and no Python code does it for it. 0, or -1 with an exception that is to be raised
// instead.
int observe_call(PyObject *callable, PyObject *arguments, PyObject *keywords);

// Forgets the identities of the last execution. Called by the controlling thread after it.
void location_reset(void);
// The key of a whole object (a lock, a container as such).
uint64_t location_of_object(PyObject *object);

#endif
