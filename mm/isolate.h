/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Isolation: emptying one physical range, for contiguous ranges and for memory that leaves.
 *
 * While a range is under isolation, whatever is freed in it becomes PAGE_ISOLATED, and nothing
 * in it is handed out. At the end the caller takes all of it, or gives all of it back.
 */
#ifndef MM_ISOLATE_H
#define MM_ISOLATE_H

#include "internal.h"

struct isolation {
    bool holes;         /* frames without memory are no obstacle */
    bool evacuate;      /* move what can move */
    const bool *cancel; /* looked at between blocks; NULL: never */
    pfn_t obstacle;     /* result: what could not be isolated */
    bool asked_lenders; /* set: lenders are not asked; own */
    bool lent;          /* own: lent blocks were left for later */
    unsigned attempts;  /* own: at one block, without progress */
};

/*
 * Begin and end the isolation of [start, end); one at a time, under mm_mutex with reporting
 * paused. Free blocks are isolated from the start, and no per-CPU list holds a block of it.
 */
void isolate_begin(pfn_t start, pfn_t end);
void isolate_end(void);

/*
 * Isolate all of [start, end), a part of that range; reserved pages that say whose frames they
 * hold stay. Lenders are asked last, when nothing else is in the way. Returns 0; -EBUSY:
 * something cannot move; -ENOMEM: no memory for it elsewhere; -ECANCELED. What was isolated
 * stays so. Thread context.
 */
int isolate_range(pfn_t start, pfn_t end, struct isolation *how);

/* Cut the isolated block that reaches across `pfn`, if there is one. Under buddy.lock. */
void isolate_cut(pfn_t pfn);

/* After isolate_end(): give what is isolated in [start, end) back to the lists. */
void isolate_give_back(pfn_t start, pfn_t end);

/*
 * Make the holder of the block at `pfn` give it up; [start, end) is emptied. Returns 0: look
 * again; else as isolate_range().
 */
int evacuate_at(pfn_t pfn, pfn_t start, pfn_t end, struct isolation *how);

/* Is the block at `pfn` lent? */
bool evacuate_is_lent(pfn_t pfn);

/*
 * The first SPACE_BATCH_MAX single pages of applications in [pfn, end), which may move; the
 * mover looks again at each. Returns how many. Any context.
 */
unsigned isolate_collect(pfn_t pfn, pfn_t end, struct page **pages);

/* Mark a block that nobody holds. Under buddy.lock. */
void isolate_mark(struct page *page, unsigned order, bool reported);

/* Can the holder of this block be made to give it up? Under buddy.lock. */
bool isolate_movable(const struct page *page);

#endif
