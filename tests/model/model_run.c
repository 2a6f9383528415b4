// One exploration of an abstract program, measured, and compared with brute force if wanted.
// SPDX-License-Identifier: Apache-2.0
#include "model_run.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SAVE_EVERY = 10000, INTERLEAVINGS_MAX = 20000000 };

struct runner {
    const struct program *program;
    const struct model_options *options;
    struct model_result *result;
    struct fr_explorer *explorer;
    struct program_subject subject;
    struct digest_set traces, signatures;
    uint64_t estimate_at;
};

static int refuse(const char *what, const char *why) {
    fprintf(stderr, "fr-model: %s: %s\n", what, why);
    return 2;
}

int model_load(const char *path, const struct parse_define *defines, uint32_t define_count,
               struct program *program) {
    static char text[1 << 16];
    char error[PARSE_ERROR_MAX];
    FILE *file = fopen(path, "r");
    if (file == NULL)
        return refuse(path, strerror(errno));
    size_t size = fread(text, 1, sizeof text, file);
    int error_number = ferror(file) != 0 ? errno : 0;
    fclose(file);
    if (error_number != 0)
        return refuse(path, strerror(error_number));
    if (size == sizeof text)
        return refuse(path, "a program has less than 64 kB");
    text[size] = '\0';
    if (memchr(text, '\0', size) != NULL)
        return refuse(path, "this is no text");
    if (!parse_program(text, defines, define_count, program, error))
        return refuse(path, error);
    return 0;
}

// The whole file, to be freed by the caller; NULL with a sentence.
static uint8_t *read_bytes(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = NULL;
    size_t capacity = 0;
    *size = 0;
    for (size_t got = 1; file != NULL && got != 0; *size += got) {
        if (*size == capacity) {
            capacity = capacity == 0 ? 1 << 16 : capacity * 2;
            uint8_t *grown = realloc(bytes, capacity);
            if (grown == NULL) {
                free(bytes);
                fclose(file);
                refuse(path, "out of memory");
                return NULL;
            }
            bytes = grown;
        }
        got = fread(bytes + *size, 1, capacity - *size, file);
    }
    bool failed = file == NULL || ferror(file) != 0;
    if (failed)
        refuse(path, strerror(errno));
    if (file != NULL)
        fclose(file);
    if (failed) {
        free(bytes);
        return NULL;
    }
    return bytes;
}

// Whoever is killed meanwhile leaves the file as it was.
static int write_bytes(const char *path, const uint8_t *bytes, size_t size) {
    char other[4096];
    int length = snprintf(other, sizeof other, "%s.new", path);
    if (length < 0 || (size_t)length >= sizeof other)
        return refuse(path, "the name is too long");
    FILE *file = fopen(other, "wb");
    if (file == NULL)
        return refuse(other, strerror(errno));
    bool good = fwrite(bytes, 1, size, file) == size;
    good &= fclose(file) == 0;
    if (!good || rename(other, path) != 0)
        return refuse(path, strerror(errno));
    return 0;
}

static int save(const struct runner *r) {
    size_t size = fr_explorer_save(r->explorer, NULL, 0);
    uint8_t *bytes = malloc(size);
    if (bytes == NULL)
        return refuse(r->options->save, "out of memory");
    fr_explorer_save(r->explorer, bytes, size);
    int code = write_bytes(r->options->save, bytes, size);
    free(bytes);
    return code;
}

static int start(struct runner *r) {
    const struct model_options *options = r->options;
    struct fr_config config = fr_config_default();
    config.threads_max = r->program->thread_count;
    config.events_max = options->events_max;
    config.stable_keys = options->stable_keys;
    enum fr_status status = fr_explorer_new(&config, &r->explorer);
    if (status != FR_OK)
        return refuse(options->file, fr_status_text(status));
    if (options->resume == NULL) {
        status = fr_explorer_start(r->explorer, &options->plan);
        return status == FR_OK ? 0 : refuse(options->file, fr_explorer_errmsg(r->explorer));
    }
    size_t size;
    uint8_t *bytes = read_bytes(options->resume, &size);
    if (bytes == NULL)
        return 2;
    status = fr_explorer_restore(r->explorer, bytes, size);
    free(bytes);
    return status == FR_OK ? 0 : refuse(options->resume, fr_explorer_errmsg(r->explorer));
}

