// Inside: what C code reaches through the containers, iterators and callbacks that it is given.
//
// What is inside depends on the containers around it, which other threads may change as long as
// the instruction has not had its turn. So the levels are announced one after the other: an event
// reads the containers of the levels above, and which ones the next level has is looked up when it
// has its turn, and is thereby ordered. access_list.level says how many levels are known.
#ifndef PYHOOK_INSIDE_H
#define PYHOOK_INSIDE_H

#include "access.h"

// C code may look at what is in the container (repr, ==, sum). Nothing at level 0 but a note that
// there may be more. Through the attributes of objects if the list says so. is_private: nobody else
// has the container.
void inside_add(struct access_list *list, PyObject *object, bool is_private);
// Of a full list: what did not fit is in any container that anybody writes.
void inside_add_rest(struct access_list *list);
// C code calls the object with what is in the sources: what calling it touches by itself.
void inside_add_callback(struct access_list *list, PyObject *callback);
// What a writer or buffer of a library in C (csv, io) writes to.
void inside_add_stream(struct access_list *list, PyObject *object);
// C code calls what the iterator holds, with what is in the sources (map, filter, itertools).
bool inside_calls_back(PyObject *iterator);
// C code will call the object with what is inside the containers, if it is something to call.
void inside_note_callback(struct access_list *list, PyObject *object);
// Is it an operator.attrgetter? Then what it gets of the object is added.
bool inside_add_getter(struct access_list *list, PyObject *getter, PyObject *object);
// Is it something that C code calls without running observed Python code?
bool inside_is_callback(PyObject *object);

#endif
