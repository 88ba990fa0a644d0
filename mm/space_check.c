/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * space_check(): walk the tables of the address space and compare with the counts and with the
 * owners of the blocks.
 */
#include "space.h"
#include <neap/panic.h>

struct census {
    uint64_t waiting, resident, huge;
};

static void check_block(const struct page *block, uintptr_t va, unsigned level)
{
    ASSERT(block->state == PAGE_ALLOCATED && block->owner == va);
    ASSERT(block->order == (level == LARGE_LEVEL ? PAGEBLOCK_ORDER : 0));
    ASSERT(block->flags & PAGE_HELD_MOVABLE);
}

static bool check_entry(struct pgtable_walk walk, uintptr_t from, uintptr_t to, void *arg)
{
    struct census *census = arg;
    pte_t pte = *walk.slot;
    unsigned prot;

    if (pte == PTE_NONE)
        return true;
    ASSERT(to - from == level_size(walk.level));
    prot = entry_prot(pte, walk.level);
    ASSERT(!(prot & SPACE_WRITE) || !(prot & SPACE_EXEC));
    if (pte_is_waiting(pte)) {
        census->waiting += (to - from) >> PAGE_SHIFT;
        return true;
    }
    ASSERT(walk.level <= LARGE_LEVEL && entry_has_block(pte, walk.level));
    check_block(phys_to_page(pte_phys(pte, walk.level)), from, walk.level);
    census->resident += (to - from) >> PAGE_SHIFT;
    census->huge += walk.level == LARGE_LEVEL ? LARGE_PAGES : 0;
    return true;
}

void space_check(void)
{
    irqflags_t flags = spin_lock(&pgtable_lock);
    uintptr_t va = HEAP_BASE, end = HEAP_BASE + HEAP_SIZE;
    struct census census = {0};

    while (va < end)
        va = entry_run(va, end, check_entry, &census);
    ASSERT(census.resident == space_counts.resident);
    ASSERT(census.huge == space_counts.huge);
    /* A commit promises before it fills in. */
    ASSERT(census.waiting <= space_promised_pages());
    spin_unlock(&pgtable_lock, flags);
}
