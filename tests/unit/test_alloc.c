// Arrays that only grow: how often the host is asked, and what a failure leaves behind.
// SPDX-License-Identifier: Apache-2.0
#include "alloc.h"

#include "alloc_fault.h"
#include "check.h"

static void test_an_array_large_enough_costs_nothing(void) {
    struct alloc_fault fault = {0};
    struct alloc alloc = {.host = alloc_fault_allocator(&fault)};
    uint32_t *array = NULL;
    uint32_t capacity = 0;
    CHECK_OK(ALLOC_GROW(&alloc, array, capacity, 0));
    CHECK(array == NULL && fault.requests == 0, "nothing was needed");
    CHECK_OK(ALLOC_GROW(&alloc, array, capacity, 1));
    CHECK(capacity == 16, "the first growth is to 16, not %u", capacity);
    for (uint32_t need = 2; need <= 16; need++)
        CHECK_OK(ALLOC_GROW(&alloc, array, capacity, need));
    CHECK(alloc.calls == 1 && fault.requests == 1, "one call was enough");
    alloc_free(&alloc, array);
    CHECK(fault.blocks == 0, "it is free");
}

static void test_growth_is_geometric_and_keeps_what_is_there(void) {
    struct alloc_fault fault = {0};
    struct alloc alloc = {.host = alloc_fault_allocator(&fault)};
    uint64_t *array = NULL;
    uint32_t capacity = 0;
    for (uint32_t i = 0; i < 100000; i++) {
        CHECK_OK(ALLOC_GROW(&alloc, array, capacity, (size_t)i + 1));
        array[i] = i;
    }
    for (uint32_t i = 0; i < 100000; i++)
        CHECK(array[i] == i, "element %u is lost", i);
    // 16 * 2^13 is the first size beyond 100,000.
    CHECK(alloc.calls == 14, "%lu calls", (unsigned long)alloc.calls);
    CHECK_OK(ALLOC_GROW(&alloc, array, capacity, 1000000));
    CHECK(capacity == 1000000, "a need beyond the double is met as it is");
    alloc_free(&alloc, array);
    CHECK(fault.blocks == 0 && fault.bytes == 0, "it is free");
}

static void test_a_failure_changes_nothing(void) {
    struct alloc_fault fault = {.fail_at = 2};
    struct alloc alloc = {.host = alloc_fault_allocator(&fault)};
    uint32_t *array = NULL;
    uint32_t capacity = 0;
    CHECK_OK(ALLOC_GROW(&alloc, array, capacity, 16));
    uint32_t *before = array;
    array[15] = 7;
    CHECK(ALLOC_GROW(&alloc, array, capacity, 17) == FR_NOMEM, "the second call fails");
    CHECK(array == before && capacity == 16 && array[15] == 7, "and changes nothing");
    CHECK(alloc.calls == 2, "failed calls count too");
    CHECK_OK(ALLOC_GROW(&alloc, array, capacity, 17));
    CHECK(capacity == 32 && array[15] == 7, "the third works");
    alloc_free(&alloc, array);
}

// Positions are 32 bits, and UINT32_MAX is "none": more elements are refused unasked.
static void test_what_cannot_be_counted_is_refused(void) {
    struct alloc_fault fault = {0};
    struct alloc alloc = {.host = alloc_fault_allocator(&fault)};
    uint8_t *array = NULL;
    uint32_t capacity = 0;
    CHECK(ALLOC_GROW(&alloc, array, capacity, NONE) == FR_NOMEM, "no position is left");
    CHECK(ALLOC_GROW(&alloc, array, capacity, SIZE_MAX) == FR_NOMEM, "nor here");
    void *block = NULL;
    CHECK(alloc_grow(&alloc, &block, &capacity, 17, SIZE_MAX / 16) == FR_NOMEM,
          "the size overflows");
    CHECK(fault.requests == 0 && array == NULL && block == NULL && capacity == 0,
          "the host was not asked");
}

static void test_nothing_is_free_already(void) {
    struct alloc_fault fault = {0};
    struct alloc alloc = {.host = alloc_fault_allocator(&fault)};
    alloc_free(&alloc, NULL);
    CHECK(fault.requests == 0 && fault.blocks == 0, "the host was not asked");
    struct fr_allocator libc = alloc_libc();
    void *block = libc.resize(libc.context, NULL, 10);
    CHECK(block != NULL, "libc has 10 bytes");
    CHECK(libc.resize(libc.context, block, 0) == NULL, "size 0 frees");
}

int main(void) {
    test_an_array_large_enough_costs_nothing();
    test_growth_is_geometric_and_keeps_what_is_there();
    test_a_failure_changes_nothing();
    test_what_cannot_be_counted_is_refused();
    test_nothing_is_free_already();
    return 0;
}
