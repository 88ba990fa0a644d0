/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: reporting while memory is used: raw memory, waiting, flushing, concurrency,
 * settings. */
#include "support.h"
#include <neap/thread.h>

/* A guest that is restarted inside its QEMU: the host holds pages of its predecessor. */
TEST(raw_memory_is_reported)
{
    shim_boot(64 * GIB);
    memset(shim_phys(40 * GIB), 1, MIB);
    host_start(32, 0);
    shim_settle();
    CHECK(host.bytes > 63 * GIB);
    CHECK_EQ(host.largest_range, GIB);
    CHECK(host_backed() < 4 * MIB);
    CHECK_EQ(stat_unreported(), 0);
    CHECK(stat_reported() > 63 * GIB);
    check_everything();
}

/* Raw memory that was reported stays so when its block is activated. */
TEST(activated_memory_keeps_its_state)
{
    uint64_t reports;

    shim_boot(GIB);
    host_start(32, 0);
    reports = host.bytes;
    model_take(900 * MIB);
    model_free_all();
    shim_advance(10 * NS_PER_S);
    CHECK_EQ(stat_unreported(), 0);
    CHECK(host.bytes - reports < 1000 * MIB);
    check_everything();
    check_reported_untouched();
}

static void take_during_report(void)
{
    CHECK(model_alloc(MAX_ORDER, PAGE_MOVABLE, ALLOC_ATOMIC) != NULL);
    CHECK(model_alloc(0, PAGE_KERNEL, ALLOC_ATOMIC) != NULL);
    host.hook = NULL;
}

/* Interrupt handlers can allocate while reports are under way. */
TEST(something_is_left_during_a_report)
{
    shim_boot(64 * MIB);
    host.hook = take_during_report;
    host_start(64, 0);
    CHECK(host.hook == NULL);
    model_free_all();
}

/* What is with the device is waited for before an allocation fails; only threads can wait. */
TEST(allocation_waits_for_a_report)
{
    shim_boot(24 * MIB);
    model_take(16 * MIB);
    while (nr_held < HELD_MAX && alloc_pages(0, PAGE_KERNEL, ALLOC_ATOMIC))
        ;
    host.delay_ns = 20 * NS_PER_MS;
    host_start(64, 0);
    model_free_all();
    shim_advance(11 * NS_PER_MS);
    CHECK(host.busy);
    while (alloc_pages(MAX_ORDER, PAGE_KERNEL, ALLOC_ATOMIC))
        ;
    CHECK(host.busy);
    CHECK(alloc_pages(MAX_ORDER, PAGE_KERNEL, 0) != NULL);
    CHECK(!host.busy);
    check_everything();
}

TEST(flush_takes_the_reserve_too)
{
    shim_boot(128 * MIB);
    host_start(32, 0);
    CHECK_EQ(reporting_set_reserve(64 * MIB), 0);
    model_take(96 * MIB);
    model_free_all();
    shim_advance(5 * NS_PER_S);
    CHECK(stat_unreported() >= 60 * MIB && stat_unreported() <= 64 * MIB);
    CHECK_EQ(reporting_flush(), 0);
    CHECK_EQ(stat_unreported(), 0);
    check_reported_untouched();
}

static void fail_now(void)
{
    host.error = -EIO;
}

TEST(flush_that_fails)
{
    shim_boot(128 * MIB);
    CHECK_EQ(reporting_set_reserve(64 * MIB), 0);
    host_start(32, 0);
    host.hook = fail_now;
    CHECK_EQ(reporting_flush(), -EIO);
    check_everything();
}

TEST(flush_with_a_dead_device_ends)
{
    shim_boot(128 * MIB);
    model_take(64 * MIB);
    host_start(32, 0);
    model_free_all();
    host.delay_ns = 1000 * NS_PER_S;
    CHECK_EQ(reporting_flush(), -ETIMEDOUT);
}

/* A few blocks wait 10 ms for more; a full batch does not. */
TEST(small_amounts_are_gathered)
{
    uint64_t reports;

    shim_boot(128 * MIB);
    model_take(64 * MIB);
    host_start(4, 0);
    reports = host.reports;
    model_free(0);
    shim_settle();
    CHECK_EQ(host.reports, reports);
    shim_advance(11 * NS_PER_MS);
    CHECK_EQ(host.reports, reports + 1);
    for (unsigned i = 0; i < 4; i++)
        model_free(0);
    shim_settle();
    CHECK_EQ(host.reports, reports + 2);
}

/* Pages in per-CPU lists hold blocks together only for a moment. */
TEST(cpu_caches_are_drained_at_rest)
{
    shim_set_cpus(2);
    shim_boot(64 * MIB);
    host_start(32, 0);
    while (nr_held < 2000)
        CHECK(model_alloc(0, PAGE_MOVABLE, 0) != NULL);
    shim_run_on(1);
    model_free_all();
    shim_advance(NS_PER_S);
    shim_advance(3 * NS_PER_S);
    CHECK_EQ(cpu_cache_pages(), 0);
    CHECK_EQ(stat_unreported(), 0);
    CHECK_EQ(shim_timers_armed(), 0);
}

TEST_CASES(reporting_under_chaos, 6)
{
    shim_set_cpus(2);
    shim_boot(96 * MIB);
    host.any_order = true;
    host.delay_ns = test_case * NS_PER_MS;
    host_start(3 + test_case, 0);
    shim_chaos(77 + test_case);
    for (unsigned i = 0; i < 600; i++) {
        if (nr_held && unit_random_below(2))
            model_free((unsigned)unit_random_below(nr_held));
        else if (nr_held < HELD_MAX)
            (void)model_alloc((unsigned)unit_random_below(11), (enum page_kind)(i % 2), 0);
        if (unit_random_below(50) == 0)
            CHECK_EQ(reporting_set_order((unsigned)unit_random_below(11)), 0);
        if (unit_random_below(80) == 0) {
            reporting_unregister(&host.device);
            CHECK_EQ(reporting_register(&host.device), 0);
        }
        if (unit_random_below(40) == 0)
            CHECK_EQ(reporting_flush(), 0);
        check_everything();
    }
    check_reported_untouched();
}

TEST(command_line)
{
    struct reporting_stats stats;

    CHECK_EQ(shim_cmdline_set("reporting", "maybe"), -EINVAL);
    CHECK_EQ(shim_cmdline_set("reporting", "off"), 0);
    CHECK_EQ(shim_cmdline_set("reporting_order", "11"), -EINVAL);
    CHECK_EQ(shim_cmdline_set("reporting_order", "x"), -EINVAL);
    CHECK_EQ(shim_cmdline_set("reporting_order", "6"), 0);
    CHECK_EQ(shim_cmdline_set("reserve", "lots"), -EINVAL);
    CHECK_EQ(shim_cmdline_set("reserve", "auto"), 0);
    CHECK_EQ(shim_cmdline_set("reserve", "8M"), 0);
    shim_boot(64 * MIB);
    host_start(32, 0);
    reporting_stats_get(&stats);
    CHECK(!stats.enabled && stats.reserve_fixed);
    CHECK_EQ(stats.order, 6);
    CHECK_EQ(stats.reserve, 8 * MIB);
    CHECK_EQ(stats.reports, 0);
    CHECK_EQ(reporting_set_enabled(true), 0);
    shim_settle();
    CHECK(stat_unreported() <= 8 * MIB);
    CHECK_EQ(reporting_set_reserve(UINT64_MAX), 0);
    shim_settle();
    CHECK_EQ(stat_unreported(), 0);
}
