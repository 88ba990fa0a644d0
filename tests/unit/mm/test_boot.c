/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: memory maps, from the usual to the strange. */
#include "support.h"
#include <neap/sections.h>

#define IMAGE_END (SHIM_IMAGE_PHYS + 12 * PAGE_SIZE)

/* Take everything there is, in blocks of one order, and give it back. */
static uint64_t use_all(unsigned order)
{
    uint64_t bytes = 0;

    while (nr_held < HELD_MAX && model_alloc(order, PAGE_MOVABLE, 0))
        bytes += PAGE_SIZE << order;
    check_everything();
    model_free_all();
    check_everything();
    return bytes;
}

/* What start-up touches does not depend on the size of memory. */
TEST_CASES(start_is_independent_of_size, 4)
{
    static const uint64_t sizes[] = {8 * MIB, GIB, 64 * GIB, 512 * GIB};
    struct memory_stats stats;

    shim_boot(sizes[test_case]);
    memory_stats_get(&stats);
    CHECK(stats.total > sizes[test_case] - 2 * MIB);
    CHECK(host_backed() < 1200 * KIB);
    CHECK(stats.free > sizes[test_case] - 3 * MIB);
    check_everything();
}

TEST_CASES(refuses_too_little, 3)
{
    const struct phys_range ranges[][2] = {
        {{0x1000, 0x9f000}, {IMAGE_END, 4 * MIB}},
        {{0, 0}, {0, 0}},
        {{8 * GIB, 9 * GIB}, {10 * GIB, 11 * GIB}},
    };
    static const char *const messages[] = {
        "too little memory",
        "at least 6 MiB is needed",
        "nothing usable where the boot map reaches",
    };

    EXPECT_PANIC("machine off with status 2", shim_boot_ranges(ranges[test_case], 2));
    CHECK_EQ(shim_log_count(messages[test_case]), 1);
}

TEST(unsorted_and_overlapping_ranges)
{
    static const struct phys_range ranges[] = {
        {0, 0x9f123},
        {IMAGE_END + 5, 16 * MIB + 77},
        {12 * MIB, 20 * MIB},
        {14 * MIB, 18 * MIB},
    };
    struct memory_stats stats;

    shim_boot_ranges(ranges, ARRAY_SIZE(ranges));
    memory_stats_get(&stats);
    CHECK(stats.total < 20 * MIB && stats.total > 18 * MIB);
    check_everything();
    CHECK(use_all(3) > 17 * MIB);
}

/* Pieces that cannot even hold their own frames are left out and named. */
TEST(tiny_pieces_are_left_out)
{
    static const struct phys_range ranges[] = {
        {0x1000, 0x9f000},
        {IMAGE_END, 24 * MIB},
        {300 * MIB, 300 * MIB + PAGE_SIZE},
        {500 * MIB, 500 * MIB + 3 * PAGE_SIZE},
        {900 * MIB, 910 * MIB},
    };

    shim_boot_ranges(ranges, ARRAY_SIZE(ranges));
    CHECK(use_all(4) > 32 * MIB);
    CHECK_EQ(shim_log_count("not worth their own page frames"), 1);
}

TEST(scattered_block)
{
    struct phys_range ranges[40];
    uint64_t at = IMAGE_END;
    struct memory_stats stats;

    ranges[0] = (struct phys_range){0x1000, 0x9f000};
    ranges[1] = (struct phys_range){at, 16 * MIB};
    for (unsigned i = 2; i < 40; i++) {
        at = 130 * MIB + i * 3 * MIB;
        ranges[i] = (struct phys_range){at + i * PAGE_SIZE, at + MIB + 7 * i * PAGE_SIZE};
    }
    shim_boot_ranges(ranges, 40);
    check_everything();
    memory_stats_get(&stats);
    CHECK(stats.raw < 40 * MIB);
    CHECK(use_all(2) > 50 * MIB);
}

TEST(scattered_first_block)
{
    struct phys_range ranges[60];

    for (unsigned i = 0; i < 60; i++) {
        uint64_t at = 2 * MIB + i * 2 * MIB;

        ranges[i] =
            (struct phys_range){at + i % 7 * PAGE_SIZE, at + MIB + i % 11 * 9 * PAGE_SIZE};
    }
    shim_boot_ranges(ranges, 60);
    CHECK(use_all(3) > 40 * MIB);
}

