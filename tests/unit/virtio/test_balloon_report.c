/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free page reporting through the balloon: nothing is touched before the acknowledgement.
 */
#include "fake_balloon.h"
#include <errno.h>
#include <neap/memory.h>
#include <neap/timer.h>

static const uint64_t features = FEATURE(BALLOON_F_PAGE_REPORTING);

static int report(const struct phys_range *ranges, unsigned nr)
{
    struct reporting_device *device = &host_balloon()->reporting;

    return device->report(device, ranges, nr);
}

TEST(report_flush_reports_free_memory)
{
    struct reporting_stats stats;
    struct memory_stats memory;

    host_start(128 * MIB, features | FEATURE(VIRTIO_F_INDIRECT_DESC));
    CHECK_EQ(reporting_flush(), 0);
    reporting_stats_get(&stats);
    memory_stats_get(&memory);
    CHECK(stats.active);
    CHECK(host.reported_bytes >= 100 * MIB);
    CHECK(host.reported_bytes >= memory.reported);
    CHECK(memory.reported >= 100 * MIB);
    mm_check();
}

/* BALLOON-037: whoever wants zeros gets them, whatever the host made of the pages. */
TEST(reported_memory_holds_anything)
{
    const uint8_t *bytes;
    struct page *page;
    unsigned count = 0;

    host.scribbles = true;
    host_start(64 * MIB, features);
    CHECK_EQ(reporting_flush(), 0);
    while ((page = alloc_pages(MAX_ORDER, PAGE_MOVABLE, ALLOC_ZERO | ALLOC_OPTIONAL))) {
        bytes = page_to_virt(page);
        for (unsigned i = 0; i < PAGE_SIZE; i++)
            CHECK_EQ(bytes[i], 0);
        count++;
    }
    CHECK(count > 8);
}

/* mm's reporter stays out of it: the test reports by itself. */
static void start_quietly(uint64_t more)
{
    host_create(features | more, LAYOUT_COMPACT);
    shim_boot(64 * MIB);
    CHECK_EQ(reporting_set_enabled(false), 0);
    CHECK_EQ(virtio_device_add(&host.fake->dev), 0);
    shim_settle();
    CHECK_EQ(host.reports, 0);
}

static bool acked;

static void reporter(void *arg)
{
    const struct phys_range range = {16 * MIB, 18 * MIB};

    CHECK_EQ(report(&range, 1), *(int *)arg);
    acked = true;
}

TEST(report_returns_only_after_the_acknowledgement)
{
    unsigned index;
    static int want = 0;

    start_quietly(0);
    index = host.numbers[BALLOON_REPORT];
    host.silent[BALLOON_REPORT] = true;
    thread_create("reporter", THREAD_NORMAL, reporter, &want);
    shim_advance(3 * NS_PER_S);
    CHECK(!acked);
    host.silent[BALLOON_REPORT] = false;
    host.fake->queues[index].serve(host.fake, index);
    shim_settle();
    CHECK(acked);
}

TEST(report_splits_long_ranges)
{
    const struct phys_range ranges[] = {{GIB, 6 * GIB}, {8 * GIB, 8 * GIB + 2 * MIB}};

    start_quietly(0);
    CHECK_EQ(report(ranges, 2), 0);
    CHECK_EQ(host.reported_bytes, 5 * GIB + 2 * MIB);
    CHECK_EQ(host.reports, 2);
}

TEST_CASES(report_many_ranges, 2)
{
    struct phys_range ranges[64];

    start_quietly(test_case ? FEATURE(VIRTIO_F_INDIRECT_DESC) : 0);
    for (unsigned i = 0; i < 64; i++)
        ranges[i] = (struct phys_range){(i + 100) * 2 * MIB, (i + 101) * 2 * MIB};
    CHECK_EQ(report(ranges, 64), 0);
    CHECK_EQ(host.reports, 2);
    CHECK_EQ(host.most_ranges, 32);
    CHECK_EQ(host.reported_bytes, 128 * MIB);
    CHECK_EQ(report(ranges, 0), 0);
    CHECK_EQ(host.reports, 2);
}

TEST(report_device_dies)
{
    static int want = -ETIMEDOUT;
    struct reporting_stats stats;

    start_quietly(0);
    host.silent[BALLOON_REPORT] = true;
    thread_create("reporter", THREAD_NORMAL, reporter, &want);
    shim_advance(9 * NS_PER_S);
    CHECK(!acked);
    host_set_target(100); /* the rest of the balloon works meanwhile */
    host_check_agreement(100);
    shim_advance(2 * NS_PER_S);
    CHECK(acked);
    CHECK_EQ(shim_log_count("(report): no answer for 10 s"), 1);
    host.silent[BALLOON_REPORT] = false;
    CHECK_EQ(host.fake->dev.resets, 1);
    CHECK(host.fake->dev.live);
    host_check_agreement(100);
    CHECK_EQ(reporting_set_enabled(true), 0);
    CHECK_EQ(reporting_flush(), 0);
    reporting_stats_get(&stats);
    CHECK(stats.active);
}

/* The reporter of mm is the one that waits. */
TEST(report_device_dies_at_start)
{
    host_create(features, LAYOUT_COMPACT);
    host.silent[BALLOON_REPORT] = true;
    shim_boot(64 * MIB);
    CHECK_EQ(virtio_device_add(&host.fake->dev), 0);
    shim_advance(9 * NS_PER_S);
    host.silent[BALLOON_REPORT] = false;
    shim_advance(2 * NS_PER_S);
    CHECK_EQ(host.fake->dev.resets, 1);
    CHECK_EQ(reporting_flush(), 0);
    CHECK(host.reported_bytes >= 50 * MIB);
}

static void break_it(void)
{
    vringd_push(&host.fake->queues[2].ring, 31, 0);
}

TEST(report_with_a_bad_answer)
{
    const struct phys_range range = {16 * MIB, 18 * MIB};

    start_quietly(0);
    host.on_report = break_it;
    CHECK_EQ(report(&range, 1), -EIO);
    CHECK_EQ(report(&range, 1), -EIO);
    host.on_report = NULL;
    shim_settle();
    CHECK_EQ(host.fake->dev.resets, 1);
    CHECK_EQ(report(&range, 1), 0);
}

static int reports_nothing(struct reporting_device *self, const struct phys_range *ranges,
                           unsigned nr)
{
    (void)self;
    (void)ranges;
    (void)nr;
    return 0;
}

TEST(report_when_another_device_reports)
{
    static struct reporting_device other = {"other", 1, 0, reports_nothing};

    host_create(features, LAYOUT_COMPACT);
    shim_boot(64 * MIB);
    CHECK_EQ(reporting_register(&other), 0);
    CHECK_EQ(virtio_device_add(&host.fake->dev), 0);
    CHECK_EQ(shim_log_count("not reported through it"), 1);
    host_set_target(100);
    host_check_agreement(100);
    virtio_device_misbehaved(&host.fake->dev, "a test says so");
    shim_settle();
    CHECK(host.fake->dev.live);
}
