/* SPDX-License-Identifier: BSD-2-Clause */
/* Between the two halves of alloc_contiguous(): finding a range, and taking it. */
#ifndef MM_CONTIGUOUS_H
#define MM_CONTIGUOUS_H

#include "internal.h"

/*
 * Take [start, end), of which every frame was free or raw (or could move, if `evacuate`) a
 * moment ago, in PAGE_ALLOCATED blocks. Returns 0, -EAGAIN with a pfn through `obstacle` where
 * the search goes on, -ENOMEM. Thread context, under mm_mutex with reporting paused.
 */
int contiguous_take(pfn_t start, pfn_t end, enum page_kind kind, bool evacuate,
                    pfn_t *obstacle);

#endif
