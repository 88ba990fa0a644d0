/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: the reporting protocol between mm and a device. */
#include "support.h"
#include <neap/thread.h>

TEST(everything_free_goes_at_once)
{
    shim_boot(64 * MIB);
    CHECK_EQ(stat_unreported() > 0, true);
    host_start(32, 0);
    CHECK(host.reports > 0);
    CHECK_EQ(stat_unreported(), 0);
    CHECK(stat_reported() > 56 * MIB);
    CHECK(host_backed() < 4 * MIB);
    check_everything();
    check_reported_untouched();
}

/* Without a device nothing is isolated, nothing wakes up. */
TEST(nothing_happens_without_device)
{
    shim_boot(64 * MIB);
    model_take(32 * MIB);
    model_free_all();
    shim_settle();
    CHECK_EQ(stat_reported(), 0);
    CHECK_EQ(shim_timers_armed(), 0);
    CHECK_EQ(reporting_flush(), -ENODEV);
}

/* Only every second pageblock is freed, so that no two lie side by side. */
TEST_CASES(capacity_is_kept, 6)
{
    static const unsigned capacities[] = {1, 2, 7, 32, 64, 1000};
    struct page *pages[256];

    shim_boot(600 * MIB);
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        pages[i] = alloc_pages(PAGEBLOCK_ORDER, PAGE_MOVABLE, 0);
        CHECK(pages[i] != NULL);
    }
    host_start(capacities[test_case], 0);
    host.most_ranges = 0;
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++)
        if (page_to_pfn(pages[i]) / PAGEBLOCK_PAGES % 2)
            free_pages(pages[i], PAGEBLOCK_ORDER);
    shim_advance(NS_PER_S);
    CHECK_EQ(host.most_ranges, MIN(capacities[test_case], 64u));
    CHECK_EQ(stat_unreported(), 0);
    check_everything();
}

static uint64_t most_isolated;

static void note_isolated(void)
{
    most_isolated = MAX(most_isolated, buddy.isolated[WARM]);
}

/* The host is told of blocks side by side as one range, and not of too many at once. */
TEST(neighbours_are_one_range)
{
    shim_boot(1200 * MIB);
    model_take(1100 * MIB);
    host_start(4, 0);
    host.largest_range = 0;
    host.reports = 0;
    host.hook = note_isolated;
    CHECK_EQ(reporting_set_enabled(false), 0);
    model_free_all();
    CHECK_EQ(reporting_set_enabled(true), 0);
    shim_advance(NS_PER_S);
    CHECK(host.largest_range > 64 * MIB);
    CHECK_EQ(most_isolated << PAGE_SHIFT, 256 * MIB);
    CHECK(host.reports < 16);
    CHECK_EQ(stat_unreported(), 0);
    check_everything();
    check_reported_untouched();
}

/* Pages count as reported, and can be allocated again, only after the answer. */
static void look_during_report(void)
{
    CHECK_EQ(stat_reported(), host.bytes);
    CHECK(buddy.isolated[WARM] > 0);
    check_everything();
}

TEST(reported_only_after_the_answer)
{
    shim_boot(64 * MIB);
    host.hook = look_during_report;
    host_start(64, 0);
    CHECK(host.reports > 0);
    CHECK(stat_reported() > 32 * MIB);
    CHECK_EQ(buddy.isolated[WARM], 0);
}

TEST(error_stops_until_registered_again)
{
    struct reporting_stats stats;

    shim_boot(64 * MIB);
    host.error = -EIO;
    host_start(4, 0);
    reporting_stats_get(&stats);
    CHECK_EQ(stats.errors, 1);
    CHECK(!stats.active && stats.device);
    CHECK_EQ(stat_reported(), 0);
    CHECK_EQ(shim_log_count("did not take a report (EIO)"), 1);
    check_everything();
    model_take(16 * MIB);
    model_free_all();
    shim_advance(NS_PER_S);
    CHECK_EQ(shim_log_count("did not take a report"), 1);
    CHECK_EQ(reporting_flush(), -ENODEV);
    host.error = 0;
    reporting_unregister(&host.device);
    host_start(4, 0);
    CHECK_EQ(stat_unreported(), 0);
    reporting_stats_get(&stats);
    CHECK(stats.active);
}

