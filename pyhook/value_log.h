// Value log: what the operations of an execution found and stored, if that was asked for.
//
// For explanations: one execution is told in words, all others pay for a look at one flag. All
// functions need the GIL.
#ifndef PYHOOK_VALUE_LOG_H
#define PYHOOK_VALUE_LOG_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

#include "fr.h"
#include "place.h"
#include "value.h"

enum value_part {
    VALUE_FOUND,   // what was where it read or stored
    VALUE_STORED,  // what it put there
    VALUE_OBJECT,  // the lock, queue ...: its kind, a space, its name in the program
    VALUE_PARTS
};

extern bool value_log_wanted;  // only value_log.c changes it

// The executions under this explorer between these two are told. Only the last one is kept, until
// the next under that explorer begins. -1 with an exception.
int value_log_open(const struct fr_explorer *explorer);
void value_log_close(void);
// An execution under this explorer begins: forgets its last one.
void value_log_begin(const struct fr_explorer *explorer);

// To be called if value_log_wanted.

// The calling logical thread is about to perform the instruction that it announced last.
void value_log_note(const struct site *site, const struct operands *operands);
// It has come to an instruction, or (is_leaving) is about to let others run: what the call that was
// noted last has changed is looked at, if that call is over.
void value_log_settle(bool is_leaving);
// It is about to announce an operation on this object at this place.
void value_log_name(PyObject *object, const struct place *place);

// What is known of the index-th operation of a thread; borrowed, NULL: nothing.
PyObject *value_log_find(const struct fr_explorer *explorer, fr_tid thread, uint32_t index,
                         enum value_part part);

#endif
