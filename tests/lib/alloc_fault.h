// An allocator that fails at a chosen call, and counts what is not freed.
// SPDX-License-Identifier: Apache-2.0
#ifndef LIB_ALLOC_FAULT_H
#define LIB_ALLOC_FAULT_H

#include <stdbool.h>
#include <stdint.h>

#include "fr.h"

struct alloc_fault {
    uint64_t fail_at;   // the call that fails, counted from 1; 0: none does
    bool fails_on;      // so do all that follow it
    uint64_t requests;  // calls for memory so far, failed ones included
    uint64_t failed;    // of them
    uint64_t blocks;    // not freed
    uint64_t bytes;     // in them
};

// The context is the fault, which must outlive all that is allocated.
struct fr_allocator alloc_fault_allocator(struct alloc_fault *fault);

#endif