TEST(error_on_raw_memory)
{
    shim_boot(2 * GIB);
    host.error = -ETIMEDOUT;
    host_start(64, 0);
    CHECK_EQ(stat_reported(), 0);
    host.error = 0;
    reporting_unregister(&host.device);
    host_start(64, 0);
    host.error = -EIO;
    CHECK_EQ(stat_unreported(), 0);
    reporting_unregister(&host.device);
    CHECK_EQ(stat_reported(), 0);
    host_start(64, 0);
    CHECK_EQ(stat_reported(), 0);
    check_everything();
}

TEST(second_device_is_refused)
{
    struct reporting_device other = {.name = "other", .capacity = 1};

    shim_boot(64 * MIB);
    host_start(4, 0);
    CHECK_EQ(reporting_register(&other), -EBUSY);
}

static void unregister_thread(void *arg)
{
    reporting_unregister(&host.device);
    *(bool *)arg = true;
}

/* Unregistering waits for the report under way; afterwards nothing counts as reported. */
TEST(unregister_during_report)
{
    bool done = false;

    shim_boot(64 * MIB);
    host.delay_ns = 50 * NS_PER_MS;
    host_start(2, 0);
    CHECK(host.busy);
    CHECK(thread_create("unregister", THREAD_NORMAL, unregister_thread, &done) != NULL);
    shim_settle();
    CHECK(!done);
    shim_advance(60 * NS_PER_MS);
    CHECK(done && !host.busy);
    CHECK_EQ(host.reports, 1);
    CHECK_EQ(stat_reported(), 0);
    check_everything();
    shim_advance(NS_PER_S);
    CHECK_EQ(host.reports, 1);
}

static void set_order_9(void)
{
    CHECK_EQ(reporting_set_order(9), 0);
    host.hook = NULL;
}

TEST(order_changes)
{
    uint64_t at_10;

    shim_boot(64 * MIB);
    CHECK_EQ(reporting_set_order(MAX_ORDER + 1), -EINVAL);
    CHECK_EQ(reporting_set_reserve(0), 0);
    CHECK_EQ(reporting_set_order(MAX_ORDER), 0);
    host_start(32, 0);
    at_10 = stat_reported();
    CHECK_EQ(stat_unreported(), 0);
    CHECK_EQ(reporting_set_order(4), 0);
    shim_settle();
    CHECK(stat_reported() > at_10);
    CHECK_EQ(stat_unreported(), 0);
    host.hook = set_order_9;
    host.any_order = true;
    model_take(16 * MIB);
    model_free_all();
    shim_advance(NS_PER_S);
    CHECK_EQ(stat_unreported(), 0);
    CHECK_EQ(reporting_set_order(0), 0);
    shim_advance(NS_PER_S);
    check_everything();
    check_reported_untouched();
}

TEST(device_granularity_decides)
{
    shim_boot(64 * MIB);
    host_start(32, 64 * KIB);
    CHECK_EQ(reporting_order(), 4);
    reporting_unregister(&host.device);
    host_start(32, GIB);
    CHECK_EQ(reporting_order(), MAX_ORDER);
    CHECK_EQ(shim_log_count("wants ranges of 1048576 KiB"), 1);
    reporting_unregister(&host.device);
    CHECK_EQ(reporting_set_order(3), 0);
    host_start(32, 64 * KIB);
    CHECK_EQ(reporting_order(), 3);
}

TEST(off_and_on)
{
    uint64_t before;

    shim_boot(64 * MIB);
    model_take(32 * MIB);
    host_start(32, 0);
    before = host.bytes;
    CHECK_EQ(reporting_set_enabled(false), 0);
    model_free_all();
    shim_advance(5 * NS_PER_S);
    CHECK_EQ(host.bytes, before);
    CHECK(stat_unreported() >= 32 * MIB);
    CHECK_EQ(reporting_set_enabled(true), 0);
    shim_advance(20 * NS_PER_MS);
    CHECK_EQ(stat_unreported(), 0);
}
