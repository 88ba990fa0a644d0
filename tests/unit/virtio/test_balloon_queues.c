/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Queue numbers: all eight combinations of the optional features in every layout known.
 */
#include "fake_balloon.h"
#include <errno.h>

TEST_CASES(balloon_queue_numbers, 32)
{
    static const unsigned bits[] = {BALLOON_F_STATS_VQ, BALLOON_F_FREE_PAGE_HINT,
                                    BALLOON_F_PAGE_REPORTING};
    enum fake_layout layout = test_case / 8;
    uint64_t features = 0;

    for (unsigned i = 0; i < 3; i++)
        if (test_case >> i & 1)
            features |= FEATURE(bits[i]);
    host_create(features, layout);
    shim_boot(64 * MIB);
    CHECK_EQ(virtio_device_add(&host.fake->dev), 0);
    shim_settle();
    for (unsigned i = 0; i < 3; i++) {
        unsigned kind = BALLOON_STATS + i;
        bool used = test_case >> i & 1;

        CHECK_EQ(host_balloon()->queues[kind] != NULL, used);
        if (used) {
            CHECK_EQ(host_balloon()->queue_numbers[kind], host.numbers[kind]);
            CHECK(host.fake->queues[host.numbers[kind]].enabled);
        }
    }
    host_set_target(100);
    host_check_agreement(100);
    CHECK_EQ(host.has_stats, test_case & 1);
    if (test_case & 2) {
        host_set_hint_id(7);
        CHECK_EQ(host.rounds_ended, 1);
        CHECK(host.hinted_pages > 0);
    }
    if (test_case & 4) {
        CHECK_EQ(reporting_flush(), 0);
        CHECK(host.reported_bytes > 0);
    }
}

/* A feature without its queue is lost, the balloon is not. */
TEST(balloon_offers_a_feature_without_queue)
{
    host_create(FEATURE(BALLOON_F_STATS_VQ), LAYOUT_COMPACT);
    host.fake->queues[2].max_size = 0;
    shim_boot(64 * MIB);
    CHECK_EQ(virtio_device_add(&host.fake->dev), 0);
    CHECK_EQ(shim_log_count("has no queue 2 for it"), 1);
    host_set_target(100);
    host_check_agreement(100);
}

/* The transport took the feature away: its queue still counts. */
TEST(balloon_counts_offered_not_accepted)
{
    host_create(FEATURE(BALLOON_F_STATS_VQ) | FEATURE(BALLOON_F_PAGE_REPORTING),
                LAYOUT_COMPACT);
    host.fake->filter = FEATURE(BALLOON_F_STATS_VQ);
    shim_boot(64 * MIB);
    CHECK_EQ(virtio_device_add(&host.fake->dev), 0);
    CHECK(host_balloon()->queues[BALLOON_STATS] == NULL);
    CHECK_EQ(host_balloon()->queue_numbers[BALLOON_REPORT], 3);
}

TEST(balloon_tiny_queues)
{
    host_create(FEATURE(BALLOON_F_STATS_VQ) | FEATURE(BALLOON_F_FREE_PAGE_HINT) |
                    FEATURE(BALLOON_F_PAGE_REPORTING) | FEATURE(VIRTIO_F_EVENT_IDX),
                LAYOUT_COMPACT);
    for (unsigned i = 0; i < BALLOON_QUEUES; i++)
        host.fake->queues[i].max_size = 1;
    shim_boot(128 * MIB);
    CHECK_EQ(virtio_device_add(&host.fake->dev), 0);
    CHECK_EQ(host_balloon()->reporting.capacity, 1);
    host_set_target(5000);
    host_check_agreement(5000);
    host_set_hint_id(2);
    CHECK_EQ(host.rounds_ended, 1);
    CHECK_EQ(reporting_flush(), 0);
    CHECK_EQ(host.most_ranges, 1);
}
