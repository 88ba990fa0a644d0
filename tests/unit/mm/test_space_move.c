/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: which blocks can be moved, and why others cannot. */
#include "area.h"

TEST(move_refuses_what_is_not_mapped_so)
{
    struct page *page, *stray;

    area_start(64 * MIB, 2 * LARGE_SIZE);
    area_split(0);
    area_write(LARGE_PAGES, LARGE_PAGES + 1);
    stray = alloc_pages(1, PAGE_MOVABLE, 0);
    stray->owner = 0;
    CHECK_EQ(space_evacuate(stray), -EAGAIN);
    CHECK_EQ(space_leave_elastic(stray), -EAGAIN);
    /* An owner's word that is not, or no longer, true. */
    stray->owner = area;
    CHECK_EQ(space_evacuate(stray), -EAGAIN);
    free_pages(stray, 1);
    stray = alloc_pages(0, PAGE_MOVABLE, 0);
    for (unsigned i = 0; i < 3; i++) {
        stray->owner = area + i * LARGE_SIZE;
        CHECK_EQ(space_evacuate(stray), -EAGAIN);
        CHECK_EQ(space_leave_elastic(stray), -EAGAIN);
    }
    free_pages(stray, 0);
    page = area_block(3);
    area_take_away(3, 0);
    CHECK_EQ(space_evacuate(page), -EAGAIN);
    area_put_back(3);
    CHECK_EQ(space_evacuate(page), 0);
    CHECK(area_block(3) != page);
    area_check(0, LARGE_PAGES);
    space_check();
    check_everything();
}

TEST(move_needs_memory)
{
    struct page *small, *large;

    area_start(64 * MIB, 2 * LARGE_SIZE);
    area_split(0);
    area_write(LARGE_PAGES, 2 * LARGE_PAGES);
    small = area_block(0);
    large = area_block(LARGE_PAGES);
    memcache_drain(&kernel_pgtable.cache);
    alloc_inject_failure(1, 1);
    CHECK_EQ(space_evacuate(small), -ENOMEM);
    CHECK_EQ(space_evacuate(large), -ENOMEM);
    CHECK_EQ(space_leave_elastic(small), -ENOMEM);
    alloc_inject_failure(0, 0);
    CHECK(area_block(0) == small && area_block(LARGE_PAGES) == large);
    area_check(0, 2 * LARGE_PAGES);
    check_everything();
}

/* Without a large page elsewhere its pages go one by one; a pinned one is not even split. */
TEST(move_splits_where_no_large_page_is_free)
{
    struct space_stats stats;
    struct page *large;

    area_start(64 * MIB, LARGE_SIZE);
    area_write(0, LARGE_PAGES);
    large = area_block(0);
    large[9].pins = 1;
    alloc_inject_failure(1, 0);
    CHECK_EQ(space_evacuate(large), -EBUSY);
    CHECK_EQ(large->order, PAGEBLOCK_ORDER);
    CHECK_EQ(space_evacuate(large), -EBUSY);
    large[9].pins = 0;
    alloc_inject_failure(1, 0);
    CHECK_EQ(space_evacuate(large), -EAGAIN);
    space_stats_get(&stats);
    CHECK_EQ(stats.splits, 1);
    CHECK_EQ(stats.moved, 0);
    for (uint64_t i = 0; i < LARGE_PAGES; i++)
        CHECK_EQ(space_evacuate(large + i), 0);
    space_stats_get(&stats);
    CHECK_EQ(stats.moved, LARGE_SIZE);
    area_check(0, LARGE_PAGES);
    space_check();
}

TEST(move_keeps_what_nobody_may_read)
{
    struct page *block;

    area_start(64 * MIB, 2 * LARGE_SIZE);
    area_split(0);
    area_write(LARGE_PAGES, 2 * LARGE_PAGES);
    CHECK_EQ(space_protect(area, 2 * LARGE_SIZE, SPACE_NONE), 0);
    for (uint64_t i = 0; i <= LARGE_PAGES; i += LARGE_PAGES / 4) {
        block = area_block(i);
        CHECK_EQ(space_evacuate(block), 0);
        CHECK(area_block(i) != block);
        CHECK(!shim_try_access(area + i * PAGE_SIZE, false));
    }
    CHECK_EQ(space_protect(area, 2 * LARGE_SIZE, SPACE_READ), 0);
    area_check(0, 2 * LARGE_PAGES);
    space_check();
}

/* Giving back and splitting wait until a page is back. */
TEST(changes_wait_for_a_move)
{
    struct space_stats stats;

    area_start(64 * MIB, 2 * LARGE_SIZE);
    area_split(0);
    area_write(LARGE_PAGES, 2 * LARGE_PAGES);
    area_take_away(3, NS_PER_MS);
    CHECK_EQ(space_discard(area, 8 * PAGE_SIZE), 0);
    area_take_away(LARGE_PAGES, NS_PER_MS);
    CHECK_EQ(space_discard(area + LARGE_SIZE + PAGE_SIZE, PAGE_SIZE), 0);
    CHECK_EQ(space_reform(area + LARGE_SIZE), -EAGAIN);
    space_stats_get(&stats);
    CHECK_EQ(stats.waits, 2);
    area_check(8, LARGE_PAGES + 1);
    CHECK_EQ(*area_word(3), 0);
    CHECK_EQ(*area_word(LARGE_PAGES + 1), 0);
    space_check();
}

TEST(changes_refuse_what_is_not_there)
{
    area_start(64 * MIB, LARGE_SIZE);
    CHECK_EQ(space_protect(area, PAGE_SIZE, SPACE_WRITE | SPACE_EXEC), -EACCES);
    CHECK_EQ(space_protect(area + 1, PAGE_SIZE, SPACE_READ), -EINVAL);
    CHECK_EQ(space_protect(area, 2 * LARGE_SIZE, SPACE_READ), -EINVAL);
    CHECK_EQ(space_discard(area + LARGE_SIZE, PAGE_SIZE), -EINVAL);
    CHECK_EQ(space_decommit(area, 0), -EINVAL);
    CHECK_EQ(space_decommit(HEAP_BASE - PAGE_SIZE, PAGE_SIZE), -EINVAL);
    CHECK_EQ(space_decommit(area, HEAP_SIZE + PAGE_SIZE), -EINVAL);
    CHECK_EQ(space_protect(area, LARGE_SIZE, SPACE_WRITE), 0);
    area_write(0, LARGE_PAGES);
    area_check(0, LARGE_PAGES);
}
