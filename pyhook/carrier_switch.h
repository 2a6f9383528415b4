// Switch: stops the calling flow of control and goes on with another, on the same kernel thread.
// SPDX-License-Identifier: Apache-2.0
#ifndef PYHOOK_CARRIER_SWITCH_H
#define PYHOOK_CARRIER_SWITCH_H

#include <stdint.h>

#if defined(__x86_64__) && defined(__linux__)
#define CARRIER_SWITCH_EXISTS 1

// Saves the callee-saved registers and the floating point control words on the stack and its
// pointer in *save; goes on from `load` with the thread pointer fs_base. Returns when switched back
// to.
void carrier_switch(void **save, void *load, uint64_t fs_base);
// What to load to enter `entry` on an empty stack that ends below `top`. It must not return.
void *carrier_switch_prepare(void *top, void (*entry)(void));
// The calling thread's.
uint64_t carrier_switch_fs_base(void);

#endif
#endif
