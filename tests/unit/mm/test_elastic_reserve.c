/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: the kernel claims elastic memory when boot memory is short, and gives it back. */
#include "plug.h"

static struct plug plug;

static void start(uint64_t size, uint64_t subblock)
{
    shim_boot(64 * MIB);
    CHECK_EQ(plug_start(&plug, 5 * GIB, size, subblock), 0);
    CHECK_EQ(plug_add(&plug, 0, size / subblock), 0);
}

static uint64_t kernel_reserve(void)
{
    struct memory_stats stats;

    memory_stats_get(&stats);
    return stats.kernel_reserve;
}

static uint64_t boot_free(void)
{
    return memory_boot_free() << PAGE_SHIFT;
}

/* Kernel memory in blocks of `order`. */
static void take_kernel(uint64_t bytes, unsigned order)
{
    for (uint64_t i = 0; i < bytes >> PAGE_SHIFT >> order; i++)
        CHECK(model_alloc(order, PAGE_KERNEL, 0) != NULL);
}

/* Far more than boot memory, out of blocks of every size; all of it comes back. */
TEST_CASES(reserve_claims_and_gives_back, 12)
{
    static const uint64_t subblocks[] = {MIB, 2 * MIB, 8 * MIB, 128 * MIB};
    static const unsigned orders[] = {6, 9, MAX_ORDER};
    const unsigned order = orders[test_case % 3];

    start(384 * MIB, subblocks[test_case / 3]);
    take_kernel(200 * MIB, order);
    plug_check(&plug);
    CHECK(kernel_reserve() >= 130 * MIB && kernel_reserve() <= 384 * MIB);
    /* The lowest were claimed. */
    for (unsigned i = 0; i < nr_held; i++)
        CHECK(page_to_phys(held[i].page) < 5 * GIB + (test_case / 3 == 3 ? 384 : 160) * MIB);
    CHECK_EQ(plug_take_all(&plug), -EBUSY);
    CHECK_EQ(plug_why.kernel, plug.region.plugged * plug.region.subblock);
    CHECK(plug_why.kernel >= kernel_reserve());
    plug_check(&plug);
    model_free_all();
    shim_advance(NS_PER_S);
    plug_check(&plug);
    CHECK_EQ(kernel_reserve(), 0);
    CHECK_EQ(shim_timers_armed(), 0);
    CHECK_EQ(plug_take_all(&plug), -EBUSY);
    CHECK_EQ(plug.region.plugged, 0);
}

/* A take does not wait for the worker. */
TEST(reserve_is_released_by_a_take)
{
    start(128 * MIB, 2 * MIB);
    take_kernel(100 * MIB, 9);
    CHECK(kernel_reserve() > 0);
    model_free_all();
    CHECK_EQ(plug_take_all(&plug), -EBUSY);
    CHECK_EQ(plug.region.plugged, 0);
    CHECK_EQ(kernel_reserve(), 0);
    plug_check(&plug);
}

/* Who was refused for the kernel's sake is told when the kernel gives memory back. */
TEST(reserve_tells_who_waits)
{
    uint64_t calls;

    start(128 * MIB, 2 * MIB);
    take_kernel(100 * MIB, 9);
    CHECK_EQ(plug_take_all(&plug), -EBUSY);
    CHECK(plug.region.plugged > 0);
    calls = plug.calls;
    model_free_all();
    shim_advance(NS_PER_S);
    CHECK(plug.calls > calls);
    CHECK_EQ(kernel_reserve(), 0);
}

/* What stays keeps its own units alone. */
TEST(reserve_keeps_what_is_used)
{
    struct page *kept;

    start(128 * MIB, 2 * MIB);
    take_kernel(61 * MIB, 6);
    kept = alloc_pages(9, PAGE_KERNEL, 0);
    CHECK(kept && page_to_phys(kept) >= 5 * GIB);
    model_free_all();
    shim_advance(NS_PER_S);
    CHECK_EQ(plug_take_all(&plug), -EBUSY);
    /* The one with the frames, too. */
    CHECK(plug.region.plugged <= 2);
    CHECK_EQ(plug_why.kernel, plug.region.plugged * 2 * MIB);
    plug_check(&plug);
    free_pages(kept, 9);
    shim_advance(NS_PER_S);
    CHECK_EQ(plug_take_all(&plug), -EBUSY);
    CHECK_EQ(plug.region.plugged, 0);
}

