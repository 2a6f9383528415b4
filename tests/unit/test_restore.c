// Restoring from any bytes: damaged ones are refused, and what is taken up never crashes.
// SPDX-License-Identifier: Apache-2.0
#include <string.h>

#include "check.h"
#include "drive.h"
#include "explore.h"
#include "save.h"

static uint64_t state = 1;

static uint32_t below(uint32_t bound) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    return (uint32_t)((state >> 33) % bound);
}

struct totals {
    unsigned long truncated, damaged, forged, taken_up;
};

static void expect_corrupt(struct drive *drive, const uint8_t *bytes, size_t size) {
    CHECK(fr_explorer_restore(drive->explorer, bytes, size) == FR_CORRUPT, "%zu bytes", size);
    CHECK(fr_explorer_begin(drive->explorer) == FR_MISUSE, "an exploration of damaged bytes");
    CHECK(fr_explorer_save(drive->explorer, NULL, 0) == 0, "damaged bytes were saved");
}

// A copy of its own, so that a sanitizer sees every byte read behind the end.
static uint8_t *copy(const uint8_t *bytes, size_t size) {
    uint8_t *made = malloc(size == 0 ? 1 : size);
    CHECK(made != NULL, "a test without memory has no verdict");
    memcpy(made, bytes, size);
    return made;
}

static void damage(uint8_t *bytes, size_t size) {
    for (uint32_t n = 1 + below(3); n > 0; n--) {
        size_t at = below((uint32_t)size);
        if (below(3) == 0)
            bytes[at] = (uint8_t)(below(4) == 0 ? 0xFF : below(4));
        else
            bytes[at] ^= (uint8_t)(1U << below(8));
    }
}

static void seal(uint8_t *bytes, size_t size) {
    uint64_t sum = save_checksum(bytes, size - SAVE_CHECKSUM);
    for (uint32_t i = 0; i < SAVE_CHECKSUM; i++)
        bytes[size - SAVE_CHECKSUM + i] = (uint8_t)(sum >> 8 * i);
}

// Damaged under a right checksum: refused, or a state that can be explored and saved.
static void restore_forged(struct drive *drive, const uint8_t *bytes, size_t size,
                           struct totals *totals) {
    enum fr_status status = fr_explorer_restore(drive->explorer, bytes, size);
    totals->forged++;
    if (status != FR_OK) {
        CHECK(status == FR_CORRUPT, "%s", fr_status_text(status));
        return;
    }
    totals->taken_up++;
    for (uint32_t i = 0; i < 8 && drive_once(drive) == FR_OK; i++)
        continue;
    drive->count = 0;
}

// What another version of the format saved is refused, though nothing in it is damaged.
static void check_versions(struct drive *drive, const uint8_t *bytes, size_t size) {
    enum { VERSION_AT = 4 };
    CHECK(bytes[VERSION_AT] == SAVE_VERSION, "the version lies behind the magic number");
    for (uint8_t version = 0; version <= SAVE_VERSION + 1; version++) {
        uint8_t *other = copy(bytes, size);
        other[VERSION_AT] = version;
        seal(other, size);
        if (version != SAVE_VERSION)
            expect_corrupt(drive, other, size);
        free(other);
    }
}

static void check_state(struct drive *drive, const uint8_t *bytes, size_t size, uint32_t damages,
                        struct totals *totals) {
    check_versions(drive, bytes, size);
    for (size_t less = 0; less < size; less++) {
        uint8_t *cut = copy(bytes, less);
        expect_corrupt(drive, cut, less);
        // The same with a checksum that fits.
        if (less >= SAVE_CHECKSUM) {
            seal(cut, less);
            expect_corrupt(drive, cut, less);
        }
        free(cut);
        totals->truncated++;
    }
    for (uint32_t i = 0; i < damages; i++) {
        uint8_t *bad = copy(bytes, size);
        damage(bad, size);
        if (memcmp(bad, bytes, size) != 0) {
            expect_corrupt(drive, bad, size);
            totals->damaged++;
        }
        seal(bad, size);
        restore_forged(drive, bad, size, totals);
        free(bad);
    }
    CHECK_OK(fr_explorer_restore(drive->explorer, bytes, size));
}

