/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: emptying one physical range, and what stands in the way. */
#include "../../../mm/isolate.h"
#include "area.h"
#include <neap/movable.h>
#include <neap/thread.h>

static bool cancel;
static pfn_t first_pfn;

/* Try to empty the large page's place at first_pfn, as elastic_take() does. */
static int empty(struct isolation *how)
{
    pfn_t end = first_pfn + LARGE_PAGES;
    int error;

    *how = (struct isolation){.evacuate = true, .cancel = &cancel};
    mutex_lock(&mm_mutex);
    reporting_pause();
    alloc_drain_cpu_caches();
    isolate_begin(first_pfn, end);
    error = isolate_range(first_pfn, end, how);
    for (pfn_t at = first_pfn; error == 0 && at < end; at++)
        CHECK_EQ(buddy_covering_head(at)->state, PAGE_ISOLATED);
    isolate_end();
    isolate_give_back(first_pfn, end);
    reporting_resume();
    mutex_unlock(&mm_mutex);
    return error;
}

/* One large page's place full of single pages. */
static void start(void)
{
    area_start(64 * MIB, 4 * LARGE_SIZE);
    area_split(0);
    first_pfn = page_to_pfn(area_block(0));
}

static void check_moved(uint64_t page, bool moved)
{
    pfn_t pfn = page_to_pfn(area_block(page));

    CHECK_EQ(pfn - first_pfn >= LARGE_PAGES, moved);
}

static void finish(void)
{
    space_check();
    check_everything();
}

TEST(evacuate_all)
{
    struct isolation how;
    uint64_t calls;

    shim_set_cpus(2);
    start();
    calls = shim_cross_calls;
    CHECK_EQ(empty(&how), 0);
    /* Beside those that empty the lists of all CPUs, before and at the start. */
    CHECK_EQ(shim_cross_calls - calls - 2, LARGE_PAGES / SPACE_BATCH_MAX);
    area_check(0, LARGE_PAGES);
    for (uint64_t i = 0; i < LARGE_PAGES; i++)
        check_moved(i, true);
    finish();
}

/* A pinned page stays, and is named. */
TEST(evacuate_refuses_pinned_pages)
{
    struct isolation how;
    struct page *page;

    start();
    page = area_block(100);
    page->pins = 1;
    CHECK_EQ(empty(&how), -EBUSY);
    CHECK_EQ(how.obstacle, page_to_pfn(page));
    check_moved(99, true);
    check_moved(100, false);
    page->pins = 0;
    CHECK_EQ(empty(&how), 0);
    area_check(0, LARGE_PAGES);
    finish();
}

TEST(evacuate_refuses_kernel_pages)
{
    struct isolation how;
    struct page *page = NULL;

    start();
    CHECK_EQ(space_discard(area + 7 * PAGE_SIZE, PAGE_SIZE), 0);
    alloc_drain_cpu_caches();
    /* Until the page that is free again is found: the kernel comes there last. */
    for (unsigned order = MAX_ORDER; order > 0; order--)
        while (model_alloc(order, PAGE_KERNEL, ALLOC_OPTIONAL))
            ;
    while (!page || page_to_pfn(page) - first_pfn >= LARGE_PAGES) {
        const struct held *last = model_alloc(0, PAGE_KERNEL, ALLOC_PROMISED);

        CHECK(last != NULL);
        page = last->page;
    }
    for (unsigned i = nr_held; i-- > 0;) {
        if (held[i].page != page)
            model_free(i);
    }
    CHECK_EQ(empty(&how), -EBUSY);
    CHECK_EQ(how.obstacle, page_to_pfn(page));
    area_check(8, LARGE_PAGES);
    finish();
}

TEST(evacuate_stops_when_told)
{
    struct isolation how;

    start();
    cancel = true;
    CHECK_EQ(empty(&how), -ECANCELED);
    CHECK_EQ(how.obstacle, first_pfn);
    cancel = false;
    CHECK_EQ(empty(&how), 0);
    area_check(0, LARGE_PAGES);
}

TEST(evacuate_needs_memory)
{
    struct isolation how;
    struct page *page, *last = NULL;

    start();
    while ((page = alloc_pages(0, PAGE_MOVABLE, ALLOC_OPTIONAL))) {
        page->owner = 0;
        last = page;
    }
    CHECK_EQ(empty(&how), -ENOMEM);
    free_pages(last, 0);
    CHECK_EQ(empty(&how), -ENOMEM);
    area_check(0, LARGE_PAGES);
    finish();
}

