/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: the warm reserve, in virtual time. */
#include "support.h"

#define SWING (128 * MIB)

static struct reporting_stats stats_now(void)
{
    struct reporting_stats stats;

    reporting_stats_get(&stats);
    return stats;
}

static void touch_all(void)
{
    for (unsigned i = 0; i < nr_held; i++)
        memset(page_to_virt(held[i].page + 1), 1, PAGE_SIZE);
}

static void take_swing(unsigned order)
{
    for (uint64_t i = 0; i < SWING >> (PAGE_SHIFT + order); i++)
        CHECK(model_alloc(order, PAGE_MOVABLE, 0) != NULL);
    touch_all();
}

static void start(void)
{
    shim_boot(256 * MIB);
    host_start(32, 0);
    shim_advance(10 * NS_PER_S);
    host.bytes = 0;
    host.reports = 0;
}

TEST(one_off_free_goes_at_once)
{
    start();
    take_swing(MAX_ORDER);
    shim_advance(10 * NS_PER_S);
    CHECK(host_backed() >= 32 * 4 * KIB);
    model_free_all();
    shim_settle();
    CHECK_EQ(stats_now().unreported, 0);
    CHECK(host.bytes >= SWING);
    CHECK_EQ(stats_now().reserve, 0);
    CHECK_EQ(stats_now().regret_bytes, 0);
    shim_advance(20 * NS_PER_MS);
    CHECK_EQ(shim_timers_armed(), 0);
}

/* An allocate/free loop pays for one round; after two quiet seconds all of it has gone. */
TEST_CASES(churn_pays_once, 3)
{
    unsigned order = test_case == 0 ? MAX_ORDER : test_case == 1 ? 9 : 7;
    uint64_t cold, first, cold_end;
    struct memory_stats stats;

    start();
    take_swing(order);
    model_free_all();
    shim_settle();
    first = host.bytes;
    CHECK(first >= SWING);
    take_swing(order);
    memory_stats_get(&stats);
    cold = stats.cold_taken;
    for (unsigned round = 0; round < 40; round++) {
        model_free_all();
        shim_advance(30 * NS_PER_MS);
        take_swing(order);
        shim_advance(30 * NS_PER_MS);
    }
    memory_stats_get(&stats);
    cold_end = stats.cold_taken;
    /* At most what lay around the swing, once: a few blocks. */
    CHECK(host.bytes - first <= 16 * MIB);
    CHECK(cold_end - cold <= 16 * MIB);
    CHECK(stats_now().reserve >= SWING - 16 * MIB && stats_now().reserve <= SWING + 16 * MIB);
    model_free_all();
    shim_advance(NS_PER_S);
    CHECK(stats_now().unreported >= SWING - 16 * MIB);
    shim_advance(1500 * NS_PER_MS);
    CHECK_EQ(stats_now().unreported, 0);
    CHECK_EQ(stats_now().reserve, 0);
    shim_advance(NS_PER_S);
    CHECK_EQ(shim_timers_armed(), 0);
    check_everything();
    check_reported_untouched();
}

/* Half of the swing ends: what lies unused is given up once, the other half stays warm. */
TEST(reserve_shrinks_to_what_is_used)
{
    uint64_t regret;

    start();
    take_swing(MAX_ORDER);
    model_free_all();
    shim_settle();
    take_swing(MAX_ORDER);
    model_free_all();
    regret = stats_now().regret_bytes;
    CHECK(stats_now().reserve >= SWING);
    for (unsigned round = 0; round < 100; round++) {
        while (nr_held < 16)
            CHECK(model_alloc(MAX_ORDER, PAGE_MOVABLE, 0) != NULL);
        shim_advance(30 * NS_PER_MS);
        model_free_all();
        shim_advance(30 * NS_PER_MS);
    }
    CHECK(stats_now().reserve >= 56 * MIB && stats_now().reserve <= 72 * MIB);
    CHECK(stats_now().regret_bytes - regret <= 8 * MIB);
    shim_advance(2500 * NS_PER_MS);
    CHECK_EQ(stats_now().unreported, 0);
    CHECK_EQ(stats_now().reserve, 0);
}

/* Memory that was reported long ago is no regret. */
TEST(old_reports_are_not_regretted)
{
    start();
    take_swing(MAX_ORDER);
    model_free_all();
    shim_advance(2600 * NS_PER_MS);
    take_swing(MAX_ORDER);
    CHECK_EQ(stats_now().regret_bytes, 0);
    CHECK_EQ(stats_now().reserve, 0);
    model_free_all();
    shim_settle();
    take_swing(MAX_ORDER);
    CHECK(stats_now().regret_bytes >= SWING);
}

TEST(fixed_reserve_stays)
{
    start();
    CHECK_EQ(reporting_set_reserve(32 * MIB), 0);
    for (unsigned round = 0; round < 3; round++) {
        take_swing(MAX_ORDER);
        model_free_all();
        shim_advance(3 * NS_PER_S);
        CHECK_EQ(stats_now().reserve, 32 * MIB);
        CHECK(stats_now().unreported > 28 * MIB && stats_now().unreported <= 32 * MIB);
    }
    CHECK(shim_timers_armed() == 0);
    CHECK_EQ(reporting_set_reserve(UINT64_MAX), 0);
    shim_advance(20 * NS_PER_MS);
    CHECK_EQ(stats_now().unreported, 0);
    CHECK(!stats_now().reserve_fixed);
    CHECK_EQ(reporting_set_reserve(UINT64_MAX), 0);
}

/* Time passes unseen while the machine idles without a reserve. */
TEST(long_idle_forgets_the_window)
{
    start();
    for (unsigned i = 0; i < 5; i++) {
        take_swing(MAX_ORDER);
        model_free_all();
        shim_advance((1 + i * 1000) * NS_PER_S);
        CHECK_EQ(stats_now().unreported, 0);
    }
    check_everything();
}

TEST_CASES(random_demand, 4)
{
    start();
    for (unsigned i = 0; i < 400; i++) {
        uint64_t blocks = unit_random_below(50);

        while (nr_held < blocks && model_alloc(MAX_ORDER, PAGE_MOVABLE, 0))
            ;
        while (nr_held > blocks)
            model_free((unsigned)unit_random_below(nr_held));
        shim_advance(unit_random_below(400) * NS_PER_MS);
        CHECK(stats_now().reserve <= 256 * MIB);
        check_everything();
    }
    model_free_all();
    shim_advance(2500 * NS_PER_MS);
    CHECK_EQ(stats_now().unreported, 0);
    CHECK_EQ(shim_timers_armed(), 0);
    check_reported_untouched();
}