// Counts a complete execution.
static int note_trace(struct runner *r, enum fr_verdict verdict) {
    struct model_result *result = r->result;
    struct program_subject *subject = &r->subject;
    bool is_new;
    uint64_t hash = fr_trace_hash(r->explorer);
    digest_set_add(&r->traces, hash, 0, &is_new);
    result->traces += is_new;
    result->repeated += !is_new;
    if (is_new) {
        result->deadlocked += verdict == FR_VERDICT_DEADLOCK;
        result->failed += subject->state.failed;
        result->step_limited += verdict == FR_VERDICT_STEP_LIMIT;
    }
    if (fr_verdict_is_failure(verdict) && !result->has_failing) {
        result->has_failing = true;
        result->failing_length = subject->length;
        memcpy(result->failing, subject->schedule, sizeof result->failing);
        memcpy(result->failing_times, subject->times, sizeof result->failing_times);
    }
    digest_set_add(&r->signatures, fr_trace_reads_from(r->explorer), 0, &is_new);
    result->reads_from += is_new;
    if (!r->result->compared)
        return 0;
    uint64_t value;
    uint64_t digest = brute_digest(r->program, subject->schedule, subject->length, &value);
    const struct digest_entry *entry = digest_set_find(&result->truth.traces, digest);
    if (entry == NULL || entry->value != value)
        return refuse(r->options->file, "explored a trace that brute force does not have");
    return 0;
}

static int execute_one(struct runner *r, struct fr_subject *s) {
    enum fr_verdict verdict = FR_VERDICT_PASS;
    uint64_t place = 0;
    enum fr_status status = s->execute(s->self, r->explorer, &verdict, &place);
    if (status == FR_HOST)
        return refuse(r->options->file, r->subject.state.why);
    if (status != FR_OK)
        return refuse(r->options->file, fr_explorer_errmsg(r->explorer));
    r->result->executions++;
    r->result->events += r->subject.length;
    int code = verdict == FR_VERDICT_REDUNDANT ? 0 : note_trace(r, verdict);
    if (code != 0)
        return code;
    status = fr_explorer_end(r->explorer, verdict, place);
    return status == FR_OK ? 0 : refuse(r->options->file, fr_explorer_errmsg(r->explorer));
}

static void print_estimate(struct runner *r) {
    if (!r->options->estimate || r->result->executions < r->estimate_at)
        return;
    printf("after %10llu executions: about %.0f in all\n",
           (unsigned long long)r->result->executions, fr_explorer_estimate(r->explorer));
    r->estimate_at *= 2;
}

static int go_on(struct runner *r, struct fr_subject *s) {
    const struct model_options *options = r->options;
    for (;;) {
        if (options->budget != 0 && r->result->executions >= options->budget)
            return 0;
        enum fr_status status = fr_explorer_begin(r->explorer);
        if (status == FR_DONE)
            return 0;
        if (status != FR_OK)
            return refuse(options->file, fr_explorer_errmsg(r->explorer));
        int code = execute_one(r, s);
        if (code == 0 && options->save != NULL && r->result->executions % SAVE_EVERY == 0)
            code = save(r);
        if (code != 0)
            return code;
        print_estimate(r);
    }
}

static double now(void) {
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

static int compare_first(struct runner *r) {
    if (!r->options->brute_force)
        return 0;
    r->result->truth.leaves_max = INTERLEAVINGS_MAX;
    brute_force(&r->result->truth, r->program);
    r->result->compared = !r->result->truth.gave_up;
    return r->result->compared ? 0 : refuse(r->options->file, "too large for --brute-force");
}

int model_run(const struct program *program, const struct model_options *options,
              struct model_result *result) {
    static struct runner runner;
    struct runner *r = &runner;
    *r = (struct runner){
        .program = program, .options = options, .result = result, .estimate_at = 16};
    struct fr_subject s = program_subject(&r->subject, program);
    r->subject.vary_keys = !options->stable_keys;
    int code = compare_first(r);
    if (code == 0)
        code = start(r);
    double begin = now();
    if (code == 0)
        code = go_on(r, &s);
    result->seconds = now() - begin;
    if (code == 0 && options->save != NULL)
        code = save(r);
    if (code == 0) {
        struct fr_stats stats = fr_explorer_stats(r->explorer);
        result->executions_all = stats.executions;
        result->redundant = stats.redundant;
        result->beyond_bound = stats.beyond_bound;
        result->cut = stats.cut;
        result->ending = fr_explorer_ending(r->explorer);
    }
    fr_explorer_free(r->explorer);
    digest_set_release(&r->traces);
    digest_set_release(&r->signatures);
    return code;
}

void model_result_release(struct model_result *result) {
    brute_release(&result->truth);
}
