/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Per-CPU lists of small blocks. Only the CPU itself touches its lists, with interrupts off, so
 * there is no lock; another CPU drains them through a cross call. Such a call may also arrive
 * while the CPU spins for the buddy's lock: lists are in order at those points.
 */
#include "internal.h"
#include <neap/panic.h>
#include <neap/thread.h>
#include <string.h>

#define POISON_FREE 0x6b

struct cpu_list {
    uint32_t head;
    uint32_t count;
};

struct cpu_cache {
    struct cpu_list lists[PAGE_KINDS][CPU_CACHE_ORDERS];
    int64_t allocated[PAGE_KINDS]; /* pages; the sum over all CPUs is what counts */
    uint64_t allocations;
    uint64_t failures;
} __attribute__((aligned(64)));

static struct cpu_cache caches[MAX_CPUS];

/* Blocks moved at once between a list and the buddy; a list holds twice as many at most. */
static unsigned batch_of(unsigned order)
{
    return 32u >> order;
}

static struct cpu_cache *this_cache(void)
{
    return &caches[cpu_self()->number];
}

static enum page_kind held_kind(const struct page *page)
{
    return page->flags & PAGE_HELD_MOVABLE ? PAGE_MOVABLE : PAGE_KERNEL;
}

static void push(struct cpu_list *list, struct page *page)
{
    page->state = PAGE_CPU_CACHE;
    page->next = list->head;
    list->head = (uint32_t)page_to_pfn(page);
    list->count++;
}

static struct page *pop(struct cpu_list *list)
{
    struct page *page;

    if (!list->head)
        return NULL;
    page = pfn_to_page(list->head);
    list->head = page->next;
    list->count--;
    return page;
}

static void refill(struct cpu_list *list, unsigned order, enum page_kind kind)
{
    irqflags_t flags = spin_lock(&buddy.lock);
    uint64_t blocks = MIN(batch_of(order), memory_allowance(kind, 0) >> order);

    while (blocks-- > 0) {
        struct page *page = buddy_take(order, kind, 0);

        if (!page)
            break;
        push(list, page);
    }
    spin_unlock(&buddy.lock, flags);
}

static void drain(struct cpu_list *list, unsigned order, unsigned count)
{
    irqflags_t flags = spin_lock(&buddy.lock);
    struct page *page;

    while (count-- > 0 && (page = pop(list)))
        buddy_free(page, order, false);
    spin_unlock(&buddy.lock, flags);
}

/*
 * Debug builds fill blocks that wait here and look at them when they leave: a write after free
 * shows. Blocks in the buddy are not filled: reporting throws their contents away, and filling
 * would make the host back memory that is about to be given to it.
 */
static void poison(struct page *page, unsigned order)
{
    if (!DEBUG_BUILD)
        return;
    memset(page_to_virt(page), POISON_FREE, PAGE_SIZE << order);
    page->flags |= PAGE_POISONED;
}

static void check_poison(struct page *page, unsigned order)
{
    const uint64_t *word = page_to_virt(page);
    uint64_t expected;

    if (!DEBUG_BUILD || !(page->flags & PAGE_POISONED))
        return;
    memset(&expected, POISON_FREE, sizeof(expected));
    for (uint64_t i = 0; i < (PAGE_SIZE << order) / sizeof(*word); i++) {
        if (word[i] != expected)
            panic("free page at %p was written to: 0x%llx at offset 0x%llx", page_to_virt(page),
                  (unsigned long long)word[i], (unsigned long long)(i * sizeof(*word)));
    }
}

struct page *cpu_cache_get(unsigned order, enum page_kind kind)
{
    irqflags_t flags = arch_irq_save();
    struct cpu_cache *cache = this_cache();
    struct cpu_list *list = &cache->lists[kind][order];
    struct page *page = pop(list);

    if (!page) {
        refill(list, order, kind);
        page = pop(list);
    }
    if (page) {
        check_poison(page, order);
        page_set_allocated(page, order, kind);
        cache->allocated[kind] += (int64_t)order_pages(order);
        cache->allocations++;
    }
    arch_irq_restore(flags);
    return page;
}

