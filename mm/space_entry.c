/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Entries of the address space: their meaning, splitting them, joining equal ones.
 */
#include "space.h"
#include <neap/panic.h>

struct space_counts space_counts;

unsigned entry_prot(pte_t pte, unsigned level)
{
    unsigned prot;

    if (!pte_present(pte))
        return pte_bits(pte) & ~SPACE_MOVING;
    prot = pte_prot(pte, level);
    return SPACE_READ | (prot & PROT_KERNEL_RW ? SPACE_WRITE : 0) |
           (prot & PROT_KERNEL_RX ? SPACE_EXEC : 0);
}

pte_t entry_for(uint64_t phys, unsigned prot, unsigned level)
{
    if (prot == SPACE_NONE)
        return pte_away(phys, SPACE_NONE);
    return pte_leaf(phys,
                    (prot & SPACE_WRITE ? PROT_KERNEL_RW : 0) |
                        (prot & SPACE_EXEC ? PROT_KERNEL_RX : 0),
                    level);
}

void entry_set(struct pgtable_walk walk, pte_t value)
{
    pte_t old = *walk.slot;
    uint64_t pages = level_size(walk.level) >> PAGE_SHIFT;

    kernel_pgtable.leaves[walk.level] -= pte_present(old);
    kernel_pgtable.leaves[walk.level] += pte_present(value);
    if (entry_has_block(old, walk.level)) {
        space_counts.resident -= pages;
        space_counts.huge -= walk.level == LARGE_LEVEL ? pages : 0;
    }
    if (entry_has_block(value, walk.level)) {
        space_counts.resident += pages;
        space_counts.huge += walk.level == LARGE_LEVEL ? pages : 0;
    }
    pte_write(walk.slot, value);
}

bool block_pinned(const struct page *block, uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i++) {
        if (READ_ONCE(block[i].pins))
            return true;
    }
    return false;
}

/* A large block becomes single frames with owners of their own. Their pins stay. */
static void split_block(struct page *block, uintptr_t va)
{
    irqflags_t flags = spin_lock(&buddy.lock); /* mm_check() looks at frames under it */

    for (uint64_t i = 0; i < LARGE_PAGES; i++) {
        page_set_allocated(block + i, 0, PAGE_MOVABLE);
        block[i].owner = va + i * PAGE_SIZE;
    }
    spin_unlock(&buddy.lock, flags);
}

/* What an entry of the level below says at the i-th place. */
static pte_t part_of(pte_t pte, unsigned level, uint64_t i)
{
    uint64_t phys;

    if (!entry_has_block(pte, level))
        return pte;
    phys = pte_phys(pte, level) + i * level_size(level - 1);
    return entry_for(phys, entry_prot(pte, level), level - 1);
}

void entry_split(struct pgtable_walk walk, uintptr_t base)
{
    uint64_t table = memcache_take(&kernel_pgtable.cache);
    pte_t *entries = phys_to_virt(table), pte = *walk.slot;
    unsigned below = walk.level - 1;

    ASSERT(walk.level > 0 && !entry_is_moving(pte));
    for (unsigned i = 0; i < level_entries(below); i++)
        pte_write(&entries[i], part_of(pte, walk.level, i));
    if (entry_has_block(pte, walk.level)) {
        ASSERT(walk.level == LARGE_LEVEL);
        split_block(phys_to_page(pte_phys(pte, walk.level)), base);
        space_counts.huge -= LARGE_PAGES;
        space_counts.splits++;
    }
    if (pte_present(pte)) {
        kernel_pgtable.leaves[walk.level]--;
        kernel_pgtable.leaves[below] += level_entries(below);
    }
    kernel_pgtable.tables += order_pages(kernel_pgtable.cache.order);
    pte_write(walk.slot, pte_table(table, walk.level));
}

bool entry_splits_needed(uintptr_t va, bool none_too, unsigned *tables)
{
    struct pgtable_walk walk = pgtable_walk(&kernel_pgtable, va, 0);

    if (*walk.slot == PTE_NONE && !none_too)
        return true;
    if (!IS_ALIGNED(va, level_size(walk.level)) && entry_is_moving(*walk.slot))
        return false;
    while (!IS_ALIGNED(va, level_size(walk.level))) {
        walk.level--;
        (*tables)++;
    }
    return true;
}

void entry_split_at(uintptr_t va, bool none_too)
{
    for (;;) {
        struct pgtable_walk walk = pgtable_walk(&kernel_pgtable, va, 0);

        if (IS_ALIGNED(va, level_size(walk.level)) || (*walk.slot == PTE_NONE && !none_too))
            return;
        entry_split(walk, ALIGN_DOWN(va, level_size(walk.level)));
    }
}

/* Do all entries of a table say the same, and may one entry above say it for them? */
static bool joinable(const pte_t *entries, unsigned level)
{
    if (entries[0] != PTE_NONE && (!pte_is_waiting(entries[0]) || space_counts.changing > 1))
        return false;
    for (unsigned i = 1; i < level_entries(level); i++) {
        if (entries[i] != entries[0])
            return false;
    }
    return true;
}

void entry_join(uintptr_t va, unsigned level, uint64_t *chain)
{
    for (; level + 1 < arch_pgtable_nr_levels; level++) {
        struct pgtable_walk walk = pgtable_walk(&kernel_pgtable, va, level + 1);
        uint64_t table;

        if (walk.level != level + 1 || !entry_is_table(*walk.slot, walk.level))
            return;
        table = pte_phys(*walk.slot, walk.level);
        if (!joinable(phys_to_virt(table), level))
            return;
        pte_write(walk.slot, *(const pte_t *)phys_to_virt(table));
        kernel_pgtable.tables -= order_pages(kernel_pgtable.cache.order);
        pgtable_chain_add(chain, table);
    }
}

uintptr_t entry_run(uintptr_t va, uintptr_t end, entry_fn fn, void *arg)
{
    struct pgtable_walk walk = pgtable_walk(&kernel_pgtable, va, 0);
    uint64_t size = level_size(walk.level);
    uint64_t table_size = size << arch_pgtable_levels[walk.level].index_bits;
    uintptr_t table_last = ALIGN_DOWN(va, table_size) + (table_size - 1);
    uintptr_t last = MIN(end - 1, table_last);

    do {
        uintptr_t to = MIN(last, ALIGN_DOWN(va, size) + (size - 1)) + 1;

        if (!fn(walk, va, to, arg))
            break;
        va = to;
        walk.slot++;
    } while (va - 1 < last && !entry_is_table(*walk.slot, walk.level));
    return va;
}
