/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Replacing full tables of small pages by one large page.
 */
#include "internal.h"
#include <neap/panic.h>

/* Do all entries of a table together look like one page of the level above? */
static bool mergeable(const pte_t *entries, unsigned level)
{
    uint64_t phys = pte_phys(entries[0], level);
    unsigned prot = pte_prot(entries[0], level);

    if (!pte_present(entries[0]) || !IS_ALIGNED(phys, level_size(level + 1)))
        return false;
    for (unsigned i = 0; i < level_entries(level); i++) {
        if (!pte_present(entries[i]) || !pte_is_leaf(entries[i], level) ||
            pte_phys(entries[i], level) != phys + i * level_size(level) ||
            pte_prot(entries[i], level) != prot)
            return false;
    }
    return true;
}

/*
 * Merge the table behind the entry of `level` at `va`, if there is one. Returns the address to
 * go on at.
 */
static uintptr_t merge_one(struct pgtable *table, uintptr_t va, unsigned level, uint64_t *chain)
{
    irqflags_t flags = spin_lock(&pgtable_lock);
    struct pgtable_walk walk = pgtable_walk(table, va, level);
    uint64_t below = pte_phys(*walk.slot, walk.level);

    if (pte_present(*walk.slot) && !pte_is_leaf(*walk.slot, walk.level) &&
        mergeable(phys_to_virt(below), level - 1)) {
        const pte_t *entries = phys_to_virt(below);

        pte_write(walk.slot, pte_leaf(pte_phys(entries[0], level - 1),
                                      pte_prot(entries[0], level - 1), level));
        table->leaves[level]++;
        table->leaves[level - 1] -= level_entries(level - 1);
        table->tables -= order_pages(table->cache.order);
        pgtable_chain_add(chain, below);
    }
    spin_unlock(&pgtable_lock, flags);
    /* Where the walk ended early, all of that entry is one large page or nothing. */
    return ALIGN_DOWN(va, level_size(walk.level)) + level_size(walk.level);
}

unsigned pgtable_merge(struct pgtable *table, uintptr_t va, uint64_t size)
{
    uint64_t chain = 0, before;
    uintptr_t end = va + size;
    unsigned merged = 0;

    for (unsigned level = 1; level < arch_pgtable_nr_levels; level++) {
        uintptr_t at = ALIGN_UP(va, level_size(level));

        if (!arch_pgtable_levels[level].leaf)
            break;
        while (at < end && end - at >= level_size(level)) {
            before = chain;
            at = merge_one(table, at, level, &chain);
            merged += chain != before;
        }
    }
    if (merged) {
        tlb_flush_all_cpus(va, end);
        pgtable_chain_free(chain);
    }
    return merged;
}
