/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: taking the free memory of a range off the lists, and giving it back whole. */
#include "../../../mm/isolate.h"
#include "support.h"

/* Everything that isolation may change, and must restore. */
struct lists {
    uint64_t blocks[WARMTHS][MAX_ORDER + 1];
    uint64_t pages[WARMTHS];
    uint64_t reportable, pieces, elastic_free;
};

static struct lists lists_now(void)
{
    struct lists now = {.reportable = buddy.reportable,
                        .pieces = buddy.pieces,
                        .elastic_free = buddy.elastic_free};

    memcpy(now.blocks, buddy.blocks, sizeof(now.blocks));
    memcpy(now.pages, buddy.pages, sizeof(now.pages));
    return now;
}

static void check_lists(const struct lists *before)
{
    const struct lists now = lists_now();

    CHECK_EQ(memcmp(&now, before, sizeof(now)), 0);
    CHECK_EQ(buddy.isolated[WARM] + buddy.isolated[REPORTED], 0);
    check_everything();
}

static void begin(pfn_t start, pfn_t end)
{
    mutex_lock(&mm_mutex);
    reporting_pause();
    isolate_begin(start, end);
}

/* Ends the isolation and gives [start, end) back. */
static void finish(pfn_t start, pfn_t end)
{
    isolate_end();
    isolate_give_back(start, end);
    reporting_resume();
    mutex_unlock(&mm_mutex);
}

static uint64_t isolated(void)
{
    return buddy.isolated[WARM] + buddy.isolated[REPORTED];
}

/* All memory was in use once, so that nothing is raw. */
static void start(void)
{
    shim_boot(200 * MIB);
    while (model_alloc(MAX_ORDER, PAGE_MOVABLE, ALLOC_OPTIONAL))
        ;
    model_free_all();
    alloc_drain_cpu_caches();
}

/* Ranges at both ends of a memory block, across it, and unaligned to anything. */
static const struct {
    pfn_t start, end;
} ranges[] = {
    {BLOCK_PAGES - 1024, BLOCK_PAGES},
    {BLOCK_PAGES - 1, BLOCK_PAGES},
    {BLOCK_PAGES + 1024, BLOCK_PAGES + 2048},
    {BLOCK_PAGES - 300, BLOCK_PAGES + 1700},
    {BLOCK_PAGES / 2 + 3, BLOCK_PAGES / 2 + 4},
    {BLOCK_PAGES / 2 + 3, BLOCK_PAGES / 2 + 1501},
    {BLOCK_PAGES / 2 - 1, BLOCK_PAGES / 2 + 512},
};

/* Free pages of a range, by their frames. */
static uint64_t free_in(pfn_t first, pfn_t end, bool reported)
{
    uint64_t free = 0;

    for (pfn_t pfn = first; pfn < end; pfn++) {
        const struct page *head = buddy_covering_head(pfn);

        free += head->state == PAGE_FREE && page_reported(head) == reported;
    }
    return free;
}

/* Warm and reported blocks alike; what reaches beyond the range is cut, and joined again. */
TEST_CASES(isolate_and_give_back, 14)
{
    const pfn_t first = ranges[test_case % 7].start, end = ranges[test_case % 7].end;
    struct lists before;
    uint64_t warm, reported;

    start();
    if (test_case >= 7)
        host_start(8, 0);
    before = lists_now();
    warm = free_in(first, end, false);
    reported = free_in(first, end, true);
    CHECK(warm + reported > 0);
    CHECK_EQ(reported > 0, test_case >= 7);
    begin(first, end);
    CHECK_EQ(buddy.isolated[WARM], warm);
    CHECK_EQ(buddy.isolated[REPORTED], reported);
    CHECK_EQ(free_in(first, end, false) + free_in(first, end, true), 0);
    CHECK_EQ(buddy.pages[WARM], before.pages[WARM] - warm);
    CHECK_EQ(buddy.pages[REPORTED], before.pages[REPORTED] - reported);
    check_everything();
    finish(first, end);
    check_lists(&before);
}

