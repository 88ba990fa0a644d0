/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * alloc_pages() and free_pages(): the fast path through the per-CPU lists, and what is tried
 * before an allocation fails.
 */
#include "contiguous.h"
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
/* So often a first touch looks for what was promised: longer than a page is on its way. */
#define PROMISE_ROUNDS  1000
#define PROMISE_WAIT_NS (100 * NS_PER_US)

/* Inline for the sake of the first attempt; all others are out of its way. */
static inline struct page *take_from_buddy(unsigned order, enum page_kind kind, unsigned flags,
                                           unsigned how)
{
    irqflags_t irq_flags = spin_lock(&buddy.lock);
    bool allowed = memory_allowance(kind, flags) >= order_pages(order);
    struct page *page = allowed ? buddy_take(order, kind, how) : NULL;

    spin_unlock(&buddy.lock, irq_flags);
    if (page)
        account_pages(kind, (int64_t)order_pages(order));
    return page;
}

static struct page *take(unsigned order, enum page_kind kind, unsigned flags)
{
    /* What is on the lists for applications pays for a promise. */
    if (order < CPU_CACHE_ORDERS && !(flags & ALLOC_SPARE))
        return cpu_cache_get(order, kind);
    return take_from_buddy(order, kind, flags, 0);
}

/* Use memory that was never used, as long as there is some. */
static struct page *take_raw(unsigned order, enum page_kind kind, unsigned flags)
{
    uint64_t generation = block_generation();
    struct page *page;

    do {
        page = take(order, kind, flags);
    } while (!page && block_activate_next(&generation) == 0);
    block_refill_tables();
    return page;
}

/*
 * Memory that costs more than a look: claimed from the applications, or reclaimed. Who can do
 * without is given none.
 */
static bool gain(unsigned order, enum page_kind kind, unsigned flags)
{
    bool reclaim = !(flags & ALLOC_NO_RECLAIM);

    if (kind == PAGE_KERNEL && !(flags & ALLOC_OPTIONAL) && elastic_claim(order, reclaim))
        return true;
    if (!reclaim || !reclaim_pages(order_pages(order)))
        return false;
    alloc_drain_cpu_caches();
    return true;
}

/*
 * What was promised is free, but may lie in a range that is under isolation, or on a list: look
 * while nothing can be isolated. A thread may have it in its hands for a moment, to move a
 * page.
 */
static struct page *take_promised(unsigned order, enum page_kind kind)
{
    const bool mine = mutex_is_mine(&mm_mutex);
    struct page *page = NULL;

    for (unsigned i = 0; !page && i < PROMISE_ROUNDS; i++) {
        if (i > 0)
            thread_sleep_ns(PROMISE_WAIT_NS);
        if (!mine)
            mutex_lock(&mm_mutex);
        reporting_pause();
        alloc_drain_cpu_caches();
        page = take_from_buddy(order, kind, ALLOC_PROMISED, TAKE_STEAL | TAKE_FLOOR);
        reporting_resume();
        if (!mine)
            mutex_unlock(&mm_mutex);
    }
    return page;
}

/* There may be enough, but in pieces, with applications' memory in between. */
static struct page *take_joined(unsigned order, enum page_kind kind, unsigned flags)
{
    if (order == 0 || kind != PAGE_KERNEL || flags & (ALLOC_OPTIONAL | ALLOC_NO_RECLAIM) ||
        mutex_is_mine(&mm_mutex))
        return NULL;
    return contiguous_block(order, kind);
}

/* Everything that a thread may try and an interrupt handler may not. */
static struct page *take_with_effort(unsigned order, enum page_kind kind, unsigned flags)
{
    struct page *page = NULL;

    alloc_drain_cpu_caches();
    page = take_from_buddy(order, kind, flags, TAKE_STEAL);
    if (!page && reporting_wait_inflight()) {
        page = take_raw(order, kind, flags);
        if (!page)
            page = take_from_buddy(order, kind, flags, TAKE_STEAL);
    }
    if (!page && flags & ALLOC_PROMISED)
        return take_promised(order, kind);
    if (!page)
        page = take_joined(order, kind, flags);
    for (unsigned i = 0; !page && i < RECLAIM_ROUNDS && gain(order, kind, flags); i++)
        page = take_from_buddy(order, kind, flags, TAKE_STEAL);
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

static __attribute__((noinline, cold)) struct page *
take_slowly(unsigned order, enum page_kind kind, unsigned flags)
{
    struct page *page;

    if (!thread_may_sleep())
        flags |= ALLOC_ATOMIC;
    page = take_raw(order, kind, flags);
    if (!page)
        page = take_from_buddy(order, kind, flags, TAKE_STEAL);
    if (!page) {
        cpu_cache_drain_local();
        page = take_from_buddy(order, kind, flags, TAKE_STEAL);
    }
    if (!page && !(flags & ALLOC_ATOMIC))
        page = take_with_effort(order, kind, flags);
    else if (!page && flags & ALLOC_PROMISED)
        page = take_from_buddy(order, kind, flags, TAKE_STEAL | TAKE_FLOOR);
    if (page || flags & ALLOC_OPTIONAL)
        return page;
    elastic_note_shortage();
    alloc_complain(order_pages(order), kind);
    return NULL;
}

struct page *alloc_pages(unsigned order, enum page_kind kind, unsigned flags)
{
    struct page *page = NULL;

    ASSERT(kind < PAGE_KINDS);
    if (order <= MAX_ORDER && !failpoint_hit()) {
        page = take(order, kind, flags);
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
