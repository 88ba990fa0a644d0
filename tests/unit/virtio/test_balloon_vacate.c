/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balloon as a lender: it leaves the places that are wanted, and only these.
 */
#include "fake_balloon.h"
#include <neap/memory.h>
#include <neap/timer.h>
#include <string.h>

#define TARGET 20000

/* Memory that is being taken cannot be had again; here the balloon just does not ask for it. */
static void hold_inflation(void)
{
    host_balloon()->oom_hold = true;
    host_balloon()->hold_end_ns = UINT64_MAX;
}

/* Pages of the blocks that touch the range. */
static uint64_t lent_pages(pfn_t start, pfn_t end)
{
    uint64_t pages = 0;
    struct page *page;

    while ((page = lent_block_next(&start, end)))
        pages += UINT64_C(1) << page->order;
    return pages;
}

static unsigned owned_in(pfn_t start, pfn_t end)
{
    unsigned owned = 0;

    while (start < end)
        owned += host.owned[start++];
    return owned;
}

/* Some range that the balloon holds completely. */
static pfn_t find_owned(pfn_t pages)
{
    for (pfn_t pfn = 1024; pfn + pages < FAKE_BALLOON_PAGES; pfn += pages)
        if (owned_in(pfn, pfn + pages) == pages)
            return pfn;
    unit_fail(__FILE__, __LINE__, "nothing of %llu pages", (unsigned long long)pages);
}

TEST_CASES(balloon_vacates_a_range, 4)
{
    static const pfn_t sizes[] = {1, 512, 2048, 8192}; /* more than a batch, too */
    pfn_t size = sizes[test_case], start;
    uint64_t lent;

    host_start(128 * MIB, 0);
    host_set_target(TARGET);
    host_check_agreement(TARGET);
    start = find_owned(size);
    lent = lent_pages(start, start + size);
    CHECK(lent >= size && lent < size + 2 * 1024);
    hold_inflation();
    CHECK_EQ(lenders_vacate(start, start + size), lent);
    CHECK_EQ(lent_pages(start, start + size), 0);
    CHECK_EQ(owned_in(start, start + size), 0);
    host_check_agreement(TARGET - lent);
    CHECK_EQ(host_balloon()->count.vacated, lent);
    CHECK_EQ(host_balloon()->unmet, lent);
    CHECK_EQ(lenders_vacate(start, start + size), 0);
    /* The target is reached again as soon as there is memory. */
    host_balloon()->hold_end_ns = 0;
    shim_advance(3 * NS_PER_S);
    host_check_agreement(TARGET);
    CHECK_EQ(host_balloon()->unmet, 0);
}

/* A wide chunk goes whole, from wherever the range touches it. */
TEST_CASES(balloon_vacates_what_straddles, 3)
{
    static const pfn_t at[] = {0, 517, 1023};
    struct page *page;
    pfn_t start;

    host_start(128 * MIB, 0);
    host_set_target(TARGET);
    hold_inflation();
    start = host_balloon()->inflated.head[MAX_ORDER];
    page = pfn_to_page(start);
    CHECK(page->flags & PAGE_LENT);
    CHECK_EQ(lenders_vacate(start + at[test_case], start + at[test_case] + 1), 1024);
    CHECK(page->state != PAGE_ALLOCATED && !(page->flags & PAGE_LENT));
    host_check_agreement(TARGET - 1024);
    mm_check();
}

TEST(balloon_counts_as_movable)
{
    struct memory_stats before, after;

    host_start(128 * MIB, 0);
    memory_stats_get(&before);
    host_set_target(TARGET);
    memory_stats_get(&after);
    CHECK_EQ(after.movable, before.movable);
    CHECK_EQ(after.ballooned, (uint64_t)TARGET << PAGE_SHIFT);
    CHECK(after.kernel - before.kernel < 64 * KIB);
}

