/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lenders: who holds movable blocks without contents, and is asked to leave a place.
 */
#include "internal.h"
#include <neap/movable.h>

static struct mutex lenders_mutex = MUTEX_INIT(lenders_mutex, "lenders", LOCK_RANK_LENDER);
static struct lender *lenders; /* under lenders_mutex */

void lender_register(struct lender *lender)
{
    mutex_lock(&lenders_mutex);
    lender->next = lenders;
    lenders = lender;
    mutex_unlock(&lenders_mutex);
}

void lender_unregister(struct lender *lender)
{
    mutex_lock(&lenders_mutex);
    for (struct lender **link = &lenders; *link; link = &(*link)->next) {
        if (*link == lender) {
            *link = lender->next;
            break;
        }
    }
    mutex_unlock(&lenders_mutex);
}

uint64_t lenders_vacate(pfn_t start, pfn_t end)
{
    uint64_t freed = 0;

    mutex_lock(&lenders_mutex);
    for (struct lender *each = lenders; each; each = each->next)
        freed += each->vacate(each, start, end);
    mutex_unlock(&lenders_mutex);
    return freed;
}

static bool is_lent(const struct page *page)
{
    return READ_ONCE(page->state) == PAGE_ALLOCATED && READ_ONCE(page->flags) & PAGE_LENT;
}

/* The lent block that covers this frame. */
static struct page *lent_block_over(pfn_t pfn)
{
    for (unsigned order = 0; order <= MAX_ORDER; order++) {
        struct page *head = block_page(ALIGN_DOWN(pfn, order_pages(order)));

        if (head && is_lent(head) && head->order >= order)
            return head;
    }
    return NULL;
}

struct page *lent_block_next(pfn_t *at, pfn_t end)
{
    struct page *found = *at < end ? lent_block_over(*at) : NULL;

    while (!found && ++*at < end) {
        if (IS_ALIGNED(*at, GRANULE_PAGES) && !block_page(*at))
            *at += GRANULE_PAGES - 1; /* these have no frames */
        else if (block_page(*at) && is_lent(pfn_to_page(*at)))
            found = pfn_to_page(*at);
    }
    if (found)
        *at = page_to_pfn(found) + order_pages(found->order);
    return found;
}
