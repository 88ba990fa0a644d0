/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: what applications were promised is there, whatever the kernel and others take. */
#include "../../../mm/isolate.h"
#include "../../../mm/reporting.h"
#include "../../../mm/space.h"
#include "plug.h"
#include <neap/thread.h>

static struct plug plug;
static uintptr_t base;
static uint64_t committed; /* pages from `base` on, none touched */
static struct page *chain; /* what take_all() holds, through the owner's word */

/* Promise as much as there is; some of it lies on a list for the kernel. */
static void commit_all(void)
{
    uint64_t size;

    base = space_reserve(GIB, LARGE_SIZE);
    alloc_drain_cpu_caches();
    size = ALIGN_DOWN(space_available(), PAGE_SIZE);
    CHECK_EQ(space_commit(base, size, SPACE_READ | SPACE_WRITE), 0);
    committed = size >> PAGE_SHIFT;
    CHECK(space_available() < 64 * KIB);
}

/* Blocks of `order` until there are none; returns the pages. */
static uint64_t take_all(unsigned order, enum page_kind kind, unsigned flags)
{
    struct page *page;
    uint64_t pages = 0;

    while ((page = alloc_pages(order, kind, flags | ALLOC_OPTIONAL))) {
        page->owner = (uintptr_t)chain;
        chain = page;
        pages += order_pages(order);
    }
    return pages;
}

static void free_all(void)
{
    while (chain) {
        struct page *page = chain;

        chain = (struct page *)(uintptr_t)page->owner;
        free_pages(page, page->order);
    }
}

/* From both ends, single pages where no large ones are left. */
static void touch_all(void)
{
    for (uint64_t i = 0; i < committed; i++) {
        uint64_t page = i % 2 ? committed - 1 - i / 2 : i / 2;

        *(uint64_t *)(base + page * PAGE_SIZE) = page;
    }
    for (uint64_t i = 0; i < committed; i++)
        CHECK_EQ(*(uint64_t *)(base + i * PAGE_SIZE), i);
    CHECK_EQ(space_promised_pages(), 0);
}

/*
 * The kernel takes blocks of every size, then an interrupt handler does: neither gets what was
 * promised, and each leaves what it has to.
 */
TEST_CASES(spare_kernel_leaves_promises, 6)
{
    static const unsigned orders[] = {9, 3, 0};
    uint64_t waiting, urgent;

    shim_set_cpus(2);
    shim_boot(48 * MIB);
    if (test_case % 2) {
        CHECK_EQ(plug_start(&plug, 5 * GIB, 32 * MIB, 2 * MIB), 0);
        CHECK_EQ(plug_add(&plug, 0, 16), 0);
    }
    commit_all();
    waiting = take_all(orders[test_case / 2], PAGE_KERNEL, 0);
    waiting += take_all(0, PAGE_KERNEL, 0);
    CHECK(waiting >= URGENT_PAGES);
    CHECK(waiting < SPARE_PAGES + (test_case % 2 ? 2 * KERNEL_FLOOR_PAGES : 64));
    urgent = take_all(0, PAGE_KERNEL, ALLOC_ATOMIC);
    CHECK(urgent >= URGENT_PAGES - 32 && urgent <= URGENT_PAGES + 32);
    CHECK(memory_promises_kept());
    CHECK_EQ(alloc_contiguous(16, 1, PAGE_KERNEL, 0) == NULL, true);
    touch_all();
    check_everything();
    free_all();
    CHECK_EQ(space_release(base, GIB), 0);
    CHECK(take_all(0, PAGE_KERNEL, 0) > committed / 4);
    check_everything();
}

/* No large page is free, so all tables are needed. */
TEST(spare_tables_of_single_pages)
{
    shim_boot(48 * MIB);
    while (mover_new(0))
        ;
    for (unsigned i = nr_movers; i-- > 0;)
        if (page_to_pfn(movers[i].page) % 256)
            mover_free(i);
    memcache_drain(&kernel_pgtable.cache);
    commit_all();
    (void)take_all(0, PAGE_KERNEL, 0);
    (void)take_all(0, PAGE_KERNEL, ALLOC_ATOMIC);
    memcache_drain(&kernel_pgtable.cache);
    (void)take_all(0, PAGE_KERNEL, ALLOC_ATOMIC);
    touch_all();
    check_everything();
}

/* What was never used is worth less than its size: it pays for its frames and tables. */
TEST_CASES(spare_counts_the_cost_of_raw_memory, 3)
{
    shim_boot(test_case == 0 ? 150 * MIB : test_case == 1 ? 300 * MIB : 384 * MIB);
    CHECK(raw_usable() > 0);
    commit_all();
    (void)take_all(3, PAGE_KERNEL, 0);
    CHECK_EQ(raw_usable(), 0);
    CHECK(memory_promises_kept());
    touch_all();
    check_everything();
}

/* Who gives memory back lets the kernel have it in spite of all promises. */
static struct page *lent;

static uint64_t give(struct reclaimer *self UNUSED, uint64_t pages UNUSED)
{
    struct page *page = lent;

    lent = NULL;
    if (!page)
        return 0;
    page_clear_lent(page);
    free_pages(page, MAX_ORDER);
    return order_pages(MAX_ORDER);
}

