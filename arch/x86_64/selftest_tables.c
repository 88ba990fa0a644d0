/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reads the page tables that are active as the CPU would: no page may be both writable and
 * executable, and the kernel's code and constants have no writable alias anywhere.
 */
#include "x86.h"
#include <arch/layout.h>
#include <arch/pgtable.h>
#include <neap/sections.h>
#include <neap/selftest.h>

#define ENTRIES 512

struct walk {
    struct selftest *t;
    unsigned leaves;
    unsigned user_leaves;
};

static uintptr_t canonical(uint64_t address)
{
    return (uintptr_t)((int64_t)(address << 16) >> 16);
}

static bool overlaps(uint64_t phys, uint64_t size, const char *start, const char *end)
{
    return phys < image_to_phys(end) && image_to_phys(start) < phys + size;
}

static void check_leaf(struct walk *walk, uintptr_t address, pte_t pte, unsigned level)
{
    unsigned prot = pte_prot(pte, level);
    uint64_t size = UINT64_C(1) << arch_pgtable_levels[level].shift;
    uint64_t phys = pte_phys(pte, level);

    walk->leaves++;
    walk->user_leaves += (prot & PROT_USER) != 0;
    if ((prot & PROT_KERNEL_RW) && (prot & PROT_KERNEL_RX))
        selftest_fail(walk->t, __FILE__, __LINE__, "%#lx is writable and executable",
                      (unsigned long)address);
    if ((prot & PROT_KERNEL_RW) && (overlaps(phys, size, __text_start, __text_end) ||
                                    overlaps(phys, size, __rodata_start, __rodata_end)))
        selftest_fail(walk->t, __FILE__, __LINE__, "%#lx is a writable alias of the image",
                      (unsigned long)address);
    if ((prot & PROT_KERNEL_RX) &&
        (address < (uintptr_t)__text_start || address >= (uintptr_t)__text_end))
        selftest_fail(walk->t, __FILE__, __LINE__, "%#lx is executable, outside the code",
                      (unsigned long)address);
}

/* As deep as the tables are: four calls. */
static void check_table(struct walk *walk, uint64_t table, uint64_t base, unsigned level)
{
    const pte_t *entries = phys_to_virt(table);

    for (unsigned i = 0; i < ENTRIES; i++) {
        uint64_t address = base + ((uint64_t)i << arch_pgtable_levels[level].shift);

        if (!pte_present(entries[i]))
            continue;
        if (pte_is_leaf(entries[i], level))
            check_leaf(walk, canonical(address), entries[i], level);
        else
            check_table(walk, pte_phys(entries[i], level), address, level - 1);
    }
}

static void test_tables(struct selftest *t)
{
    struct walk walk = {.t = t};

    check_table(&walk, arch_pgtable_root(), 0, arch_pgtable_nr_levels - 1);
    EXPECT(t, walk.leaves > 0);
    EXPECT_EQ(t, walk.user_leaves, 0);
}
SELFTEST(x86_page_tables, test_tables);
