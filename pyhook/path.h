// Paths: which resources an operation on a path touches.
//
// What a path means is looked up before the operation, and other threads may change it meanwhile.
// So no look is taken before what it depends on is announced: the first event of a path in a thread
// reads only resource_of_names; at its turn the directories are looked up and the name in the last
// one is announced; at that turn, the file behind the name, and so on (inside.h does the same for
// containers). What a thread has found out is remembered for it, as what it will announce at once
// next time; at its turn it is looked up again, so that it may be out of date.
#ifndef PYHOOK_PATH_H
#define PYHOOK_PATH_H

#include "access.h"

// What is done with the name, and with the file behind it.
enum path_use {
    PATH_FOLLOW = 1,    // what a symbolic link points at is meant
    PATH_MAKE = 2,      // makes the entry if there is none
    PATH_FRESH = 4,     // ... and fails otherwise
    PATH_REMOVE = 8,    // removes the entry, or puts another in its place
    PATH_READ = 16,     // reads the file, its status, or the listing of the directory
    PATH_WRITE = 32,    // writes the file or its status
    PATH_OPEN = 64,     // gets a descriptor
    PATH_RULES = 128,   // writes what other paths may depend on: permissions
    PATH_PARENTS = 256  // makes the directories above, too
};

// Adds what using the path touches. False: what the path means is not understood; nothing of what
// was added is enough. Makes system calls that only read; leaves errno alone.
bool path_add(struct access_list *list, const char *path, unsigned use);
// A new execution begins: nothing is remembered of the last one.
void path_begin(void);

#endif