/* Its range is being emptied: it must not come back through a list. */
static void put_past_list(struct page *page, unsigned order)
{
    irqflags_t flags = spin_lock(&buddy.lock);

    buddy_free(page, order, false);
    spin_unlock(&buddy.lock, flags);
}

void cpu_cache_put(struct page *page, unsigned order)
{
    irqflags_t flags = arch_irq_save();
    struct cpu_cache *cache = this_cache();
    enum page_kind kind = held_kind(page);
    struct cpu_list *list = &cache->lists[kind][order];

    cache->allocated[kind] -= (int64_t)order_pages(order);
    if (__builtin_expect(buddy_isolating(page_to_pfn(page), order), 0)) {
        put_past_list(page, order);
        arch_irq_restore(flags);
        return;
    }
    poison(page, order);
    push(list, page);
    if (list->count > 2 * batch_of(order))
        drain(list, order, batch_of(order));
    arch_irq_restore(flags);
}

void cpu_cache_drain_local(void)
{
    irqflags_t flags = arch_irq_save();
    struct cpu_cache *cache = this_cache();

    for (unsigned kind = 0; kind < PAGE_KINDS; kind++) {
        for (unsigned order = 0; order < CPU_CACHE_ORDERS; order++)
            drain(&cache->lists[kind][order], order, UINT32_MAX);
    }
    arch_irq_restore(flags);
}

/*
 * Cross call: hand this CPU's blocks over on a chain that the caller frees. Locks are not
 * allowed here, and the caller's chain is shared by all CPUs.
 */
static void detach_all(void *arg)
{
    uint32_t *chain = arg;
    struct cpu_cache *cache = this_cache();
    struct page *page;

    for (unsigned kind = 0; kind < PAGE_KINDS; kind++) {
        for (unsigned order = 0; order < CPU_CACHE_ORDERS; order++) {
            while ((page = pop(&cache->lists[kind][order]))) {
                uint32_t old = __atomic_load_n(chain, __ATOMIC_RELAXED);

                do {
                    page->next = old;
                } while (!__atomic_compare_exchange_n(chain, &old, (uint32_t)page_to_pfn(page),
                                                      true, __ATOMIC_RELEASE,
                                                      __ATOMIC_RELAXED));
            }
        }
    }
}

void alloc_drain_cpu_caches(void)
{
    uint32_t chain = 0;
    irqflags_t flags;

    preempt_disable(); /* or the CPU drained here is not the one that is left out there */
    cpu_cache_drain_local();
    smp_call_others(detach_all, &chain);
    preempt_enable();
    flags = spin_lock(&buddy.lock);
    while (chain) {
        struct page *page = pfn_to_page(chain);

        chain = page->next;
        buddy_free(page, page->order, false);
    }
    spin_unlock(&buddy.lock, flags);
}

uint64_t cpu_cache_pages_of(enum page_kind kind)
{
    uint64_t pages = 0;

    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        for (unsigned order = 0; order < CPU_CACHE_ORDERS; order++)
            pages += (uint64_t)READ_ONCE(caches[cpu].lists[kind][order].count) << order;
    }
    return pages;
}

uint64_t cpu_cache_pages(void)
{
    return cpu_cache_pages_of(PAGE_KERNEL) + cpu_cache_pages_of(PAGE_MOVABLE);
}

void account_pages(enum page_kind kind, int64_t pages)
{
    irqflags_t flags = arch_irq_save();
    struct cpu_cache *cache = this_cache();

    cache->allocated[kind] += pages;
    cache->allocations += pages > 0;
    arch_irq_restore(flags);
}

void account_failure(void)
{
    irqflags_t flags = arch_irq_save();

    this_cache()->failures++;
    arch_irq_restore(flags);
}

void accounts_get(struct memory_accounts *sum)
{
    *sum = (struct memory_accounts){0};
    for (unsigned cpu = 0; cpu < MAX_CPUS; cpu++) {
        sum->kernel += READ_ONCE(caches[cpu].allocated[PAGE_KERNEL]);
        sum->movable += READ_ONCE(caches[cpu].allocated[PAGE_MOVABLE]);
        sum->allocations += READ_ONCE(caches[cpu].allocations);
        sum->failures += READ_ONCE(caches[cpu].failures);
    }
}
