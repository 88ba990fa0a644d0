/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alloc_pages() and free_pages(): the fast path through the per-CPU lists, and what is tried
 * before an allocation fails.
 */
#include "internal.h"
#include "pin.h"
#include <neap/elastic.h>
#include <neap/format.h>
#include <neap/log.h>
#include <neap/panic.h>
#include <neap/thread.h>
#include <neap/timer.h>
#include <string.h>

#define COMPLAIN_INTERVAL_NS NS_PER_S
/* Reclaim may give back frames that another thread takes first: try again a few times. */
#define RECLAIM_ROUNDS 4

static struct page *take_from_buddy(unsigned order, enum page_kind kind, bool steal)
{
    irqflags_t flags = spin_lock(&buddy.lock);
    struct page *page = buddy_take(order, kind, steal);

    spin_unlock(&buddy.lock, flags);
    if (page)
        account_pages(kind, (int64_t)order_pages(order));
    return page;
}

static struct page *take(unsigned order, enum page_kind kind)
{
    if (order < CPU_CACHE_ORDERS)
        return cpu_cache_get(order, kind);
    return take_from_buddy(order, kind, false);
}

/* Use memory that was never used, as long as there is some. */
static struct page *take_raw(unsigned order, enum page_kind kind)
{
    uint64_t generation = block_generation();
    struct page *page;

    do {
        page = take(order, kind);
    } while (!page && block_activate_next(&generation) == 0);
    block_refill_tables();
    return page;
}

/*
 * Memory that costs more than a look: claimed from the applications, or reclaimed. Who can do
 * without is given none.
 */
static bool gain(unsigned order, enum page_kind kind, unsigned alloc_flags)
{
    bool reclaim = !(alloc_flags & ALLOC_NO_RECLAIM);

    if (kind == PAGE_KERNEL && !(alloc_flags & ALLOC_OPTIONAL) && elastic_claim(order, reclaim))
        return true;
    if (!reclaim || !reclaim_pages(order_pages(order)))
        return false;
    alloc_drain_cpu_caches();
    return true;
}

/* Everything that a thread may try and an interrupt handler may not. */
static struct page *take_with_effort(unsigned order, enum page_kind kind, unsigned alloc_flags)
{
    struct page *page = NULL;

    alloc_drain_cpu_caches();
    page = take_from_buddy(order, kind, true);
    if (!page && reporting_wait_inflight()) {
        page = take_raw(order, kind);
        if (!page)
            page = take_from_buddy(order, kind, true);
    }
    for (unsigned i = 0; !page && i < RECLAIM_ROUNDS && gain(order, kind, alloc_flags); i++)
        page = take_from_buddy(order, kind, true);
    return page;
}

void alloc_complain(uint64_t pages, enum page_kind kind)
{
    static uint64_t next_ns;
    uint64_t now = clock_ns(), due = __atomic_load_n(&next_ns, __ATOMIC_RELAXED);
    char asked[FORMAT_SIZE_MAX], have[FORMAT_SIZE_MAX], largest[FORMAT_SIZE_MAX];
    struct memory_stats stats;

    if (now < due || !__atomic_compare_exchange_n(&next_ns, &due, now + COMPLAIN_INTERVAL_NS,
                                                  false, __ATOMIC_RELAXED, __ATOMIC_RELAXED))
        return;
    memory_stats_get(&stats);
    log_warning("mm", "no %s of %s memory: %s free, largest block %s",
                format_size(asked, pages << PAGE_SHIFT),
                kind == PAGE_KERNEL ? "kernel" : "movable", format_size(have, stats.free),
                format_size(largest, stats.largest_free));
}

static struct page *take_slowly(unsigned order, enum page_kind kind, unsigned alloc_flags)
{
    struct page *page = take_raw(order, kind);

    if (!page)
        page = take_from_buddy(order, kind, true);
    if (!page) {
        cpu_cache_drain_local();
        page = take_from_buddy(order, kind, true);
    }
    if (!page && !(alloc_flags & ALLOC_ATOMIC) && thread_may_sleep())
        page = take_with_effort(order, kind, alloc_flags);
    if (!page && !(alloc_flags & ALLOC_OPTIONAL))
        elastic_note_shortage();
    if (!page && !(alloc_flags & ALLOC_OPTIONAL))
        alloc_complain(order_pages(order), kind);
    return page;
}

struct page *alloc_pages(unsigned order, enum page_kind kind, unsigned flags)
{
    struct page *page = NULL;

    ASSERT(kind < PAGE_KINDS);
    if (order <= MAX_ORDER && !failpoint_hit()) {
        page = take(order, kind);
        if (!page)
            page = take_slowly(order, kind, flags);
    }
    if (!page && !(flags & ALLOC_OPTIONAL))
        account_failure();
    if (page && (flags & ALLOC_ZERO))
        memset(page_to_virt(page), 0, PAGE_SIZE << order);
    return page;
}

void free_pages(struct page *page, unsigned order)
{
    irqflags_t flags;

    if (page->state != PAGE_ALLOCATED || page->order != order)
        panic("free of %p, order %u: its state is %u, order %u: %s", page_to_virt(page), order,
              page->state, page->order,
              page->state == PAGE_ALLOCATED ? "wrong order" : "double free or never allocated");
    pin_check_free(page, order);
    page_poison_fill(page_to_pfn(page), order_pages(order));
    if (order < CPU_CACHE_ORDERS) {
        cpu_cache_put(page, order);
        return;
    }
    account_pages(page->flags & PAGE_HELD_MOVABLE ? PAGE_MOVABLE : PAGE_KERNEL,
                  -(int64_t)order_pages(order));
    flags = spin_lock(&buddy.lock);
    buddy_free(page, order, false);
    spin_unlock(&buddy.lock, flags);
}
