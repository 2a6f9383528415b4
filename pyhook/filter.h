// The filter: which files are traced.
#ifndef PYHOOK_FILTER_H
#define PYHOOK_FILTER_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>
#include <stdint.h>

// A callable str -> bool, asked once per file name; NULL: nothing is traced. Forgets what the last
// one answered. -1 with an exception.
int filter_set(PyObject *is_traced);
// Changes with every filter_set; never 0.
uint32_t filter_generation(void);
// 1: traced, 0: not (also if there is no filter), -1 with an exception: the filter raised. May run
// Python code on the first question about a file.
int filter_ask(PyObject *filename);
// Is the filter's own code running now? Code that starts meanwhile is nobody's business.
bool filter_is_asking(void);

#endif
