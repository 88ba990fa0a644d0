/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The balloon: inflating and deflating, targets that cannot be met, a device that dies.
 */
#include "fake_balloon.h"
#include <neap/memory.h>
#include <neap/timer.h>

TEST(balloon_inflates_and_deflates)
{
    static const unsigned targets[] = {1, 256, 257, 5000, 4096, 12345, 100, 0, 10000, 0};
    uint64_t before;

    host_start(128 * MIB, 0);
    before = free_pages_now();
    for (unsigned i = 0; i < ARRAY_SIZE(targets); i++) {
        host_set_target(targets[i]);
        host_check_agreement(targets[i]);
        CHECK_EQ(free_pages_now(), before - targets[i]);
    }
    mm_check();
    CHECK_EQ(shim_log_count("target"), 0);
}

/* 4 MiB blocks first, and a whole batch on its way at a time. */
TEST(balloon_takes_large_blocks)
{
    host_start(128 * MIB, FEATURE(BALLOON_F_MUST_TELL_HOST));
    host_set_target(8192);
    host_check_agreement(8192);
    CHECK(host.most_in_flight >= 16);
    CHECK_EQ(host.inflates, 8192 / 256);
    for (unsigned order = 0; order < MAX_ORDER; order++)
        CHECK_EQ(host_balloon()->inflated.head[order], 0);
    CHECK(host.fake->queues[0].notified <= 4);
    CHECK(host_balloon()->inflated.head[MAX_ORDER] != 0);
    for (unsigned order = 0; order < MAX_ORDER; order++)
        CHECK_EQ(host_balloon()->inflated.head[order], 0);
    host_set_target(0);
    host_check_agreement(0);
    CHECK(host.deflates >= 8192 / 256);
}

TEST(balloon_over_large_target)
{
    uint64_t floor;

    host_start(256 * MIB, 0);
    floor = balloon_floor() >> PAGE_SHIFT;
    CHECK(floor >= 8 * MIB / PAGE_SIZE - 256 && floor <= 8 * MIB / PAGE_SIZE);
    host_set_target(1 << 20);
    CHECK(free_pages_now() >= floor);
    CHECK(free_pages_now() < floor + 1024);
    host_check_agreement(host.owned_pages);
    CHECK(host.owned_pages > 55000);
    CHECK_EQ(shim_log_count("the rest is in use"), 1);
    CHECK_EQ(host_balloon()->unmet, (1 << 20) - host.owned_pages);
    shim_advance(10 * NS_PER_S);
    CHECK_EQ(shim_log_count("the rest is in use"), 1);
    host_set_target((1 << 20) - 1);
    CHECK_EQ(shim_log_count("the rest is in use"), 2);
    /* The guest lives: small allocations work. */
    for (unsigned i = 0; i < 100; i++)
        CHECK(alloc_pages(0, PAGE_KERNEL, ALLOC_NO_RECLAIM) != NULL);
    host_set_target(0);
    host_check_agreement(0);
    CHECK_EQ(host_balloon()->unmet, 0);
}

TEST(balloon_unmet_target_is_retried)
{
    struct page *pages[16];
    uint64_t owned;

    host_start(128 * MIB, 0);
    for (unsigned i = 0; i < 16; i++)
        pages[i] = alloc_pages(MAX_ORDER, PAGE_KERNEL, 0);
    host_set_target(32768);
    owned = host.owned_pages;
    CHECK(owned < 32768 - 16 * 1024);
    for (unsigned i = 0; i < 16; i++)
        free_pages(pages[i], MAX_ORDER);
    shim_settle();
    CHECK_EQ(host.owned_pages, owned);
    shim_advance(1100 * NS_PER_MS);
    CHECK(host.owned_pages >= owned + 15 * 1024);
    host_check_agreement(host.owned_pages);
    /* Met or given up, nothing wakes an idle guest. */
    host_set_target(1000);
    CHECK(!host_balloon()->unmet);
}

/* The last few megabytes are fragmented: small blocks are taken, too. */
TEST(balloon_takes_fragments)
{
    static struct page *pages[40000];
    unsigned count = 0;
    uint64_t before;

    host_start(64 * MIB, 0);
    while (count < ARRAY_SIZE(pages) && (pages[count] = alloc_pages(0, PAGE_KERNEL, 0)))
        count++;
    for (unsigned i = 0; i < count; i += 2)
        free_pages(pages[i], 0);
    alloc_drain_cpu_caches();
    before = free_pages_now();
    host_set_target(3000);
    host_check_agreement(3000);
    CHECK_EQ(free_pages_now(), before - 3000);
    host_set_target(1);
    host_check_agreement(1);
}

