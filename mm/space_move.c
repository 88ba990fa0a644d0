/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving pages: out of reach, flush, copy, back at the new place. Who touches the page
 * meanwhile waits for no more than that: the mover has all it needs before it begins, does not
 * sleep and is not preempted.
 */
#include "space.h"
#include <neap/errors.h>
#include <neap/panic.h>
#include <neap/thread.h>
#include <string.h>

/* The entry that maps the block at `va`; 0 or the reason why not. Under pgtable_lock. */
static int find(const struct page *block, uintptr_t va, unsigned level,
                struct pgtable_walk *walk)
{
    *walk = pgtable_walk(&kernel_pgtable, va, 0);
    if (walk->level != level || !entry_has_block(*walk->slot, level) ||
        pte_phys(*walk->slot, level) != page_to_phys(block) || entry_is_moving(*walk->slot))
        return -EAGAIN;
    return block_pinned(block, level_size(level) >> PAGE_SHIFT) ? -EBUSY : 0;
}

/* No whole large page is free elsewhere: the pages go one by one. */
static int split(const struct page *block, uintptr_t va)
{
    struct pgtable_walk walk;
    irqflags_t flags;
    int error;

    if (pgtable_lock_with_tables(&kernel_pgtable, 1, &flags))
        return -ENOMEM;
    error = find(block, va, LARGE_LEVEL, &walk);
    if (!error)
        entry_split(walk, va);
    spin_unlock(&pgtable_lock, flags);
    if (!error)
        space_reform_later(va);
    return error ? error : -EAGAIN;
}

static int move(struct page *block, uintptr_t va, unsigned level, struct page *target)
{
    uint64_t size = level_size(level);
    struct pgtable_walk walk;
    irqflags_t flags;
    unsigned prot;
    int error;

    preempt_disable();
    flags = spin_lock(&pgtable_lock);
    error = find(block, va, level, &walk);
    if (error) {
        spin_unlock(&pgtable_lock, flags);
        preempt_enable();
        return error;
    }
    prot = entry_prot(*walk.slot, level);
    entry_set(walk, pte_away(page_to_phys(block), prot | SPACE_MOVING));
    spin_unlock(&pgtable_lock, flags);

    tlb_flush_all_cpus(va, va + size);
    memcpy(page_to_virt(target), page_to_virt(block), size);

    /* Nobody touches an entry that moves, nor the tables above it. */
    flags = spin_lock(&pgtable_lock);
    target->owner = va;
    entry_set(walk, entry_for(page_to_phys(target), prot, level));
    space_counts.moved += size >> PAGE_SHIFT;
    spin_unlock(&pgtable_lock, flags);
    space_moved();
    preempt_enable();
    return 0;
}

int space_evacuate(struct page *block)
{
    uintptr_t va = READ_ONCE(block->owner);
    unsigned order = READ_ONCE(block->order), level = order ? LARGE_LEVEL : 0;
    struct page *target;
    int error;

    if (!space_contains(va) || (order != 0 && order != PAGEBLOCK_ORDER))
        return -EAGAIN;
    target = alloc_pages(order, PAGE_MOVABLE, ALLOC_NO_RECLAIM | ALLOC_OPTIONAL);
    if (!target)
        return order ? split(block, va) : -ENOMEM;
    error = move(block, va, level, target);
    free_pages(error ? target : block, order);
    return error;
}

/*
 * Page by page: boot memory is short, and few pages of a large one are pinned. The page stays
 * movable where it goes.
 */
int space_leave_elastic(struct page *block)
{
    uintptr_t va = READ_ONCE(block->owner);
    struct page *target;
    int error;

    if (!space_contains(va))
        return -EAGAIN;
    if (READ_ONCE(block->order))
        return split(block, va);
    target = alloc_pages(0, PAGE_KERNEL, ALLOC_DEFAULT);
    if (!target)
        return -ENOMEM;
    target->flags |= PAGE_HELD_MOVABLE;
    account_pages(PAGE_KERNEL, -1);
    account_pages(PAGE_MOVABLE, 1);
    error = move(block, va, 0, target);
    free_pages(error ? target : block, 0);
    return error ? error : -EAGAIN;
}
