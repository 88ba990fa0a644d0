/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unmapping and changing the protection of ranges. Large pages at the two ends are split first:
 * only that needs memory, so a change that has begun cannot fail.
 */
#include "internal.h"
#include <neap/errors.h>
#include <neap/panic.h>

/* One pass over a range. */
struct change {
    struct pgtable *table;
    uintptr_t start;
    uintptr_t end;
    bool unmap;
    bool keep_tables; /* even empty ones */
    unsigned prot;    /* of what stays mapped */
    uint64_t chain;   /* unlinked tables */
};

/* How many splits it takes until a page ends at `va`. */
static unsigned splits_needed(struct pgtable *table, uintptr_t va)
{
    struct pgtable_walk walk = pgtable_walk(table, va, 0);
    unsigned splits = 0;

    if (!pte_present(*walk.slot))
        return 0;
    while (!IS_ALIGNED(va, level_size(walk.level))) {
        walk.level--;
        splits++;
    }
    return splits;
}

/* Replace the large page at a slot by a table of pages of the next size. */
static void split_leaf(struct pgtable *table, struct pgtable_walk walk)
{
    unsigned below = walk.level - 1;
    uint64_t phys = pte_phys(*walk.slot, walk.level);
    unsigned prot = pte_prot(*walk.slot, walk.level);
    uint64_t new_table = memcache_take(&table->cache);
    pte_t *entries = phys_to_virt(new_table);

    for (unsigned i = 0; i < level_entries(below); i++)
        pte_write(&entries[i], pte_leaf(phys + i * level_size(below), prot, below));
    pte_write(walk.slot, pte_table(new_table, walk.level));
    table->leaves[walk.level]--;
    table->leaves[below] += level_entries(below);
    table->tables += order_pages(table->cache.order);
}

static void split_at(struct pgtable *table, uintptr_t va)
{
    for (unsigned n = splits_needed(table, va); n > 0; n--)
        split_leaf(table, pgtable_walk(table, va, 0));
}

int pgtable_split(struct pgtable *table, uintptr_t start, uintptr_t end)
{
    unsigned needed = 0;
    irqflags_t flags;

    for (;;) {
        if (pgtable_lock_with_tables(table, needed, ALLOC_DEFAULT, &flags))
            return -ENOMEM;
        needed = splits_needed(table, start) + splits_needed(table, end);
        if (table->cache.count >= needed)
            break;
        spin_unlock(&pgtable_lock, flags);
    }
    split_at(table, start);
    split_at(table, end);
    spin_unlock(&pgtable_lock, flags);
    return 0;
}

static bool table_empty(const pte_t *entries, unsigned level)
{
    for (unsigned i = 0; i < level_entries(level); i++) {
        if (entries[i] != PTE_NONE)
            return false;
    }
    return true;
}

static void change_leaf(struct change *change, pte_t *slot, unsigned level)
{
    if (change->unmap) {
        pte_write(slot, PTE_NONE);
        change->table->leaves[level]--;
    } else {
        pte_write(slot, pte_leaf(pte_phys(*slot, level), change->prot, level));
    }
}

static void change_table(struct change *change, pte_t *entries, unsigned level, uintptr_t base);

static void change_entry(struct change *change, pte_t *slot, unsigned level, uintptr_t base)
{
    uint64_t below;

    if (!pte_present(*slot)) {
        ASSERT(change->unmap);
        return;
    }
    if (pte_is_leaf(*slot, level)) {
        ASSERT(base >= change->start && base + level_size(level) - 1 < change->end);
        change_leaf(change, slot, level);
        return;
    }
    below = pte_phys(*slot, level);
    change_table(change, phys_to_virt(below), level - 1, base);
    if (change->unmap && !change->keep_tables && table_empty(phys_to_virt(below), level - 1)) {
        pte_write(slot, PTE_NONE);
        change->table->tables -= order_pages(change->table->cache.order);
        pgtable_chain_add(&change->chain, below);
    }
}

/* `entries` maps from `base` on. Recursion is as deep as there are levels. */
static void change_table(struct change *change, pte_t *entries, unsigned level, uintptr_t base)
{
    uint64_t size = level_size(level);
    uint64_t first = change->start > base ? (change->start - base) / size : 0;

    for (uint64_t i = first; i < level_entries(level); i++) {
        if (base + i * size >= change->end)
            break;
        change_entry(change, &entries[i], level, base + i * size);
    }
}

/* The whole range, one entry of the root's second level at a time under the lock. */
static void change_range(struct change *change)
{
    unsigned top = arch_pgtable_nr_levels - 1;
    uint64_t step = level_size(top - 1);
    uintptr_t end = change->end, last = end - 1;
    uintptr_t at = change->start;

    for (;;) {
        uintptr_t piece_last = MIN(last, at | (step - 1));
        irqflags_t flags = spin_lock(&pgtable_lock);

        change->start = at;
        change->end = piece_last + 1;
        change_table(change, phys_to_virt(change->table->root), top,
                     ALIGN_DOWN(at, level_size(top) << arch_pgtable_levels[top].index_bits));
        spin_unlock(&pgtable_lock, flags);
        if (piece_last == last)
            break;
        at = piece_last + 1;
    }
}

static int change(struct change *request)
{
    const uintptr_t start = request->start, end = request->end;

    ASSERT(IS_ALIGNED(start | end, PAGE_SIZE) && end >= start);
    if (start == end)
        return 0;
    if (pgtable_split(request->table, start, end))
        return -ENOMEM;
    change_range(request);
    tlb_flush_all_cpus(start, end);
    pgtable_chain_free(request->chain);
    return 0;
}

int pgtable_unmap(struct pgtable *table, uintptr_t va, uint64_t size)
{
    struct change request = {.table = table, .start = va, .end = va + size, .unmap = true};

    return change(&request);
}

int pgtable_unmap_keep_tables(struct pgtable *table, uintptr_t va, uint64_t size)
{
    struct change request = {
        .table = table, .start = va, .end = va + size, .unmap = true, .keep_tables = true};

    return change(&request);
}

int pgtable_protect(struct pgtable *table, uintptr_t va, uint64_t size, unsigned prot)
{
    struct change request = {.table = table, .start = va, .end = va + size, .prot = prot};

    return change(&request);
}
