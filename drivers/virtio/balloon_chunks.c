/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of the page blocks that the balloon holds. They cost no memory: the links lie in the
 * frames' own struct page. Linked both ways, so that a block found by its place leaves at once.
 */
#include "balloon.h"
#include <neap/movable.h>
#include <neap/panic.h>

void balloon_chunk_push(struct balloon_chunks *chunks, struct page *page, unsigned order)
{
    uint32_t pfn = (uint32_t)page_to_pfn(page), head = chunks->head[order];

    page->next = head;
    page->prev = 0;
    if (head)
        pfn_to_page(head)->prev = pfn;
    chunks->head[order] = pfn;
    chunks->pages += UINT64_C(1) << order;
}

void balloon_chunk_remove(struct balloon_chunks *chunks, struct page *page)
{
    if (page->next)
        pfn_to_page(page->next)->prev = page->prev;
    if (page->prev) {
        pfn_to_page(page->prev)->next = page->next;
    } else {
        ASSERT(chunks->head[page->order] == page_to_pfn(page));
        chunks->head[page->order] = page->next;
    }
    chunks->pages -= UINT64_C(1) << page->order;
}

struct page *balloon_chunk_pop(struct balloon_chunks *chunks, unsigned order)
{
    struct page *page;

    if (!chunks->head[order])
        return NULL;
    page = pfn_to_page(chunks->head[order]);
    balloon_chunk_remove(chunks, page);
    return page;
}

void balloon_free_block(struct page *page)
{
    page_clear_lent(page);
    free_pages(page, page->order);
}

uint64_t balloon_chunks_free(struct balloon_chunks *chunks)
{
    uint64_t pages = chunks->pages;
    struct page *page;

    for (unsigned order = 0; order <= MAX_ORDER; order++)
        while ((page = balloon_chunk_pop(chunks, order)))
            balloon_free_block(page);
    ASSERT(!chunks->pages);
    return pages;
}

void balloon_chunks_move(struct balloon_chunks *to, struct balloon_chunks *from)
{
    struct page *page;

    for (unsigned order = 0; order <= MAX_ORDER; order++)
        while ((page = balloon_chunk_pop(from, order)))
            balloon_chunk_push(to, page, order);
}