static void reclaim_serves_the_kernel(void)
{
    static struct reclaimer reclaimer = {
        .name = "test", .order = RECLAIM_BALLOON, .reclaim = give};
    struct page *page;

    lent = alloc_pages(MAX_ORDER, PAGE_MOVABLE, ALLOC_SPARE);
    page_set_lent(lent);
    reclaimer_register(&reclaimer);
    commit_all(); /* asks nobody: it fits */
    (void)take_all(0, PAGE_KERNEL, ALLOC_NO_RECLAIM);
    CHECK(lent != NULL);
    page = alloc_pages(9, PAGE_KERNEL, 0);
    CHECK(page != NULL && lent == NULL);
    touch_all();
    CHECK(alloc_pages(MAX_ORDER, PAGE_KERNEL, 0) == NULL);
    free_pages(page, 9);
}

TEST(spare_reclaim_serves_the_kernel)
{
    shim_boot(48 * MIB);
    reclaim_serves_the_kernel();
}

/* Nothing can be claimed of promised memory. */
TEST(spare_reclaim_with_elastic_memory)
{
    shim_boot(48 * MIB);
    CHECK_EQ(plug_start(&plug, 5 * GIB, 4 * MIB, 2 * MIB), 0);
    CHECK_EQ(plug_add(&plug, 0, 2), 0);
    reclaim_serves_the_kernel();
}

/* Not even when the promise is made while a range is being made free. */
static void promise_now(struct page *page UNUSED)
{
    if (!committed)
        commit_all();
}

TEST(spare_contiguous_leaves_promises)
{
    struct page *page;

    shim_boot(48 * MIB);
    while (mover_new(0))
        ;
    for (unsigned i = nr_movers; i-- > 0;)
        if (page_to_pfn(movers[i].page) % 16)
            mover_free(i);
    on_evacuate = promise_now;
    CHECK(alloc_contiguous(20 * MIB >> PAGE_SHIFT, 1, PAGE_KERNEL, 0) == NULL);
    CHECK(committed > 0);
    on_evacuate = NULL;
    moved_pages = 0;
    CHECK(alloc_contiguous(20 * MIB >> PAGE_SHIFT, 1, PAGE_KERNEL, 0) == NULL);
    CHECK_EQ(moved_pages, 0);
    touch_all();
    CHECK_EQ(space_release(base, GIB), 0);
    page = alloc_contiguous(20 * MIB >> PAGE_SHIFT, 1, PAGE_KERNEL, 0);
    CHECK(page != NULL);
    free_contiguous(page, 20 * MIB >> PAGE_SHIFT);
    mover_check_all();
    check_everything();
}

/* Nor does the balloon get it, from a list for applications either. */
TEST(spare_balloon_leaves_promises)
{
    shim_boot(48 * MIB);
    for (unsigned i = 0; i < 200; i++)
        CHECK(model_alloc(0, PAGE_MOVABLE, 0) != NULL);
    commit_all();
    model_free_all();
    CHECK(cpu_cache_pages_of(PAGE_MOVABLE) > 0);
    (void)take_all(0, PAGE_MOVABLE, ALLOC_SPARE);
    CHECK(memory_promises_kept());
    CHECK(alloc_pages(0, PAGE_MOVABLE, ALLOC_SPARE | ALLOC_OPTIONAL) == NULL);
    touch_all();
}

/* ---- a touch while all that is free is isolated ---- */

static bool isolated, touched;

static void isolate_for_a_while(void *arg UNUSED)
{
    mutex_lock(&mm_mutex);
    reporting_pause();
    isolate_begin(0, 64 * MIB >> PAGE_SHIFT);
    isolated = true;
    thread_sleep_ns(50 * NS_PER_MS);
    CHECK(!touched);
    isolate_end();
    isolate_give_back(0, 64 * MIB >> PAGE_SHIFT);
    reporting_resume();
    mutex_unlock(&mm_mutex);
}

static void touch_one(void *arg UNUSED)
{
    while (!isolated)
        thread_yield();
    *(volatile uint64_t *)base = 1;
    touched = true;
}

TEST(spare_touch_waits_for_isolation)
{
    shim_boot(64 * MIB);
    base = space_reserve(GIB, LARGE_SIZE);
    CHECK_EQ(space_commit(base, PAGE_SIZE, SPACE_READ | SPACE_WRITE), 0);
    CHECK(thread_create("isolate", THREAD_NORMAL, isolate_for_a_while, NULL) != NULL);
    CHECK(thread_create("touch", THREAD_NORMAL, touch_one, NULL) != NULL);
    shim_advance(NS_PER_S);
    CHECK(touched);
    check_everything();
}

/* Giving memory back works with nothing left, even where a large entry must be split. */
TEST(spare_decommit_needs_no_memory)
{
    shim_boot(48 * MIB);
    commit_all();
    (void)take_all(0, PAGE_KERNEL, 0);
    (void)take_all(0, PAGE_KERNEL, ALLOC_ATOMIC);
    memcache_drain(&kernel_pgtable.cache);
    (void)take_all(0, PAGE_KERNEL, ALLOC_ATOMIC);
    for (uint64_t at = 0; at + LARGE_SIZE <= committed << PAGE_SHIFT; at += LARGE_SIZE)
        CHECK_EQ(space_decommit(base + at + 5 * PAGE_SIZE, 3 * PAGE_SIZE), 0);
    CHECK(memory_promises_kept());
    check_everything();
}
