/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Statistics: every tag, true figures, answers at any time.
 */
#include "fake_balloon.h"
#include <neap/memory.h>

static const uint64_t features = FEATURE(BALLOON_F_STATS_VQ) | FEATURE(VIRTIO_F_EVENT_IDX);

TEST(balloon_stats_are_true)
{
    struct memory_stats stats;

    host_start(128 * MIB, features);
    CHECK(host.has_stats); /* BALLOON-017 */
    CHECK(host.stats[5] > 0);
    host_set_target(4000);
    memory_stats_get(&stats);
    host_ask_stats();
    CHECK(!host.has_stats); /* nothing in interrupt context */
    shim_settle();
    CHECK(host.has_stats);
    CHECK_EQ(host.nr_stats, 2);
    CHECK_EQ(host.stats[4], stats.free);
    CHECK_EQ(host.stats[5], stats.total - 4000 * PAGE_SIZE);
    CHECK_EQ(host.stats[6], stats.free);
    for (unsigned i = 0; i < BALLOON_STATS_TAGS; i++)
        CHECK(host.stats[i] == 0 || (i >= 4 && i <= 6));
}

TEST(balloon_stats_again_and_again)
{
    host_start(64 * MIB, features);
    for (unsigned i = 0; i < 1000; i++) {
        host_ask_stats();
        shim_settle();
        CHECK_EQ(host.nr_stats, i + 2);
    }
    CHECK_EQ(host_balloon()->count.stats, 1001);
}

/* Who resets the device, from whatever thread, holds its lock. */
TEST(balloon_stats_not_beside_a_reset)
{
    host_start(64 * MIB, features);
    mutex_lock(&host.fake->dev.lock);
    host_ask_stats();
    shim_settle();
    CHECK(!host.has_stats);
    mutex_unlock(&host.fake->dev.lock);
    shim_settle();
    CHECK(host.has_stats);
}

/* The worker waits for a host that takes its time; the figures come all the same. */
TEST(balloon_stats_while_inflating)
{
    host_start(64 * MIB, features);
    host.silent[BALLOON_INFLATE] = true;
    host_set_target(4000);
    for (unsigned i = 0; i < 5; i++) {
        host_ask_stats();
        shim_settle();
        CHECK_EQ(host.nr_stats, i + 2);
    }
    CHECK_EQ(host.owned_pages, 0);
}

TEST(balloon_stats_spurious)
{
    host_start(64 * MIB, features);
    for (unsigned i = 0; i < 5; i++) {
        virtio_queue_interrupt(&host.fake->dev, host.numbers[BALLOON_STATS]);
        shim_settle();
    }
    CHECK_EQ(host.nr_stats, 1);
    CHECK_EQ(host_balloon()->count.stats, 1);
    host_ask_stats();
    virtio_device_misbehaved(&host.fake->dev, "a test says so");
    shim_settle();
    CHECK(host.has_stats);
}
