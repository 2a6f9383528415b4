// Resources: the keys of what lies outside the process, and their names for people.
// SPDX-License-Identifier: Apache-2.0
#include "resource.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "location.h"

enum tag { TAG_ALL = 1, TAG_NAMES, TAG_DESCRIPTORS, TAG_INODE, TAG_ENTRY, TAG_ENDPOINT, TAG_UNIX };

// What a key is made of; no padding, as its bytes are hashed.
struct identity {
    uint64_t tag, device, inode, detail;
};

static uint64_t key_of(enum tag tag, uint64_t device, uint64_t inode, uint64_t detail) {
    const struct identity identity = {tag, device, inode, detail};
    return location_of_outside(XXH3_64bits(&identity, sizeof identity));
}

uint64_t resource_of_all(void) {
    return key_of(TAG_ALL, 0, 0, 0);
}

uint64_t resource_of_names(void) {
    return key_of(TAG_NAMES, 0, 0, 0);
}

uint64_t resource_of_descriptors(void) {
    return key_of(TAG_DESCRIPTORS, 0, 0, 0);
}

uint64_t resource_of_unix(void) {
    return key_of(TAG_UNIX, 0, 0, 0);
}

uint64_t resource_of_inode(dev_t device, ino_t inode) {
    return key_of(TAG_INODE, (uint64_t)device, (uint64_t)inode, 0);
}

// Case is ignored, and so is what is not ASCII, whose forms a file system may take for one another.
static uint64_t hash_folded(const char *name, size_t length) {
    uint64_t hash = 14695981039346656037ull;  // FNV-1a: the key is mixed again
    for (size_t i = 0; i < length; i++) {
        unsigned char byte = (unsigned char)name[i];
        if (byte >= 0x80)
            continue;
        if (byte >= 'A' && byte <= 'Z')
            byte = (unsigned char)(byte - 'A' + 'a');
        hash = (hash ^ byte) * 1099511628211ull;
    }
    return hash;
}

uint64_t resource_of_entry(dev_t device, ino_t directory, const char *name, size_t length) {
    return key_of(TAG_ENTRY, (uint64_t)device, (uint64_t)directory, hash_folded(name, length));
}

uint64_t resource_of_endpoint(const void *address, uint16_t port) {
    uint64_t halves[2] = {0, 0};
    if (address != NULL)
        memcpy(halves, address, sizeof halves);
    return key_of(TAG_ENDPOINT, halves[0], halves[1], (uint64_t)port << 1 | (address == NULL));
}

// ------------------------------------------------------------------------------ names

enum { LABEL_MAX = 96 };

struct label {
    uint64_t key;  // 0: a free slot
    char text[LABEL_MAX];
};

// Open addressing, at most half full. More names than fit in memory are not remembered.
static struct {
    struct label *slots;
    size_t capacity, count;
} labels;

static struct label *find(uint64_t key) {
    size_t at = (size_t)key & (labels.capacity - 1);
    while (labels.slots[at].key != 0 && labels.slots[at].key != key)
        at = (at + 1) & (labels.capacity - 1);
    return &labels.slots[at];
}

static bool grow(void) {
    struct label *old = labels.slots;
    size_t capacity = labels.capacity;
    struct label *slots = calloc(capacity != 0 ? 2 * capacity : 64, sizeof *slots);
    if (slots == NULL)
        return false;
    labels.slots = slots;
    labels.capacity = capacity != 0 ? 2 * capacity : 64;
    for (size_t i = 0; i < capacity; i++)
        if (old[i].key != 0)
            *find(old[i].key) = old[i];
    free(old);
    return true;
}

void resource_name(uint64_t key, const char *kind, const char *name) {
    if (key == 0 || (2 * labels.count >= labels.capacity && !grow()))
        return;
    struct label *label = find(key);
    if (label->key == key)
        return;
    label->key = key;
    labels.count++;
    // A name too long is cut short.
    if (snprintf(label->text, sizeof label->text, "%s%s%s", kind, *name != '\0' ? " " : "", name) <
        0)
        label->text[0] = '\0';
}

PyObject *resource_label(uint64_t key) {
    const struct label *label = labels.capacity != 0 && key != 0 ? find(key) : NULL;
    if (label == NULL || label->key != key)
        return NULL;
    return PyUnicode_DecodeUTF8(label->text, (Py_ssize_t)strlen(label->text), "replace");
}

void resource_begin(void) {
    if (labels.count != 0)
        memset(labels.slots, 0, labels.capacity * sizeof *labels.slots);
    labels.count = 0;
}
