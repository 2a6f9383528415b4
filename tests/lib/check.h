// What a test program needs: checks that say where, and one closing line.
// SPDX-License-Identifier: Apache-2.0
#ifndef LIB_CHECK_H
#define LIB_CHECK_H

#include <stdio.h>
#include <stdlib.h>

// One failure ends the program: the first is the one to read.
#define CHECK(condition, ...)                                                                      \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: %s does not hold: ", __FILE__, __LINE__, #condition);          \
            fprintf(stderr, __VA_ARGS__);                                                          \
            fprintf(stderr, "\n");                                                                 \
            exit(1);                                                                               \
        }                                                                                          \
    } while (0)

#define CHECK_OK(status)                                                                           \
    do {                                                                                           \
        enum fr_status check_status = (status);                                                    \
        CHECK(check_status == FR_OK, "%s", fr_status_text(check_status));                          \
    } while (0)

#endif
