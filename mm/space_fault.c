/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Faults: filling in pages at their first touch, waiting for pages that are being moved.
 */
#include "space.h"
#include <neap/panic.h>
#include <neap/thread.h>
#include <neap/timer.h>
#include <neap/wait.h>

static struct waitqueue moves = WAITQUEUE_INIT(moves, "page move");
static uint64_t waits, wait_max; /* changed atomically */

/* Without the lock, as pgtable_lookup(). */
static struct pgtable_walk look(uintptr_t va, pte_t *pte)
{
    irqflags_t flags = arch_irq_save();
    struct pgtable_walk walk = pgtable_walk(&kernel_pgtable, va, 0);

    *pte = READ_ONCE(*walk.slot);
    arch_irq_restore(flags);
    return walk;
}

static bool move_over(void *arg)
{
    pte_t pte;

    (void)look(*(uintptr_t *)arg, &pte);
    return !entry_is_moving(pte);
}

/* The mover cannot be preempted, but it may wait for this CPU to flush. */
static void spin_until_moved(uintptr_t va)
{
    while (!move_over(&va)) {
        arch_cpu_relax();
        smp_call_ipi();
    }
}

static void note_wait(uint64_t ns)
{
    uint64_t longest = space_wait_max();

    while (ns > longest && !__atomic_compare_exchange_n(&wait_max, &longest, ns, false,
                                                        __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        ;
}

void space_wait_move(uintptr_t va, bool may_sleep)
{
    uint64_t begin;

    if (move_over(&va))
        return;
    __atomic_add_fetch(&waits, 1, __ATOMIC_RELAXED);
    begin = clock_ns();
    if (may_sleep)
        (void)wait_until(&moves, move_over, &va, WAIT_FOREVER);
    else
        spin_until_moved(va);
    note_wait(clock_ns() - begin);
}

void space_moved(void)
{
    wake_all(&moves);
}

uint64_t space_waits_count(void)
{
    return __atomic_load_n(&waits, __ATOMIC_RELAXED);
}

uint64_t space_wait_max(void)
{
    return __atomic_load_n(&wait_max, __ATOMIC_RELAXED);
}

/*
 * Put a zeroed block into the entry that waits at `va`, split down to the block's size. False:
 * the entry has changed, or a table is missing. Under pgtable_lock.
 */
static bool install(uintptr_t va, struct page *block, unsigned level)
{
    struct pgtable_walk walk = pgtable_walk(&kernel_pgtable, va, level);
    unsigned prot;

    if (!pte_is_waiting(*walk.slot) || kernel_pgtable.cache.count < walk.level - level)
        return false;
    while (walk.level > level) {
        entry_split(walk, ALIGN_DOWN(va, level_size(walk.level)));
        walk = pgtable_walk(&kernel_pgtable, va, level);
    }
    block->owner = ALIGN_DOWN(va, level_size(level));
    prot = entry_prot(*walk.slot, level);
    entry_set(walk, entry_for(page_to_phys(block), prot, level));
    space_counts.faults++;
    space_promise_adjust(-(int64_t)(level_size(level) >> PAGE_SHIFT));
    return true;
}

/* A large page, if there is one at once. */
static bool fill_large(uintptr_t va, unsigned level)
{
    struct page *block =
        alloc_pages(PAGEBLOCK_ORDER, PAGE_MOVABLE, ALLOC_ZERO | ALLOC_ATOMIC | ALLOC_OPTIONAL);
    irqflags_t flags;
    bool done = false;

    if (!block)
        return false;
    if (!pgtable_lock_with_tables(&kernel_pgtable, level - LARGE_LEVEL, ALLOC_PROMISED,
                                  &flags)) {
        done = install(va, block, LARGE_LEVEL);
        spin_unlock(&pgtable_lock, flags);
    }
    if (!done)
        free_pages(block, PAGEBLOCK_ORDER);
    return done;
}

static void NORETURN no_memory(uintptr_t va, const char *what)
{
    struct memory_stats stats;

    memory_stats_get(&stats);
    panic("no %s for the first touch of %#lx: %llu KiB free, %llu KiB promised%s", what,
          (unsigned long)va, (unsigned long long)stats.free / 1024,
          (unsigned long long)(space_promised_pages() << PAGE_SHIFT) / 1024,
          thread_may_sleep() ? "" : ", and the context may not wait for more");
}

static void fill_small(uintptr_t va, unsigned level)
{
    struct page *page = alloc_pages(0, PAGE_MOVABLE, ALLOC_ZERO | ALLOC_PROMISED);
    irqflags_t flags;
    bool done;

    if (!page)
        no_memory(va, "memory");
    if (pgtable_lock_with_tables(&kernel_pgtable, level, ALLOC_PROMISED, &flags))
        no_memory(va, "page table");
    done = install(va, page, 0);
    spin_unlock(&pgtable_lock, flags);
    if (!done)
        free_pages(page, 0);
    /* Most memory is first touched in rising order. */
    else if (IS_ALIGNED(ALIGN_DOWN(va, PAGE_SIZE) + PAGE_SIZE, LARGE_SIZE))
        space_reform_later(va);
}

bool space_fault(uintptr_t va, unsigned access, bool may_sleep)
{
    for (;;) {
        pte_t pte;
        struct pgtable_walk walk = look(va, &pte);

        if (pte == PTE_NONE || entry_is_table(pte, walk.level) ||
            (entry_prot(pte, walk.level) & access) != access)
            return false;
        if (pte_present(pte)) {
            /* Filled in or back meanwhile; or this CPU remembers what was there before. */
            va = ALIGN_DOWN(va, PAGE_SIZE);
            arch_tlb_flush_local(va, va + PAGE_SIZE);
            return true;
        }
        if (entry_is_moving(pte))
            space_wait_move(va, may_sleep);
        else if (!may_sleep || walk.level < LARGE_LEVEL || !large_pages() ||
                 !fill_large(va, walk.level))
            fill_small(va, walk.level);
    }
}

struct page *space_block_hold(uintptr_t va, unsigned access, uint64_t *size, irqflags_t *flags)
{
    while (space_contains(va) && space_fault(va, access, thread_may_sleep())) {
        struct pgtable_walk walk;

        *flags = spin_lock(&pgtable_lock);
        walk = pgtable_walk(&kernel_pgtable, va, 0);
        if (entry_is_leaf(*walk.slot, walk.level) &&
            (entry_prot(*walk.slot, walk.level) & access) == access) {
            uint64_t offset = va & (level_size(walk.level) - 1);

            *size = level_size(walk.level) - offset;
            return phys_to_page(pte_phys(*walk.slot, walk.level) + offset);
        }
        /* Taken out or moved meanwhile. */
        spin_unlock(&pgtable_lock, *flags);
    }
    return NULL;
}

void space_block_release(irqflags_t flags)
{
    spin_unlock(&pgtable_lock, flags);
}
