/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: elastic memory comes and goes. */
#include "plug.h"

static struct plug plug, second;

static uint64_t total(void)
{
    struct memory_stats stats;

    memory_stats_get(&stats);
    return stats.total;
}

/* What the block sizes of the specification and of hosts are; regions begin and end anywhere.
 */
static const struct {
    uint64_t subblock, start, count;
} shapes[] = {
    {MIB, 5 * GIB + 37 * MIB, 411},
    {2 * MIB, 5 * GIB + 62 * MIB, 200},
    {4 * MIB, 6 * GIB - 12 * MIB, 90},
    {128 * MIB, 5 * GIB + 128 * MIB, 13},
    {GIB, 7 * GIB, 9},
    {256 * MIB, 5 * GIB + 256 * MIB, 5},
};

TEST_CASES(elastic_plug_and_unplug, 6)
{
    const uint64_t count = shapes[test_case].count, subblock = shapes[test_case].subblock;
    uint64_t before, tables, most;

    shim_boot(64 * MIB);
    before = total();
    CHECK_EQ(plug_start(&plug, shapes[test_case].start, count * subblock, subblock), 0);
    CHECK_EQ(total(), before);
    CHECK_EQ(plug_add(&plug, 0, count), 0);
    CHECK_EQ(total(), before + count * subblock);
    plug_check(&plug);
    most = kernel_pgtable.tables;
    CHECK_EQ(plug_take(&plug, UINT16_MAX), count);
    plug_check(&plug);
    CHECK_EQ(total(), before);
    tables = kernel_pgtable.tables;
    /* Those of the frame map stay. */
    CHECK(most > tables || test_case == 4);
    CHECK_EQ(plug_add(&plug, 0, count), 0);
    CHECK_EQ(plug_take(&plug, UINT16_MAX), count);
    CHECK_EQ(kernel_pgtable.tables, tables);
    CHECK_EQ(plug_take(&plug, 1), -EBUSY);
    elastic_unregister(&plug.region);
}

/* Subblocks in any order, as a device with memory plugged at the start has them. */
TEST_CASES(elastic_in_any_order, 12)
{
    const uint64_t subblock = shapes[test_case % 6].subblock;
    const uint64_t count = MIN(shapes[test_case % 6].count, UINT64_C(150));
    uint64_t before;

    if (test_case >= 6)
        shim_set_max_leaf(1);
    shim_boot(64 * MIB);
    before = total();
    CHECK_EQ(plug_start(&plug, shapes[test_case % 6].start, count * subblock, subblock), 0);
    for (unsigned i = 0; i < 150; i++) {
        uint64_t first = unit_random_below(count), end = first;

        while (end < count && !plug.plugged[end] && end - first < 1 + i % 9)
            end++;
        if (end > first)
            CHECK_EQ(plug_add(&plug, first, end), 0);
        if (unit_random_below(3) == 0)
            (void)plug_take(&plug, 1 + unit_random_below(12));
        if (unit_random_below(5) == 0)
            (void)plug_take_in_vain(&plug, 1 + unit_random_below(12));
        plug_check(&plug);
    }
    CHECK_EQ(plug_take_all(&plug), -EBUSY);
    plug_check(&plug);
    CHECK_EQ(plug.region.plugged, 0);
    CHECK_EQ(total(), before);
}

TEST(elastic_find_unplugged_looks_from_the_bottom)
{
    const uint64_t start = 5 * GIB;
    struct phys_range found;

    shim_boot(64 * MIB);
    CHECK_EQ(plug_start(&plug, start, 100 * MIB, 2 * MIB), 0);
    CHECK_EQ(plug_add(&plug, 3, 7), 0);
    CHECK(elastic_find_unplugged(&plug.region, start + 100 * MIB, 50, &found));
    CHECK_EQ(found.start, start);
    CHECK_EQ(found.end, start + 6 * MIB);
    CHECK(elastic_find_unplugged(&plug.region, start + 100 * MIB, 2, &found));
    CHECK_EQ(found.end, start + 4 * MIB);
    CHECK_EQ(plug_add(&plug, 0, 3), 0);
    CHECK(elastic_find_unplugged(&plug.region, start + 20 * MIB, 50, &found));
    CHECK_EQ(found.start, start + 14 * MIB);
    CHECK_EQ(found.end, start + 20 * MIB);
    CHECK(!elastic_find_unplugged(&plug.region, start + 14 * MIB, 50, &found));
}

