/* SPDX-License-Identifier: BSD-2-Clause */
/* Page-table geometry, the address space of a CPU, and TLB flushing. */
#include "s390x.h"
#include <arch/layout.h>
#include <arch/pgtable.h>

#define ASCE_REGION_SECOND 0x0b /* type of the root table, full length */
#define ASCE_ORIGIN        (~UINT64_C(0xfff))

#define TABLE_ORDER 2 /* the longest tables take 16 KiB; page tables use 2 KiB of it */

struct pgtable_level arch_pgtable_levels[PGTABLE_LEVELS_MAX] = {
    {.shift = 12, .index_bits = 8, .table_order = TABLE_ORDER, .leaf = true, .name = "4 KiB"},
    {.shift = 20, .index_bits = 11, .table_order = TABLE_ORDER, .leaf = false, .name = "1 MiB"},
    {.shift = 31, .index_bits = 11, .table_order = TABLE_ORDER, .leaf = false, .name = "2 GiB"},
    {.shift = 42, .index_bits = 11, .table_order = TABLE_ORDER, .leaf = false, .name = "4 TiB"},
};
unsigned arch_pgtable_nr_levels = 4;

void arch_pgtable_init(void)
{
    arch_pgtable_levels[1].leaf = s390_features.large_pages;
    arch_pgtable_levels[2].leaf = s390_features.huge_pages;
}

uint64_t arch_pgtable_root(void)
{
    uint64_t control[16];

    control_store(control);
    return control[1] & ASCE_ORIGIN;
}

/* Real addresses are what tables hold, and prefixing makes each CPU's lowcore of the lowest
 * pages. */
void s390_map_lowcore(uint64_t *entries)
{
    for (unsigned page = 0; page < LOWCORE_SIZE / PAGE_SIZE; page++)
        pte_write(&entries[(LOWCORE_VIRT >> PAGE_SHIFT) + page],
                  pte_leaf(page * PAGE_SIZE, PROT_KERNEL_RW, 0));
}

void s390_set_root(uint64_t root_phys)
{
    uint64_t control[16];

    control_store(control);
    control[1] = control[7] = control[13] = root_phys | ASCE_REGION_SECOND;
    control_load(control);
}

static void flush_everything(void)
{
    __asm__ volatile("ptlb" ::: "memory");
}

void arch_pgtable_activate(uint64_t root_phys)
{
    pte_t *entries = phys_to_virt(root_phys);

    /* The image begins in the first MiB, so all tables down to that of its pages exist. */
    for (unsigned level = arch_pgtable_nr_levels - 1; level > 0; level--)
        entries = phys_to_virt(pte_phys(entries[0], level));
    s390_map_lowcore(entries);
    s390_set_root(root_phys);
    flush_everything();
}

void arch_tlb_flush_local(uintptr_t start, uintptr_t end)
{
    (void)start;
    (void)end;
    flush_everything();
}
