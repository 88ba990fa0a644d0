/* SPDX-License-Identifier: BSD-2-Clause */
/* Page-table geometry and TLB flushing. */
#include "x86.h"
#include <arch/irq.h>
#include <arch/layout.h>
#include <arch/pgtable.h>
#include <neap/compiler.h>

/* From this many pages on, forgetting everything is cheaper than page by page. */
#define FLUSH_ALL_PAGES 32

struct pgtable_level arch_pgtable_levels[PGTABLE_LEVELS_MAX] = {
    {.shift = 12, .index_bits = 9, .leaf = true, .name = "4 KiB"},
    {.shift = 21, .index_bits = 9, .leaf = true, .name = "2 MiB"},
    {.shift = 30, .index_bits = 9, .leaf = false, .name = "1 GiB"},
    {.shift = 39, .index_bits = 9, .leaf = false, .name = "512 GiB"},
};
unsigned arch_pgtable_nr_levels = 4;

void arch_pgtable_init(void)
{
    arch_pgtable_levels[2].leaf = x86_features.pages_1g;
}

static uint64_t cr3_read(void)
{
    uint64_t value;

    __asm__ volatile("movq %%cr3, %0" : "=r"(value));
    return value;
}

uint64_t arch_pgtable_root(void)
{
    return cr3_read() & X86_PTE_PHYS;
}

static void flush_everything(void)
{
    irqflags_t flags = arch_irq_save();
    uint64_t cr4 = cr4_read();

    if (cr4 & CR4_PGE) { /* writing CR3 would spare global pages */
        cr4_write(cr4 & ~CR4_PGE);
        cr4_write(cr4);
    } else {
        __asm__ volatile("movq %0, %%cr3" ::"r"(cr3_read()) : "memory");
    }
    arch_irq_restore(flags);
}

void arch_pgtable_activate(uint64_t root_phys)
{
    __asm__ volatile("movq %0, %%cr3" ::"r"(root_phys) : "memory");
    flush_everything();
}

void arch_tlb_flush_local(uintptr_t start, uintptr_t end)
{
    if ((end - start) >> PAGE_SHIFT > FLUSH_ALL_PAGES) {
        flush_everything();
        return;
    }
    for (uintptr_t page = ALIGN_DOWN(start, PAGE_SIZE); page < end; page += PAGE_SIZE)
        __asm__ volatile("invlpg (%0)" ::"r"(page) : "memory");
}
