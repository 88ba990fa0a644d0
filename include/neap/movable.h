/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Movable blocks: who holds them, and how they leave a range.
 *
 * A block allocated as PAGE_MOVABLE is one of
 *   - a page of the address space: page->owner is the virtual address of its one mapping;
 *   - lent: it has no contents, a lender (the balloon) holds it and can give it back;
 *   - neither, for a moment: its holder is about to map or to free it.
 * Blocks that leave a range under isolation end there in PAGE_ISOLATED, not on a free list.
 */
#ifndef NEAP_MOVABLE_H
#define NEAP_MOVABLE_H

#include <neap/page.h>

/*
 * Move the contents of an allocated block of the address space elsewhere and free the block.
 * Every CPU runs on; a thread that touches the block meanwhile waits. A large page moves whole,
 * or is split when no whole one is free elsewhere, and then counts as moved: -EAGAIN. Returns
 * 0; -EAGAIN: the block has changed, look again; -EBUSY: pinned; -ENOMEM: no memory elsewhere.
 * Thread context, no spinlock held.
 */
int space_evacuate(struct page *page);

/*
 * The same for single pages, at most SPACE_BATCH_MAX, with one flush of all CPUs for all of
 * them: they are out of reach together until all are copied. Returns what space_evacuate()
 * says of the first; others that cannot go stay, too.
 */
#define SPACE_BATCH_MAX 32
int space_evacuate_pages(struct page *const *pages, unsigned nr);

/*
 * The same to places that the caller has allocated, one for each page: they are taken over.
 * Returns how many pages went; the places of the others are freed.
 */
unsigned space_move_pages(struct page *const *pages, struct page *const *places, unsigned nr);

/* Holds blocks that have no contents, and gives them back when their place is wanted. */
struct lender {
    const char *name;
    /*
     * Free every block that it holds and that touches [start, end). May wait for the host, for
     * a bounded time. Returns the pages that it freed. Thread context; never called twice at
     * once.
     */
    uint64_t (*vacate)(struct lender *self, pfn_t start, pfn_t end);
    struct lender *next;
};
void lender_register(struct lender *lender);
/* On return vacate() is not running and will not be called again. Thread context. */
void lender_unregister(struct lender *lender);

/* Ask every lender; returns the pages freed. Thread context, LOCK_RANK_MM at most held. */
uint64_t lenders_vacate(pfn_t start, pfn_t end);

/*
 * The next lent block that touches [*at, end); moves *at behind it.
 * NULL: there is none. The block is only certain to stay so for its own lender. Any context.
 */
struct page *lent_block_next(pfn_t *at, pfn_t end);

/* Mark a block that its lender holds. By the holder, just after alloc_pages(). */
static inline void page_set_lent(struct page *page)
{
    page->flags |= PAGE_LENT;
}

/* By the holder, just before free_pages(). */
static inline void page_clear_lent(struct page *page)
{
    page->flags &= (uint8_t)~PAGE_LENT;
}

#endif
