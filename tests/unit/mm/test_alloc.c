/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: the page allocator against a model of who holds what. */
#include "support.h"

TEST(boot_and_allocate)
{
    struct memory_stats before, after;
    struct page *page;

    shim_boot(64 * MIB);
    check_everything();
    memory_stats_get(&before);
    page = alloc_pages(0, PAGE_KERNEL, ALLOC_ZERO);
    CHECK(page != NULL);
    CHECK_EQ(*(uint64_t *)page_to_virt(page), 0);
    free_pages(page, 0);
    memory_stats_get(&after);
    check_everything();
    CHECK_EQ(before.free, after.free);
    CHECK_EQ(after.allocations, before.allocations + 1);
}

/* Every block of memory can be had, once, and all of it comes back merged. */
TEST_CASES(exhaust_and_return, MAX_ORDER + 1)
{
    struct memory_stats start, full, end;
    struct buddy_counts before, after;

    shim_boot(48 * MIB);
    alloc_drain_cpu_caches();
    memory_stats_get(&start);
    buddy_counts_get(&before);
    while (nr_held < HELD_MAX && model_alloc(test_case, PAGE_MOVABLE, 0))
        ;
    check_everything();
    memory_stats_get(&full);
    if (test_case >= 2)
        CHECK(full.largest_free < PAGE_SIZE << test_case);
    model_free_all();
    alloc_drain_cpu_caches();
    check_everything();
    memory_stats_get(&end);
    buddy_counts_get(&after);
    CHECK_EQ(start.free, end.free);
    CHECK_EQ(memcmp(&before, &after, sizeof(before)), 0);
}

static void random_step(unsigned max_order)
{
    enum page_kind kind = unit_random_below(2) ? PAGE_KERNEL : PAGE_MOVABLE;
    uint64_t what = unit_random_below(100);

    if (what < 46) {
        if (nr_held < HELD_MAX)
            (void)model_alloc((unsigned)unit_random_below(max_order + 1), kind,
                              unit_random_below(4) ? 0 : ALLOC_ZERO);
    } else if (what < 92) {
        if (nr_held)
            model_free((unsigned)unit_random_below(nr_held));
    } else if (what < 94) {
        uint64_t align = UINT64_C(1) << unit_random_below(12);

        (void)model_alloc_contiguous(1 + unit_random_below(3000), align, kind);
    } else if (what < 95) {
        alloc_drain_cpu_caches();
    } else if (what < 97) {
        shim_run_on((unsigned)unit_random_below(cpu_count()));
    } else if (what < 98) {
        shim_settle();
    } else if (what < 99) {
        shim_advance(unit_random_below(20) * NS_PER_MS);
    } else {
        model_free_all();
    }
}

/* Random operations on a small machine with several CPUs and a host that takes reports. */
TEST_CASES(random_operations, 12)
{
    shim_set_cpus(1 + test_case % 3);
    shim_boot((16 + 8 * (test_case % 4)) * MIB);
    host_start(4 + test_case, 0);
    if (test_case % 2)
        CHECK_EQ(reporting_set_order(test_case % 5 + 4), 0);
    if (test_case >= 6)
        shim_chaos(test_case);
    for (unsigned i = 0; i < 2500; i++) {
        random_step(test_case % 4 == 3 ? 3 : MAX_ORDER);
        check_everything();
        if (i % 16 == 0)
            check_reported_untouched();
    }
    model_free_all();
    CHECK_EQ(reporting_flush(), 0);
    check_everything();
    check_reported_untouched();
}

/* The same across memory blocks that are activated on the way. */
TEST_CASES(random_activation, 4)
{
    static const struct phys_range ranges[] = {
        {0x1000, 0x9f000},
        {SHIM_IMAGE_PHYS + 0xc000, 24 * MIB},
        {120 * MIB, 140 * MIB},
        {250 * MIB + 0x5000, 260 * MIB},
        {5 * GIB - 3 * MIB, 5 * GIB + 7 * MIB},
    };

    shim_boot_ranges(ranges, ARRAY_SIZE(ranges));
    mm_init_late();
    if (test_case & 1)
        host_start(32, 0);
    shim_chaos(test_case & 2);
    for (unsigned i = 0; i < 1200; i++) {
        random_step(MAX_ORDER);
        check_everything();
    }
    while (nr_held < HELD_MAX && model_alloc(6, PAGE_MOVABLE, 0))
        ;
    check_everything();
    model_free_all();
    check_everything();
}

