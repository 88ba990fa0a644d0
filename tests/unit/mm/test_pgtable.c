/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: page tables against a model of what is mapped where. */
#include "support.h"

/* A window of virtual pages; the model knows each page's translation. */
#define WINDOW       (HEAP_BASE + GIB)
#define WINDOW_PAGES 4096
#define PHYS         (64 * GIB) /* never touched: these tests look, they do not access */

static struct {
    uint64_t phys; /* 0: not mapped */
    unsigned prot;
} model[WINDOW_PAGES];

static void check_model(void)
{
    for (uint64_t i = 0; i < WINDOW_PAGES; i++) {
        uintptr_t va = WINDOW + i * PAGE_SIZE;
        unsigned prot;
        uint64_t phys;
        bool mapped = pgtable_lookup(&kernel_pgtable, va + 5, &phys, NULL, &prot);

        CHECK_EQ(mapped, model[i].phys != 0);
        if (!mapped)
            continue;
        CHECK_EQ(phys, model[i].phys + 5);
        CHECK_EQ(prot, model[i].prot);
    }
}

static uint64_t count_tables(uint64_t table, unsigned level, uint64_t *leaves)
{
    const pte_t *entries = shim_phys(table);
    uint64_t tables = 1;

    for (unsigned i = 0; i < level_entries(level); i++) {
        if (!pte_present(entries[i]))
            continue;
        if (pte_is_leaf(entries[i], level))
            leaves[level]++;
        else
            tables += count_tables(pte_phys(entries[i], level), level - 1, leaves);
    }
    return tables;
}

/* The counters are what a walk over all tables finds. */
static void check_counters(void)
{
    uint64_t leaves[PGTABLE_LEVELS_MAX] = {0};

    CHECK_EQ(count_tables(kernel_pgtable.root, arch_pgtable_nr_levels - 1, leaves),
             kernel_pgtable.tables);
    for (unsigned i = 0; i < PGTABLE_LEVELS_MAX; i++)
        CHECK_EQ(leaves[i], kernel_pgtable.leaves[i]);
}

static void model_set(uint64_t first, uint64_t pages, uint64_t phys, unsigned prot)
{
    for (uint64_t i = 0; i < pages; i++) {
        model[first + i].phys = phys ? phys + i * PAGE_SIZE : 0;
        model[first + i].prot = prot;
    }
}

static bool range_is(uint64_t first, uint64_t pages, bool mapped)
{
    for (uint64_t i = 0; i < pages; i++) {
        if ((model[first + i].phys != 0) != mapped)
            return false;
    }
    return true;
}

static void random_range(uint64_t *first, uint64_t *pages)
{
    uint64_t align = UINT64_C(1) << unit_random_below(11);
    uint64_t wish = 1 + unit_random_below(2 * align);

    *first = unit_random_below(WINDOW_PAGES) & ~(align - 1);
    *pages = MIN(wish, WINDOW_PAGES - *first);
}

static void random_change(void)
{
    static const unsigned prots[] = {PROT_KERNEL_RO, PROT_KERNEL_RW, PROT_KERNEL_RX,
                                     PROT_KERNEL_RW | PROT_DEVICE, PROT_KERNEL_RX | PROT_USER};
    unsigned prot = prots[unit_random_below(ARRAY_SIZE(prots))];
    uint64_t first, pages, phys;
    uintptr_t va;

    random_range(&first, &pages);
    va = WINDOW + first * PAGE_SIZE;
    phys = PHYS + (unit_random_below(2) ? first : unit_random_below(1 << 20)) * PAGE_SIZE;
    switch (unit_random_below(5)) {
    case 0:
    case 1:
        if (!range_is(first, pages, false))
            break;
        CHECK_EQ(pgtable_map(&kernel_pgtable, va, phys, pages * PAGE_SIZE, prot), 0);
        model_set(first, pages, phys, prot);
        break;
    case 2:
        CHECK_EQ(pgtable_unmap(&kernel_pgtable, va, pages * PAGE_SIZE), 0);
        model_set(first, pages, 0, 0);
        break;
    case 3:
        if (!range_is(first, pages, true))
            break;
        CHECK_EQ(pgtable_protect(&kernel_pgtable, va, pages * PAGE_SIZE, prot), 0);
        for (uint64_t i = 0; i < pages; i++)
            model[first + i].prot = prot;
        break;
    default:
        (void)pgtable_merge(&kernel_pgtable, va, pages * PAGE_SIZE);
    }
}

