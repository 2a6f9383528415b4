// Futex: sleep until a 32-bit word changes, wake whoever sleeps on it.
// SPDX-License-Identifier: Apache-2.0
#ifndef PYHOOK_CARRIER_FUTEX_H
#define PYHOOK_CARRIER_FUTEX_H

#include <linux/futex.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

// Sleeps while *word == value, at most `timeout` (NULL: for ever). May return early for no reason.
static inline void futex_wait(_Atomic uint32_t *word, uint32_t value,
                              const struct timespec *timeout) {
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, timeout, NULL, 0);
}

// Sets the word and wakes one sleeper. The word must outlive the call.
static inline void futex_post(_Atomic uint32_t *word, uint32_t value) {
    atomic_store(word, value);
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

#endif
