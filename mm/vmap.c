/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernel virtual areas. A stack's slot is twice its size: the lower half is never mapped, so an
 * overflow faults whatever its stride.
 */
#include "internal.h"
#include <arch/thread.h>
#include <neap/errors.h>
#include <neap/panic.h>
#include <neap/vmap.h>

#define STACK_PAGES (THREAD_STACK_SIZE / PAGE_SIZE)
#define SLOT_SIZE   (2 * (uintptr_t)THREAD_STACK_SIZE)
#define SLOTS_MAX   8192

static struct {
    struct spinlock lock;
    uint64_t used[SLOTS_MAX / 64];
} stacks = {.lock = SPINLOCK_INIT("stack slots", LOCK_RANK_KMALLOC)};

static unsigned stack_order(void)
{
    return (unsigned)__builtin_ctzll(STACK_PAGES);
}

static int take_slot(void)
{
    irqflags_t flags = spin_lock(&stacks.lock);
    int slot = -1;

    for (unsigned i = 0; i < ARRAY_SIZE(stacks.used) && slot < 0; i++) {
        if (~stacks.used[i]) {
            unsigned bit = (unsigned)__builtin_ctzll(~stacks.used[i]);

            stacks.used[i] |= UINT64_C(1) << bit;
            slot = (int)(i * 64 + bit);
        }
    }
    spin_unlock(&stacks.lock, flags);
    return slot;
}

static void put_slot(unsigned slot)
{
    irqflags_t flags = spin_lock(&stacks.lock);

    stacks.used[slot / 64] &= ~(UINT64_C(1) << slot % 64);
    spin_unlock(&stacks.lock, flags);
}

static uintptr_t slot_stack(unsigned slot)
{
    return VMAP_BASE + slot * SLOT_SIZE + THREAD_STACK_SIZE;
}

void *stack_alloc(void)
{
    struct page *page;
    int slot = take_slot();

    if (slot < 0)
        return NULL;
    page = alloc_pages(stack_order(), PAGE_KERNEL, ALLOC_DEFAULT);
    if (page && pgtable_map(&kernel_pgtable, slot_stack((unsigned)slot), page_to_phys(page),
                            THREAD_STACK_SIZE, PROT_KERNEL_RW) == 0)
        return (void *)slot_stack((unsigned)slot);
    if (page)
        free_pages(page, stack_order());
    put_slot((unsigned)slot);
    return NULL;
}

void stack_free(void *stack)
{
    uintptr_t va = (uintptr_t)stack;
    uint64_t phys;

    ASSERT((va - VMAP_BASE) % SLOT_SIZE == THREAD_STACK_SIZE);
    ASSERT(pgtable_lookup(&kernel_pgtable, va, &phys, NULL, NULL));
    /* Mapped as a whole, unmapped as a whole: there is nothing to split. */
    ASSERT(pgtable_unmap(&kernel_pgtable, va, THREAD_STACK_SIZE) == 0);
    free_pages(phys_to_page(phys), stack_order());
    put_slot((unsigned)((va - VMAP_BASE) / SLOT_SIZE));
}

void *stack_guard_hit(uintptr_t address)
{
    uintptr_t slot = (address - VMAP_BASE) / SLOT_SIZE;

    if (address < VMAP_BASE || slot >= SLOTS_MAX ||
        (address - VMAP_BASE) % SLOT_SIZE >= THREAD_STACK_SIZE ||
        !(READ_ONCE(stacks.used[slot / 64]) >> slot % 64 & 1))
        return NULL;
    return (void *)slot_stack((unsigned)slot);
}

volatile void *mmio_map(uint64_t phys, uint64_t size)
{
    uint64_t start = ALIGN_DOWN(phys, PAGE_SIZE), end = ALIGN_UP(phys + size, PAGE_SIZE);

    if (size == 0 || end <= start ||
        pgtable_map_missing(&kernel_pgtable, MMIO_BASE + start, start, end - start,
                            PROT_KERNEL_RW | PROT_DEVICE))
        return NULL;
    return (volatile void *)(MMIO_BASE + phys);
}
