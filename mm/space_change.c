/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking memory out of ranges of the address space and changing their protection.
 *
 * Only making entries begin at both ends needs memory, and that comes first: an operation that
 * has begun cannot fail. Until it ends, entries only become smaller.
 */
#include "space.h"
#include <neap/errors.h>

enum change_kind {
    CHANGE_DECOMMIT,
    CHANGE_DISCARD,
    CHANGE_PROTECT,
};

struct change {
    enum change_kind kind;
    unsigned prot; /* CHANGE_PROTECT */
    bool flush;
    bool pinned;         /* something stayed */
    struct page *blocks; /* taken out, chained through their owner's word */
    uint64_t tables;
};

/* Make entries begin at both ends; with pgtable_lock held on success. */
static int split_ends(uintptr_t start, uintptr_t end, unsigned alloc_flags, irqflags_t *flags)
{
    unsigned needed = 0;

    for (;;) {
        uintptr_t busy = 0;

        if (pgtable_lock_with_tables(&kernel_pgtable, needed, alloc_flags, flags))
            return -ENOMEM;
        needed = 0;
        if (!entry_splits_needed(start, false, &needed))
            busy = start;
        else if (!entry_splits_needed(end, false, &needed))
            busy = end;
        if (!busy && kernel_pgtable.cache.count >= needed)
            break;
        spin_unlock(&pgtable_lock, *flags);
        if (busy)
            space_wait_move(busy, true);
    }
    entry_split_at(start, false);
    entry_split_at(end, false);
    return 0;
}

static int begin(const struct change *change, uintptr_t start, uintptr_t end)
{
    /* What is given back is more than the tables that it takes. */
    unsigned alloc_flags = change->kind == CHANGE_DECOMMIT ? ALLOC_PROMISED : ALLOC_DEFAULT;
    irqflags_t flags;

    if (split_ends(start, end, alloc_flags, &flags))
        return -ENOMEM;
    space_counts.changing++;
    spin_unlock(&pgtable_lock, flags);
    return 0;
}

static void end_change(void)
{
    irqflags_t flags = spin_lock(&pgtable_lock);

    space_counts.changing--;
    spin_unlock(&pgtable_lock, flags);
}

static void take_block(struct change *change, pte_t pte, unsigned level)
{
    struct page *block = phys_to_page(pte_phys(pte, level));

    block->owner = (uintptr_t)change->blocks;
    change->blocks = block;
}

static bool change_entry(struct pgtable_walk walk, uintptr_t from, uintptr_t to, void *arg)
{
    struct change *change = arg;
    pte_t pte = *walk.slot, value;
    bool block = entry_has_block(pte, walk.level);
    int64_t pages = (int64_t)(level_size(walk.level) >> PAGE_SHIFT);

    if (pte == PTE_NONE)
        return true;
    if (entry_is_moving(pte) || to - from != level_size(walk.level))
        return false;
    /* The device still reads or writes it; pins come under this lock only. */
    if (change->kind != CHANGE_PROTECT && block &&
        block_pinned(phys_to_page(pte_phys(pte, walk.level)), (uint64_t)pages)) {
        change->pinned = true;
        return true;
    }
    if (change->kind == CHANGE_PROTECT)
        value = block ? entry_for(pte_phys(pte, walk.level), change->prot, walk.level)
                      : pte_waiting(change->prot);
    else if (change->kind == CHANGE_DISCARD)
        value = pte_waiting(entry_prot(pte, walk.level));
    else
        value = PTE_NONE;
    if (change->kind == CHANGE_DECOMMIT && !block)
        space_promise_adjust(-pages);
    if (change->kind == CHANGE_DISCARD && block)
        space_promise_adjust(pages);
    if (change->kind != CHANGE_PROTECT && block)
        take_block(change, pte, walk.level);
    change->flush |= pte_present(pte);
    entry_set(walk, value);
    return true;
}

static int change_range(struct change *change, uintptr_t start, uintptr_t end)
{
    for (uintptr_t at = start, next; at < end; at = next) {
        irqflags_t flags = spin_lock(&pgtable_lock);
        unsigned level = pgtable_walk(&kernel_pgtable, at, 0).level;

        next = entry_run(at, end, change_entry, change);
        entry_join(at, level, &change->tables);
        spin_unlock(&pgtable_lock, flags);
        if (next > at)
            continue;
        /* A page that is being moved, or another thread commits the same addresses. */
        space_wait_move(at, true);
        if (split_ends(at, end, ALLOC_DEFAULT, &flags))
            return -ENOMEM;
        spin_unlock(&pgtable_lock, flags);
    }
    return 0;
}

static void free_blocks(struct page *block)
{
    while (block) {
        struct page *next = (struct page *)(uintptr_t)block->owner;

        free_pages(block, block->order);
        block = next;
    }
}

static int apply(struct change *change, uintptr_t va, uint64_t size)
{
    int error;

    if (!space_reserved(va, size))
        return -EINVAL;
    if (begin(change, va, va + size))
        return -ENOMEM;
    error = change_range(change, va, va + size);
    end_change();
    if (change->flush || change->tables)
        tlb_flush_all_cpus(va, va + size);
    free_blocks(change->blocks);
    pgtable_chain_free(change->tables);
    return error == 0 && change->pinned ? -EBUSY : error;
}

int space_decommit(uintptr_t va, uint64_t size)
{
    struct change change = {.kind = CHANGE_DECOMMIT};

    return apply(&change, va, size);
}

int space_discard(uintptr_t va, uint64_t size)
{
    struct change change = {.kind = CHANGE_DISCARD};

    return apply(&change, va, size);
}

static bool is_committed(struct pgtable_walk walk, uintptr_t from UNUSED, uintptr_t to UNUSED,
                         void *arg UNUSED)
{
    return *walk.slot != PTE_NONE;
}

static bool all_committed(uintptr_t va, uintptr_t end)
{
    while (va < end) {
        irqflags_t flags = spin_lock(&pgtable_lock);
        uintptr_t next = entry_run(va, end, is_committed, NULL);

        spin_unlock(&pgtable_lock, flags);
        if (next == va)
            return false;
        va = next;
    }
    return true;
}

int space_protect(uintptr_t va, uint64_t size, unsigned prot)
{
    struct change change = {.kind = CHANGE_PROTECT, .prot = prot};

    if ((prot & SPACE_WRITE) && (prot & SPACE_EXEC))
        return -EACCES;
    change.prot |= prot != SPACE_NONE ? SPACE_READ : 0;
    if (!space_reserved(va, size) || !all_committed(va, va + size))
        return -EINVAL;
    return apply(&change, va, size);
}
