/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of boot memory against strange maps, and against a model that is one bit a page.
 */
#include "unit.h"
#include <arch/boot.h>
#include <arch/layout.h>
#include <stdlib.h>
#include <string.h>

static struct boot_info info;

static void check_table(void)
{
    CHECK(info.nr_memory <= BOOT_RANGES_MAX);
    for (unsigned i = 0; i < info.nr_memory; i++) {
        CHECK(info.memory[i].start < info.memory[i].end);
        CHECK_EQ(info.memory[i].start % PAGE_SIZE, 0);
        CHECK_EQ(info.memory[i].end % PAGE_SIZE, 0);
        if (i > 0) /* ranges that touch are one */
            CHECK(info.memory[i - 1].end < info.memory[i].start);
    }
}

static void check_range(unsigned index, uint64_t start, uint64_t end)
{
    check_table();
    CHECK(index < info.nr_memory);
    CHECK_EQ(info.memory[index].start, start);
    CHECK_EQ(info.memory[index].end, end);
}

TEST(boot_memory_sorts_and_merges)
{
    boot_memory_add(&info, 0x100000, 0x200000);
    boot_memory_add(&info, 0, 0x9f000);
    check_range(0, 0, 0x9f000);
    check_range(1, 0x100000, 0x200000);
    boot_memory_add(&info, 0x180000, 0x300000); /* overlaps */
    boot_memory_add(&info, 0x300000, 0x400000); /* touches */
    boot_memory_add(&info, 0x110000, 0x120000); /* lies inside */
    CHECK_EQ(info.nr_memory, 2);
    check_range(1, 0x100000, 0x400000);
    boot_memory_add(&info, 0, 0x1000000); /* covers all */
    CHECK_EQ(info.nr_memory, 1);
    check_range(0, 0, 0x1000000);
    CHECK_EQ(info.nr_dropped, 0);
}

TEST(boot_memory_rounds_inward)
{
    boot_memory_add(&info, 0x1001, 0x3fff);
    check_range(0, 0x2000, 0x3000);
    boot_memory_add(&info, 0x5001, 0x5fff);
    boot_memory_add(&info, 0x7001, 0x8fff);
    CHECK_EQ(info.nr_memory, 1);
    CHECK_EQ(info.nr_dropped, 2);
}

TEST(boot_memory_drops_nonsense)
{
    boot_memory_add(&info, 0x5000, 0x5000);
    boot_memory_add(&info, 0x6000, 0x5000);
    boot_memory_add(&info, UINT64_MAX - 0x7ff, UINT64_MAX);
    boot_memory_add(&info, UINT64_MAX - 0x1000, 0x1000); /* start + size wrapped */
    CHECK_EQ(info.nr_memory, 0);
    CHECK_EQ(info.nr_dropped, 4);
    boot_memory_add(&info, UINT64_MAX - 0x2fff, UINT64_MAX);
    check_range(0, UINT64_MAX - 0x2fff, UINT64_MAX - 0xfff);
}

TEST(boot_memory_reserve_splits)
{
    boot_memory_add(&info, 0x100000, 0x200000);
    boot_memory_reserve(&info, 0x140001, 0x140002); /* rounds outward */
    check_range(0, 0x100000, 0x140000);
    check_range(1, 0x141000, 0x200000);
    boot_memory_reserve(&info, 0, 0x110000);
    check_range(0, 0x110000, 0x140000);
    boot_memory_reserve(&info, 0x1f0000, UINT64_MAX);
    check_range(1, 0x141000, 0x1f0000);
    boot_memory_reserve(&info, 0x300000, 0x400000);
    boot_memory_reserve(&info, 0x150000, 0x150000);
    boot_memory_reserve(&info, 0x160000, 0x150000);
    CHECK_EQ(info.nr_memory, 2);
    boot_memory_reserve(&info, 0, UINT64_MAX);
    CHECK_EQ(info.nr_memory, 0);
    CHECK_EQ(info.nr_dropped, 0);
}

/* The smallest range goes, whether it is the new one or an old one. */
TEST(boot_memory_full_table)
{
    for (unsigned i = 0; i < BOOT_RANGES_MAX; i++)
        boot_memory_add(&info, i * MIB, i * MIB + (i == 7 ? 2 : 4) * PAGE_SIZE);
    CHECK_EQ(info.nr_memory, BOOT_RANGES_MAX);
    boot_memory_add(&info, 500 * MIB, 500 * MIB + PAGE_SIZE);
    CHECK_EQ(info.nr_dropped, 1);
    check_range(7, 7 * MIB, 7 * MIB + 2 * PAGE_SIZE);
    boot_memory_add(&info, 500 * MIB,
                    500 * MIB + 2 * PAGE_SIZE); /* no better: the old one stays */
    check_range(7, 7 * MIB, 7 * MIB + 2 * PAGE_SIZE);
    boot_memory_add(&info, 600 * MIB, 601 * MIB);
    CHECK_EQ(info.nr_dropped, 3);
    check_range(7, 8 * MIB, 8 * MIB + 4 * PAGE_SIZE);
    check_range(BOOT_RANGES_MAX - 1, 600 * MIB, 601 * MIB);
    /* What touches its neighbours needs no entry of its own. */
    boot_memory_add(&info, 600 * MIB - PAGE_SIZE, 600 * MIB);
    CHECK_EQ(info.nr_dropped, 3);
    check_range(BOOT_RANGES_MAX - 1, 600 * MIB - PAGE_SIZE, 601 * MIB);
}

TEST(boot_memory_reserve_in_a_full_table)
{
    for (unsigned i = 0; i < BOOT_RANGES_MAX; i++)
        boot_memory_add(&info, i * MIB, i * MIB + 8 * PAGE_SIZE);
    boot_memory_reserve(&info, 3 * MIB + 2 * PAGE_SIZE, 3 * MIB + 3 * PAGE_SIZE);
    check_table();
    CHECK_EQ(info.nr_memory, BOOT_RANGES_MAX);
    CHECK_EQ(info.nr_dropped, 1);
    /* Whatever was dropped, nothing that is reserved is in the table. */
    for (unsigned i = 0; i < info.nr_memory; i++)
        CHECK(info.memory[i].end <= 3 * MIB + 2 * PAGE_SIZE ||
              info.memory[i].start >= 3 * MIB + 3 * PAGE_SIZE);
}

#define MODEL_PAGES 100 /* few enough that the table never fills */

static bool model[MODEL_PAGES];

static void check_model(void)
{
    bool found[MODEL_PAGES] = {false};

    check_table();
    for (unsigned i = 0; i < info.nr_memory; i++)
        for (uint64_t page = info.memory[i].start / PAGE_SIZE;
             page < info.memory[i].end / PAGE_SIZE; page++)
            found[page] = true;
    CHECK(memcmp(found, model, sizeof(model)) == 0);
}

TEST(boot_memory_like_the_model)
{
    for (unsigned step = 0; step < 20000; step++) {
        uint64_t start = unit_random_below(MODEL_PAGES * PAGE_SIZE);
        uint64_t end = start + unit_random_below(10 * PAGE_SIZE);
        bool add = unit_random_below(2);

        end = MIN(end, MODEL_PAGES * PAGE_SIZE);
        for (uint64_t page = 0; page < MODEL_PAGES; page++) {
            uint64_t from = page * PAGE_SIZE, to = from + PAGE_SIZE;

            if (add && from >= start && to <= end)
                model[page] = true;
            if (!add && start < end && from < end && to > start)
                model[page] = false;
        }
        if (add)
            boot_memory_add(&info, start, end);
        else
            boot_memory_reserve(&info, start, end);
        check_model();
    }
}
