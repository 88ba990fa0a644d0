/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Re-forming large pages: where all of a large page's range was touched in small pages, they
 * are copied into a free large page. That saves a page table and most TLB misses, and the
 * small pages stop holding scattered memory.
 *
 * Candidates are noted where they arise. One at a time is tried later, at a bounded rate, and
 * only into memory that the host backs anyway; without candidates nothing runs.
 */
#include "space.h"
#include <neap/errors.h>
#include <neap/thread.h>
#include <neap/timer.h>
#include <neap/work.h>
#include <string.h>

#define CANDIDATES_MAX 64
#define INTERVAL_NS    (100 * NS_PER_MS)
#define RETRY_NS       NS_PER_S
#define MISSES_MAX     60

static struct {
    struct spinlock lock;
    uintptr_t ring[CANDIDATES_MAX]; /* under lock, as the rest */
    unsigned first, count;
    unsigned misses; /* in a row without a free large page */
    bool active;     /* timer or work is under way */
    struct timer timer;
    struct work work;
} later = {.lock = SPINLOCK_INIT("re-forming", LOCK_RANK_SPACE)};

/* The small pages at the entry are of one protection, all there and free to go. */
static int eligible(struct pgtable_walk walk)
{
    const pte_t *entries;
    unsigned prot;

    if (!large_pages() || walk.level != LARGE_LEVEL ||
        !entry_is_table(*walk.slot, LARGE_LEVEL) || space_counts.changing > 0)
        return -EAGAIN;
    entries = phys_to_virt(pte_phys(*walk.slot, LARGE_LEVEL));
    prot = pte_present(entries[0]) ? entry_prot(entries[0], 0) : 0;
    for (uint64_t i = 0; i < LARGE_PAGES; i++) {
        if (!pte_present(entries[i]) || entry_prot(entries[i], 0) != prot)
            return -EAGAIN;
        if (block_pinned(phys_to_page(pte_phys(entries[i], 0)), 1))
            return -EBUSY;
    }
    return 0;
}

static void take_out(pte_t *entries)
{
    for (uint64_t i = 0; i < LARGE_PAGES; i++) {
        struct pgtable_walk walk = {&entries[i], 0};

        entry_set(walk,
                  pte_away(pte_phys(entries[i], 0), entry_prot(entries[i], 0) | SPACE_MOVING));
    }
}

static void copy(const pte_t *entries, struct page *target)
{
    for (uint64_t i = 0; i < LARGE_PAGES; i++)
        memcpy(page_to_virt(target + i), phys_to_virt(pte_phys(entries[i], 0)), PAGE_SIZE);
}

/* The large page takes the table's place. Under pgtable_lock. */
static void put_back(struct pgtable_walk walk, const pte_t *entries, struct page *target,
                     uintptr_t va)
{
    target->owner = va;
    pte_write(walk.slot,
              entry_for(page_to_phys(target), entry_prot(entries[0], 0), LARGE_LEVEL));
    kernel_pgtable.leaves[LARGE_LEVEL]++;
    kernel_pgtable.tables -= order_pages(kernel_pgtable.cache.order);
    space_counts.huge += LARGE_PAGES;
    space_counts.reformed++;
}

static int reform_into(struct page *target, uintptr_t va)
{
    struct pgtable_walk walk;
    uint64_t chain = 0, table;
    irqflags_t flags;
    pte_t *entries;
    int error;

    preempt_disable();
    flags = spin_lock(&pgtable_lock);
    walk = pgtable_walk(&kernel_pgtable, va, LARGE_LEVEL);
    error = eligible(walk);
    if (error) {
        spin_unlock(&pgtable_lock, flags);
        preempt_enable();
        return error;
    }
    table = pte_phys(*walk.slot, LARGE_LEVEL);
    entries = phys_to_virt(table);
    take_out(entries);
    spin_unlock(&pgtable_lock, flags);

    tlb_flush_all_cpus(va, va + LARGE_SIZE);
    copy(entries, target);

    flags = spin_lock(&pgtable_lock);
    put_back(walk, entries, target, va);
    spin_unlock(&pgtable_lock, flags);
    space_moved();
    preempt_enable();

    /* The table itself may still be known to a CPU or to a walk without the lock. */
    tlb_flush_all_cpus(va, va + LARGE_SIZE);
    for (uint64_t i = 0; i < LARGE_PAGES; i++)
        free_pages(phys_to_page(pte_phys(entries[i], 0)), 0);
    pgtable_chain_add(&chain, table);
    pgtable_chain_free(chain);
    return 0;
}

static bool warm_large_page_free(void)
{
    return READ_ONCE(buddy.blocks[WARM][PAGEBLOCK_ORDER]) ||
           READ_ONCE(buddy.blocks[WARM][MAX_ORDER]);
}

int space_reform(uintptr_t va)
{
    struct page *target;
    irqflags_t flags;
    int error;

    va = ALIGN_DOWN(va, LARGE_SIZE);
    flags = spin_lock(&pgtable_lock);
    error = eligible(pgtable_walk(&kernel_pgtable, va, LARGE_LEVEL));
    spin_unlock(&pgtable_lock, flags);
    if (error)
        return error;
    target = warm_large_page_free() ? alloc_pages(PAGEBLOCK_ORDER, PAGE_MOVABLE,
                                                  ALLOC_ATOMIC | ALLOC_OPTIONAL | ALLOC_SPARE)
                                    : NULL;
    if (!target)
        return -ENOMEM;
    error = reform_into(target, va);
    if (error)
        free_pages(target, PAGEBLOCK_ORDER);
    return error;
}

/* --- later --- */

static void on_timer(void *arg UNUSED)
{
    (void)work_queue(&system_work, &later.work);
}

/* Under the lock. */
static void push(uintptr_t va)
{
    for (unsigned i = 0; i < later.count; i++) {
        if (later.ring[(later.first + i) % CANDIDATES_MAX] == va)
            return;
    }
    if (later.count < CANDIDATES_MAX)
        later.ring[(later.first + later.count++) % CANDIDATES_MAX] = va;
}

static void on_work(struct work *work UNUSED)
{
    irqflags_t flags = spin_lock(&later.lock);
    uintptr_t va = later.ring[later.first];
    int error;

    later.first = (later.first + 1) % CANDIDATES_MAX;
    later.count--;
    spin_unlock(&later.lock, flags);
    error = space_reform(va);
    flags = spin_lock(&later.lock);
    later.misses = error == -ENOMEM ? later.misses + 1 : 0;
    /* Memory that stays short for long is no time for large pages. */
    if (later.misses > MISSES_MAX)
        later.count = 0;
    else if (error == -ENOMEM)
        push(va);
    later.active = later.count > 0;
    if (later.active)
        timer_set(&later.timer, clock_ns() + (later.misses ? RETRY_NS : INTERVAL_NS));
    spin_unlock(&later.lock, flags);
}

void space_reform_later(uintptr_t va)
{
    irqflags_t flags = spin_lock(&later.lock);

    push(ALIGN_DOWN(va, LARGE_SIZE));
    if (!later.active && later.count > 0) {
        later.active = true;
        later.misses = 0;
        work_init(&later.work, on_work);
        timer_init(&later.timer, on_timer, NULL);
        timer_set(&later.timer, clock_ns() + INTERVAL_NS);
    }
    spin_unlock(&later.lock, flags);
}
