/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page tables: walking, looking up, flushing, and the tables themselves.
 */
#include "internal.h"
#include <neap/errors.h>
#include <neap/panic.h>
#include <neap/thread.h>

struct pgtable kernel_pgtable;
struct spinlock pgtable_lock = SPINLOCK_INIT("page tables", LOCK_RANK_PGTABLE);

unsigned pgtable_table_order(void)
{
    unsigned order = 0;

    for (unsigned i = 0; i < arch_pgtable_nr_levels; i++)
        order = MAX(order, (unsigned)arch_pgtable_levels[i].table_order);
    return order;
}

static pte_t *slot_of(uint64_t table_phys, uintptr_t va, unsigned level)
{
    uint64_t index = (va >> arch_pgtable_levels[level].shift) & (level_entries(level) - 1);

    return (pte_t *)phys_to_virt(table_phys) + index;
}

struct pgtable_walk pgtable_walk(struct pgtable *table, uintptr_t va, unsigned level)
{
    struct pgtable_walk walk = {.level = arch_pgtable_nr_levels - 1};

    walk.slot = slot_of(table->root, va, walk.level);
    while (walk.level > level) {
        pte_t pte = READ_ONCE(*walk.slot);

        if (!pte_present(pte) || pte_is_leaf(pte, walk.level))
            break;
        walk.slot = slot_of(pte_phys(pte, walk.level), va, walk.level - 1);
        walk.level--;
    }
    return walk;
}

/*
 * Without the lock: tables are freed only after every CPU has answered a TLB flush, which this
 * one cannot while its interrupts are off.
 */
bool pgtable_lookup(struct pgtable *table, uintptr_t va, uint64_t *phys, unsigned *level,
                    unsigned *prot)
{
    irqflags_t flags = arch_irq_save();
    struct pgtable_walk walk = pgtable_walk(table, va, 0);
    pte_t pte = READ_ONCE(*walk.slot);

    arch_irq_restore(flags);
    if (!pte_present(pte))
        return false;
    if (phys)
        *phys = pte_phys(pte, walk.level) + (va & (level_size(walk.level) - 1));
    if (level)
        *level = walk.level;
    if (prot)
        *prot = pte_prot(pte, walk.level);
    return true;
}

uint64_t pgtable_take_empty(struct memcache *cache, unsigned level)
{
    uint64_t phys = memcache_take(cache);
    pte_t *entries = phys_to_virt(phys);

    for (unsigned i = 0; i < level_entries(level); i++)
        entries[i] = PTE_NONE;
    return phys;
}

static int add_table(struct pgtable *table, unsigned alloc_flags)
{
    struct page *page = alloc_pages(table->cache.order, PAGE_KERNEL, alloc_flags);
    irqflags_t flags;

    if (!page)
        return -ENOMEM;
    flags = spin_lock(&pgtable_lock);
    memcache_put(&table->cache, page_to_phys(page));
    spin_unlock(&pgtable_lock, flags);
    return 0;
}

int pgtable_lock_with_tables(struct pgtable *table, unsigned minimum, unsigned alloc_flags,
                             irqflags_t *flags)
{
    for (;;) {
        *flags = spin_lock(&pgtable_lock);
        if (table->cache.count >= minimum)
            return 0;
        spin_unlock(&pgtable_lock, *flags);
        if (add_table(table, alloc_flags))
            return -ENOMEM;
    }
}

void pgtable_drain_cache(struct pgtable *table)
{
    for (;;) {
        irqflags_t flags = spin_lock(&pgtable_lock);
        uint64_t phys = table->cache.count ? memcache_take(&table->cache) : 0;

        spin_unlock(&pgtable_lock, flags);
        if (!phys)
            break;
        free_pages(phys_to_page(phys), table->cache.order);
    }
}

void pgtable_replace_leaf(struct pgtable *table, uintptr_t va, uint64_t phys, unsigned prot)
{
    struct pgtable_walk walk = pgtable_walk(table, va, 0);

    ASSERT(walk.level == 0 && pte_present(*walk.slot));
    pte_write(walk.slot, pte_leaf(phys, prot, 0));
}

/* The link is in the frame, not in the table: the walker of another CPU may still read that. */
void pgtable_chain_add(uint64_t *chain, uint64_t table_phys)
{
    phys_to_page(table_phys)->owner = *chain;
    *chain = table_phys;
}

void pgtable_chain_free(uint64_t chain)
{
    while (chain) {
        struct page *page = phys_to_page(chain);

        chain = page->owner;
        free_pages(page, page->order);
    }
}

struct flush_range {
    uintptr_t start;
    uintptr_t end;
};

static void flush_here(void *arg)
{
    const struct flush_range *range = arg;

    arch_tlb_flush_local(range->start, range->end);
}

void tlb_flush_all_cpus(uintptr_t start, uintptr_t end)
{
    struct flush_range range = {start, end};

    preempt_disable();
    flush_here(&range);
    smp_call_others(flush_here, &range);
    preempt_enable();
}
