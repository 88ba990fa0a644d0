/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Contiguous ranges of any size: look for free and raw memory from the lowest address up, then
 * try to take it; when there is none, look for memory that can be made free. The search holds
 * no lock between two steps, so taking may fail.
 *
 * Elastic memory is never part of a range: its physical address would keep it from leaving.
 */
#include "contiguous.h"
#include "isolate.h"
#include "pin.h"
#include <neap/errors.h>
#include <neap/panic.h>
#include <string.h>

/* A stretch of memory from one pfn on. */
struct stretch {
    pfn_t end;
    bool usable;
};

static bool look_at_raw(pfn_t pfn, struct stretch *stretch)
{
    irqflags_t flags = spin_lock(&blocks_lock);
    const struct raw_extent *extent = raw_find(pfn);
    bool raw = extent && extent->start <= pfn;

    if (raw)
        *stretch = (struct stretch){extent->end, true};
    else
        stretch->end = extent ? extent->start : PFN_LIMIT; /* at most this far */
    spin_unlock(&blocks_lock, flags);
    return raw;
}

static struct stretch look_at_frame(pfn_t pfn, bool evacuate)
{
    irqflags_t flags = spin_lock(&buddy.lock);
    const struct page *page = pfn_to_page(pfn);
    struct stretch stretch = {pfn + 1, false};

    if (page->state != PAGE_TAIL)
        stretch.end = pfn + order_pages(page->order);
    /* Frame pages can move out of the way; other reserved pages cannot. */
    stretch.usable = !page_elastic(page) && (page->state == PAGE_FREE ||
                                             (page->state == PAGE_RESERVED && page->owner) ||
                                             (evacuate && isolate_movable(page)));
    spin_unlock(&buddy.lock, flags);
    return stretch;
}

static struct stretch look(pfn_t pfn, bool evacuate)
{
    struct stretch gap = {PFN_LIMIT, false};

    if (look_at_raw(pfn, &gap))
        return gap;
    if (block_page(pfn))
        return look_at_frame(pfn, evacuate);
    if (block_find(pfn))
        gap.end = MIN(gap.end, ALIGN_DOWN(pfn, GRANULE_PAGES) + GRANULE_PAGES);
    else
        gap.end = MIN(gap.end, block_next_active(pfn));
    return gap;
}

/* Nothing is moved in vain. */
static bool allowed(uint64_t pages, enum page_kind kind)
{
    irqflags_t flags = spin_lock(&buddy.lock);
    bool enough = memory_allowance(kind, ALLOC_SPARE) >= pages;

    spin_unlock(&buddy.lock, flags);
    return enough;
}

/* The next candidate at or after `*from`, which is where a block may start. */
static bool find_range(pfn_t *from, uint64_t pages, uint64_t align, bool evacuate)
{
    pfn_t start = ALIGN_UP(*from, align), at = *from;

    while (at < PFN_LIMIT) {
        struct stretch stretch = look(at, evacuate);

        if (!stretch.usable)
            start = ALIGN_UP(stretch.end, align);
        else if (stretch.end >= start && stretch.end - start >= pages)
            break;
        at = stretch.end;
    }
    *from = start;
    return at < PFN_LIMIT;
}

static struct page *search(uint64_t pages, uint64_t align, enum page_kind kind, bool evacuate,
                           int *error)
{
    pfn_t start = 0;

    *error = -EAGAIN;
    while (find_range(&start, pages, align, evacuate)) {
        pfn_t obstacle;

        *error = contiguous_take(start, start + pages, kind, evacuate, &obstacle);

        if (*error == 0)
            return pfn_to_page(start);
        if (*error != -EAGAIN)
            break;
        start = MAX(obstacle, start) + 1;
    }
    return NULL;
}

/* Search free memory only where `look_free`, before memory that must be made free. */
static struct page *find_and_take(uint64_t pages, uint64_t align, enum page_kind kind,
                                  bool look_free)
{
    struct page *page = NULL;
    int error = -ENOMEM;

    mutex_lock(&mm_mutex);
    reporting_pause();
    alloc_drain_cpu_caches();
    if (allowed(pages, kind)) {
        error = -EAGAIN;
        if (look_free)
            page = search(pages, align, kind, false, &error);
    }
    if (error == -EAGAIN)
        page = search(pages, align, kind, true, &error);
    reporting_resume();
    mutex_unlock(&mm_mutex);
    if (page)
        account_pages(kind, (int64_t)pages);
    return page;
}

struct page *contiguous_block(unsigned order, enum page_kind kind)
{
    return find_and_take(order_pages(order), order_pages(order), kind, false);
}

struct page *alloc_contiguous(uint64_t pages, uint64_t align, enum page_kind kind,
                              unsigned flags)
{
    struct page *page = NULL;

    ASSERT(pages > 0 && align > 0 && (align & (align - 1)) == 0);
    if (pages <= PFN_LIMIT && !failpoint_hit())
        page = find_and_take(pages, align, kind, true);
    if (!page) {
        account_failure();
        alloc_complain(pages, kind);
        return NULL;
    }
    if (flags & ALLOC_ZERO)
        memset(page_to_virt(page), 0, pages << PAGE_SHIFT);
    return page;
}

void free_contiguous(struct page *page, uint64_t pages)
{
    pfn_t pfn = page_to_pfn(page), end = pfn + pages;

    account_pages(page->flags & PAGE_HELD_MOVABLE ? PAGE_MOVABLE : PAGE_KERNEL,
                  -(int64_t)pages);
    page_poison_fill(pfn, pages);
    while (pfn < end) {
        irqflags_t flags = spin_lock(&buddy.lock);
        unsigned order;

        page = pfn_to_page(pfn);
        order = page->order;
        if (page->state != PAGE_ALLOCATED || order_pages(order) > end - pfn)
            panic("free of contiguous frames at %p, which are not one range",
                  page_to_virt(page));
        pin_check_free(page, page->order);
        buddy_free(page, order, false);
        spin_unlock(&buddy.lock, flags);
        pfn += order_pages(order);
    }
}
