// Sleep: whether an OS thread is asleep in the kernel, and whether it has woken up since.
// SPDX-License-Identifier: Apache-2.0
#include "carrier_ops.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STATUS_SIZE_MAX 4096

// Answers the value of a line of /proc/PID/status, NULL if it is not there.
static const char *find_value(const char *text, const char *name) {
    const char *at = strstr(text, name);
    return at != NULL ? at + strlen(name) : NULL;
}

// Not "D": who waits for a disk is not waiting for another thread.
bool carrier_sleeps(pid_t thread, uint64_t *switches) {
    char path[64], text[STATUS_SIZE_MAX];
    snprintf(path, sizeof path, "/proc/self/task/%d/status", (int)thread);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0)
        return false;
    ssize_t size = read(file, text, sizeof text - 1);
    close(file);
    text[size > 0 ? size : 0] = '\0';
    const char *state = find_value(text, "\nState:\t");
    const char *count = find_value(text, "\nvoluntary_ctxt_switches:\t");
    if (state == NULL || count == NULL || *state != 'S')
        return false;
    *switches = strtoull(count, NULL, 10);
    return true;
}
