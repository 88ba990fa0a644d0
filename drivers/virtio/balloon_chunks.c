/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lists of the page blocks that the balloon holds. They cost no memory: the links lie in the
 * frames' own struct page.
 */
#include "balloon.h"
#include <neap/panic.h>

void balloon_chunk_push(struct balloon_chunks *chunks, struct page *page, unsigned order)
{
    page->next = chunks->head[order];
    chunks->head[order] = (uint32_t)page_to_pfn(page);
    chunks->pages += UINT64_C(1) << order;
}

struct page *balloon_chunk_pop(struct balloon_chunks *chunks, unsigned order)
{
    struct page *page;

    if (!chunks->head[order])
        return NULL;
    page = pfn_to_page(chunks->head[order]);
    chunks->head[order] = page->next;
    chunks->pages -= UINT64_C(1) << order;
    return page;
}

uint64_t balloon_chunks_free(struct balloon_chunks *chunks)
{
    uint64_t pages = chunks->pages;
    struct page *page;

    for (unsigned order = 0; order <= MAX_ORDER; order++)
        while ((page = balloon_chunk_pop(chunks, order)))
            free_pages(page, order);
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
