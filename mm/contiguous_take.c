/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking one physical range out of the free lists, or undoing everything: the second half of
 * alloc_contiguous().
 *
 * Frame pages of memory blocks that lie in the range move out of it. The frames they hold are
 * all isolated by then, so only holders of buddy.lock look at them.
 */
#include "contiguous.h"
#include <neap/errors.h>
#include <neap/panic.h>
#include <string.h>

/* The head of the block that covers an active frame; the frame itself where there is no block.
 */
static struct page *covering_head(pfn_t pfn)
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

static void mark_isolated(struct page *page, unsigned order, bool reported)
{
    page->state = PAGE_ISOLATED;
    page->order = (uint8_t)order;
    page->flags = reported ? PAGE_REPORTED : 0;
    buddy.isolated[reported ? REPORTED : WARM] += order_pages(order);
}

/* Take the part of a free block that lies in [start, end); the rest stays free. */
static pfn_t isolate_block(struct page *head, pfn_t start, pfn_t end)
{
    bool reported = page_reported(head);
    pfn_t first = page_to_pfn(head), last = first + order_pages(head->order);
    pfn_t at = first;

    buddy_remove(head);
    while (at < last) {
        /* Pieces end where the range begins or ends. */
        pfn_t limit = at < start ? MIN(start, last) : at < end ? MIN(end, last) : last;
        unsigned order = buddy_fit_order(at, limit);

        if (at >= start && at < end)
            mark_isolated(pfn_to_page(at), order, reported);
        else
            buddy_insert(pfn_to_page(at), order, reported);
        at += order_pages(order);
    }
    return MIN(last, end);
}

/* One step of isolate(): returns where to go on, `pfn` at an obstacle. Under buddy.lock. */
static pfn_t isolate_at(pfn_t pfn, pfn_t end, bool holes_allowed)
{
    struct page *head;

    if (!block_page(pfn))
        return holes_allowed ? MIN(ALIGN_DOWN(pfn, GRANULE_PAGES) + GRANULE_PAGES, end) : pfn;
    head = covering_head(pfn);
    if (head->state == PAGE_FREE)
        return isolate_block(head, pfn, end);
    if (head->state == PAGE_RESERVED && (head->owner || holes_allowed))
        return pfn + 1;
    return head->state == PAGE_TAIL && holes_allowed ? pfn + 1 : pfn;
}

static void give_back(pfn_t start, pfn_t end)
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

/* Isolate all free memory of the range; undone when something else is in it. */
static int isolate(pfn_t start, pfn_t end, bool holes_allowed, pfn_t *obstacle)
{
    pfn_t at = start;

    while (at < end) {
        irqflags_t flags = spin_lock(&buddy.lock);
        pfn_t next = isolate_at(at, end, holes_allowed);

        spin_unlock(&buddy.lock, flags);
        if (next == at) {
            give_back(start, at);
            *obstacle = at;
            return -EAGAIN;
        }
        at = next;
    }
    return 0;
}

/* Widen the range to all frames that frame pages inside it hold. */
static void extend_to_frames(pfn_t start, pfn_t end, pfn_t *wide_start, pfn_t *wide_end)
{
    *wide_start = start;
    *wide_end = end;
    for (pfn_t pfn = start; pfn < end; pfn++) {
        const struct page *page = pfn_to_page(pfn);
        pfn_t frames;

        if (READ_ONCE(page->state) != PAGE_RESERVED || !page->owner)
            continue;
        frames = (page->owner - FRAME_MAP_BASE) / sizeof(struct page);
        *wide_start = MIN(*wide_start, frames);
        *wide_end = MAX(*wide_end, frames + GRANULE_PAGES);
    }
}

/*
 * Nobody else may look at the frames while they exist twice: buddy.lock is held from the copy
 * until every CPU has forgotten the old place.
 */
static void move_frame_page(struct page *from, struct page *to)
{
    irqflags_t flags = spin_lock(&pgtable_lock);
    irqflags_t buddy_flags = spin_lock(&buddy.lock);
    uintptr_t va = from->owner;

    to->state = PAGE_RESERVED;
    to->flags = 0;
    to->owner = va;
    memcpy(page_to_virt(to), page_to_virt(from), PAGE_SIZE);
    pgtable_replace_leaf(&kernel_pgtable, va, page_to_phys(to), PROT_KERNEL_RW);
    tlb_flush_all_cpus(va, va + PAGE_SIZE);
    from->owner = 0;
    mark_isolated(from, 0, false);
    spin_unlock(&buddy.lock, buddy_flags);
    spin_unlock(&pgtable_lock, flags);
}

static int move_frame_pages(pfn_t start, pfn_t end)
{
    for (pfn_t pfn = start; pfn < end; pfn++) {
        struct page *page = pfn_to_page(pfn), *target;

        if (page->state != PAGE_RESERVED)
            continue;
        target = alloc_pages(0, PAGE_KERNEL, ALLOC_NO_RECLAIM);
        if (!target)
            return -ENOMEM;
        account_pages(PAGE_KERNEL, -1); /* metadata from here on */
        move_frame_page(page, target);
    }
    return 0;
}

static void hand_out(pfn_t start, pfn_t end, enum page_kind kind)
{
    irqflags_t flags = spin_lock(&buddy.lock);
    uint64_t cold = 0;

    for (pfn_t pfn = start; pfn < end;) {
        struct page *page = pfn_to_page(pfn);

        buddy.isolated[page_reported(page) ? REPORTED : WARM] -= order_pages(page->order);
        cold += page_reported(page) ? order_pages(page->order) : 0;
        pfn += order_pages(page->order);
        page->state = PAGE_TAIL;
    }
    while (start < end) {
        unsigned order = buddy_fit_order(start, end);

        page_set_allocated(pfn_to_page(start), order, kind);
        start += order_pages(order);
    }
    if (cold)
        reporting_note_cold(cold);
    spin_unlock(&buddy.lock, flags);
}

int contiguous_take(pfn_t start, pfn_t end, enum page_kind kind, pfn_t *obstacle)
{
    pfn_t wide_start, wide_end;
    int error = block_activate_range(start, end);

    *obstacle = end;
    if (error)
        return error == -ENOENT ? -EAGAIN : error;
    extend_to_frames(start, end, &wide_start, &wide_end);
    error = isolate(start, end, false, obstacle);
    if (error)
        return error;
    error = isolate(wide_start, start, true, obstacle);
    if (!error) {
        error = isolate(end, wide_end, true, obstacle);
        if (!error)
            error = move_frame_pages(start, end);
        if (!error) {
            hand_out(start, end, kind);
            give_back(end, wide_end);
        } else {
            give_back(start, wide_end);
        }
        give_back(wide_start, start);
    } else {
        give_back(start, end);
    }
    /* An obstacle outside: this candidate is hopeless, one that starts later may not be. */
    if (error == -EAGAIN)
        *obstacle = MAX(*obstacle, start);
    return error;
}
