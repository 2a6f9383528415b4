// The frontier: what leads share, what is forgotten when, and what a failed allocation leaves.
// SPDX-License-Identifier: Apache-2.0
#include "frontier.h"

#include "alloc_fault.h"
#include "check.h"

struct bench {
    struct alloc_fault fault;
    struct alloc alloc;
    struct frontier frontier;
};

static void open_bench(struct bench *b) {
    *b = (struct bench){0};
    b->alloc.host = alloc_fault_allocator(&b->fault);
    frontier_init(&b->frontier, &b->alloc);
}

static void close_bench(struct bench *b) {
    frontier_release(&b->frontier);
    CHECK(b->fault.blocks == 0, "all is free");
}

// An execution as a list of links; answers its last one.
static uint32_t add_links(struct frontier *f, uint32_t parent, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        CHECK_OK(frontier_push_link(f, (struct link){.parent = parent, .from = NONE}, &parent));
    return parent;
}

static enum fr_status try_lead(struct frontier *f, uint32_t link, const char *threads) {
    struct lead lead = {.link = link, .count = (uint32_t)strlen(threads)};
    uint8_t *out;
    enum fr_status status = frontier_reserve(f, lead.count, &out);
    if (status != FR_OK)
        return status;
    memcpy(out, threads, lead.count);
    return frontier_push(f, lead);
}

static void add_lead(struct frontier *f, uint32_t link, const char *threads) {
    CHECK_OK(try_lead(f, link, threads));
}

static void expect_top(const struct frontier *f, uint32_t link, const char *threads) {
    const struct lead *top = frontier_top(f);
    CHECK(top != NULL && top->link == link && top->count == strlen(threads), "%s", threads);
    CHECK(memcmp(f->threads + top->threads_at, threads, top->count) == 0, "%s", threads);
}

static void test_what_was_pushed_last_comes_first(void) {
    struct bench b;
    open_bench(&b);
    struct frontier *f = &b.frontier;
    CHECK(frontier_top(f) == NULL, "nothing is to be done");
    uint32_t end = add_links(f, NONE, 3);
    add_lead(f, NONE, "ab");
    add_lead(f, end, "cde");
    expect_top(f, end, "cde");
    frontier_pop(f);
    add_lead(f, end - 1, "f");
    expect_top(f, end - 1, "f");
    frontier_pop(f);
    expect_top(f, NONE, "ab");
    frontier_pop(f);
    CHECK(frontier_top(f) == NULL && f->thread_count == 0, "nothing is left");
    close_bench(&b);
}

// Execution 0 1 2 3 4, and from its event 1 on another one, 5 6 7.
static void test_only_what_a_lead_needs_is_kept(void) {
    struct bench b;
    open_bench(&b);
    struct frontier *f = &b.frontier;
    add_links(f, NONE, 5);
    add_lead(f, 2, "a");
    add_lead(f, 1, "b");
    frontier_trim(f);
    CHECK(f->link_count == 3, "the lead below needs link 2");
    frontier_pop(f);
    CHECK(add_links(f, 1, 3) == 5, "the other execution has links 3, 4, 5");
    add_lead(f, 4, "c");
    frontier_trim(f);
    CHECK(f->link_count == 5, "link 5 is needed by none");
    CHECK(f->links[4].parent == 3 && f->links[3].parent == 1, "the way back");
    frontier_pop(f);
    frontier_trim(f);
    CHECK(f->link_count == 3, "the first lead is left");
    frontier_pop(f);
    frontier_trim(f);
    CHECK(f->link_count == 0, "nothing is left");
    close_bench(&b);
}

static void test_leads_are_counted_where_they_leave(void) {
    struct bench b;
    open_bench(&b);
    uint32_t end = add_links(&b.frontier, NONE, 2);
    frontier_count(&b.frontier, NONE);
    frontier_count(&b.frontier, end);
    frontier_count(&b.frontier, end);
    CHECK(b.frontier.root_leads == 1 && b.frontier.links[end].leads == 2, "one and two");
    frontier_clear(&b.frontier);
    CHECK(b.frontier.root_leads == 0 && b.frontier.link_count == 0, "forgotten");
    close_bench(&b);
}

static void test_without_memory_nothing_is_pushed(void) {
    uint64_t failed = 0;
    for (uint64_t n = 1;; n++) {
        struct bench b;
        open_bench(&b);
        b.fault.fail_at = n;
        uint32_t link;
        enum fr_status status =
            frontier_push_link(&b.frontier, (struct link){.parent = NONE}, &link);
        if (status == FR_OK)
            status = try_lead(&b.frontier, 0, "abc");
        CHECK(status == FR_OK || (status == FR_NOMEM && frontier_top(&b.frontier) == NULL),
              "all of it, or nothing");
        close_bench(&b);
        if (status == FR_OK)
            break;
        failed++;
    }
    CHECK(failed == 3, "links, threads and leads: %lu", (unsigned long)failed);
}

int main(void) {
    test_what_was_pushed_last_comes_first();
    test_only_what_a_lead_needs_is_kept();
    test_leads_are_counted_where_they_leave();
    test_without_memory_nothing_is_pushed();
    return 0;
}
