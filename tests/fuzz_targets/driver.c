// Drives a fuzz target where there is no libFuzzer: over files, then over random bytes.
// SPDX-License-Identifier: Apache-2.0
//
// Understands -max_total_time=SECONDS and -seed=N, takes any other argument that is a file as an
// input to begin with, and ignores the rest.
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "target.h"

enum { SIZE_MAX_BYTES = 4096, POOL = 256 };

static uint8_t pool[POOL][SIZE_MAX_BYTES];
static size_t pool_size[POOL];
static uint32_t pool_count;
static uint64_t state;
static uint8_t *current;
static size_t current_size;

static uint32_t below(uint32_t bound) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)((state >> 33) % bound);
}

// A block of its own, so that a sanitizer sees every byte read behind the end.
static void run(const uint8_t *bytes, size_t size) {
    current = malloc(size == 0 ? 1 : size);
    current_size = size;
    REQUIRE(current != NULL);
    memcpy(current, bytes, size);
    LLVMFuzzerTestOneInput(current, size);
    free(current);
    current = NULL;
}

static void keep_crash(int number) {
    FILE *file = fopen("crash-input", "wb");
    if (file != NULL) {
        fwrite(current, 1, current_size, file);
        fclose(file);
        fputs("the input is in crash-input\n", stderr);
    }
    signal(number, SIG_DFL);
    raise(number);
}

static void add_file(const char *path) {
    FILE *file = fopen(path, "rb");
    if (file == NULL)
        return;
    uint32_t at = pool_count < POOL ? pool_count++ : below(POOL);
    pool_size[at] = fread(pool[at], 1, SIZE_MAX_BYTES, file);
    fclose(file);
}

static void add_path(const char *path) {
    DIR *directory = opendir(path);
    if (directory == NULL) {
        add_file(path);
        return;
    }
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;) {
        char name[4096];
        if (entry->d_name[0] == '.' ||
            snprintf(name, sizeof name, "%s/%s", path, entry->d_name) >= (int)sizeof name)
            continue;
        add_file(name);
    }
    closedir(directory);
}

static size_t mutate(uint8_t *bytes, size_t size) {
    for (uint32_t n = 1 + below(4); n > 0; n--) {
        uint32_t what = below(4);
        if (size == 0 || what == 0) {
            uint32_t more = 1 + below(32);
            while (more-- > 0 && size < SIZE_MAX_BYTES)
                bytes[size++] = (uint8_t)below(256);
        } else if (what == 1) {
            bytes[below((uint32_t)size)] = (uint8_t)below(256);
        } else if (what == 2) {
            bytes[below((uint32_t)size)] ^= (uint8_t)(1U << below(8));
        } else {
            size_t from = below((uint32_t)size);
            size_t cut = 1 + below(8) < size - from ? 1 : size - from;
            memmove(bytes + from, bytes + from + cut, size - from - cut);
            size -= cut;
        }
    }
    return size;
}

static void run_one_more(void) {
    static uint8_t bytes[SIZE_MAX_BYTES];
    size_t size = below(3) == 0 ? below(SIZE_MAX_BYTES) : below(200);
    if (pool_count != 0 && below(4) != 0) {
        uint32_t from = below(pool_count);
        size = pool_size[from];
        memcpy(bytes, pool[from], size);
        size = mutate(bytes, size);
    } else {
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)below(below(2) == 0 ? 256 : 8);
    }
    run(bytes, size);
    // A walk through the inputs, not only around the first ones.
    uint32_t at = pool_count < POOL ? pool_count : below(POOL);
    if (below(8) == 0) {
        memcpy(pool[at], bytes, size);
        pool_size[at] = size;
        pool_count += pool_count < POOL;
    }
}

int main(int argc, char **argv) {
    long seconds = 2;
    LLVMFuzzerInitialize(&argc, &argv);
    for (int i = 1; i < argc; i++) {
        if (sscanf(argv[i], "-max_total_time=%ld", &seconds) == 1 || argv[i][0] == '-')
            continue;
        add_path(argv[i]);
    }
    signal(SIGABRT, keep_crash);
    for (uint32_t i = 0; i < pool_count; i++)
        run(pool[i], pool_size[i]);
    time_t end = time(NULL) + seconds;
    unsigned long runs = 0;
    for (; time(NULL) < end; runs++)
        run_one_more();
    printf("%lu inputs, no crash\n", runs + pool_count);
    return 0;
}
