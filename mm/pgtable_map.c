/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Filling page tables, with the largest pages that fit.
 */
#include "internal.h"
#include <neap/errors.h>
#include <neap/panic.h>

/* The largest page that alignment, size and CPU allow at this place. */
static unsigned largest_level(uintptr_t va, uintptr_t end, uint64_t phys)
{
    unsigned level = arch_pgtable_nr_levels - 1;

    while (level > 0 &&
           (!arch_pgtable_levels[level].leaf || !IS_ALIGNED(va | phys, level_size(level)) ||
            end - va < level_size(level)))
        level--;
    return level;
}

/* Put tables below an absent entry until `level` is reached. */
static struct pgtable_walk grow(struct pgtable *table, struct pgtable_walk walk, uintptr_t va,
                                unsigned level, struct memcache *tables)
{
    while (walk.level > level) {
        uint64_t phys = pgtable_take_empty(tables, walk.level - 1);

        pte_write(walk.slot, pte_table(phys, walk.level));
        table->tables += order_pages(table->cache.order);
        walk = pgtable_walk(table, va, walk.level - 1);
    }
    return walk;
}

static uintptr_t fill(struct pgtable *table, struct pgtable_walk walk, uintptr_t va,
                      uintptr_t end, uint64_t phys, unsigned prot)
{
    uint64_t size = level_size(walk.level);
    uintptr_t table_end = ALIGN_DOWN(va, size << arch_pgtable_levels[walk.level].index_bits) +
                          (size << arch_pgtable_levels[walk.level].index_bits);

    end = MIN(end, table_end);
    do {
        pte_write(walk.slot++, pte_leaf(phys, prot, walk.level));
        table->leaves[walk.level]++;
        va += size;
        phys += size;
    } while (va < end && end - va >= size && !pte_present(*walk.slot));
    return va;
}

uintptr_t pgtable_map_piece(struct pgtable *table, uintptr_t va, uintptr_t end, uint64_t phys,
                            unsigned prot, bool keep, struct memcache *tables)
{
    struct pgtable_walk walk = pgtable_walk(table, va, largest_level(va, end, phys));
    unsigned level;

    /* Smaller pages are there already: fill the gaps between them. */
    while (pte_present(*walk.slot) && !pte_is_leaf(*walk.slot, walk.level))
        walk = pgtable_walk(table, va, walk.level - 1);
    if (pte_present(*walk.slot)) {
        ASSERT(keep);
        return MIN(end, ALIGN_DOWN(va, level_size(walk.level)) + level_size(walk.level));
    }
    level = MIN(walk.level, largest_level(va, end, phys));
    if (tables->count < walk.level - level)
        return va;
    walk = grow(table, walk, va, level, tables);
    return fill(table, walk, va, end, phys, prot);
}

static int map(struct pgtable *table, uintptr_t va, uint64_t phys, uint64_t size, unsigned prot,
               bool keep)
{
    uintptr_t end = va + size, at = va;

    ASSERT(IS_ALIGNED(va | phys | size, PAGE_SIZE) && end >= va);
    while (at < end) {
        irqflags_t flags;

        if (pgtable_lock_with_tables(table, arch_pgtable_nr_levels - 1, ALLOC_DEFAULT,
                                     &flags)) {
            if (!keep && at > va)
                ASSERT(pgtable_unmap(table, va, at - va) == 0);
            return -ENOMEM;
        }
        at = pgtable_map_piece(table, at, end, phys + (at - va), prot, keep, &table->cache);
        spin_unlock(&pgtable_lock, flags);
    }
    return 0;
}

int pgtable_map(struct pgtable *table, uintptr_t va, uint64_t phys, uint64_t size,
                unsigned prot)
{
    return map(table, va, phys, size, prot, false);
}

int pgtable_map_missing(struct pgtable *table, uintptr_t va, uint64_t phys, uint64_t size,
                        unsigned prot)
{
    return map(table, va, phys, size, prot, true);
}
