/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The buddy's free lists. Links are frame numbers; every change keeps the counts exact.
 */
#include "block.h"
#include <neap/panic.h>

struct buddy buddy = {.lock = SPINLOCK_INIT("buddy", LOCK_RANK_BUDDY),
                      .wanted_free = UINT64_MAX,
                      .compact_at = UINT64_MAX};

unsigned buddy_row(const struct page *page, unsigned order)
{
    pfn_t pageblock = page_to_pfn(page) & ~(PAGEBLOCK_PAGES - 1);

    if (page_elastic(page))
        return ROW_ELASTIC;
    if (order >= PAGEBLOCK_ORDER)
        return PAGE_KERNEL;
    return pfn_to_page(pageblock)->block_kind;
}

static void link_front(struct free_list *list, struct page *page)
{
    uint32_t pfn = (uint32_t)page_to_pfn(page);

    page->prev = 0;
    page->next = list->head;
    if (list->head)
        pfn_to_page(list->head)->prev = pfn;
    else
        list->tail = pfn;
    list->head = pfn;
}

static void link_back(struct free_list *list, struct page *page)
{
    uint32_t pfn = (uint32_t)page_to_pfn(page);

    page->next = 0;
    page->prev = list->tail;
    if (list->tail)
        pfn_to_page(list->tail)->next = pfn;
    else
        list->head = pfn;
    list->tail = pfn;
}

static void unlink_page(struct free_list *list, struct page *page)
{
    if (page->prev)
        pfn_to_page(page->prev)->next = page->next;
    else
        list->head = page->next;
    if (page->next)
        pfn_to_page(page->next)->prev = page->prev;
    else
        list->tail = page->prev;
}

/*
 * The pool is kept roughly sorted at no cost: the kernel takes from its front, movable memory
 * from its back, so what cannot move gathers at low addresses and leaves large ranges free.
 * Elastic memory is taken from the front, whatever the order, and reported from the back: so it
 * is dense, and what is free is made of whole subblocks.
 */
static bool belongs_in_front(const struct free_list *list, pfn_t pfn, unsigned row,
                             unsigned order)
{
    if (!list->head || (order < PAGEBLOCK_ORDER && row != ROW_ELASTIC))
        return true;
    return pfn < ((pfn_t)list->head + list->tail) / 2;
}

/* Elastic memory counts its free pages by granule: victims of an unplug are found by them. */
static void count_elastic(const struct page *page, unsigned order, int sign)
{
    pfn_t pfn = page_to_pfn(page);
    uint16_t *free = block_descriptor(pfn / BLOCK_PAGES)->free;
    uint64_t granule = pfn % BLOCK_PAGES / GRANULE_PAGES, pages = order_pages(order);
    int step = sign * (int)MIN(pages, (uint64_t)GRANULE_PAGES);

    buddy.elastic_free += (uint64_t)sign * pages;
    for (uint64_t done = 0; done < pages; done += GRANULE_PAGES, granule++)
        free[granule] = (uint16_t)(free[granule] + step);
}

/* Is a free block too small to be reported or unplugged, and could grow if pages moved? */
static bool is_piece(unsigned row, unsigned order)
{
    return order < PAGEBLOCK_ORDER && row != PAGE_KERNEL;
}

void buddy_insert(struct page *page, unsigned order, bool reported)
{
    enum warmth warmth = reported ? REPORTED : WARM;
    unsigned row = buddy_row(page, order);
    struct free_list *list = &buddy.lists[row][warmth][order];

    page->state = PAGE_FREE;
    page->order = (uint8_t)order;
    page->flags = (page->flags & PAGE_ELASTIC) | (reported ? PAGE_REPORTED : 0);
    if (row == ROW_ELASTIC)
        count_elastic(page, order, 1);
    if (belongs_in_front(list, page_to_pfn(page), row, order))
        link_front(list, page);
    else
        link_back(list, page);
    buddy.nonempty[row][warmth] |= (uint16_t)(1u << order);
    buddy.blocks[warmth][order]++;
    buddy.pages[warmth] += order_pages(order);
    if (is_piece(row, order))
        buddy.pieces += order_pages(order);
    if (!reported)
        reporting_note_added(order);
}

void buddy_remove(struct page *page)
{
    enum warmth warmth = page_reported(page) ? REPORTED : WARM;
    unsigned order = page->order;
    unsigned row = buddy_row(page, order);
    struct free_list *list = &buddy.lists[row][warmth][order];

    DEBUG_ASSERT(page->state == PAGE_FREE);
    if (row == ROW_ELASTIC)
        count_elastic(page, order, -1);
    unlink_page(list, page);
    if (!list->head)
        buddy.nonempty[row][warmth] &= (uint16_t) ~(1u << order);
    buddy.blocks[warmth][order]--;
    buddy.pages[warmth] -= order_pages(order);
    if (is_piece(row, order))
        buddy.pieces -= order_pages(order);
    if (warmth == WARM)
        reporting_note_removed(order);
}

struct page *buddy_first(enum page_kind kind, unsigned row, enum warmth warmth, unsigned order)
{
    const struct free_list *list = &buddy.lists[row][warmth][order];
    bool sorted = order >= PAGEBLOCK_ORDER || row == ROW_ELASTIC;
    bool back = sorted && (kind == PAGE_MOVABLE) != (row == ROW_ELASTIC);
    uint32_t pfn = back ? list->tail : list->head;

    return pfn ? pfn_to_page(pfn) : NULL;
}

void buddy_note_plugged(int64_t pages)
{
    buddy.elastic_pages += (uint64_t)pages;
    buddy.kernel_floor = buddy.elastic_pages ? KERNEL_FLOOR_PAGES : 0;
}

void buddy_counts_get(struct buddy_counts *counts)
{
    irqflags_t flags = spin_lock(&buddy.lock);

    for (unsigned order = 0; order <= MAX_ORDER; order++) {
        counts->reported[order] = buddy.blocks[REPORTED][order];
        counts->free[order] = counts->reported[order] + buddy.blocks[WARM][order];
    }
    spin_unlock(&buddy.lock, flags);
}
