// Accesses: which locations an instruction is about to touch, and how.
//
// All of it runs before the instruction, inside CPython's callback: no Python code, no allocation
// of collected objects, no exception.
#ifndef PYHOOK_ACCESS_H
#define PYHOOK_ACCESS_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdbool.h>

#include "fr.h"
#include "site.h"

// What an instruction finds on the stack and around it. Everything is borrowed from the frame.
struct operands {
    int thread;  // observe_caller
    const void *frame;
    PyObject **top;     // one above the top of the stack: operand n from the top is top[-n]
    PyObject **locals;  // locals, cells and free variables
    PyCodeObject *code;
    PyObject *globals;
    PyObject *builtins;
    PyObject *names;  // f_locals; NULL in functions
};

struct access_list {
    uint32_t count;
    bool is_full;  // there were more: the operation must be refused
    bool failed;   // an exception is set
    // How many levels of what is inside the containers are looked up (inside.h).
    int level;
    bool may_resume;       // code that is not traced may go on with it after traced code
    bool may_go_on;        // there may be more inside
    bool inside_writes;    // what is inside is handed to an unknown callback
    bool through_objects;  // what is inside is looked for in the attributes of objects, too
    bool looks_outside;    // what it touches outside the process depends on that (path.h)
    bool is_all_outside;   // ... or is not understood: it writes all of it
    // Above level 0: what the event just passed was announced with. Borrowed.
    const struct fr_access *announced;
    uint32_t announced_count;
    // Inserts this key if the dict does not have it; NULL: nothing of the kind. Borrowed.
    PyObject *dict, *key;
    struct fr_access items[FR_ACCESSES_MAX];
};

// Collects the accesses of the instruction at a site into an empty list.
void access_collect(struct access_list *list, const struct site *site,
                    const struct operands *operands);

// Empties a list, for a look at level 0.
void access_clear(struct access_list *list);
// To be asked when the accesses are about to be performed: do they insert a key? Whether they do
// depends on what other threads did, so it is no part of what is announced first. If true, what an
// insertion does to the order of the keys was added, and the list is to be announced again.
bool access_add_insertion(struct access_list *list);

// Is all of one list in the other, as strongly?
bool access_is_part(const struct access_list *part, const struct access_list *whole);

// For calls (call.c): the parts that access_collect is made of.

// One access; joined with one of the same key.
void access_add(struct access_list *list, uint64_t key, enum fr_mode mode);
// All of a container (an iterator: it is advanced, and what it goes over is read). Nothing for
// objects without shared mutable state. on_stack: the caller found the object in a stack slot, so
// that one reference means nobody else has it.
void access_add_whole(struct access_list *list, PyObject *object, bool write, bool on_stack);
// What is inside it, which C code looks at; on_stack as above.
void access_add_inside(struct access_list *list, PyObject *object, bool on_stack);
// C code calls it: what a bound method or a partial object touches.
void access_add_callback(struct access_list *list, PyObject *callback);
// All attributes of an instance of a class of Python code; nothing for others.
void access_add_object(struct access_list *list, PyObject *object, bool write);
// The contents that an iterator will ask for next.
void access_add_next(struct access_list *list, PyObject *iterator, Py_ssize_t references_own);
// container[key]; for other objects as access_add_whole.
void access_add_item(struct access_list *list, PyObject *object, PyObject *key, bool write);
// del container[key].
void access_add_deletion(struct access_list *list, PyObject *object, PyObject *key);
// container[key], for a key that is known to name one element.
void access_add_element(struct access_list *list, PyObject *object, PyObject *key, bool write);

#endif