/* What cannot move gathers at low addresses, whatever the order of frees was. */
TEST_CASES(kernel_memory_is_low, 4)
{
    uint64_t kernel = 0, movable = 0;

    shim_boot(128 * MIB);
    while (model_alloc(MAX_ORDER, PAGE_MOVABLE, 0))
        ;
    while (nr_held)
        model_free((unsigned)unit_random_below(nr_held));
    for (unsigned i = 0; i < 6; i++) {
        kernel += page_to_phys(alloc_pages(MAX_ORDER, PAGE_KERNEL, 0));
        movable += page_to_phys(alloc_pages(MAX_ORDER, PAGE_MOVABLE, 0));
    }
    CHECK(kernel / 6 + 40 * MIB < movable / 6);
}

TEST(order_beyond_the_top)
{
    shim_boot(32 * MIB);
    CHECK(alloc_pages(MAX_ORDER + 1, PAGE_KERNEL, 0) == NULL);
}

/* Taking turns, each kind fills pageblocks of its own: four of them. */
TEST(kinds_do_not_share_pageblocks)
{
    bool used[PAGE_KINDS][64 * MIB / PAGE_SIZE / PAGEBLOCK_PAGES] = {{false}};
    unsigned blocks = 0;

    shim_boot(64 * MIB);
    for (uint64_t i = 0; i < 4 * PAGEBLOCK_PAGES / 16; i++) {
        struct page *kernel = alloc_pages(4, PAGE_KERNEL, 0);
        struct page *movable = alloc_pages(4, PAGE_MOVABLE, 0);

        CHECK(kernel != NULL && movable != NULL);
        used[PAGE_KERNEL][page_to_pfn(kernel) / PAGEBLOCK_PAGES] = true;
        used[PAGE_MOVABLE][page_to_pfn(movable) / PAGEBLOCK_PAGES] = true;
    }
    for (unsigned i = 0; i < ARRAY_SIZE(used[0]); i++) {
        CHECK(!used[PAGE_KERNEL][i] || !used[PAGE_MOVABLE][i]);
        blocks += used[PAGE_KERNEL][i] + used[PAGE_MOVABLE][i];
    }
    CHECK(blocks <= 2 * 5);
}

/* When a kind has no pageblock left, it takes from the other's. */
TEST(kinds_steal_at_last)
{
    unsigned movable = 0;

    shim_boot(24 * MIB);
    while (model_alloc(9, PAGE_KERNEL, 0))
        ;
    while (nr_held < HELD_MAX && model_alloc(0, PAGE_MOVABLE, 0))
        movable++;
    CHECK(movable > 0);
    CHECK(alloc_pages(0, PAGE_KERNEL, 0) == NULL);
    check_everything();
    model_free_all();
    check_everything();
}

TEST(warm_before_reported)
{
    struct page *cold, *warm;

    shim_boot(64 * MIB);
    host_start(32, 0);
    shim_advance(NS_PER_S);
    cold = alloc_pages(MAX_ORDER, PAGE_MOVABLE, 0);
    CHECK(cold != NULL);
    CHECK_EQ(reporting_set_enabled(false), 0);
    free_pages(cold, MAX_ORDER);
    warm = alloc_pages(MAX_ORDER, PAGE_MOVABLE, 0);
    CHECK(warm == cold);
}

TEST(double_free_panics)
{
    struct page *page;

    shim_boot(32 * MIB);
    page = alloc_pages(5, PAGE_KERNEL, 0);
    free_pages(page, 5);
    EXPECT_PANIC("double free", free_pages(page, 5));
}

TEST(wrong_order_panics)
{
    struct page *page;

    shim_boot(32 * MIB);
    page = alloc_pages(5, PAGE_KERNEL, 0);
    EXPECT_PANIC("wrong order", free_pages(page, 4));
}

TEST(pinned_page_is_not_freed)
{
    struct page *page;

    shim_boot(32 * MIB);
    page = alloc_pages(5, PAGE_KERNEL, 0);
    page->pins = 1;
    EXPECT_PANIC("pinned", free_pages(page, 5));
}

