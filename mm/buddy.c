/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The buddy allocator: blocks of 2^order frames, split on demand, merged with their neighbour
 * when both halves are free. A block never crosses a memory block, and all frames of an active
 * memory block can be read, so looking at a neighbour needs no check.
 */
#include "compact.h"
#include <neap/panic.h>

void buddy_free(struct page *page, unsigned order, bool reported)
{
    pfn_t pfn = page_to_pfn(page);

    if (__builtin_expect(buddy_isolating(pfn, order), 0)) {
        isolate_freed(page, order, reported);
        return;
    }
    while (order < MAX_ORDER) {
        struct page *other = pfn_to_page(pfn ^ order_pages(order));

        if (other->state != PAGE_FREE || other->order != order ||
            page_elastic(other) != page_elastic(page))
            break;
        buddy_remove(other);
        /* A block counts as reported only as a whole; else its warm half would be lost. */
        reported = reported && page_reported(other);
        if (other < page) {
            page->state = PAGE_TAIL;
            page = other;
        } else {
            other->state = PAGE_TAIL;
        }
        pfn &= ~order_pages(order);
        order++;
    }
    buddy_insert(page, order, reported);
    if (__builtin_expect(buddy.pages[WARM] + buddy.pages[REPORTED] >= buddy.wanted_free, 0))
        elastic_note_free();
    if (__builtin_expect(buddy.pieces >= buddy.compact_at, 0))
        compact_note_pieces();
    if (__builtin_expect(buddy.kernel_reserve > 0, 0) && !page_elastic(page))
        kernel_reserve_note_freed();
}

unsigned buddy_fit_order(pfn_t pfn, pfn_t end)
{
    unsigned order = pfn ? (unsigned)__builtin_ctzll(pfn) : MAX_ORDER;

    order = MIN(order, (unsigned)MAX_ORDER);
    while (order > 0 && order_pages(order) > end - pfn)
        order--;
    return order;
}

void buddy_free_range(pfn_t start, pfn_t end, bool reported)
{
    while (start < end) {
        unsigned order = buddy_fit_order(start, end);

        buddy_free(pfn_to_page(start), order, reported);
        start += order_pages(order);
    }
}

/* Cut a block that is off the lists down to `order`; the upper halves go back. */
static void split(struct page *page, unsigned order, enum page_kind kind, bool reported)
{
    unsigned size = page->order;
    bool claim = size >= PAGEBLOCK_ORDER && order < PAGEBLOCK_ORDER;

    while (size > order) {
        size--;
        /* The pageblock that is broken up belongs to this kind from now on. */
        if (claim && size < PAGEBLOCK_ORDER) {
            page->block_kind = kind;
            claim = false;
        }
        buddy_insert(page + order_pages(size), size, reported);
    }
}

/* The best fit for `order` in one row of lists. */
static struct page *find(unsigned row, enum warmth warmth, unsigned order, enum page_kind kind,
                         unsigned orders_mask)
{
    unsigned mask = buddy.nonempty[row][warmth] & orders_mask & (~0u << order);

    return mask ? buddy_first(kind, row, warmth, (unsigned)__builtin_ctz(mask)) : NULL;
}

/* Own pageblocks first, then whole ones from the pool. */
static struct page *find_own(enum warmth warmth, unsigned order, enum page_kind kind)
{
    const unsigned small = (1u << PAGEBLOCK_ORDER) - 1;
    struct page *page = find(kind, warmth, order, kind, small);

    return page ? page : find(PAGE_KERNEL, warmth, order, kind, ~small);
}

/* Out of a pageblock of the other kind: the largest block, to break up few of them. */
static struct page *find_foreign(enum warmth warmth, unsigned order, enum page_kind kind)
{
    unsigned row = kind == PAGE_KERNEL ? PAGE_MOVABLE : PAGE_KERNEL;
    unsigned mask =
        buddy.nonempty[row][warmth] & ((1u << PAGEBLOCK_ORDER) - 1) & (~0u << order);

    return mask ? buddy_first(kind, row, warmth, 31 - (unsigned)__builtin_clz(mask)) : NULL;
}

static struct page *find_boot(unsigned order, enum page_kind kind, bool steal)
{
    struct page *page = find_own(WARM, order, kind);

    if (!page)
        page = find_own(REPORTED, order, kind);
    if (!page && steal)
        page = find_foreign(WARM, order, kind);
    if (!page && steal)
        page = find_foreign(REPORTED, order, kind);
    return page;
}

/* Elastic memory first: what it cannot hold may go where the kernel's memory comes from. */
static struct page *find_movable(unsigned order, unsigned how)
{
    uint64_t floor = how & TAKE_FLOOR ? 0 : buddy.kernel_floor;
    struct page *page = find(ROW_ELASTIC, WARM, order, PAGE_MOVABLE, ~0u);

    if (!page)
        page = find(ROW_ELASTIC, REPORTED, order, PAGE_MOVABLE, ~0u);
    if (!page && buddy_boot_free() >= floor + order_pages(order))
        page = find_boot(order, PAGE_MOVABLE, how & TAKE_STEAL);
    return page;
}

/* What is freed of a large block before the rest shall go to lists of its kind. */
static void claim_pageblocks(struct page *page, unsigned order, enum page_kind kind)
{
    for (uint64_t i = 0; i < order_pages(order); i += PAGEBLOCK_PAGES)
        page[i].block_kind = kind;
}

struct page *buddy_take(unsigned order, enum page_kind kind, unsigned how)
{
    struct page *page = kind == PAGE_MOVABLE ? find_movable(order, how)
                                             : find_boot(order, kind, how & TAKE_STEAL);
    bool reported;

    if (!page)
        return NULL;
    reported = page_reported(page);
    buddy_remove(page);
    split(page, order, kind, reported);
    page_set_allocated(page, order, kind);
    if (order >= PAGEBLOCK_ORDER)
        claim_pageblocks(page, order, kind);
    if (reported)
        reporting_note_cold(order_pages(order));
    if (kind == PAGE_KERNEL && buddy.elastic_pages > buddy.kernel_reserve)
        kernel_reserve_note_taken();
    return page;
}
