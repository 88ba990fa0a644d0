/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: contiguous ranges beyond the top order. */
#include "../../../mm/contiguous.h"
#include "movers.h"
#include "support.h"

#define GIB_PAGES (GIB >> PAGE_SHIFT)

/* What a user relies on: every frame is allocated, and reachable. */
static void check_range(struct page *page, uint64_t pages)
{
    uint64_t at = 0;

    while (at < pages) {
        CHECK_EQ(page[at].state, PAGE_ALLOCATED);
        at += order_pages(page[at].order);
    }
    CHECK_EQ(at, pages);
    for (uint64_t i = 0; i < pages; i += 1000)
        *(uint64_t *)page_to_virt(page + i) = i;
}

TEST(gigabyte_of_untouched_memory)
{
    struct page *page;

    shim_boot(4 * GIB);
    page = alloc_contiguous(GIB_PAGES, GIB_PAGES, PAGE_MOVABLE, 0);
    CHECK(page != NULL);
    check_range(page, GIB_PAGES);
    check_everything();
    free_contiguous(page, GIB_PAGES);
    check_everything();
}

/* All memory was in use, so every block has its frame pages at its start. */
TEST(gigabyte_of_used_memory)
{
    struct page *page;

    shim_boot(4 * GIB);
    while (nr_held < HELD_MAX && model_alloc(MAX_ORDER, PAGE_MOVABLE, 0))
        ;
    model_free_all();
    check_everything();
    for (unsigned round = 0; round < 2; round++) {
        page = alloc_contiguous(GIB_PAGES, GIB_PAGES, PAGE_MOVABLE, 0);
        CHECK(page != NULL);
        check_range(page, GIB_PAGES);
        check_everything();
        free_contiguous(page, GIB_PAGES);
        check_everything();
    }
}

/* Most of what exists, unaligned: the range begins and ends inside memory blocks. */
TEST(unaligned_ranges_move_frame_pages)
{
    shim_boot(GIB);
    while (nr_held < HELD_MAX && model_alloc(MAX_ORDER, PAGE_MOVABLE, 0))
        ;
    model_free_all();
    for (unsigned i = 0; i < 6; i++) {
        CHECK(model_alloc_contiguous(15000 + unit_random_below(15000), 1, i % 2) != NULL);
        check_everything();
    }
    model_free_all();
    check_everything();
}

TEST(aligned_to_pages_of_any_power)
{
    shim_boot(256 * MIB);
    for (unsigned order = 0; order < 14; order++)
        CHECK(model_alloc_contiguous(1 + order * 7, UINT64_C(1) << order, PAGE_KERNEL) != NULL);
    check_everything();
    model_free_all();
    check_everything();
}

TEST(too_large_is_refused)
{
    struct memory_stats before, after;

    shim_boot(64 * MIB);
    memory_stats_get(&before);
    CHECK(alloc_contiguous(64 * MIB >> PAGE_SHIFT, 1, PAGE_KERNEL, 0) == NULL);
    CHECK(alloc_contiguous(UINT64_MAX, 1, PAGE_KERNEL, 0) == NULL);
    memory_stats_get(&after);
    CHECK_EQ(after.failures, before.failures + 2);
    CHECK_EQ(after.free, before.free);
    check_everything();
}

/* So much is not there in one piece: nothing may have changed after the search. */
static void search_in_vain(uint64_t bytes)
{
    struct memory_stats before, after;

    memory_stats_get(&before);
    CHECK(before.free > bytes);
    CHECK(model_alloc_contiguous(bytes >> PAGE_SHIFT, 512, PAGE_MOVABLE) == NULL);
    memory_stats_get(&after);
    CHECK_EQ(after.free, before.free);
    CHECK_EQ(after.largest_free, before.largest_free);
    CHECK_EQ(buddy.isolated[WARM], 0);
    check_everything();
}

TEST(obstacles_are_stepped_over)
{
    shim_boot(256 * MIB);
    while (model_alloc(MAX_ORDER - 1, PAGE_MOVABLE, 0))
        ;
    /* Half of every 4 MiB is held. */
    for (unsigned i = nr_held; i-- > 0;)
        if (page_to_pfn(held[i].page) & order_pages(MAX_ORDER - 1))
            model_free(i);
    search_in_vain(20 * MIB);
    /*
     * One block in the middle and one near the end are held. What lies between them contains
     * the frames of the second memory block, which cannot move past the second obstacle.
     */
    for (unsigned i = nr_held; i-- > 0;) {
        uint64_t mib = page_to_phys(held[i].page) / MIB;

        if (mib != 60 && mib != 248)
            model_free(i);
    }
    CHECK_EQ(nr_held, 2);
    search_in_vain(120 * MIB);
    CHECK(model_alloc_contiguous(40 * MIB >> PAGE_SHIFT, 512, PAGE_MOVABLE) != NULL);
    check_everything();
    model_free_all();
    check_everything();
}