/* Boot memory ends, and a second region begins, inside the memory blocks of the first. */
TEST(elastic_shares_memory_blocks)
{
    static const struct phys_range ranges[] = {
        {0x1000, 0x9f000}, {2 * MIB, 39 * MIB}, {300 * MIB, 320 * MIB}};

    shim_boot_ranges(ranges, ARRAY_SIZE(ranges));
    CHECK_EQ(plug_start(&plug, 39 * MIB, 155 * MIB, MIB), 0);
    CHECK_EQ(plug_start(&second, 194 * MIB, 100 * MIB, MIB), 0);
    /* The holder is not the neighbour of boot memory, so that one is a whole free block. */
    CHECK_EQ(plug_add(&plug, 1, 2), 0);
    CHECK_EQ(plug_add(&plug, 0, 1), 0);
    plug_check(&plug);
    for (unsigned i = 0; i < 300; i++) {
        struct plug *which = i % 2 ? &plug : &second;
        uint64_t count = which->region.size / which->region.subblock;
        uint64_t at = unit_random_below(count);

        if (!which->plugged[at])
            CHECK_EQ(plug_add(which, at, at + 1), 0);
        if (unit_random_below(2))
            (void)plug_take(which, 1 + unit_random_below(3));
        if (nr_held < 40)
            (void)model_alloc((unsigned)unit_random_below(9), PAGE_KERNEL, 0);
        plug_check(which);
    }
    CHECK_EQ(plug_take_all(&plug), -EBUSY);
    CHECK_EQ(plug_take_all(&second), -EBUSY);
    plug_check(&plug);
    plug_check(&second);
    model_free_all();
}

TEST(elastic_bad_regions_are_refused)
{
    shim_boot(256 * MIB);
    CHECK_EQ(plug_start(&plug, 5 * GIB, 0, 2 * MIB), -EINVAL);
    CHECK_EQ(plug_start(&plug, 5 * GIB, 3 * MIB, 2 * MIB), -EINVAL);
    CHECK_EQ(plug_start(&plug, 5 * GIB + MIB, 2 * MIB, 2 * MIB), -EINVAL);
    CHECK_EQ(plug_start(&plug, 5 * GIB, 2 * MIB, MIB / 2), -EINVAL);
    CHECK_EQ(plug_start(&plug, 5 * GIB, 9 * MIB, 3 * MIB), -EINVAL);
    CHECK_EQ(plug_start(&plug, SHIM_MEMORY_LIMIT - MIB, 2 * MIB, MIB), -EINVAL);
    CHECK_EQ(plug_start(&plug, UINT64_MAX - 2 * MIB + 1, 2 * MIB, MIB), -EINVAL);
    CHECK_EQ(plug_start(&plug, 254 * MIB, 10 * MIB, 2 * MIB), -EINVAL);
    CHECK_EQ(plug_start(&plug, 0, MIB, MIB), -EINVAL);
    CHECK_EQ(plug_start(&plug, 0, 2 * GIB, 2 * MIB), -EINVAL);
    CHECK_EQ(shim_log_count("boot memory"), 2);
    CHECK_EQ(plug_start(&plug, MIB, MIB, MIB), -EINVAL);
    CHECK_EQ(shim_log_count("kernel's image"), 2);
    CHECK_EQ(plug_start(&plug, 5 * GIB, 64 * MIB, 2 * MIB), 0);
    CHECK_EQ(plug_start(&second, 5 * GIB + 62 * MIB, 64 * MIB, 2 * MIB), -EINVAL);
    CHECK_EQ(shim_log_count("overlaps test device"), 1);
    elastic_unregister(&plug.region);
    CHECK_EQ(plug_start(&second, 5 * GIB + 62 * MIB, 64 * MIB, 2 * MIB), 0);
}

/* Every allocation that plugging makes may fail: then nothing has changed. */
TEST(elastic_add_fails_cleanly)
{
    unsigned failures = 0;

    shim_set_max_leaf(1);
    shim_boot(64 * MIB);
    CHECK_EQ(plug_start(&plug, 5 * GIB, 4 * GIB, 2 * MIB), 0);
    for (unsigned n = 1;; n++) {
        int error;

        alloc_inject_failure(n, 0);
        error = plug_add(&plug, 3, 1500);
        alloc_inject_failure(0, 0);
        plug_check(&plug);
        if (!error)
            break;
        CHECK_EQ(error, -ENOMEM);
        failures++;
    }
    CHECK(failures > 3);
    CHECK_EQ(plug_take(&plug, 5000), 1497);
}

