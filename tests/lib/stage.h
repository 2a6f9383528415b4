// One small program under one explorer: what the unit tests of the engine are made of.
// SPDX-License-Identifier: Apache-2.0
#ifndef LIB_STAGE_H
#define LIB_STAGE_H

#include "digest_set.h"
#include "program.h"

struct stage {
    struct fr_explorer *explorer;
    struct program program;
    struct program_subject subject;
    struct fr_subject driven;
    enum fr_verdict verdict;  // of the last execution
};

// The settings of a stage: libc's memory, stable keys, 16 threads, 2000 events.
struct fr_config stage_config(void);
// A program given as text, or by the name of its file and one constant ("-" or "name=value"); see
// tests/model/README.md. config NULL: stage_config.
void stage_open_text(struct stage *stage, const char *text, const struct fr_config *config);
void stage_open_model(struct stage *stage, const char *name, const char *constant,
                      const struct fr_config *config);
void stage_close(struct stage *stage);

void stage_start(struct stage *stage, struct fr_plan plan);
// One execution. False: there is none left. Anything else that is not FR_OK fails the test.
bool stage_next(struct stage *stage);
// One execution in which threads go in this order ("0110": one event each), and then go on without
// preemption. A thread that is not enabled is passed over.
void stage_replay(struct stage *stage, const char *order);
// Explores by plan and adds the hashes of complete executions to *hashes (with the number of
// executions that had it as value). Answers how many executions there were.
uint64_t stage_explore(struct stage *stage, struct fr_plan plan, struct digest_set *hashes);

enum { INTERLEAVING_CHOICES = 64 };

struct interleaving {
    uint8_t choices[INTERLEAVING_CHOICES];
    uint32_t choice_count;
    uint32_t preemptions;
    uint64_t hash;
    uint64_t digest;  // of brute.h
    enum fr_verdict verdict;
};

struct interleavings {
    struct interleaving *items;
    uint32_t count;
    uint32_t capacity;
};

// Every interleaving of the program: all choices at all branching points, one replay each.
void interleavings_find(struct interleavings *all, struct stage *stage);
void interleavings_release(struct interleavings *all);
bool interleaving_extends(const struct interleaving *interleaving, const uint8_t *prefix,
                          uint32_t count);

#endif