/* A page without an owner: its holder is about to do something with it, or never does. */
static struct page *ownerless(void)
{
    struct page *page = area_block(5);

    page->owner = 0;
    return page;
}

static void own_again(void *arg)
{
    thread_sleep_ns(NS_PER_MS);
    ((struct page *)arg)->owner = area + 5 * PAGE_SIZE;
}

TEST(evacuate_waits_for_an_owner)
{
    struct isolation how;
    struct page *page;
    uint64_t before;

    start();
    page = ownerless();
    before = clock_ns();
    CHECK_EQ(empty(&how), -EBUSY);
    CHECK(clock_ns() - before >= 10 * NS_PER_MS && clock_ns() - before < NS_PER_S);
    CHECK_EQ(how.obstacle, page_to_pfn(page));
    CHECK(thread_create("owner", THREAD_NORMAL, own_again, page) != NULL);
    CHECK_EQ(empty(&how), 0);
    area_check(0, LARGE_PAGES);
    finish();
}

/* Another mover has it, for as long as that takes. */
TEST(evacuate_waits_for_a_move)
{
    struct isolation how;

    start();
    area_take_away(9, 5 * NS_PER_MS);
    CHECK_EQ(empty(&how), 0);
    area_check(0, LARGE_PAGES);
    finish();
}

/* On its way from a list of a CPU to the buddy. */
static void leave_list(void *arg)
{
    struct page *page = arg;

    thread_sleep_ns(NS_PER_MS);
    page->state = PAGE_ALLOCATED;
}

TEST(evacuate_waits_for_cached_pages)
{
    struct isolation how;
    struct page *page;

    start();
    page = area_block(5);
    page->state = PAGE_CPU_CACHE;
    CHECK_EQ(empty(&how), -EBUSY);
    CHECK_EQ(how.obstacle, page_to_pfn(page));
    CHECK(thread_create("list", THREAD_NORMAL, leave_list, page) != NULL);
    CHECK_EQ(empty(&how), 0);
    area_check(0, LARGE_PAGES);
    finish();
}

/* Its lender is asked once, and may not give it. */
static unsigned asked;
static struct page *lent;

static uint64_t vacate(struct lender *self, pfn_t start_pfn, pfn_t end)
{
    (void)self;
    CHECK(start_pfn == first_pfn && end == first_pfn + LARGE_PAGES);
    if (asked++ == 0)
        return 0;
    page_clear_lent(lent);
    lent->owner = area + 5 * PAGE_SIZE;
    return 1;
}

TEST(evacuate_asks_lenders)
{
    static struct lender lender = {.name = "test", .vacate = vacate};
    struct isolation how;

    start();
    lender_register(&lender);
    lent = ownerless();
    page_set_lent(lent);
    CHECK_EQ(empty(&how), -EBUSY);
    CHECK_EQ(asked, 1);
    CHECK_EQ(empty(&how), 0);
    CHECK_EQ(asked, 2);
    lender_unregister(&lender);
    area_check(0, LARGE_PAGES);
    finish();
}

/* No large page is free elsewhere, but as much memory in pieces. */
TEST(evacuate_splits_large_pages)
{
    struct isolation how;
    struct page *page, *chain = NULL;
    struct space_stats stats;

    area_start(64 * MIB, LARGE_SIZE);
    area_write(0, LARGE_PAGES);
    first_pfn = page_to_pfn(area_block(0));
    while ((page = alloc_pages(0, PAGE_MOVABLE, ALLOC_OPTIONAL))) {
        page->owner = (uintptr_t)chain;
        chain = page;
    }
    while (chain) {
        page = chain;
        chain = (struct page *)(uintptr_t)page->owner;
        page->owner = 0;
        if (page_to_pfn(page) % 4 == 0)
            free_pages(page, 0);
    }
    CHECK_EQ(empty(&how), 0);
    space_stats_get(&stats);
    CHECK_EQ(stats.splits, 1);
    CHECK_EQ(stats.moved, LARGE_SIZE);
    area_check(0, LARGE_PAGES);
    finish();
}
