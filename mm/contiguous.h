/* SPDX-License-Identifier: BSD-2-Clause */
/* Contiguous memory, for alloc_pages(), and between the two halves of the search for it. */
#ifndef MM_CONTIGUOUS_H
#define MM_CONTIGUOUS_H

#include "internal.h"

/*
 * One block out of boot memory that is free only in smaller pieces: what applications have in
 * between moves elsewhere. Returns what alloc_pages() would, accounted, or NULL. Thread
 * context, outside of mm_mutex.
 */
struct page *contiguous_block(unsigned order, enum page_kind kind);

/*
 * Take [start, end), of which every frame was free or raw (or could move, if `evacuate`) a
 * moment ago, in PAGE_ALLOCATED blocks. Returns 0, -EAGAIN with a pfn through `obstacle` where
 * the search goes on, -ENOMEM. Thread context, under mm_mutex with reporting paused.
 */
int contiguous_take(pfn_t start, pfn_t end, enum page_kind kind, bool evacuate,
                    pfn_t *obstacle);

#endif