TEST(write_after_free_panics)
{
    struct page *page;

    shim_boot(32 * MIB);
    page = alloc_pages(1, PAGE_KERNEL, 0);
    free_pages(page, 1);
    ((char *)page_to_virt(page))[5000] = 1;
    EXPECT_PANIC("was written to", page = alloc_pages(1, PAGE_KERNEL, 0));
}

/* Blocks in the caches of other CPUs come back before an allocation fails. */
TEST(other_cpus_caches_are_drained)
{
    shim_set_cpus(4);
    shim_boot(16 * MIB);
    while (nr_held < HELD_MAX && model_alloc(3, PAGE_KERNEL, 0))
        ;
    while (nr_held < HELD_MAX && model_alloc(0, PAGE_KERNEL, 0))
        ;
    for (unsigned cpu = 1; cpu < 4; cpu++) {
        shim_run_on(cpu);
        model_free(0);
    }
    CHECK(cpu_cache_pages() >= 3);
    shim_run_on(0);
    CHECK(model_alloc(0, PAGE_MOVABLE, 0) != NULL);
    CHECK_EQ(cpu_cache_pages(), 0);
    for (unsigned i = 1; i < 3; i++)
        CHECK(model_alloc(0, PAGE_MOVABLE, 0) != NULL);
    check_everything();
}

/* A CPU keeps a few pages at hand, not all that it ever freed. */
TEST(cpu_caches_are_bounded)
{
    shim_boot(32 * MIB);
    while (nr_held < 2000)
        CHECK(model_alloc(nr_held % 4, PAGE_MOVABLE, 0) != NULL);
    model_free_all();
    CHECK(cpu_cache_pages() > 0 && cpu_cache_pages() <= 4 * (64 + 8));
    check_everything();
}

/* Interrupt handlers do not wait for other CPUs. */
TEST(atomic_takes_what_is_here)
{
    shim_set_cpus(2);
    shim_boot(16 * MIB);
    while (nr_held < HELD_MAX && model_alloc(0, PAGE_KERNEL, 0))
        ;
    shim_run_on(1);
    model_free(0);
    shim_run_on(0);
    CHECK(alloc_pages(0, PAGE_KERNEL, ALLOC_ATOMIC) == NULL);
    model_free(0);
    CHECK(alloc_pages(0, PAGE_MOVABLE, ALLOC_ATOMIC) != NULL);
}

TEST(failure_is_logged_once_a_second)
{
    struct memory_stats stats;

    shim_boot(16 * MIB);
    while (model_alloc(MAX_ORDER, PAGE_KERNEL, 0))
        ;
    shim_log_clear();
    shim_advance(2 * NS_PER_S);
    for (unsigned i = 0; i < 5; i++)
        CHECK(alloc_pages(MAX_ORDER, PAGE_MOVABLE, 0) == NULL);
    CHECK_EQ(shim_log_count("no 4 MiB of movable memory"), 1);
    shim_advance(NS_PER_S);
    CHECK(alloc_pages(MAX_ORDER, PAGE_KERNEL, 0) == NULL);
    CHECK_EQ(shim_log_count("no 4 MiB of kernel memory"), 1);
    memory_stats_get(&stats);
    CHECK_EQ(stats.failures, 7);
}

TEST(injected_failures)
{
    shim_boot(32 * MIB);
    alloc_inject_failure(2, 3);
    for (unsigned i = 1; i <= 11; i++) {
        struct page *page = alloc_pages(0, PAGE_KERNEL, 0);

        CHECK_EQ(page == NULL, i >= 2 && (i - 2) % 3 == 0);
    }
    alloc_inject_failure(1, 0);
    CHECK(alloc_pages(0, PAGE_KERNEL, 0) == NULL);
    CHECK(alloc_pages(0, PAGE_KERNEL, 0) != NULL);
    alloc_inject_failure(0, 0);
}

TEST(balloon_is_accounted)
{
    struct memory_stats before, after;
    struct page *page;

    shim_boot(32 * MIB);
    memory_stats_get(&before);
    page = alloc_pages(6, PAGE_MOVABLE, ALLOC_NO_RECLAIM);
    CHECK(page != NULL);
    memory_account_balloon(64);
    memory_stats_get(&after);
    CHECK_EQ(after.ballooned, 64 * PAGE_SIZE);
    CHECK_EQ(after.movable, before.movable);
    check_everything();
    memory_account_balloon(-64);
    free_pages(page, 6);
    check_everything();
}
