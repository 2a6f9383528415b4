// Drives an exploration of an abstract program step by step, keeping the hashes of its executions.
// SPDX-License-Identifier: Apache-2.0
#include "drive.h"

#include "check.h"

void drive_init(struct drive *drive, const struct program *program, bool stable_keys) {
    *drive = (struct drive){0};
    struct fr_config config = fr_config_default();
    config.threads_max = program->thread_count;
    config.events_max = 2000;
    config.stable_keys = stable_keys;
    CHECK_OK(fr_explorer_new(&config, &drive->explorer));
    drive->driven = program_subject(&drive->subject, program);
    drive->subject.vary_keys = !stable_keys;
}

void drive_release(struct drive *drive) {
    fr_explorer_free(drive->explorer);
    free(drive->hashes);
}

static void note_hash(struct drive *drive, uint64_t hash) {
    if (drive->count == drive->capacity) {
        drive->capacity = drive->capacity == 0 ? 64 : drive->capacity * 2;
        drive->hashes = realloc(drive->hashes, drive->capacity * sizeof *drive->hashes);
        CHECK(drive->hashes != NULL, "a test without memory has no verdict");
    }
    drive->hashes[drive->count++] = hash;
}

enum fr_status drive_once(struct drive *drive) {
    enum fr_status status = fr_explorer_begin(drive->explorer);
    if (status != FR_OK)
        return status;
    enum fr_verdict verdict = FR_VERDICT_PASS;
    uint64_t place = 0;
    status = drive->driven.execute(drive->driven.self, drive->explorer, &verdict, &place);
    if (status != FR_OK)
        return status;
    note_hash(drive, fr_trace_hash(drive->explorer));
    return fr_explorer_end(drive->explorer, verdict, place);
}

uint32_t drive_some(struct drive *drive, uint32_t executions) {
    for (uint32_t i = 0; i < executions; i++) {
        enum fr_status status = drive_once(drive);
        if (status == FR_DONE)
            return i;
        CHECK(status == FR_OK, "%s", fr_status_text(status));
    }
    return executions;
}

uint8_t *drive_save(const struct drive *drive, size_t *size) {
    *size = fr_explorer_save(drive->explorer, NULL, 0);
    CHECK(*size != 0, "nothing to save");
    uint8_t *bytes = malloc(*size);
    CHECK(bytes != NULL, "a test without memory has no verdict");
    CHECK(fr_explorer_save(drive->explorer, bytes, *size) == *size, "another size");
    return bytes;
}
