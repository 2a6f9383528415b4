// How long a fuzz target runs when nobody says: 2 seconds, and 60 under FRONTRUN_LONG.
// SPDX-License-Identifier: Apache-2.0
#include "target.h"

#include <stdbool.h>

int LLVMFuzzerInitialize(int *argc, char ***argv) {
    static char seconds[] = "-max_total_time=2";
    static char minute[] = "-max_total_time=60";
    static char quiet[] = "-verbosity=0";
    static char timeout[] = "-timeout=20";
    static char *arguments[16];
    bool is_long = getenv("FRONTRUN_LONG") != NULL;
    int count = 0;
    arguments[count++] = (*argv)[0];
    arguments[count++] = is_long ? minute : seconds;
    arguments[count++] = quiet;
    arguments[count++] = timeout;
    // What the caller says comes later and wins.
    for (int i = 1; i < *argc && count < 15; i++)
        arguments[count++] = (*argv)[i];
    *argc = count;
    *argv = arguments;
    return 0;
}
