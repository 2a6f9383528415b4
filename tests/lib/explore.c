// Explores an abstract program and compares what was explored with brute force.
// SPDX-License-Identifier: Apache-2.0
#include "explore.h"

#include <string.h>

#include "check.h"
#include "parse.h"

// Hash of the engine -> digest of brute force, and back.
struct matching {
    struct digest_set by_hash;
    struct digest_set by_digest;
};

static void match(struct matching *matching, struct explored *explored, uint64_t hash,
                  uint64_t digest, const char *name) {
    bool new_hash;
    bool new_digest;
    struct digest_entry *of_hash = digest_set_add(&matching->by_hash, hash, digest, &new_hash);
    struct digest_entry *of_digest =
        digest_set_add(&matching->by_digest, digest, hash, &new_digest);
    CHECK(of_hash->value == digest, "%s: one hash for two traces", name);
    CHECK(of_digest->value == hash, "%s: two hashes for one trace", name);
    explored->traces += new_hash;
    explored->repeated += !new_hash;
}

static void compare(const struct program_subject *subject, struct matching *matching,
                    struct explored *explored, const struct brute *truth, uint64_t hash,
                    const char *name) {
    uint64_t value = 0;
    uint64_t digest = hash;
    if (truth != NULL) {
        digest = brute_digest(subject->program, subject->schedule, subject->length, &value);
        const struct digest_entry *entry = digest_set_find(&truth->traces, digest);
        CHECK(entry != NULL, "%s: explored a trace that does not exist", name);
        CHECK(entry->value == value, "%s: a trace ended differently", name);
    }
    match(matching, explored, hash, digest, name);
}

// Whom a blocked thread waits for is what the program says.
static void check_waiters(const struct program_subject *subject, const struct fr_explorer *e,
                          const char *name) {
    const struct program_state *state = &subject->state;
    for (uint32_t t = 0; t < subject->program->thread_count; t++) {
        if (!state->threads[t].started || state->threads[t].finished)
            continue;
        CHECK(fr_run_is_blocked(e, subject->tid_of[t]), "%s: a deadlock, but not blocked", name);
        const struct instruction *i = program_next(state, t);
        int32_t other = -1;
        if (i->opcode == OPC_JOIN)
            other = i->base;
        else if (i->opcode == OPC_ACQUIRE)
            other = state->holder[program_object(state, t, i)];
        fr_tid expected = other < 0 ? FR_TID_NONE : subject->tid_of[other];
        CHECK(fr_run_waits_for(e, subject->tid_of[t]) == expected, "%s: waits for another", name);
    }
}

static void run_one(struct program_subject *subject, struct fr_subject *s, struct fr_explorer *e,
                    struct matching *matching, struct explored *explored, const struct brute *truth,
                    const char *name) {
    enum fr_verdict verdict = FR_VERDICT_PASS;
    uint64_t place = 0;
    enum fr_status status = s->execute(s->self, e, &verdict, &place);
    CHECK(status == FR_OK, "%s: %s (%s)", name, fr_explorer_errmsg(e), fr_status_text(status));
    uint64_t hash = fr_trace_hash(e);
    if (verdict == FR_VERDICT_DEADLOCK)
        check_waiters(subject, e, name);
    CHECK_OK(fr_explorer_end(e, verdict, place));
    explored->executions++;
    explored->events += subject->length;
    if (verdict == FR_VERDICT_REDUNDANT) {
        explored->redundant++;
        return;
    }
    uint64_t before = explored->traces;
    compare(subject, matching, explored, truth, hash, name);
    if (explored->traces == before)
        return;
    explored->deadlocked += verdict == FR_VERDICT_DEADLOCK;
    explored->failed += subject->state.failed;
}

struct explored explore_program(const struct program *program,
                                const struct explore_options *options, const struct brute *truth,
                                const char *name) {
    struct fr_config config = fr_config_default();
    config.stable_keys = options->stable_keys;
    config.threads_max = program->thread_count;
    struct fr_explorer *e;
    CHECK_OK(fr_explorer_new(&config, &e));
    CHECK_OK(fr_explorer_start(e, &options->plan));
    static struct program_subject subject;
    struct fr_subject s = program_subject(&subject, program);
    subject.vary_keys = !options->stable_keys;
    struct explored explored = {0};
    struct matching matching = {0};
    enum fr_status status;
    while ((status = fr_explorer_begin(e)) == FR_OK) {
        run_one(&subject, &s, e, &matching, &explored, truth, name);
        if (options->executions_max != 0 && explored.executions >= options->executions_max)
            break;
    }
    CHECK(status == FR_OK || status == FR_DONE, "%s: %s", name, fr_explorer_errmsg(e));
    explored.ending = fr_explorer_ending(e);
    fr_explorer_free(e);
    digest_set_release(&matching.by_hash);
    digest_set_release(&matching.by_digest);
    return explored;
}

void load_program(const char *name, const char *constant, struct program *program) {
    char path[256];
    snprintf(path, sizeof path, "tests/model/%s.prog", name);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL, "%s cannot be read; run from the project's root", path);
    static char text[1 << 16];
    size_t size = fread(text, 1, sizeof text - 1, file);
    text[size] = '\0';
    fclose(file);
    char define_name[64] = "";
    long value = 0;
    bool has_define = sscanf(constant, "%63[a-z]=%ld", define_name, &value) == 2;
    struct parse_define define = {define_name, value};
    char error[PARSE_ERROR_MAX];
    CHECK(parse_program(text, &define, has_define, program, error), "%s: %s", path, error);
}