TEST(balloon_vacates_hinted_blocks)
{
    pfn_t start;
    uint64_t hinted;

    host_start(128 * MIB, FEATURE(BALLOON_F_FREE_PAGE_HINT));
    host_set_target(4096);
    host_set_hint_id(7);
    hinted = host_balloon()->hinted.pages;
    CHECK(hinted > 4096);
    start = host_balloon()->hinted.head[MAX_ORDER];
    memset(page_to_virt(pfn_to_page(start)), 1, PAGE_SIZE);
    CHECK_EQ(lenders_vacate(start + 5, start + 6), 1024);
    CHECK_EQ(host_balloon()->hinted.pages, hinted - 1024);
    /* Written to, so that the host sees that it is in use again (BALLOON-032). */
    CHECK_EQ(*(uint8_t *)shim_phys((uint64_t)start << PAGE_SHIFT), 0);
    host_check_agreement(4096);
    host_set_hint_id(1);
    CHECK_EQ(host_balloon()->hinted.pages, 0);
    mm_check();
}

/* Every wait ends: the device is given up, and its reset brings the pages back. */
TEST(balloon_vacates_with_a_silent_device)
{
    uint64_t begin;
    pfn_t start;

    host_start(128 * MIB, FEATURE(BALLOON_F_PAGE_REPORTING));
    host_set_target(TARGET);
    start = find_owned(512);
    hold_inflation();
    host.silent[BALLOON_DEFLATE] = true;
    begin = clock_ns();
    CHECK(lenders_vacate(start, start + 512) >= TARGET);
    CHECK(clock_ns() - begin < 25 * NS_PER_S);
    shim_settle();
    CHECK_EQ(host.fake->dev.resets, 1);
    host_check_agreement(TARGET);
    mm_check();
}

static struct waitqueue over_waiters;
static bool over;

static bool is_over(void *arg UNUSED)
{
    return over;
}

static void wait_for_the_end(struct work *work UNUSED)
{
    (void)wait_until(&over_waiters, is_over, NULL, WAIT_FOREVER);
}

/* What resets the device is held up by who waits for it, as by a mutex. */
TEST(balloon_vacates_while_nothing_is_reset)
{
    struct work work;
    pfn_t start;

    host_start(128 * MIB, 0);
    host_set_target(TARGET);
    start = find_owned(512);
    hold_inflation();
    host.silent[BALLOON_DEFLATE] = true;
    waitqueue_init(&over_waiters, "end of the test");
    work_init(&work, wait_for_the_end);
    work_queue(&system_work, &work);
    CHECK_EQ(lenders_vacate(start, start + 512), 0);
    CHECK_EQ(host.fake->dev.resets, 0);
    over = true;
    wake_all(&over_waiters);
    shim_settle();
    CHECK_EQ(host.fake->dev.resets, 1);
    host_check_agreement(TARGET);
    mm_check();
}

/* The device goes while somebody waits, at any moment. */
static bool stop_vacating;
static unsigned vacated;

static void vacate_for_ever(void *arg)
{
    (void)arg;
    while (!stop_vacating) {
        pfn_t start = 512 + unit_random_below(30000);

        lenders_vacate(start, start + 2048);
        vacated++;
        thread_sleep_ns(unit_random_below(100) * NS_PER_MS);
    }
}

TEST_CASES(balloon_vacates_while_reset, 4)
{
    shim_set_cpus(2);
    host_start(128 * MIB, FEATURE(BALLOON_F_PAGE_REPORTING) | FEATURE(BALLOON_F_STATS_VQ));
    host_set_target(TARGET);
    shim_chaos(test_case + 1);
    thread_create("vacate", THREAD_NORMAL, vacate_for_ever, NULL);
    for (unsigned i = 0; i < VIRTIO_RESETS_MAX; i++) {
        shim_advance(unit_random_below(300) * NS_PER_MS);
        virtio_device_misbehaved(&host.fake->dev, "a test says so");
        shim_advance(unit_random_below(300) * NS_PER_MS);
    }
    stop_vacating = true;
    shim_chaos(0);
    shim_advance(30 * NS_PER_S);
    CHECK(vacated > 10);
    host_check_agreement(TARGET);
    mm_check();
}

TEST(balloon_is_the_only_one)
{
    struct fake *first;

    host_start(128 * MIB, 0);
    first = host.fake;
    host_create(0, LAYOUT_COMPACT);
    CHECK(virtio_device_add(&host.fake->dev) != 0);
    CHECK_EQ(shim_log_count("there is one already"), 1);
    /* The first one comes back after a reset. */
    virtio_device_misbehaved(&first->dev, "a test says so");
    shim_settle();
    CHECK(first->dev.live);
}