TEST_CASES(random_changes, 6)
{
    uint64_t tables;

    shim_set_max_leaf(1 + test_case % 2);
    shim_boot(64 * MIB);
    tables = kernel_pgtable.tables;
    for (unsigned i = 0; i < 1000; i++) {
        random_change();
        check_model();
        if (i % 10 == 0)
            check_counters();
    }
    CHECK_EQ(pgtable_unmap(&kernel_pgtable, WINDOW, WINDOW_PAGES * PAGE_SIZE), 0);
    CHECK_EQ(kernel_pgtable.tables, tables);
    check_counters();
    check_everything();
}

TEST(largest_pages_are_used)
{
    uint64_t small, large, huge;

    shim_boot(64 * MIB);
    small = kernel_pgtable.leaves[0];
    large = kernel_pgtable.leaves[1];
    huge = kernel_pgtable.leaves[2];
    /* 1 GiB aligned in the middle, 2 MiB and 4 KiB around it. */
    CHECK_EQ(pgtable_map(&kernel_pgtable, HEAP_BASE + GIB - 2 * MIB - PAGE_SIZE,
                         64 * GIB - 2 * MIB - PAGE_SIZE, GIB + 4 * MIB + 2 * PAGE_SIZE,
                         PROT_KERNEL_RW),
             0);
    CHECK_EQ(kernel_pgtable.leaves[0] - small, 2);
    CHECK_EQ(kernel_pgtable.leaves[1] - large, 2);
    CHECK_EQ(kernel_pgtable.leaves[2] - huge, 1);
    check_counters();
}

/* Down to 4 KiB by protecting one page, and up again. */
TEST(split_and_merge)
{
    uint64_t tables, small, large, flushes;
    unsigned level, prot;

    shim_boot(64 * MIB);
    CHECK_EQ(pgtable_map(&kernel_pgtable, HEAP_BASE, 64 * GIB, GIB, PROT_KERNEL_RW), 0);
    tables = kernel_pgtable.tables;
    small = kernel_pgtable.leaves[0];
    large = kernel_pgtable.leaves[1];
    CHECK_EQ(pgtable_protect(&kernel_pgtable, HEAP_BASE + 5 * MIB, PAGE_SIZE, PROT_KERNEL_RO),
             0);
    CHECK_EQ(kernel_pgtable.tables, tables + 2);
    CHECK_EQ(kernel_pgtable.leaves[0], small + 512);
    CHECK_EQ(kernel_pgtable.leaves[1], large + 511);
    CHECK(pgtable_lookup(&kernel_pgtable, HEAP_BASE + 5 * MIB, NULL, &level, &prot));
    CHECK(level == 0 && prot == PROT_KERNEL_RO);
    CHECK_EQ(pgtable_merge(&kernel_pgtable, HEAP_BASE, GIB), 0);
    CHECK_EQ(pgtable_protect(&kernel_pgtable, HEAP_BASE + 5 * MIB, PAGE_SIZE, PROT_KERNEL_RW),
             0);
    flushes = shim_tlb_flushes;
    CHECK_EQ(pgtable_merge(&kernel_pgtable, HEAP_BASE, GIB), 2);
    CHECK(shim_tlb_flushes > flushes); /* the freed tables may still be cached elsewhere */
    CHECK_EQ(kernel_pgtable.tables, tables);
    CHECK(pgtable_lookup(&kernel_pgtable, HEAP_BASE + 5 * MIB, NULL, &level, NULL));
    CHECK_EQ(level, 2);
    check_counters();
    CHECK_EQ(pgtable_unmap(&kernel_pgtable, HEAP_BASE, GIB), 0);
    check_counters();
    check_everything();
}

/* What is not contiguous, not aligned or not of one protection stays small. */
TEST(not_mergeable)
{
    shim_boot(64 * MIB);
    CHECK_EQ(
        pgtable_map(&kernel_pgtable, HEAP_BASE, 64 * GIB + PAGE_SIZE, 4 * MIB, PROT_KERNEL_RW),
        0);
    CHECK_EQ(pgtable_merge(&kernel_pgtable, HEAP_BASE, 4 * MIB), 0);
    CHECK_EQ(pgtable_unmap(&kernel_pgtable, HEAP_BASE + MIB, PAGE_SIZE), 0);
    CHECK_EQ(pgtable_merge(&kernel_pgtable, HEAP_BASE, 4 * MIB), 0);
    CHECK_EQ(pgtable_map(&kernel_pgtable, HEAP_BASE + MIB, 99 * GIB, PAGE_SIZE, PROT_KERNEL_RW),
             0);
    CHECK_EQ(pgtable_merge(&kernel_pgtable, HEAP_BASE, 4 * MIB), 0);
    CHECK_EQ(pgtable_merge(&kernel_pgtable, HEAP_BASE + 64 * GIB, 4 * GIB), 0);
    CHECK_EQ(pgtable_map(&kernel_pgtable, HEAP_BASE + GIB, 80 * GIB, 2 * MIB, PROT_KERNEL_RW),
             0);
    CHECK_EQ(pgtable_protect(&kernel_pgtable, HEAP_BASE + GIB + MIB, PAGE_SIZE, PROT_KERNEL_RO),
             0);
    CHECK_EQ(pgtable_merge(&kernel_pgtable, HEAP_BASE + GIB, 2 * MIB), 0);
}