/* Most memory lies above 4 GiB, and ends in the middle of everything. */
TEST(mostly_above_4_gib)
{
    static const struct phys_range ranges[] = {
        {0x1000, 0x9f000},
        {IMAGE_END, 8 * MIB},
        {4 * GIB + 0x7000, 4 * GIB + 200 * MIB - 0x3000},
    };

    shim_boot_ranges(ranges, ARRAY_SIZE(ranges));
    CHECK(use_all(6) > 190 * MIB);
}

TEST(beyond_what_can_be_managed)
{
    static const struct phys_range ranges[] = {
        {0x1000, 0x9f000},
        {IMAGE_END, 64 * MIB},
        {UINT64_C(17) << 40, UINT64_C(18) << 40},
    };
    struct memory_stats stats;

    shim_boot_ranges(ranges, ARRAY_SIZE(ranges));
    memory_stats_get(&stats);
    CHECK(stats.total < 64 * MIB);
    CHECK_EQ(shim_log_count("beyond 16 TiB is not used"), 1);
}

TEST_CASES(random_maps, 40)
{
    struct phys_range ranges[BOOT_RANGES_MAX];
    unsigned nr = 2 + (unsigned)unit_random_below(BOOT_RANGES_MAX - 2);
    uint64_t at = IMAGE_END;

    for (unsigned i = 0; i < nr; i++) {
        uint64_t size =
            (PAGE_SIZE << unit_random_below(12)) + unit_random_below(64) * PAGE_SIZE;

        if (i == 0)
            size += 8 * MIB;
        ranges[i] = (struct phys_range){at, at + size};
        at += size + (PAGE_SIZE << unit_random_below(18));
    }
    shim_boot_ranges(ranges, nr);
    check_everything();
    use_all((unsigned)unit_random_below(6));
    CHECK(use_all(0) > 0);
}

/* No page may be both writable and executable, and the image has no second view. */
TEST(image_protection)
{
    unsigned prot;
    uint64_t phys;

    shim_boot(64 * MIB);
    CHECK(pgtable_lookup(&kernel_pgtable, (uintptr_t)__text_start, &phys, NULL, &prot));
    CHECK_EQ(phys, SHIM_IMAGE_PHYS);
    CHECK_EQ(prot, PROT_KERNEL_RX);
    CHECK(pgtable_lookup(&kernel_pgtable, (uintptr_t)__rodata_start, NULL, NULL, &prot));
    CHECK_EQ(prot, PROT_KERNEL_RO);
    CHECK(pgtable_lookup(&kernel_pgtable, (uintptr_t)__data_start, NULL, NULL, &prot));
    CHECK_EQ(prot, PROT_KERNEL_RW);
    for (uint64_t at = SHIM_IMAGE_PHYS; at < IMAGE_END; at += PAGE_SIZE)
        CHECK(!pgtable_lookup(&kernel_pgtable, DIRECT_MAP_BASE + at, NULL, NULL, NULL));
    CHECK(!pgtable_lookup(&kernel_pgtable, DIRECT_MAP_BASE, NULL, NULL, NULL));
    CHECK(shim_access_ok(DIRECT_MAP_BASE + 32 * MIB, true));
    CHECK(!shim_access_ok(DIRECT_MAP_BASE + 64 * MIB, false));
}

/* The frames of what is no memory can be read, and not written. */
TEST(frames_of_holes)
{
    shim_boot_ranges((struct phys_range[]){{0x1000, 0x9f000}, {IMAGE_END, 64 * MIB}}, 2);
    CHECK_EQ(pfn_to_page(100 * MIB >> PAGE_SHIFT)->state, PAGE_TAIL);
    CHECK(shim_access_ok((uintptr_t)pfn_to_page(100 * MIB >> PAGE_SHIFT), false));
    CHECK(!shim_access_ok((uintptr_t)pfn_to_page(100 * MIB >> PAGE_SHIFT), true));
    CHECK(!shim_access_ok((uintptr_t)pfn_to_page(200 * MIB >> PAGE_SHIFT), false));
}

/* Each size of page is used for the direct map when the CPU has it. */
TEST_CASES(direct_map_uses_large_pages, 2)
{
    unsigned level;

    shim_set_max_leaf(1 + test_case);
    shim_boot(8 * GIB);
    CHECK(model_alloc_contiguous(3 * GIB >> PAGE_SHIFT, GIB >> PAGE_SHIFT, PAGE_MOVABLE) !=
          NULL);
    CHECK(pgtable_lookup(&kernel_pgtable, (uintptr_t)page_to_virt(held[0].page) + GIB / 2, NULL,
                         &level, NULL));
    CHECK_EQ(level, 1 + test_case);
    CHECK_EQ(kernel_pgtable.leaves[2] > 0, test_case == 1);
    check_everything();
}
