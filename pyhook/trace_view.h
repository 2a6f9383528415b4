// Trace view: the last execution of an explorer as Python objects.
#ifndef PYHOOK_TRACE_VIEW_H
#define PYHOOK_TRACE_VIEW_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include "fr.h"
#include "runner.h"

// Makes the named tuples Failure, Event and Wait and adds them to the module. -1 with an exception.
int trace_view_open(PyObject *module);

// The following answer new references, NULL with an exception.

// list[Event]
PyObject *trace_view_events(const struct fr_explorer *engine);
// What of the objects, by their numbers in the events, lies outside the process: a dict of names
// ("file config.json"). As of the last execution in this process.
PyObject *trace_view_resources(const struct fr_explorer *engine);
// list[Wait]: the threads that were blocked at the end
PyObject *trace_view_waits(const struct fr_explorer *engine, const struct runner_outcome *outcome);
// Failure, or None if the verdict is none
PyObject *trace_view_failure(const struct fr_explorer *engine, enum fr_verdict verdict,
                             const struct runner_outcome *outcome);
// list[tuple[int, int]]: (thread, number of events it performed in one go)
PyObject *trace_view_blocks(const struct fr_explorer *engine);
// The same of a schedule given as the threads of its events, in order.
PyObject *trace_view_order(const struct fr_explorer *engine, const fr_tid *order, uint32_t length);

#endif
