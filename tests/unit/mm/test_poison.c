/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: free pages with a promised value. */
#include "support.h"

static bool holds(pfn_t pfn, uint64_t pages, uint8_t value)
{
    const uint8_t *byte = phys_to_virt(pfn << PAGE_SHIFT);

    for (uint64_t i = 0; i < pages << PAGE_SHIFT; i++) {
        if (byte[i] != value)
            return false;
    }
    return true;
}

TEST(poison_key)
{
    CHECK_EQ(page_poison(), PAGE_POISON_OFF);
    CHECK_EQ(shim_cmdline_set("poison", "off"), 0);
    CHECK_EQ(page_poison(), PAGE_POISON_OFF);
    CHECK_EQ(shim_cmdline_set("poison", "256"), -ERANGE);
    CHECK_EQ(shim_cmdline_set("poison", "red"), -EINVAL);
    CHECK_EQ(page_poison(), PAGE_POISON_OFF);
    CHECK_EQ(shim_cmdline_set("poison", "0xaa"), 0);
    CHECK_EQ(page_poison(), 0xaa);
}

TEST(poison_fills_what_is_freed)
{
    const uint64_t pages = 3 * order_pages(MAX_ORDER);
    struct page *page;
    pfn_t pfn;

    CHECK_EQ(shim_cmdline_set("poison", "0xaa"), 0);
    shim_boot(64 * MIB);
    page = alloc_pages(5, PAGE_KERNEL, ALLOC_ZERO);
    pfn = page_to_pfn(page);
    free_pages(page, 5);
    CHECK(holds(pfn, order_pages(5), 0xaa));
    page = alloc_contiguous(pages, 1, PAGE_MOVABLE, ALLOC_ZERO);
    pfn = page_to_pfn(page);
    free_contiguous(page, pages);
    CHECK(holds(pfn, pages, 0xaa));
    check_everything();
}

static unsigned seen;

/* Look at the memory while the device has it. */
static int look(struct reporting_device *self, const struct phys_range *ranges, unsigned nr)
{
    (void)self;
    for (unsigned i = 0; i < nr; i++) {
        CHECK(holds(ranges[i].start >> PAGE_SHIFT,
                    (ranges[i].end - ranges[i].start) >> PAGE_SHIFT, 0));
        seen++;
    }
    return 0;
}

/* Also blocks that come from memory that was never freed; raw memory is not touched at all. */
TEST(poison_fills_what_is_reported)
{
    static struct reporting_device device = {.name = "host", .capacity = 8, .report = look};
    struct memory_stats stats;

    CHECK_EQ(shim_cmdline_set("poison", "0"), 0);
    shim_boot(512 * MIB);
    memory_stats_get(&stats);
    CHECK(stats.raw > 0);
    memset(phys_to_virt(32 * MIB), 0x55, 2 * MIB);
    CHECK_EQ(reporting_register(&device), 0);
    shim_settle();
    CHECK(seen > 0);
    memory_stats_get(&stats);
    CHECK(stats.reported > 64 * MIB && stats.reported < 128 * MIB);
    reporting_unregister(&device);
}
