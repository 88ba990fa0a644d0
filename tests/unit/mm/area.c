/* SPDX-License-Identifier: BSD-2-Clause */
/* See area.h. */
#include "area.h"

uintptr_t area;

static struct timer back_timer;

void area_start(uint64_t memory, uint64_t size)
{
    shim_boot(memory);
    area = space_reserve(size, LARGE_SIZE);
    CHECK(area != 0);
    CHECK_EQ(space_commit(area, size, AREA_PROT), 0);
}

void area_write(uint64_t first, uint64_t end)
{
    for (uint64_t i = first; i < end; i++)
        *area_word(i) = i + 1;
}

void area_check(uint64_t first, uint64_t end)
{
    for (uint64_t i = first; i < end; i++)
        CHECK_EQ(*area_word(i), i + 1);
}

void area_split(uint64_t first)
{
    uintptr_t va = area + first * PAGE_SIZE;

    area_write(first, first + LARGE_PAGES);
    CHECK_EQ(area_block(first)->order, PAGEBLOCK_ORDER);
    CHECK_EQ(space_protect(va, PAGE_SIZE, AREA_PROT), 0);
    CHECK_EQ(area_block(first)->order, 0);
}

static struct pgtable_walk walk_to(uint64_t page)
{
    return pgtable_walk(&kernel_pgtable, area + page * PAGE_SIZE, 0);
}

struct page *area_block(uint64_t page)
{
    irqflags_t flags = spin_lock(&pgtable_lock);
    struct pgtable_walk walk = walk_to(page);
    struct page *block = NULL;

    if (entry_has_block(*walk.slot, walk.level))
        block = phys_to_page(pte_phys(*walk.slot, walk.level));
    spin_unlock(&pgtable_lock, flags);
    return block;
}

void area_put_back(uint64_t page)
{
    irqflags_t flags = spin_lock(&pgtable_lock);
    struct pgtable_walk walk = walk_to(page);
    pte_t pte = *walk.slot;

    CHECK(entry_is_moving(pte));
    entry_set(walk,
              entry_for(pte_phys(pte, walk.level), entry_prot(pte, walk.level), walk.level));
    spin_unlock(&pgtable_lock, flags);
    space_moved();
}

static void on_timer(void *arg)
{
    area_put_back((uint64_t)(uintptr_t)arg);
}

void area_take_away(uint64_t page, uint64_t ns)
{
    irqflags_t flags = spin_lock(&pgtable_lock);
    struct pgtable_walk walk = walk_to(page);
    pte_t pte = *walk.slot;

    CHECK(entry_has_block(pte, walk.level));
    entry_set(walk,
              pte_away(pte_phys(pte, walk.level), entry_prot(pte, walk.level) | SPACE_MOVING));
    spin_unlock(&pgtable_lock, flags);
    tlb_flush_all_cpus(area + page * PAGE_SIZE, area + (page + 1) * PAGE_SIZE);
    if (!ns)
        return;
    timer_init(&back_timer, on_timer, (void *)(uintptr_t)page);
    timer_set(&back_timer, clock_ns() + ns);
}
