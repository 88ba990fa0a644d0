/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Moving pages: out of reach, flush, copy, back at the new place. Who touches the page
 * meanwhile waits for no more than that: the mover has all it needs before it begins, does not
 * sleep and is not preempted.
 *
 * A flush interrupts every CPU and costs more than the copy of a single page, so single pages
 * share one. They are as many as are copied faster than one large page.
 */
#include "space.h"
#include <neap/errors.h>
#include <neap/panic.h>
#include <neap/thread.h>
#include <string.h>

/* One block on its way. */
struct move {
    struct page *from;
    struct page *to;
    uintptr_t va;
    pte_t *slot; /* while it is away */
    unsigned prot;
    int error; /* why it stays */
};

struct batch {
    struct move *moves;
    unsigned nr;
    unsigned level; /* of all its blocks */
};

/* The entry that maps the block at `va`; 0 or the reason why not. Under pgtable_lock. */
static int find(const struct page *block, uintptr_t va, unsigned level,
                struct pgtable_walk *walk)
{
    if (!space_contains(va))
        return -EAGAIN;
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

    if (pgtable_lock_with_tables(&kernel_pgtable, 1, ALLOC_DEFAULT, &flags))
        return -ENOMEM;
    error = find(block, va, LARGE_LEVEL, &walk);
    if (!error)
        entry_split(walk, va);
    spin_unlock(&pgtable_lock, flags);
    if (!error)
        space_reform_later(va);
    return error ? error : -EAGAIN;
}

/* Put out of reach what can go. Returns how many blocks did. */
static unsigned take_away(struct batch *batch)
{
    irqflags_t flags = spin_lock(&pgtable_lock);
    unsigned away = 0;

    for (unsigned i = 0; i < batch->nr; i++) {
        struct move *move = &batch->moves[i];
        struct pgtable_walk walk;

        move->error = find(move->from, move->va, batch->level, &walk);
        if (move->error)
            continue;
        move->slot = walk.slot;
        move->prot = entry_prot(*walk.slot, batch->level);
        entry_set(walk, pte_away(page_to_phys(move->from), move->prot | SPACE_MOVING));
        away++;
    }
    spin_unlock(&pgtable_lock, flags);
    return away;
}

static void flush_here(void *arg)
{
    const struct batch *batch = arg;

    for (unsigned i = 0; i < batch->nr; i++) {
        const struct move *move = &batch->moves[i];

        if (!move->error)
            arch_tlb_flush_local(move->va, move->va + level_size(batch->level));
    }
}

static void copy(const struct batch *batch)
{
    for (unsigned i = 0; i < batch->nr; i++) {
        const struct move *move = &batch->moves[i];

        if (!move->error)
            memcpy(page_to_virt(move->to), page_to_virt(move->from), level_size(batch->level));
    }
}

/* Nobody has touched an entry that moves, nor the tables above it. */
static void put_back(const struct batch *batch)
{
    irqflags_t flags = spin_lock(&pgtable_lock);

    for (unsigned i = 0; i < batch->nr; i++) {
        const struct move *move = &batch->moves[i];
        const struct pgtable_walk walk = {move->slot, batch->level};

        if (move->error)
            continue;
        move->to->owner = move->va;
        entry_set(walk, entry_for(page_to_phys(move->to), move->prot, batch->level));
        space_counts.moved += level_size(batch->level) >> PAGE_SHIFT;
    }
    spin_unlock(&pgtable_lock, flags);
    space_moved();
}

/*
 * Move what can go, and free its old place; the targets of the others are freed. Returns how
 * many blocks went.
 */
static unsigned move_all(struct batch *batch)
{
    unsigned away;

    preempt_disable();
    away = take_away(batch);
    if (away) {
        flush_here(batch);
        smp_call_others(flush_here, batch);
        copy(batch);
        put_back(batch);
    }
    preempt_enable();
    for (unsigned i = 0; i < batch->nr; i++) {
        const struct move *move = &batch->moves[i];

        free_pages(move->error ? move->to : move->from,
                   batch->level == LARGE_LEVEL ? PAGEBLOCK_ORDER : 0);
    }
    return away;
}

static int move_one(struct page *block, struct page *target, uintptr_t va, unsigned level)
{
    struct move move = {.from = block, .to = target, .va = va};

    (void)move_all(&(struct batch){&move, 1, level});
    return move.error;
}

static struct page *new_place(unsigned order)
{
    return alloc_pages(order, PAGE_MOVABLE, ALLOC_NO_RECLAIM | ALLOC_OPTIONAL);
}

static void add_page(struct batch *batch, struct page *page, struct page *place)
{
    batch->moves[batch->nr++] =
        (struct move){.from = page, .to = place, .va = READ_ONCE(page->owner)};
}

int space_evacuate_pages(struct page *const *pages, unsigned nr)
{
    struct move moves[SPACE_BATCH_MAX];
    struct batch batch = {.moves = moves};

    ASSERT(nr > 0 && nr <= SPACE_BATCH_MAX);
    while (batch.nr < nr) {
        struct page *place = new_place(0);

        if (!place)
            break;
        add_page(&batch, pages[batch.nr], place);
    }
    if (batch.nr == 0)
        return -ENOMEM;
    (void)move_all(&batch);
    return moves[0].error;
}

unsigned space_move_pages(struct page *const *pages, struct page *const *places, unsigned nr)
{
    struct move moves[SPACE_BATCH_MAX];
    struct batch batch = {.moves = moves};

    ASSERT(nr > 0 && nr <= SPACE_BATCH_MAX);
    while (batch.nr < nr)
        add_page(&batch, pages[batch.nr], places[batch.nr]);
    return move_all(&batch);
}

int space_evacuate(struct page *block)
{
    uintptr_t va = READ_ONCE(block->owner);
    unsigned order = READ_ONCE(block->order);
    struct page *target;

    if (!space_contains(va) || (order != 0 && order != PAGEBLOCK_ORDER))
        return -EAGAIN;
    if (order == 0)
        return space_evacuate_pages(&block, 1);
    target = new_place(order);
    return target ? move_one(block, target, va, LARGE_LEVEL) : split(block, va);
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
    target = alloc_pages(0, PAGE_KERNEL, ALLOC_PROMISED);
    if (!target)
        return -ENOMEM;
    target->flags |= PAGE_HELD_MOVABLE;
    account_pages(PAGE_KERNEL, -1);
    account_pages(PAGE_MOVABLE, 1);
    error = move_one(block, target, va, 0);
    return error ? error : -EAGAIN;
}
