// A growing set of 64-bit digests with a value each.
// SPDX-License-Identifier: Apache-2.0
#ifndef LIB_DIGEST_SET_H
#define LIB_DIGEST_SET_H

#include <stdbool.h>
#include <stdint.h>

struct digest_entry {
    uint64_t digest;
    uint64_t value;
    bool used;
};

struct digest_set {
    struct digest_entry *entries;
    uint64_t size;  // power of two, or 0
    uint64_t count;
};

// Adds the digest with a value if it is not there. Answers the entry; *is_new tells which.
struct digest_entry *digest_set_add(struct digest_set *set, uint64_t digest, uint64_t value,
                                    bool *is_new);
const struct digest_entry *digest_set_find(const struct digest_set *set, uint64_t digest);
void digest_set_clear(struct digest_set *set);
void digest_set_release(struct digest_set *set);

#endif