/* What is freed in the range stays there, whether through a list of a CPU or at once. */
TEST_CASES(isolate_catches_what_is_freed, 2)
{
    const unsigned order = test_case ? PAGEBLOCK_ORDER : 0;
    const struct page *page;
    struct lists before;
    pfn_t first, end;

    shim_set_cpus(2);
    start();
    before = lists_now();
    page = model_alloc(order, PAGE_MOVABLE, 0)->page;
    first = ALIGN_DOWN(page_to_pfn(page), PAGEBLOCK_PAGES);
    end = first + PAGEBLOCK_PAGES;
    begin(first, end);
    /* The lists of all CPUs were emptied: all but the one block is isolated. */
    CHECK_EQ(isolated(), PAGEBLOCK_PAGES - order_pages(order));
    CHECK_EQ(cpu_cache_pages(), 0);
    model_free(0);
    CHECK_EQ(page->state, PAGE_ISOLATED);
    CHECK_EQ(isolated(), PAGEBLOCK_PAGES);
    CHECK_EQ(cpu_cache_pages(), 0);
    check_everything();
    /* Nothing of it is handed out. */
    while (model_alloc(0, PAGE_MOVABLE, ALLOC_OPTIONAL) && nr_held < 3000)
        CHECK(page_to_pfn(held[nr_held - 1].page) - first >= PAGEBLOCK_PAGES);
    model_free_all();
    alloc_drain_cpu_caches();
    finish(first, end);
    check_lists(&before);
}

/* A block that is freed across an end of the range is parted there. */
TEST_CASES(isolate_parts_a_block, 2)
{
    const struct page *page;
    struct lists before;
    pfn_t first, end;

    start();
    before = lists_now();
    page = model_alloc(MAX_ORDER, PAGE_MOVABLE, 0)->page;
    first = page_to_pfn(page) + (test_case ? 0 : 700);
    end = page_to_pfn(page) + (test_case ? 5 : 1024);
    begin(first, end);
    CHECK_EQ(isolated(), 0);
    model_free(0);
    CHECK_EQ(isolated(), end - first);
    CHECK_EQ(buddy_covering_head(first)->state, PAGE_ISOLATED);
    CHECK_EQ(buddy_covering_head(test_case ? end : first - 1)->state, PAGE_FREE);
    check_everything();
    finish(first, end);
    check_lists(&before);
}

TEST(isolate_one_range_at_a_time)
{
    start();
    begin(BLOCK_PAGES - 1024, BLOCK_PAGES);
    EXPECT_PANIC("isolate_end == 0", isolate_begin(BLOCK_PAGES, BLOCK_PAGES + 1024));
}

TEST(isolate_needs_the_mutex)
{
    start();
    EXPECT_PANIC("mutex_is_mine", isolate_begin(BLOCK_PAGES, BLOCK_PAGES + 1024));
}

/* The cut that a taker of a part of the range needs: both sides stay isolated. */
TEST(isolate_cuts_a_block)
{
    const pfn_t first = BLOCK_PAGES - 1024, end = BLOCK_PAGES;
    struct lists before;

    start();
    before = lists_now();
    begin(first, end);
    CHECK_EQ(pfn_to_page(first)->order, MAX_ORDER);
    isolate_cut(first + 77);
    CHECK_EQ(pfn_to_page(first + 77)->state, PAGE_ISOLATED);
    CHECK_EQ(isolated(), end - first);
    check_everything();
    finish(first, end);
    check_lists(&before);
}

/* No report begins while a range is under isolation, and one follows after it. */
TEST(isolate_pauses_reporting)
{
    const pfn_t first = BLOCK_PAGES - 1024, end = BLOCK_PAGES;
    uint64_t reports;

    start();
    CHECK_EQ(reporting_set_reserve(0), 0);
    host_start(8, 0);
    model_take(64 * MIB);
    shim_advance(NS_PER_S);
    begin(first, end);
    reports = host.reports;
    model_free_all();
    shim_advance(NS_PER_S);
    CHECK_EQ(host.reports, reports);
    CHECK(stat_unreported() >= 32 * MIB);
    finish(first, end);
    shim_advance(NS_PER_S);
    CHECK(host.reports > reports);
    CHECK_EQ(stat_unreported(), 0);
    check_everything();
    check_reported_untouched();
}
