/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: starting up, and the simplest allocations. */
#include "../../../mm/internal.h"
#include "shim.h"
#include "unit.h"

TEST(boot_and_allocate)
{
    struct memory_stats before, after;
    struct page *page;

    shim_boot(64 * MIB);
    mm_check_all(true);
    memory_stats_get(&before);
    page = alloc_pages(0, PAGE_KERNEL, ALLOC_ZERO);
    CHECK(page != NULL);
    *(uint64_t *)page_to_virt(page) = 1;
    mm_check_all(true);
    free_pages(page, 0);
    memory_stats_get(&after);
    mm_check_all(true);
    CHECK_EQ(before.free, after.free);
    CHECK_EQ(after.total, after.free + after.kernel + after.movable + after.metadata);
}
