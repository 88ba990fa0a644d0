/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Isolation: taking the free blocks of a range off the lists, and catching what is freed in it.
 */
#include "isolate.h"
#include <neap/errors.h>
#include <neap/panic.h>

struct mutex mm_mutex = MUTEX_INIT(mm_mutex, "memory ranges", LOCK_RANK_MM);

/* The head of the block that covers an active frame; the frame itself where there is no block.
 */
struct page *buddy_covering_head(pfn_t pfn)
{
    struct page *page = pfn_to_page(pfn);

    if (page->state != PAGE_TAIL)
        return page;
    for (unsigned order = 1; order <= MAX_ORDER; order++) {
        struct page *head = pfn_to_page(pfn & ~(order_pages(order) - 1));

        if (head->state != PAGE_TAIL)
            return head->order >= order ? head : page;
    }
    return page;
}

void isolate_mark(struct page *page, unsigned order, bool reported)
{
    page->state = PAGE_ISOLATED;
    page->order = (uint8_t)order;
    page->flags = (page->flags & PAGE_ELASTIC) | (reported ? PAGE_REPORTED : 0);
    buddy.isolated[reported ? REPORTED : WARM] += order_pages(order);
}

static void mark_range(pfn_t start, pfn_t end, bool reported)
{
    while (start < end) {
        unsigned order = buddy_fit_order(start, end);

        isolate_mark(pfn_to_page(start), order, reported);
        start += order_pages(order);
    }
}

void isolate_cut(pfn_t pfn)
{
    struct page *head = block_page(pfn) ? buddy_covering_head(pfn) : NULL;
    pfn_t start = head ? page_to_pfn(head) : pfn, end;
    bool reported;

    if (start == pfn || head->state != PAGE_ISOLATED)
        return;
    end = start + order_pages(head->order);
    reported = page_reported(head);
    buddy.isolated[reported ? REPORTED : WARM] -= end - start;
    mark_range(start, pfn, reported);
    mark_range(pfn, end, reported);
}

/* Isolate the part of the block that lies in the range, free the rest. Under buddy.lock. */
void isolate_freed(struct page *page, unsigned order, bool reported)
{
    const pfn_t start = buddy.isolate_start, end = buddy.isolate_end;
    pfn_t at = page_to_pfn(page), last = at + order_pages(order);

    page->state = PAGE_TAIL;
    while (at < last) {
        /* Pieces end where the range begins or ends. */
        pfn_t limit = at < start ? MIN(start, last) : at < end ? MIN(end, last) : last;
        unsigned piece = buddy_fit_order(at, limit);

        if (at >= start && at < end)
            isolate_mark(pfn_to_page(at), piece, reported);
        else
            buddy_free(pfn_to_page(at), piece, reported);
        at += order_pages(piece);
    }
}

/*
 * One step through the range: isolates a free block, steps over one that is isolated. Returns
 * where to go on, `pfn` itself at anything else. Under buddy.lock.
 */
static pfn_t step(pfn_t pfn, pfn_t end, bool holes)
{
    struct page *head;
    pfn_t next;

    if (!block_page(pfn))
        return holes ? MIN(ALIGN_DOWN(pfn, GRANULE_PAGES) + GRANULE_PAGES, end) : pfn;
    head = buddy_covering_head(pfn);
    next = page_to_pfn(head) + order_pages(head->order);
    switch (head->state) {
    case PAGE_FREE: {
        bool reported = page_reported(head);
        unsigned order = head->order;

        buddy_remove(head);
        isolate_freed(head, order, reported);
        return MIN(next, end);
    }
    case PAGE_ISOLATED:
        return MIN(next, end);
    case PAGE_RESERVED:
        return head->owner || holes ? pfn + 1 : pfn;
    case PAGE_TAIL:
        return holes ? pfn + 1 : pfn;
    default:
        return pfn;
    }
}

static pfn_t locked_step(pfn_t pfn, pfn_t end, bool holes)
{
    irqflags_t flags = spin_lock(&buddy.lock);
    pfn_t next = step(pfn, end, holes);

    spin_unlock(&buddy.lock, flags);
    return next;
}

/* The end of the block at an obstacle. */
static pfn_t skip(pfn_t pfn)
{
    irqflags_t flags = spin_lock(&buddy.lock);
    const struct page *head = buddy_covering_head(pfn);
    pfn_t next = pfn + 1;

    if (head->state != PAGE_TAIL)
        next = page_to_pfn(head) + order_pages(head->order);
    spin_unlock(&buddy.lock, flags);
    return next;
}

static void set_range(pfn_t start, pfn_t end)
{
    irqflags_t flags = spin_lock(&buddy.lock);

    WRITE_ONCE(buddy.isolate_start, start);
    WRITE_ONCE(buddy.isolate_end, end);
    spin_unlock(&buddy.lock, flags);
}

void isolate_begin(pfn_t start, pfn_t end)
{
    ASSERT(mutex_is_mine(&mm_mutex) && buddy.isolate_end == 0);
    set_range(start, end);
    for (pfn_t at = start; at < end;) {
        pfn_t next = locked_step(at, end, true);

        at = next == at ? skip(at) : next;
    }
    /* From now on no list can be filled with blocks of the range, so one look is enough. */
    alloc_drain_cpu_caches();
}

void isolate_end(void)
{
    set_range(0, 0);
}

/* Once through the range; `lent`: with blocks that are lent. */
static int pass(pfn_t start, pfn_t end, struct isolation *how, bool lent)
{
    pfn_t at = start;

    while (at < end) {
        pfn_t next = locked_step(at, end, how->holes);
        int error = 0;

        if (next != at) {
            at = next;
            how->attempts = 0;
            continue;
        }
        if (!lent && evacuate_is_lent(at)) {
            at = MIN(skip(at), end);
            how->lent = true;
            continue;
        }
        how->obstacle = at;
        if (how->cancel && READ_ONCE(*how->cancel))
            error = -ECANCELED;
        else
            error = how->evacuate ? evacuate_at(at, start, end, how) : -EBUSY;
        if (error)
            return error;
    }
    return 0;
}

/* What lenders hold they hold again elsewhere, so they are not made to leave in vain. */
int isolate_range(pfn_t start, pfn_t end, struct isolation *how)
{
    int error = pass(start, end, how, !how->evacuate);

    if (error || !how->lent)
        return error;
    return memory_promises_kept() ? pass(start, end, how, true) : -ENOMEM;
}

void isolate_give_back(pfn_t start, pfn_t end)
{
    while (start < end) {
        irqflags_t flags = spin_lock(&buddy.lock);
        struct page *page = block_page(start);
        pfn_t next = start + 1;

        if (page && page->state == PAGE_ISOLATED) {
            bool reported = page_reported(page);

            next = start + order_pages(page->order);
            buddy.isolated[reported ? REPORTED : WARM] -= order_pages(page->order);
            buddy_free(page, page->order, reported);
        }
        spin_unlock(&buddy.lock, flags);
        start = next;
    }
}
