// Resources: the keys of what lies outside the process, and their names for people.
//
// Every use of the outside reads resource_of_all; what is not understood writes it, and thereby
// meets all other uses. Keys are made of what the kernel says (device, inode, port), never of the
// words of the program. Guarded by the GIL. No function here sets an exception unless it says so.
#ifndef PYHOOK_RESOURCE_H
#define PYHOOK_RESOURCE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

// The world outside as a whole.
uint64_t resource_of_all(void);
// What the meaning of all paths depends on: the current directory, which directories and symbolic
// links there are, permissions.
uint64_t resource_of_names(void);
// Which file descriptors are free.
uint64_t resource_of_descriptors(void);
// A file, a directory with its listing, or a pipe: contents and what stat() says.
uint64_t resource_of_inode(dev_t device, ino_t inode);
// What a name in a directory stands for. Names that some file systems take for the same have the
// same key.
uint64_t resource_of_entry(dev_t device, ino_t directory, const char *name, size_t length);
// A port on one address (16 bytes: IPv6, or IPv4 mapped into it), or on all of them (NULL).
uint64_t resource_of_endpoint(const void *address, uint16_t port);
// All sockets of the Unix domain.
uint64_t resource_of_unix(void);

// Remembers what the resource is called until resource_begin: "file config.json". The first name
// stays.
void resource_name(uint64_t key, const char *kind, const char *name);
// A new str, or NULL without an exception if it has no name; NULL with one if there is no memory.
PyObject *resource_label(uint64_t key);
// A new execution begins: the names are forgotten.
void resource_begin(void);

#endif
