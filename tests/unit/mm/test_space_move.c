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

/* --- several at once --- */

/* The pages from `first` on, as many as go at once. */
static void blocks_from(uint64_t first, struct page **pages)
{
    for (unsigned i = 0; i < SPACE_BATCH_MAX; i++)
        pages[i] = area_block(first + i);
}

static unsigned moved_of(uint64_t first, struct page *const *pages)
{
    unsigned moved = 0;

    for (unsigned i = 0; i < SPACE_BATCH_MAX; i++)
        moved += area_block(first + i) != pages[i];
    return moved;
}

TEST(move_together_flushes_once)
{
    struct page *pages[SPACE_BATCH_MAX];
    struct space_stats stats;
    uint64_t calls;

    shim_set_cpus(2);
    area_start(64 * MIB, LARGE_SIZE);
    area_split(0);
    blocks_from(64, pages);
    calls = shim_cross_calls;
    CHECK_EQ(space_evacuate_pages(pages, SPACE_BATCH_MAX), 0);
    CHECK_EQ(shim_cross_calls, calls + 1);
    CHECK_EQ(moved_of(64, pages), SPACE_BATCH_MAX);
    space_stats_get(&stats);
    CHECK_EQ(stats.moved, SPACE_BATCH_MAX * PAGE_SIZE);
    area_check(0, LARGE_PAGES);
    /* Nothing is where it was: no flush either. */
    CHECK_EQ(space_evacuate_pages(pages, SPACE_BATCH_MAX), -EAGAIN);
    CHECK_EQ(shim_cross_calls, calls + 1);
    area_check(0, LARGE_PAGES);
    space_check();
    check_everything();
}

/* What cannot go does not hold up the rest; the first one decides what is said. */
TEST(move_together_skips_what_must_stay)
{
    struct page *pages[SPACE_BATCH_MAX];

    area_start(64 * MIB, 2 * LARGE_SIZE);
    area_split(0);
    area_write(LARGE_PAGES, 2 * LARGE_PAGES);
    blocks_from(0, pages);
    pages[3]->pins = 1;
    CHECK_EQ(space_discard(area + 5 * PAGE_SIZE, PAGE_SIZE), 0);
    area_take_away(7, 0);
    pages[8] = pages[9];                 /* the same again */
    pages[10] = area_block(LARGE_PAGES); /* not a single page */
    CHECK_EQ(space_evacuate_pages(pages, SPACE_BATCH_MAX), 0);
    CHECK(area_block(3) == pages[3] && area_block(7) == pages[7]);
    CHECK(area_block(9) != pages[9] && area_block(LARGE_PAGES) == pages[10]);
    CHECK_EQ(pages[3]->owner, area + 3 * PAGE_SIZE);
    area_put_back(7);
    CHECK_EQ(space_evacuate_pages(&pages[3], 8), -EBUSY);
    CHECK(area_block(7) != pages[7]);
    CHECK_EQ(space_evacuate_pages(&pages[5], 1), -EAGAIN);
    pages[3]->pins = 0;
    area_check(0, 5);
    area_check(6, 2 * LARGE_PAGES);
    space_check();
    check_everything();
}

/* As many go as find a place. */
TEST(move_together_with_little_memory)
{
    struct page *pages[SPACE_BATCH_MAX];

    area_start(64 * MIB, LARGE_SIZE);
    area_split(0);
    blocks_from(0, pages);
    alloc_inject_failure(6, 1);
    CHECK_EQ(space_evacuate_pages(pages, SPACE_BATCH_MAX), 0);
    CHECK_EQ(moved_of(0, pages), 5);
    alloc_inject_failure(1, 1);
    CHECK_EQ(space_evacuate_pages(&pages[5], 4), -ENOMEM);
    alloc_inject_failure(0, 0);
    CHECK_EQ(moved_of(0, pages), 5);
    area_check(0, LARGE_PAGES);
    space_check();
    check_everything();
}
