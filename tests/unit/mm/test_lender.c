/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lenders: everyone is asked, blocks are found by their place, a lender leaves safely.
 */
#include "support.h"
#include <neap/movable.h>
#include <neap/thread.h>

#define BLOCKS 300

static struct {
    struct page *page;
    bool lent;
} blocks[BLOCKS];

static void allocate(unsigned i)
{
    unsigned order = (unsigned)unit_random_below(MAX_ORDER + 1);

    blocks[i].page = alloc_pages(order, PAGE_MOVABLE, ALLOC_NO_RECLAIM);
    blocks[i].lent = blocks[i].page && unit_random_below(2);
    if (blocks[i].lent)
        page_set_lent(blocks[i].page);
}

static void release(unsigned i)
{
    page_clear_lent(blocks[i].page);
    free_pages(blocks[i].page, blocks[i].page->order);
    blocks[i].page = NULL;
}

static bool touches(const struct page *page, pfn_t start, pfn_t end)
{
    return page_to_pfn(page) < end && page_to_pfn(page) + order_pages(page->order) > start;
}

/* Each lent block of the range exactly once, in order, and nothing else. */
static void check_range(pfn_t start, pfn_t end)
{
    unsigned expected = 0, found = 0;
    pfn_t at = start, last = 0;
    struct page *page;

    for (unsigned i = 0; i < BLOCKS; i++)
        expected += start < end && blocks[i].page && blocks[i].lent &&
                    touches(blocks[i].page, start, end);
    while ((page = lent_block_next(&at, end))) {
        CHECK(page->flags & PAGE_LENT && touches(page, start, end));
        CHECK(!found || page_to_pfn(page) > last);
        last = page_to_pfn(page);
        CHECK_EQ(at, last + order_pages(page->order));
        found++;
    }
    CHECK_EQ(found, expected);
}

TEST_CASES(lent_blocks_are_found, 4)
{
    shim_boot(128 * MIB);
    for (unsigned step = 0; step < 400; step++) {
        unsigned i = (unsigned)unit_random_below(BLOCKS);
        pfn_t start = 256 + unit_random_below(30000);

        if (blocks[i].page)
            release(i);
        else
            allocate(i);
        check_range(start, start + unit_random_below(5000));
        check_range(start, start);
    }
}

/* Reading the frames of a range must not find what lies around it. */
TEST(lent_blocks_that_straddle)
{
    struct page *page;
    pfn_t first;

    shim_boot(64 * MIB);
    page = alloc_pages(5, PAGE_MOVABLE, 0);
    page_set_lent(page);
    first = page_to_pfn(page);
    for (pfn_t start = first - 3; start < first + 36; start++) {
        for (pfn_t end = start; end < first + 40; end++) {
            pfn_t at = start;

            CHECK_EQ(lent_block_next(&at, end) == page,
                     start < end && start < first + 32 && end > first);
        }
    }
}

struct test_lender {
    struct lender lender;
    unsigned asked;
    uint64_t sleep_ns, answer;
    bool running;
};

static uint64_t vacate(struct lender *self, pfn_t start, pfn_t end)
{
    struct test_lender *lender = container_of(self, struct test_lender, lender);

    CHECK(!lender->running);
    CHECK_EQ(start, 512);
    CHECK_EQ(end, 1024);
    lender->running = true;
    if (lender->sleep_ns)
        thread_sleep_ns(lender->sleep_ns);
    lender->running = false;
    lender->asked++;
    return lender->answer;
}

static struct test_lender one = {.lender = {.name = "one", .vacate = vacate}, .answer = 3};
static struct test_lender two = {.lender = {.name = "two", .vacate = vacate}, .answer = 40};

TEST(lenders_are_all_asked)
{
    shim_boot(64 * MIB);
    CHECK_EQ(lenders_vacate(512, 1024), 0);
    lender_register(&one.lender);
    lender_register(&two.lender);
    CHECK_EQ(lenders_vacate(512, 1024), 43);
    lender_unregister(&one.lender);
    CHECK_EQ(lenders_vacate(512, 1024), 40);
    CHECK_EQ(one.asked, 1);
    CHECK_EQ(two.asked, 2);
    lender_unregister(&two.lender);
    CHECK_EQ(lenders_vacate(512, 1024), 0);
}

static void ask(void *arg)
{
    *(uint64_t *)arg = lenders_vacate(512, 1024);
}

TEST(lender_leaves_when_nobody_asks)
{
    static uint64_t got[2];

    shim_boot(64 * MIB);
    one.sleep_ns = NS_PER_S;
    lender_register(&one.lender);
    for (unsigned i = 0; i < 2; i++)
        thread_create("ask", THREAD_NORMAL, ask, &got[i]);
    shim_settle();
    CHECK(one.running);
    lender_unregister(&one.lender);
    CHECK(!one.running && one.asked >= 1);
    memset(&one, 0xff, sizeof(one)); /* nobody looks at it any more */
    shim_advance(5 * NS_PER_S);
    CHECK(got[0] == 3 || got[0] == 0);
}