/* Memory of applications moves out of the way, and nothing of it is lost. */
TEST_CASES(reserve_evacuates, 3)
{
    start(96 * MIB, test_case == 0 ? MIB : test_case == 1 ? 2 * MIB : 16 * MIB);
    while (buddy.elastic_free > 0)
        CHECK(mover_new(0) != NULL);
    for (unsigned i = nr_movers; i-- > 0;) {
        if (page_to_pfn(movers[i].page) % 4)
            mover_free(i);
    }
    take_kernel(80 * MIB, 6);
    CHECK(moved_pages > 0);
    CHECK(kernel_reserve() > 0);
    plug_check(&plug);
    mover_check_all();
    model_free_all();
    shim_advance(NS_PER_S);
    plug_check(&plug);
    CHECK_EQ(kernel_reserve(), 0);
    mover_check_all();
    mover_free_all();
}

/* Before it runs out: an interrupt handler finds memory. */
TEST(reserve_claims_ahead)
{
    struct memory_stats stats;

    start(64 * MIB, 2 * MIB);
    take_kernel(ALIGN_DOWN(boot_free() - MIB, MIB), 6);
    CHECK_EQ(kernel_reserve(), 0);
    while (kernel_reserve() == 0) {
        CHECK(model_alloc(4, PAGE_KERNEL, ALLOC_ATOMIC) != NULL);
        memory_stats_get(&stats);
        CHECK_EQ(stats.failures, 0);
        shim_advance(30 * NS_PER_MS);
    }
    CHECK(boot_free() >= MIB);
    for (unsigned i = 0; i < 200; i++) {
        CHECK(model_alloc(4, PAGE_KERNEL, ALLOC_ATOMIC) != NULL);
        shim_advance(30 * NS_PER_MS);
    }
    plug_check(&plug);
}

/* Page tables that are kept at hand lie in the reserve: they go when it is wanted back. */
TEST(reserve_is_not_held_by_tables)
{
    const struct held *last;
    irqflags_t flags;

    start(128 * MIB, 2 * MIB);
    memcache_drain(&kernel_pgtable.cache);
    take_kernel(80 * MIB, 6);
    do
        last = model_alloc(0, PAGE_KERNEL, 0);
    while (last && page_to_phys(last->page) < 5 * GIB);
    CHECK(last != NULL);
    CHECK_EQ(pgtable_lock_with_tables(&kernel_pgtable, MEMCACHE_CAPACITY, 0, &flags), 0);
    spin_unlock(&pgtable_lock, flags);
    CHECK(kernel_pgtable.cache.objects[0] >= 5 * GIB);
    model_free_all();
    CHECK_EQ(plug_take_all(&plug), -EBUSY);
    CHECK_EQ(plug.region.plugged, 0);
    CHECK_EQ(kernel_reserve(), 0);
    plug_check(&plug);
}

/* A burst that no thread can claim for in between ends with NULL, and the next one finds more.
 */
TEST_CASES(reserve_atomic_burst, 2)
{
    struct memory_stats stats;
    uint64_t burst;

    start(64 * MIB, 2 * MIB);
    take_kernel(ALIGN_DOWN(boot_free() - MIB, MIB), 6);
    for (unsigned i = 0; i < 4; i++) {
        shim_advance(NS_PER_S);
        /* Interrupts are off, or the caller only says so. */
        irqflags_t flags = test_case ? arch_irq_save() : 0;

        for (burst = 0; model_alloc(0, PAGE_KERNEL, ALLOC_ATOMIC | ALLOC_ZERO); burst++)
            ;
        if (test_case)
            arch_irq_restore(flags);
        CHECK(burst << PAGE_SHIFT >= MIB - 64 * KIB);
        memory_stats_get(&stats);
        CHECK_EQ(stats.failures, i + 1);
        CHECK_EQ(boot_free(), 0);
        plug_check(&plug);
    }
    CHECK(kernel_reserve() >= 3 * MIB);
    /* Who can wait need not. */
    CHECK(model_alloc(0, PAGE_KERNEL, 0) != NULL);
    model_free_all();
    shim_advance(NS_PER_S);
    CHECK_EQ(kernel_reserve(), 0);
    plug_check(&plug);
}

