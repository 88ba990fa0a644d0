/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free page hints: rounds, STOP, DONE, pages taken back under pressure.
 */
#include "fake_balloon.h"
#include <neap/memory.h>
#include <neap/timer.h>
#include <string.h>

static const uint64_t features = FEATURE(BALLOON_F_FREE_PAGE_HINT);

TEST(hint_round_until_done)
{
    uint64_t before;

    host_start(128 * MIB, features);
    before = free_pages_now();
    host_set_hint_id(0x80000000);
    CHECK_EQ(host.rounds_begun, 1);
    CHECK_EQ(host.rounds_ended, 1);
    CHECK(host.hinted_pages > before - (balloon_floor() >> PAGE_SHIFT) - 2048);
    CHECK(free_pages_now() >= balloon_floor() >> PAGE_SHIFT);
    CHECK_EQ(host_balloon()->hinted.pages, host.hinted_pages);
    CHECK_EQ(free_pages_now(), before - host.hinted_pages);
    /* The same id again is no new round; STOP keeps the pages. */
    host_set_hint_id(0x80000000);
    host_set_hint_id(0);
    CHECK_EQ(host.rounds_begun, 1);
    CHECK_EQ(free_pages_now(), before - host.hinted_pages);
    host_set_hint_id(1);
    CHECK_EQ(host_balloon()->hinted.pages, 0);
    CHECK_EQ(free_pages_now(), before);
    mm_check();
}

TEST(hint_second_round_keeps_the_first)
{
    struct page *page;
    uint64_t first;

    host_start(128 * MIB, features);
    page = alloc_pages(MAX_ORDER, PAGE_KERNEL, 0);
    host_set_hint_id(2);
    first = host.hinted_pages;
    free_pages(page, MAX_ORDER);
    host_set_hint_id(3);
    CHECK_EQ(host.rounds_ended, 2);
    CHECK_EQ(host.hinted_pages, first + 1024);
    host_set_hint_id(1);
    CHECK_EQ(host_balloon()->hinted.pages, 0);
}

static unsigned stops;

static void stop_early(void)
{
    if (++stops == 2)
        fake_config_set32(host.fake, BALLOON_CONFIG_HINT_ID, 0);
}

/* The host stops in the middle: no more pages, the round is closed. */
TEST(hint_stop_inside_a_round)
{
    host_create(features, LAYOUT_COMPACT);
    host.fake->queues[2].max_size = 4;
    shim_boot(256 * MIB);
    CHECK_EQ(virtio_device_add(&host.fake->dev), 0);
    host.on_hint = stop_early;
    host_set_hint_id(9);
    CHECK_EQ(host.rounds_begun, 1);
    CHECK_EQ(host.rounds_ended, 1);
    CHECK_EQ(host.hinted_pages, 4 * 1024);
    CHECK_EQ(host_balloon()->hinted.pages, 4 * 1024);
}

static struct page *held[60000];

TEST(hint_pages_come_back_under_pressure)
{
    uint64_t pages;
    unsigned count = 0;

    host_start(128 * MIB, features);
    host_set_hint_id(5);
    pages = host.hinted_pages + free_pages_now();
    while (count < ARRAY_SIZE(held) && (held[count] = alloc_pages(0, PAGE_MOVABLE, 0)))
        count++;
    CHECK(count + 64 >= pages);
    CHECK_EQ(host_balloon()->hinted.pages, 0);
    while (count)
        free_pages(held[--count], 0);
    host_set_hint_id(1);
    host_set_hint_id(6);
    CHECK_EQ(host.rounds_ended, 2);
}

/* BALLOON-032: the host must see a write before such a page is used. */
TEST(hint_pages_taken_back_are_initialised)
{
    const uint8_t *bytes;
    struct page *page;
    uint64_t pages;

    host_start(64 * MIB, features);
    host_set_hint_id(5);
    pages = host_balloon()->hinted.pages;
    page = pfn_to_page(host_balloon()->hinted.head[MAX_ORDER]);
    memset(shim_phys(page_to_phys(page)), 0x5a, PAGE_SIZE << MAX_ORDER);
    CHECK_EQ(balloon_hint_reclaim(host_balloon(), pages), pages);
    bytes = shim_phys(page_to_phys(page));
    for (unsigned i = 64; i < PAGE_SIZE << MAX_ORDER; i++)
        CHECK(bytes[i] != 0x5a);
}

TEST(hint_pages_come_back_with_a_reset)
{
    uint64_t before;

    host_start(128 * MIB, features);
    before = free_pages_now();
    host_set_hint_id(5);
    fake_config_set32(host.fake, BALLOON_CONFIG_HINT_ID, 0);
    virtio_device_misbehaved(&host.fake->dev, "a test says so");
    shim_settle();
    CHECK(host.fake->dev.live);
    CHECK_EQ(host_balloon()->hinted.pages, 0);
    alloc_drain_cpu_caches();
    CHECK(free_pages_now() + 64 > before);
}

TEST(hint_device_dies)
{
    uint64_t before;

    host_start(128 * MIB, features);
    before = free_pages_now();
    host.silent[BALLOON_HINT] = true;
    host_set_hint_id(5);
    shim_advance(11 * NS_PER_S);
    CHECK_EQ(shim_log_count("queue 2 (hint): no answer"), 1);
    shim_advance(200 * NS_PER_S);
    CHECK(!host.fake->dev.live);
    alloc_drain_cpu_caches();
    CHECK(free_pages_now() + 64 > before);
}

TEST(hint_and_inflate_together)
{
    host_start(128 * MIB, features | FEATURE(BALLOON_F_DEFLATE_ON_OOM));
    fake_config_set32(host.fake, BALLOON_CONFIG_HINT_ID, 5);
    host_set_target(8000);
    host_check_agreement(8000);
    CHECK(host.hinted_pages > 0);
    host_set_hint_id(1);
    host_set_target(0);
    host_check_agreement(0);
}
