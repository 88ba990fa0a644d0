/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DEFLATE_ON_OOM: memory comes back before an allocation fails, and stays.
 */
#include "fake_balloon.h"
#include <neap/memory.h>
#include <neap/space.h>
#include <neap/timer.h>
#include <string.h>

static unsigned take(unsigned order, struct page **pages, unsigned max)
{
    unsigned count = 0;

    while (count < max && (pages[count] = alloc_pages(order, PAGE_MOVABLE, 0)))
        count++;
    return count;
}

static struct page *held[60000];

TEST_CASES(balloon_oom_gives_everything_back, 3)
{
    static const unsigned orders[] = {0, 3, 9};
    unsigned order = orders[test_case], count;
    uint64_t pages;

    host_start(128 * MIB, FEATURE(BALLOON_F_DEFLATE_ON_OOM));
    host_set_target(1 << 20);
    pages = host.owned_pages + free_pages_now();
    CHECK(host.owned_pages > 20000);
    count = take(order, held, ARRAY_SIZE(held));
    CHECK(((uint64_t)count << order) + (4u << order) + 64 >= pages);
    CHECK(host.owned_pages < 1u << order);
    host_check_agreement(host.owned_pages);
    CHECK(host_balloon()->count.oom_pages > 20000);
    CHECK_EQ(shim_log_count("memory is short"), 1);
}

/* The worker looks again every second: what it does not get is no news. */
TEST(balloon_retry_is_not_logged)
{
    struct memory_stats stats;
    uint64_t failures;

    host_start(128 * MIB, 0);
    memory_stats_get(&stats);
    failures = stats.failures;
    alloc_inject_failure(1, 1);
    host_set_target(1000);
    shim_advance(10 * NS_PER_S);
    alloc_inject_failure(0, 0);
    CHECK_EQ(host.owned_pages, 0);
    memory_stats_get(&stats);
    CHECK_EQ(stats.failures, failures);
}

TEST(balloon_oom_does_not_chase_the_target)
{
    uint64_t owned, floor;
    unsigned count;

    host_start(128 * MIB, FEATURE(BALLOON_F_DEFLATE_ON_OOM));
    host_set_target(1 << 20);
    floor = balloon_floor() >> PAGE_SHIFT;
    count = take(0, held, 4000);
    CHECK_EQ(count, 4000);
    owned = host.owned_pages;
    shim_advance(20 * NS_PER_S);
    CHECK_EQ(host.owned_pages, owned);
    /* Free again, but less than twice the floor: still held. */
    while (free_pages_now() < floor + floor / 2)
        free_pages(held[--count], 0);
    shim_advance(20 * NS_PER_S);
    CHECK_EQ(host.owned_pages, owned);
    while (count)
        free_pages(held[--count], 0);
    shim_advance(2 * NS_PER_S);
    CHECK(host.owned_pages > owned + 1000);
    CHECK(free_pages_now() >= floor);
    host_check_agreement(host.owned_pages);
}

TEST(balloon_without_the_feature_keeps_its_pages)
{
    uint64_t owned;

    host_start(128 * MIB, 0);
    host_set_target(1 << 20);
    owned = host.owned_pages;
    take(0, held, ARRAY_SIZE(held));
    host_check_agreement(owned); /* BALLOON-007 */
}

/* Hinting alone gives hinted pages back, not inflated ones. */
TEST(balloon_hints_do_not_deflate)
{
    uint64_t owned;

    host_start(128 * MIB, FEATURE(BALLOON_F_FREE_PAGE_HINT));
    host_set_target(10000);
    owned = host.owned_pages;
    take(0, held, ARRAY_SIZE(held));
    host_check_agreement(owned);
}

TEST(balloon_reclaim_gives_what_is_asked)
{
    struct reclaimer *reclaimer;

    host_start(128 * MIB, FEATURE(BALLOON_F_DEFLATE_ON_OOM));
    host_set_target(20000);
    reclaimer = &host_balloon()->reclaimer;
    CHECK(reclaimer->reclaim(reclaimer, 1) >= 256);
    CHECK(reclaimer->reclaim(reclaimer, 12000) >= 12000);
    CHECK(host.owned_pages < 8000);
    host_check_agreement(host.owned_pages);
    CHECK(reclaimer->reclaim(reclaimer, 100000) > 7000);
    host_check_agreement(0);
    CHECK_EQ(reclaimer->reclaim(reclaimer, 1), 0);
    /* There is plenty of memory, so the target counts again soon, but not at once. */
    shim_advance(900 * NS_PER_MS);
    host_check_agreement(0);
    shim_advance(1200 * NS_PER_MS);
    host_check_agreement(20000);
}

TEST(balloon_oom_with_a_silent_device)
{
    host_start(128 * MIB, FEATURE(BALLOON_F_DEFLATE_ON_OOM));
    host_set_target(1 << 20);
    host.silent[BALLOON_DEFLATE] = true;
    /* The device is given up after 10 s; its reset brings the pages back. */
    CHECK(take(0, held, 20000) >= 10000);
    shim_settle();
    CHECK(host.fake->dev.resets >= 1);
}

/* Threads that are short of memory at the same time. */
static unsigned thread_got[3];

static void hungry(void *arg)
{
    unsigned *got = arg;

    while (*got < 5000 && alloc_pages(0, PAGE_MOVABLE, 0))
        ++*got;
}

TEST_CASES(balloon_oom_many_threads, 4)
{
    shim_set_cpus(2);
    host_start(128 * MIB, FEATURE(BALLOON_F_DEFLATE_ON_OOM));
    host_set_target(1 << 20);
    shim_chaos(test_case + 1);
    for (unsigned i = 0; i < 3; i++)
        thread_create("hungry", THREAD_NORMAL, hungry, &thread_got[i]);
    shim_advance(NS_PER_S);
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(thread_got[i], 5000);
    host_check_agreement(host.owned_pages);
}

TEST(balloon_reclaim_while_reset)
{
    host_start(128 * MIB, FEATURE(BALLOON_F_DEFLATE_ON_OOM));
    host_set_target(10000);
    host.fake->refuses_features = true;
    virtio_device_misbehaved(&host.fake->dev, "a test says so");
    take(0, held, ARRAY_SIZE(held));
    shim_settle();
    CHECK(!host.fake->dev.live);
    CHECK_EQ(host_balloon()->actual, 0);
}

/* Without DEFLATE_ON_OOM, too: what was promised is there when it is touched. */
TEST(balloon_keeps_promises)
{
    const uint64_t size = 32 * MIB;
    uintptr_t area;

    host_start(64 * MIB, 0);
    area = space_reserve(size, PAGE_SIZE);
    CHECK_EQ(space_commit(area, size, SPACE_READ | SPACE_WRITE), 0);
    host_set_target(64 * MIB / PAGE_SIZE);
    CHECK(host_balloon()->actual >= 16 * MIB / PAGE_SIZE);
    CHECK(host_balloon()->unmet > 0);
    for (uint64_t i = 0; i < size; i += PAGE_SIZE)
        *(volatile uint8_t *)(area + i) = 1;
    host_check_agreement(host_balloon()->actual);
    mm_check();
}