static void check_program(const char *name, const char *constant, const struct fr_plan *plan,
                          uint32_t damages, struct totals *totals) {
    static struct program program;
    load_program(name, constant, &program);
    for (uint32_t stable = 0; stable < 2; stable++) {
        struct drive drive;
        drive_init(&drive, &program, stable != 0);
        CHECK_OK(fr_explorer_start(drive.explorer, plan));
        drive_some(&drive, 9);
        size_t size;
        uint8_t *bytes = drive_save(&drive, &size);
        check_state(&drive, bytes, size, damages, totals);
        free(bytes);
        drive_release(&drive);
    }
}

static void check_configuration(void) {
    static struct program program;
    load_program("inc", "n=2", &program);
    struct drive drive;
    drive_init(&drive, &program, true);
    CHECK(fr_explorer_save(drive.explorer, NULL, 0) == 0, "saved before it was started");
    CHECK_OK(fr_explorer_start(drive.explorer, &(struct fr_plan){.strategy = FR_STRATEGY_DPOR}));
    size_t size;
    uint8_t *bytes = drive_save(&drive, &size);
    CHECK_OK(fr_explorer_begin(drive.explorer));
    CHECK(fr_explorer_save(drive.explorer, NULL, 0) == 0, "saved within an execution");
    drive_release(&drive);
    drive_init(&drive, &program, false);
    expect_corrupt(&drive, bytes, size);
    expect_corrupt(&drive, NULL, 0);
    drive_release(&drive);
    free(bytes);
}

int main(void) {
    bool is_long = getenv("FRONTRUN_LONG") != NULL;
    uint32_t damages = is_long ? 50000 : 2500;
    struct totals totals = {0};
    static const uint8_t choices[] = {1, 1, 0};
    struct fr_plan dpor = {.strategy = FR_STRATEGY_DPOR};
    struct fr_plan below_prefix = {
        .strategy = FR_STRATEGY_DPOR, .choices = choices, .choice_count = 3};
    struct fr_plan lowest = {.strategy = FR_STRATEGY_DPOR, .order = FR_ORDER_LOWEST_FIRST};
    struct fr_plan bits = {.strategy = FR_STRATEGY_DPOR, .order = FR_ORDER_BIT_REVERSAL};
    struct fr_plan bounded = {
        .strategy = FR_STRATEGY_DPOR, .bound = FR_BOUND_PREEMPTIONS, .bound_max = 1};
    struct fr_plan delayed = {.strategy = FR_STRATEGY_DPOR,
                              .bound = FR_BOUND_DELAYS,
                              .bound_max = 3,
                              .choices = choices,
                              .choice_count = 2};
    struct fr_plan surw = {.strategy = FR_STRATEGY_SURW, .seed = 5};
    check_configuration();
    check_program("inc", "n=3", &dpor, damages, &totals);
    check_program("coa", "n=2", &below_prefix, damages, &totals);
    check_program("fib_bench", "k=2", &bits, damages, &totals);
    check_program("fib_bench", "k=2", &lowest, damages, &totals);
    check_program("philosophers", "n=3", &lowest, damages, &totals);
    check_program("casw", "n=3", &surw, damages, &totals);
    check_program("inc", "n=3", &bounded, damages, &totals);
    check_program("philosophers", "n=3", &delayed, damages, &totals);
    CHECK(totals.truncated > 1000 && totals.damaged >= 18000, "too few");
    printf("%lu truncations and %lu corruptions refused; of %lu with a forged checksum %lu were "
           "states, and explored\n",
           totals.truncated, totals.damaged, totals.forged, totals.taken_up);
    return 0;
}
