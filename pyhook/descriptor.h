// Descriptors: which resources a file descriptor, a file object or a socket stands for.
//
// The positions of descriptors are part of the file they are open on: two that were duplicated
// share one. A file object that was opened by its path has its own, and counts as its own object.
#ifndef PYHOOK_DESCRIPTOR_H
#define PYHOOK_DESCRIPTOR_H

#include "access.h"

// The functions add what using the thing touches. False: not understood. They make system calls
// that only read, leave errno alone, run no Python code and set no exception.

// write: or only asks for its status.
bool descriptor_add(struct access_list *list, int descriptor, bool write);
// An object of a type of _io.
bool descriptor_add_file(struct access_list *list, PyObject *file);
// An object of _socket.socket or of a class made of it.
bool descriptor_add_socket(struct access_list *list, PyObject *socket);
// The address that a socket is to be connected or bound to, or to send to: a tuple of Python.
bool descriptor_add_address(struct access_list *list, PyObject *socket, PyObject *address);
// Looks up the types. -1 with an exception.
int descriptor_open(void);
// A new execution begins.
void descriptor_begin(void);

#endif