TEST(elastic_memory_is_reported_until_used)
{
    struct memory_stats stats;

    shim_boot(64 * MIB);
    CHECK_EQ(plug_start(&plug, 5 * GIB, GIB, 2 * MIB), 0);
    CHECK_EQ(plug_add(&plug, 0, 512), 0);
    memory_stats_get(&stats);
    CHECK(stats.reported >= GIB - 4 * MIB - 64 * KIB);
    CHECK_EQ(stats.elastic, GIB);
    CHECK_EQ(stats.elastic_free, GIB - 4 * MIB);
    /* Only the frames are there. */
    CHECK_EQ(shim_backed(5 * GIB, GIB), 4 * MIB);
    host_start(8, 0);
    shim_advance(NS_PER_S);
    CHECK_EQ(shim_backed(5 * GIB, GIB), 4 * MIB);
    check_reported_untouched();
}

static bool is_elastic(const struct page *page)
{
    return page->flags & PAGE_ELASTIC;
}

/* Elastic memory serves movable memory alone, from its lowest address, and comes first. */
TEST(elastic_placement)
{
    struct mover *mover;
    uint64_t highest = 0;
    struct page *page;

    shim_boot(64 * MIB);
    CHECK_EQ(plug_start(&plug, 5 * GIB, 64 * MIB, 2 * MIB), 0);
    CHECK_EQ(plug_add(&plug, 0, 32), 0);
    for (unsigned i = 0; i < 3000; i++) {
        mover = mover_new(i % 3);
        CHECK(mover && is_elastic(mover->page));
        highest = MAX(highest, page_to_phys(mover->page));
    }
    CHECK(highest < 5 * GIB + 34 * MIB);
    while ((page = alloc_pages(unit_random_below(4), PAGE_KERNEL, 0)))
        CHECK(!is_elastic(page));
    CHECK(alloc_contiguous(600, 1, PAGE_MOVABLE, 0) == NULL);
    check_everything();
}

/* The kernel keeps a little of its own while applications take everything else. */
TEST(elastic_leaves_a_floor)
{
    struct memory_stats stats;

    shim_boot(64 * MIB);
    CHECK_EQ(plug_start(&plug, 5 * GIB, 16 * MIB, 2 * MIB), 0);
    CHECK_EQ(plug_add(&plug, 0, 8), 0);
    while (mover_new(0))
        ;
    memory_stats_get(&stats);
    CHECK_EQ(stats.elastic_free, 0);
    CHECK(stats.free >= 2 * MIB && stats.free < 3 * MIB);
    CHECK(alloc_pages(6, PAGE_KERNEL, 0) != NULL);
    check_everything();
    mover_free_all();
}

/* Frames that exist now were read as zeroes before. */
TEST(elastic_frames_are_seen)
{
    const struct page *page;

    shim_boot(64 * MIB);
    CHECK_EQ(plug_start(&plug, 5 * GIB, 64 * MIB, 2 * MIB), 0);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(plug_add(&plug, 0, 1), 0);
        page = phys_to_page(5 * GIB + 2 * MIB);
        CHECK_EQ(READ_ONCE(page->flags), 0);
        CHECK_EQ(plug_add(&plug, 1, 2), 0);
        CHECK(READ_ONCE(page->flags) & PAGE_ELASTIC);
        plug_check(&plug);
        CHECK_EQ(plug_take(&plug, 1), 1);
        CHECK_EQ(READ_ONCE(page->flags), 0);
        CHECK_EQ(plug_take(&plug, 1), 1);
    }
}

/* The subblock with the frame arrays goes last; the others do not wait for it. */
TEST(elastic_holder_leaves_last)
{
    shim_boot(64 * MIB);
    CHECK_EQ(plug_start(&plug, 5 * GIB, 64 * MIB, 2 * MIB), 0);
    CHECK_EQ(plug_add(&plug, 10, 11), 0);
    CHECK_EQ(plug_add(&plug, 0, 10), 0);
    CHECK_EQ(plug_add(&plug, 11, 32), 0);
    CHECK_EQ(plug_take(&plug, 100), 21);
    CHECK_EQ(plug_take(&plug, 100), 10);
    CHECK(plug.plugged[10]);
    plug_check(&plug);
    CHECK_EQ(plug_take(&plug, 100), 1);
    plug_check(&plug);
}

/* What comes free again goes to the host, as other memory does. */
TEST(elastic_memory_is_reported_again)
{
    shim_boot(64 * MIB);
    host_start(8, 0);
    CHECK_EQ(plug_start(&plug, 5 * GIB, 64 * MIB, 2 * MIB), 0);
    CHECK_EQ(plug_add(&plug, 0, 32), 0);
    while (buddy.elastic_free > 0)
        CHECK(mover_new(0) != NULL);
    mover_free_all();
    shim_advance(10 * NS_PER_S);
    CHECK(shim_backed(5 * GIB, 64 * MIB) < 8 * MIB);
    CHECK_EQ(shim_timers_armed(), 0);
    check_reported_untouched();
    plug_check(&plug);
}
