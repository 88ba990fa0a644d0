/* SPDX-License-Identifier: BSD-2-Clause */
/* Free memory that was promised to applications, and what others may take of the rest. */
#ifndef MM_SPARE_H
#define MM_SPARE_H

#include <neap/alloc.h>
#include <stdbool.h>
#include <stdint.h>

/* Pages that a commit leaves, and of them those for whom cannot wait. */
#define SPARE_PAGES  UINT64_C(128)
#define URGENT_PAGES (SPARE_PAGES / 2)

/*
 * Pages that movable memory may still get: neither those that are about to leave nor what is
 * kept for the kernel. Any context.
 */
uint64_t memory_movable_free(void);

/* Of them, those that nobody was promised: as many may leave. Any context. */
uint64_t memory_spare_pages(void);

/* Free pages of boot memory, raw or not. Any context. */
uint64_t memory_boot_free(void);

/* Promise `pages` more. Returns the pages that are missing for it, 0: promised. Any context. */
uint64_t memory_promise(uint64_t pages);

/* Is there memory for all promises, without what is about to leave? Any context. */
bool memory_promises_kept(void);

/* So many pages may be taken that pay for no promise. Under buddy.lock. */
uint64_t memory_unpromised(unsigned flags);

/* So many pages an allocation with these flags may take now. Under buddy.lock. */
static inline uint64_t memory_allowance(enum page_kind kind, unsigned flags)
{
    if (flags & ALLOC_PROMISED || (kind == PAGE_MOVABLE && !(flags & ALLOC_SPARE)))
        return UINT64_MAX;
    return memory_unpromised(flags);
}

/* --- space_promise.c --- */

/* Pages that first touches of what is promised, and of `more`, may need. Any context. */
uint64_t space_promise_cost(uint64_t more);

/* More (after a discard) or fewer promises. Any context. */
void space_promise_adjust(int64_t pages);

#endif
