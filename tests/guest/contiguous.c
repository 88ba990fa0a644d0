/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contiguous ranges, in memory that applications have used. They run before what exhausts all
 * memory: kernel pages that were allocated then lie anywhere, and cannot move.
 */
#include "guest.h"
#include <neap/alloc.h>
#include <neap/memory.h>
#include <neap/selftest.h>
#include <neap/space.h>

/* Let an application fill half of what is free, and give it back. */
static void use_memory(struct selftest *t, const struct memory_stats *stats)
{
    uint64_t size = ALIGN_DOWN(stats->free / 2, 2 * MIB);
    uintptr_t va = space_reserve(size, 2 * MIB);

    EXPECT(t, va != 0);
    if (va == 0)
        return;
    EXPECT_EQ(t, space_commit(va, size, SPACE_WRITE), 0);
    for (uint64_t offset = 0; offset < size; offset += 2 * MIB)
        *(volatile uint64_t *)(va + offset) = offset;
    EXPECT_EQ(t, space_release(va, size), 0);
}

static void check_contiguous(struct selftest *t, uint64_t bytes)
{
    uint64_t pages = bytes / PAGE_SIZE;
    struct page *page = alloc_contiguous(pages, pages, PAGE_MOVABLE, ALLOC_DEFAULT);

    EXPECT(t, page != NULL);
    if (page == NULL)
        return;
    EXPECT_EQ(t, page_to_phys(page) % bytes, 0);
    for (uint64_t offset = 0; offset < bytes; offset += 2 * MIB)
        *(volatile uint64_t *)((char *)page_to_virt(page) + offset) = offset;
    for (uint64_t offset = 0; offset < bytes; offset += 2 * MIB)
        EXPECT_EQ(t, *(volatile uint64_t *)((char *)page_to_virt(page) + offset), offset);
    free_contiguous(page, pages);
}

static void test_contiguous(struct selftest *t)
{
    struct memory_stats stats;

    memory_stats_get(&stats);
    if (stats.total < 48 * MIB)
        selftest_skip(t, "needs 48 MiB of memory");
    else
        check_contiguous(t, 16 * MIB);
}
SELFTEST(contiguous_16_mib, test_contiguous);

static void test_gigabyte(struct selftest *t)
{
    struct memory_stats stats;

    memory_stats_get(&stats);
    if (stats.total < 3 * GIB) {
        selftest_skip(t, "needs 3 GiB of memory");
        return;
    }
    use_memory(t, &stats);
    check_contiguous(t, GIB);
}
SELFTEST(contiguous_1_gib, test_gigabyte);