/* Promised memory is not the kernel's, and pins stay; who can do without claims nothing. */
TEST(reserve_refuses)
{
    struct mover *pinned;

    start(8 * MIB, 8 * MIB);
    take_kernel(ALIGN_DOWN(boot_free() - 2 * MIB, MIB), 6);
    while (model_alloc(4, PAGE_KERNEL, ALLOC_OPTIONAL))
        ;
    CHECK_EQ(kernel_reserve(), 0);
    test_promised = 7 * MIB >> PAGE_SHIFT;
    CHECK(model_alloc(4, PAGE_KERNEL, 0) == NULL);
    test_promised = 0;
    pinned = mover_new(0);
    pinned->page->pins = 1;
    CHECK(model_alloc(4, PAGE_KERNEL, 0) == NULL);
    CHECK_EQ(kernel_reserve(), 0);
    CHECK_EQ(moved_pages, 0);
    pinned->page->pins = 0;
    /* It has nowhere to go. */
    CHECK(model_alloc(4, PAGE_KERNEL, 0) == NULL);
    plug_check(&plug);
    mover_free_all();
    CHECK(model_alloc(4, PAGE_KERNEL, 0) != NULL);
    CHECK_EQ(kernel_reserve(), 8 * MIB - 8 * PAGE_SIZE);
    plug_check(&plug);
}

/* An allocation that fails for good tells the drivers, now and then. */
TEST(reserve_shortage_is_told)
{
    uint64_t calls;

    start(8 * MIB, 2 * MIB);
    test_promised = 32 * MIB >> PAGE_SHIFT;
    calls = plug.calls;
    while (model_alloc(6, PAGE_KERNEL, 0))
        ;
    CHECK_EQ(plug.calls, calls + 1);
    CHECK(alloc_pages(6, PAGE_KERNEL, 0) == NULL);
    CHECK_EQ(plug.calls, calls + 1);
    shim_advance(NS_PER_S);
    CHECK(alloc_pages(6, PAGE_KERNEL, ALLOC_OPTIONAL) == NULL);
    CHECK_EQ(plug.calls, calls + 1);
    CHECK(alloc_pages(6, PAGE_KERNEL, 0) == NULL);
    CHECK_EQ(plug.calls, calls + 2);
}

static void change_one(uint64_t count)
{
    uint64_t at = unit_random_below(count);

    switch (unit_random_below(5)) {
    case 0:
        if (!plug.plugged[at])
            (void)plug_add(&plug, at, at + 1);
        break;
    case 1:
        (void)plug_take(&plug, 1 + unit_random_below(4));
        break;
    case 2:
        for (unsigned n = 0; n < 60 && nr_movers < 4000; n++)
            (void)mover_new((unsigned)unit_random_below(6));
        break;
    case 3:
        for (unsigned n = 0; n < 60 && nr_movers; n++)
            mover_free((unsigned)unit_random_below(nr_movers));
        break;
    default:
        shim_advance(unit_random_below(200 * NS_PER_MS));
    }
}

/* Phases with more kernel memory than boot memory and without, amid everything else. */
TEST_CASES(reserve_storm, 12)
{
    static const uint64_t subblocks[] = {MIB, 2 * MIB, 4 * MIB, 16 * MIB};
    const uint64_t subblock = subblocks[test_case % 4], count = 96 * MIB / subblock;
    uint64_t claimed = 0;

    shim_set_cpus(3);
    shim_boot(48 * MIB);
    host_start(8, 0);
    CHECK_EQ(plug_start(&plug, 5 * GIB + 112 * MIB, 96 * MIB, subblock), 0);
    CHECK_EQ(plug_add(&plug, 0, count), 0);
    shim_chaos(test_case + 1);
    for (unsigned i = 0; i < 300; i++) {
        unsigned flags = unit_random_below(4) ? 0 : ALLOC_ATOMIC;

        shim_run_on((unsigned)unit_random_below(3));
        if (test_case >= 8)
            alloc_inject_failure(1 + unit_random_below(40), 1 + unit_random_below(40));
        for (unsigned n = 0; n < 30; n++) {
            if (i / 75 % 2 == 0)
                (void)model_alloc((unsigned)unit_random_below(8), PAGE_KERNEL, flags);
            else if (nr_held)
                model_free((unsigned)unit_random_below(nr_held));
        }
        change_one(count);
        claimed = MAX(claimed, kernel_reserve());
        plug_check(&plug);
    }
    alloc_inject_failure(0, 0);
    shim_chaos(0);
    CHECK(claimed > 16 * MIB);
    mover_check_all();
    mover_free_all();
    model_free_all();
    shim_advance(NS_PER_S);
    CHECK_EQ(plug_take_all(&plug), -EBUSY);
    CHECK_EQ(plug.region.plugged, 0);
    CHECK_EQ(kernel_reserve(), 0);
    plug_check(&plug);
}