TEST(zeroed_range)
{
    struct page *page;

    shim_boot(64 * MIB);
    while (model_alloc(MAX_ORDER, PAGE_MOVABLE, 0))
        memset(page_to_virt(held[nr_held - 1].page), 0, 8);
    for (unsigned i = 0; i < nr_held; i++) {
        memset(page_to_virt(held[i].page), 0xff, PAGE_SIZE << MAX_ORDER);
        held[i].stamp = UINT64_MAX;
    }
    model_free_all();
    page = alloc_contiguous(3000, 1, PAGE_KERNEL, ALLOC_ZERO);
    CHECK(page != NULL);
    for (uint64_t i = 0; i < 3000; i++)
        CHECK_EQ(*(uint64_t *)page_to_virt(page + i), 0);
}

/* A range across two separate pieces of memory must not be handed out. */
TEST(holes_are_not_memory)
{
    static const struct phys_range ranges[] = {
        {0x1000, 0x9f000},
        {2 * MIB, 20 * MIB},
        {20 * MIB + 4 * PAGE_SIZE, 40 * MIB},
        {130 * MIB, 150 * MIB},
    };

    shim_boot_ranges(ranges, ARRAY_SIZE(ranges));
    CHECK(model_alloc_contiguous(21 * MIB >> PAGE_SHIFT, 1, PAGE_KERNEL) == NULL);
    CHECK(model_alloc_contiguous(19 * MIB >> PAGE_SHIFT, 1, PAGE_KERNEL) != NULL);
    check_everything();
}

TEST(partial_free_panics)
{
    struct page *page;

    shim_boot(64 * MIB);
    page = alloc_contiguous(3000, 1024, PAGE_KERNEL, 0);
    CHECK(page != NULL);
    EXPECT_PANIC("not one range", free_contiguous(page, 2500));
}

/* No page for a frame page to move to: everything is undone. */
TEST(failure_while_moving_is_undone)
{
    struct memory_stats before, after;
    unsigned failures = 0;

    shim_boot(512 * MIB);
    while (nr_held < HELD_MAX && model_alloc(MAX_ORDER, PAGE_MOVABLE, 0))
        ;
    model_free_all();
    alloc_drain_cpu_caches();
    memory_stats_get(&before);
    for (unsigned n = 1;; n++) {
        struct page *page;

        alloc_inject_failure(n, 0);
        page =
            alloc_contiguous(128 * MIB >> PAGE_SHIFT, 128 * MIB >> PAGE_SHIFT, PAGE_KERNEL, 0);
        alloc_inject_failure(0, 0);
        check_everything();
        if (page) {
            free_contiguous(page, 128 * MIB >> PAGE_SHIFT);
            break;
        }
        failures++;
    }
    CHECK(failures > 10);
    memory_stats_get(&after);
    CHECK_EQ(after.kernel, before.kernel);
    check_everything();
}

TEST_CASES(contiguous_under_chaos, 4)
{
    shim_set_cpus(3);
    shim_boot(160 * MIB);
    host_start(8, 0);
    shim_chaos(test_case + 1);
    for (unsigned i = 0; i < 150; i++) {
        if (nr_held && unit_random_below(2))
            model_free((unsigned)unit_random_below(nr_held));
        else if (unit_random_below(2))
            (void)model_alloc_contiguous(1 + unit_random_below(20000), 1, PAGE_MOVABLE);
        else
            (void)model_alloc((unsigned)unit_random_below(11), PAGE_KERNEL, 0);
        check_everything();
    }
    model_free_all();
    check_everything();
}

/*
 * The second half alone: the search said that the range is free, and then it was not.
 * Everything is as before.
 */