/* Accesses through the simulated TLB: nothing stale may remain. */
TEST(flushes_are_complete)
{
    struct page *page;
    volatile char *va = (volatile char *)HEAP_BASE;

    shim_boot(64 * MIB);
    page = alloc_pages(9, PAGE_MOVABLE, ALLOC_ZERO);
    CHECK_EQ(
        pgtable_map(&kernel_pgtable, HEAP_BASE, page_to_phys(page), 2 * MIB, PROT_KERNEL_RW),
        0);
    va[5000] = 7;
    CHECK_EQ(((char *)page_to_virt(page))[5000], 7);
    CHECK_EQ(pgtable_unmap(&kernel_pgtable, HEAP_BASE + 4096, 4096), 0);
    CHECK_EQ(va[0], 0);
    CHECK(!shim_try_access(HEAP_BASE + 5000, false));
    CHECK_EQ(pgtable_protect(&kernel_pgtable, HEAP_BASE, 4096, PROT_KERNEL_RO), 0);
    CHECK(shim_try_access(HEAP_BASE, false));
    CHECK(!shim_try_access(HEAP_BASE, true));
    CHECK_EQ(pgtable_unmap(&kernel_pgtable, HEAP_BASE, 2 * MIB), 0);
    CHECK(!shim_try_access(HEAP_BASE + MIB, false));
    free_pages(page, 9);
}

TEST(mapping_twice_panics)
{
    shim_boot(64 * MIB);
    CHECK_EQ(pgtable_map(&kernel_pgtable, HEAP_BASE, 64 * GIB, 4 * MIB, PROT_KERNEL_RW), 0);
    EXPECT_PANIC("keep", (void)!pgtable_map(&kernel_pgtable, HEAP_BASE + MIB, 80 * GIB,
                                            PAGE_SIZE, PROT_KERNEL_RW));
}

TEST(protecting_a_hole_panics)
{
    shim_boot(64 * MIB);
    CHECK_EQ(pgtable_map(&kernel_pgtable, HEAP_BASE, 64 * GIB, MIB, PROT_KERNEL_RW), 0);
    EXPECT_PANIC("unmap",
                 (void)!pgtable_protect(&kernel_pgtable, HEAP_BASE, 2 * MIB, PROT_KERNEL_RO));
}

TEST(nothing_to_do)
{
    shim_boot(64 * MIB);
    CHECK_EQ(pgtable_map(&kernel_pgtable, HEAP_BASE, 0, 0, PROT_KERNEL_RW), 0);
    CHECK_EQ(pgtable_unmap(&kernel_pgtable, HEAP_BASE, 0), 0);
    CHECK_EQ(pgtable_unmap(&kernel_pgtable, HEAP_BASE, HEAP_SIZE), 0);
    check_counters();
}

/* Across the entries of the topmost table. */
TEST(very_large_ranges)
{
    shim_boot(64 * MIB);
    CHECK_EQ(pgtable_map(&kernel_pgtable, HEAP_BASE + GIB, GIB, 900 * GIB, PROT_KERNEL_RW), 0);
    check_counters();
    CHECK_EQ(
        pgtable_protect(&kernel_pgtable, HEAP_BASE + 5 * MIB + GIB, 800 * GIB, PROT_KERNEL_RO),
        0);
    check_counters();
    CHECK(pgtable_merge(&kernel_pgtable, HEAP_BASE, HEAP_SIZE) == 0);
    CHECK_EQ(pgtable_unmap(&kernel_pgtable, HEAP_BASE, HEAP_SIZE), 0);
    check_counters();
    check_everything();
}

TEST_CASES(tables_under_chaos, 2)
{
    shim_set_cpus(3);
    shim_boot(64 * MIB);
    shim_chaos(5 + test_case);
    for (unsigned i = 0; i < 300; i++) {
        random_change();
        check_model();
    }
    check_counters();
}
