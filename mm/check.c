/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mm_check(): walk every block and list and compare with the counts. The walk holds the locks,
 * so only the per-CPU lists can change meanwhile.
 */
#include "block.h"
#include <neap/panic.h>

struct census {
    uint64_t blocks[WARMTHS][MAX_ORDER + 1];
    uint64_t isolated[WARMTHS];
    uint64_t cpu_cache;
    uint64_t allocated;
    uint64_t reserved;
    uint64_t pages;   /* managed */
    uint64_t elastic; /* frames that applications may have */
    uint64_t elastic_free;
    uint16_t free[BLOCK_GRANULES]; /* elastic pages of the memory block, by granule */
};

static void check_free_block(struct page *page)
{
    pfn_t pfn = page_to_pfn(page), other = pfn ^ order_pages(page->order);

    ASSERT(page->pins == 0);
    if (page->order < MAX_ORDER)
        ASSERT(pfn_to_page(other)->state != PAGE_FREE ||
               pfn_to_page(other)->order != page->order ||
               page_elastic(pfn_to_page(other)) != page_elastic(page));
    if (page->next)
        ASSERT(pfn_to_page(page->next)->prev == pfn);
    if (page->prev)
        ASSERT(pfn_to_page(page->prev)->next == pfn);
}

static void count_elastic(struct census *census, const struct page *page)
{
    for (uint64_t i = 0; i < order_pages(page->order); i++)
        census->free[page_to_pfn(page + i) % BLOCK_PAGES / GRANULE_PAGES]++;
    census->elastic_free += order_pages(page->order);
}

/* The counts by which victims are chosen. */
static void check_granules(struct census *census, uint64_t index)
{
    const uint16_t *free = block_descriptor(index)->free;

    for (uint64_t i = 0; i < BLOCK_GRANULES; i++) {
        ASSERT(census->free[i] == (free ? free[i] : 0));
        census->free[i] = 0;
    }
}

static void count_block(struct census *census, struct page *page)
{
    enum warmth warmth = page_reported(page) ? REPORTED : WARM;
    uint64_t pages = order_pages(page->order);

    ASSERT(page->order <= MAX_ORDER && IS_ALIGNED(page_to_pfn(page), pages));
    for (uint64_t i = 1; i < pages; i++)
        ASSERT(page[i].state == PAGE_TAIL && page_elastic(page + i) == page_elastic(page));
    census->pages += pages;
    census->elastic += page_elastic(page) ? pages : 0;
    switch (page->state) {
    case PAGE_FREE:
        check_free_block(page);
        census->blocks[warmth][page->order]++;
        if (page_elastic(page))
            count_elastic(census, page);
        break;
    case PAGE_CPU_CACHE:
        census->cpu_cache += pages;
        break;
    case PAGE_ISOLATED:
        census->isolated[warmth] += pages;
        break;
    case PAGE_ALLOCATED:
        census->allocated += pages;
        ASSERT(!page_elastic(page) || page->flags & PAGE_HELD_MOVABLE);
        break;
    default:
        ASSERT(page->state == PAGE_RESERVED);
        census->reserved += pages;
    }
}

static void walk_memory(struct census *census)
{
    pfn_t pfn = block_next_active(0);

    while (pfn < PFN_LIMIT) {
        struct page *page = block_page(pfn);

        if (!page) {
            pfn = ALIGN_DOWN(pfn, GRANULE_PAGES) + GRANULE_PAGES;
        } else if (page->state == PAGE_TAIL) {
            pfn++; /* not memory: a block's inside is stepped over */
        } else {
            count_block(census, page);
            pfn += order_pages(page->order);
        }
        if (pfn % BLOCK_PAGES == 0) {
            check_granules(census, pfn / BLOCK_PAGES - 1);
            pfn = block_next_active(pfn);
        }
    }
}

/* Every list holds what its place says, and all of them together all free blocks. */
static void check_lists(const struct census *census)
{
    uint64_t blocks[WARMTHS][MAX_ORDER + 1] = {0}, reportable = 0, pieces = 0;

    for (unsigned row = 0; row < BUDDY_ROWS; row++) {
        for (unsigned warmth = 0; warmth < WARMTHS; warmth++) {
            for (unsigned order = 0; order <= MAX_ORDER; order++) {
                const struct free_list *list = &buddy.lists[row][warmth][order];
                uint32_t last = 0;

                for (uint32_t pfn = list->head; pfn; pfn = pfn_to_page(pfn)->next) {
                    const struct page *page = pfn_to_page(pfn);

                    ASSERT(page->state == PAGE_FREE && page->order == order);
                    ASSERT(page_reported(page) == (warmth == REPORTED));
                    ASSERT(buddy_row(page, order) == row);
                    blocks[warmth][order]++;
                    if (order < PAGEBLOCK_ORDER && row != PAGE_KERNEL)
                        pieces += order_pages(order);
                    last = pfn;
                }
                ASSERT(list->tail == last);
                ASSERT(!(buddy.nonempty[row][warmth] >> order & 1) == !list->head);
            }
        }
    }
    for (unsigned order = 0; order <= MAX_ORDER; order++) {
        for (unsigned warmth = 0; warmth < WARMTHS; warmth++) {
            ASSERT(blocks[warmth][order] == census->blocks[warmth][order]);
            ASSERT(blocks[warmth][order] == buddy.blocks[warmth][order]);
        }
        reportable += order >= reporting_order() ? blocks[WARM][order] << order : 0;
    }
    ASSERT(reportable == buddy.reportable);
    ASSERT(pieces == buddy.pieces);
}

static void check_sums(const struct census *census)
{
    for (unsigned warmth = 0; warmth < WARMTHS; warmth++) {
        uint64_t pages = 0;

        for (unsigned order = 0; order <= MAX_ORDER; order++)
            pages += census->blocks[warmth][order] << order;
        ASSERT(pages == buddy.pages[warmth]);
        ASSERT(census->isolated[warmth] == buddy.isolated[warmth]);
    }
    ASSERT(census->pages == block_managed_pages());
    ASSERT(census->reserved == block_metadata_pages());
    ASSERT(census->elastic == buddy.elastic_pages - buddy.kernel_reserve);
    ASSERT(census->elastic_free == buddy.elastic_free);
}

static void check_accounts(const struct census *census)
{
    struct memory_accounts accounts;

    accounts_get(&accounts);
    ASSERT(census->cpu_cache == cpu_cache_pages());
    ASSERT(census->allocated == (uint64_t)(accounts.kernel + accounts.movable));
}

void mm_check_all(bool quiet)
{
    irqflags_t flags = spin_lock(&blocks_lock);
    irqflags_t buddy_flags = spin_lock(&buddy.lock);
    struct census census = {0};

    walk_memory(&census);
    check_lists(&census);
    check_sums(&census);
    if (quiet)
        check_accounts(&census);
    spin_unlock(&buddy.lock, buddy_flags);
    spin_unlock(&blocks_lock, flags);
}

void mm_check(void)
{
    mm_check_all(cpu_count() == 1);
}