TEST_CASES(balloon_device_dies_in_request, 3)
{
    static const unsigned answered[] = {1, 5, 20};
    uint64_t before;

    host_start(128 * MIB, 0);
    before = free_pages_now();
    host.deaf_after = answered[test_case];
    host_set_target(8192);
    CHECK(host.owned_pages < 8192);
    CHECK(host_balloon()->moving.pages > 0);
    /* Ten seconds later it is reset, owns nothing any more, and is filled anew. */
    host.deaf_after = 0;
    shim_advance(11 * NS_PER_S);
    CHECK_EQ(shim_log_count("queue 0 (inflate): no answer for 10 s"), 1);
    CHECK_EQ(host.fake->dev.resets, 1);
    host_check_agreement(8192);
    host_set_target(0);
    host_check_agreement(0);
    alloc_drain_cpu_caches();
    CHECK(free_pages_now() + 64 > before);
}

TEST(balloon_device_dies_in_deflate)
{
    host_start(128 * MIB, 0);
    host_set_target(4096);
    host.silent[BALLOON_DEFLATE] = true;
    host_set_target(96);
    CHECK_EQ(host.owned_pages, 4096);
    CHECK(host_balloon()->moving.pages > 0);
    CHECK_EQ(host_balloon()->actual, 4096);
    host.silent[BALLOON_DEFLATE] = false;
    shim_advance(11 * NS_PER_S);
    CHECK_EQ(host.fake->dev.resets, 1);
    host_check_agreement(96);
}

TEST(balloon_never_answers)
{
    uint64_t before;

    host_start(128 * MIB, 0);
    before = free_pages_now();
    host.silent[BALLOON_INFLATE] = true;
    host_set_target(1000);
    shim_advance(200 * NS_PER_S);
    CHECK_EQ(shim_log_count("left alone"), 1);
    CHECK_EQ(host.fake->dev.resets, VIRTIO_RESETS_MAX);
    CHECK(!host.fake->dev.live);
    alloc_drain_cpu_caches();
    CHECK(free_pages_now() + 64 > before);
    mm_check();
}

TEST(balloon_reset_gives_pages_back)
{
    uint64_t before;

    host_start(128 * MIB, FEATURE(BALLOON_F_STATS_VQ));
    before = free_pages_now();
    host_set_target(9000);
    fake_config_set32(host.fake, BALLOON_CONFIG_NUM_PAGES, 0);
    virtio_device_misbehaved(&host.fake->dev, "a test says so");
    shim_settle();
    CHECK(host.fake->dev.live);
    host_check_agreement(0);
    alloc_drain_cpu_caches();
    CHECK(free_pages_now() + 64 > before);
    CHECK(host.has_stats);
}

TEST_CASES(balloon_short_config, 3)
{
    static const unsigned sizes[] = {0, 4, 8};

    host_create(FEATURE(BALLOON_F_FREE_PAGE_HINT), LAYOUT_COMPACT);
    host.fake->config_size = sizes[test_case];
    shim_boot(64 * MIB);
    CHECK(virtio_device_add(&host.fake->dev) < 0);
    CHECK_EQ(shim_log_count("configuration space is too short"), 1);
}

TEST_CASES(balloon_config_goes_bad, 2)
{
    host_start(64 * MIB, test_case ? FEATURE(BALLOON_F_FREE_PAGE_HINT) : 0);
    host.fake->config_size = test_case ? 8 : 0;
    host_set_target(5);
    shim_settle();
    CHECK_EQ(shim_log_count("cannot be read"), 1);
    CHECK(!host.fake->dev.live);
}

TEST_CASES(balloon_queue_missing, 2)
{
    host_create(0, LAYOUT_COMPACT);
    host.fake->queues[test_case].max_size = 0;
    shim_boot(64 * MIB);
    CHECK(virtio_device_add(&host.fake->dev) < 0);
    CHECK_EQ(shim_log_count("has no queue"), 1);
}

/* Every allocation of the first probe fails once. */
TEST_CASES(balloon_injected_failures, 24)
{
    host_create(FEATURE(BALLOON_F_STATS_VQ) | FEATURE(BALLOON_F_FREE_PAGE_HINT) |
                    FEATURE(BALLOON_F_PAGE_REPORTING) | FEATURE(BALLOON_F_DEFLATE_ON_OOM) |
                    FEATURE(VIRTIO_F_INDIRECT_DESC),
                LAYOUT_COMPACT);
    shim_boot(64 * MIB);
    alloc_inject_failure(test_case + 1, test_case & 1);
    virtio_device_add(&host.fake->dev);
    alloc_inject_failure(0, 0);
    shim_settle();
    if (!host.fake->dev.live) {
        CHECK(host.fake->dev.fault != NULL);
        return;
    }
    host_set_target(1000);
    host_check_agreement(1000);
    mm_check();
}

/* A reset right after a reset: the worker did not even run in between. */
TEST(balloon_worker_is_parked_before_it_ran)
{
    host_start(64 * MIB, 0);
    virtio_worker_park(&host_balloon()->worker);
    virtio_worker_start(&host_balloon()->worker);
    virtio_worker_park(&host_balloon()->worker);
    CHECK(host_balloon()->worker.parked);
    virtio_worker_start(&host_balloon()->worker);
    host_set_target(1000);
    host_check_agreement(1000);
}