static void take_must_fail(pfn_t start, pfn_t end, int error, pfn_t expected_obstacle)
{
    struct memory_stats before, after;
    pfn_t obstacle = 0;

    memory_stats_get(&before);
    mutex_lock(&mm_mutex);
    reporting_pause();
    CHECK_EQ(contiguous_take(start, end, PAGE_MOVABLE, false, &obstacle), error);
    reporting_resume();
    mutex_unlock(&mm_mutex);
    if (expected_obstacle)
        CHECK_EQ(obstacle, expected_obstacle);
    CHECK_EQ(buddy.isolated[WARM] + buddy.isolated[REPORTED], 0);
    memory_stats_get(&after);
    CHECK_EQ(before.free, after.free);
    check_everything();
}

TEST(range_is_taken_by_somebody)
{
    pfn_t taken;

    shim_boot(GIB);
    while (nr_held < HELD_MAX && model_alloc(MAX_ORDER, PAGE_MOVABLE, 0))
        ;
    model_free_all();
    taken = page_to_pfn(alloc_pages(8, PAGE_MOVABLE, 0));
    alloc_drain_cpu_caches();
    /* Inside the range, at its end, in the middle of the taken block. */
    take_must_fail(taken - 5000, taken + 5000, -EAGAIN, taken);
    take_must_fail(taken - 3, taken + 1, -EAGAIN, taken);
    take_must_fail(taken + 17, taken + 2000, -EAGAIN, taken + 17);
    /* Its frame page lies in the range, at the start of the block: it cannot move. */
    take_must_fail(ALIGN_DOWN(taken, BLOCK_PAGES), ALIGN_DOWN(taken, BLOCK_PAGES) + 300,
                   -EAGAIN, 0);
}

TEST(range_that_is_not_all_memory)
{
    static const struct phys_range ranges[] = {
        {0x1000, 0x9f000},
        {2 * MIB, 20 * MIB},
        {21 * MIB + 4 * PAGE_SIZE, 40 * MIB},
        {300 * MIB, 300 * MIB + PAGE_SIZE},
    };

    shim_boot_ranges(ranges, ARRAY_SIZE(ranges));
    take_must_fail(19 * MIB >> PAGE_SHIFT, 23 * MIB >> PAGE_SHIFT, -EAGAIN,
                   20 * MIB >> PAGE_SHIFT);
    take_must_fail(39 * MIB >> PAGE_SHIFT, 50 * MIB >> PAGE_SHIFT, -EAGAIN,
                   40 * MIB >> PAGE_SHIFT);
    mutex_lock(&mm_mutex);
    CHECK_EQ(contiguous_take(300 * MIB >> PAGE_SHIFT, (300 * MIB >> PAGE_SHIFT) + 1,
                             PAGE_KERNEL, false, &(pfn_t){0}),
             -EAGAIN);
    mutex_unlock(&mm_mutex);
}

/* Single pages of applications everywhere, every second of them free. */
static void break_up_all_memory(void)
{
    shim_boot(32 * MIB);
    while (mover_new(0))
        ;
    for (unsigned i = nr_movers; i-- > 0;) { /* what takes a freed one's place was looked at */
        if (page_to_pfn(movers[i].page) % 2)
            mover_free(i);
    }
    alloc_drain_cpu_caches();
    CHECK(!alloc_pages(3, PAGE_KERNEL, ALLOC_OPTIONAL));
}

TEST(kernel_block_out_of_pieces)
{
    struct page *page;

    break_up_all_memory();
    page = alloc_pages(3, PAGE_KERNEL, 0);
    CHECK(page != NULL);
    CHECK_EQ(page->state, PAGE_ALLOCATED);
    CHECK_EQ(page->order, 3);
    CHECK(moved_pages > 0 && moved_pages <= 8);
    mover_check_all();
    free_pages(page, 3);
    page = alloc_pages(MAX_ORDER, PAGE_KERNEL, 0);
    CHECK(page != NULL);
    mover_check_all();
    free_pages(page, MAX_ORDER);
    mover_free_all();
    check_everything();
}

/* Who does without, cannot wait, or moves memory himself gets none. */
TEST(kernel_block_out_of_pieces_is_not_for_all)
{
    break_up_all_memory();
    CHECK(!alloc_pages(3, PAGE_KERNEL, ALLOC_ATOMIC));
    CHECK(!alloc_pages(3, PAGE_KERNEL, ALLOC_NO_RECLAIM));
    CHECK(!alloc_pages(3, PAGE_MOVABLE, 0));
    mutex_lock(&mm_mutex);
    CHECK(!alloc_pages(3, PAGE_KERNEL, 0));
    mutex_unlock(&mm_mutex);
    CHECK_EQ(moved_pages, 0);
    mover_free_all();
    check_everything();
}
