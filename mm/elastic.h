/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Between the files of elastic memory.
 *
 * An elastic block is the part of a region inside one aligned piece of memory as large as a
 * memory block or a subblock, whichever is larger. All its page frames lie at the start of its
 * first plugged subblock, the holder: room for all of them is set aside there at once, so its
 * other subblocks come and go freely. The holder leaves last.
 *
 * All of it under mm_mutex.
 */
#ifndef MM_ELASTIC_H
#define MM_ELASTIC_H

#include "internal.h"
#include <neap/elastic.h>

#define HOLDER_NONE UINT32_MAX

/* Frames [start, end). */
struct frames {
    pfn_t start;
    pfn_t end;
};

static inline uint64_t subblock_pages(const struct elastic_region *region)
{
    return region->subblock >> PAGE_SHIFT;
}

static inline uint64_t subblock_count(const struct elastic_region *region)
{
    return region->size / region->subblock;
}

/* The frames of subblocks [first, end). */
static inline struct frames subblock_frames(const struct elastic_region *region, uint64_t first,
                                            uint64_t end)
{
    pfn_t start = region->start >> PAGE_SHIFT;

    return (struct frames){start + first * subblock_pages(region),
                           start + end * subblock_pages(region)};
}

static inline uint64_t subblock_at(const struct elastic_region *region, pfn_t pfn)
{
    return (pfn - (region->start >> PAGE_SHIFT)) / subblock_pages(region);
}

static inline bool subblock_plugged(const struct elastic_region *region, uint64_t number)
{
    return region->plugged_map[number / 64] >> number % 64 & 1;
}

/* ---- elastic_frames.c ---- */

uint64_t elastic_blocks(const struct elastic_region *region);

/* The elastic block that `pfn` lies in, and its number. */
struct frames elastic_block_at(const struct elastic_region *region, pfn_t pfn,
                               uint64_t *number);

/* Pages of the subblock that hold frame arrays: 0 but for a holder. */
uint64_t elastic_metadata_in(const struct elastic_region *region, uint64_t number);

/*
 * Everything that adding [start, end) needs and that may fail: descriptors, the frame map, the
 * direct map. Returns 0 or -ENOMEM with the direct map as it was. Thread context.
 */
int elastic_prepare(const struct frames *frames);

/* Make memory out of [start, end), which is in the direct map, and mark it plugged. */
void elastic_attach(struct elastic_region *region, const struct frames *frames, bool reported);

/* The opposite: all of it is isolated. It leaves the direct map; empty tables stay. */
void elastic_detach(struct elastic_region *region, const struct frames *frames);

/* ---- elastic_victim.c ---- */

/* Subblocks [first, end), and the pages in use in them. */
struct choice {
    uint64_t first;
    uint64_t end;
    uint64_t used;
};

/* The highest run of at most `max` subblocks without a used page that may go. */
bool elastic_free_run(const struct elastic_region *region, uint64_t max, struct choice *choice);

/*
 * The subblock that is cheapest to empty behind `choice`, which is the one before or has `end`
 * 0: the fewest used pages, the highest address among equals.
 */
bool elastic_next_victim(const struct elastic_region *region, struct choice *choice);

/* Add neighbours that cost little more to empty each, up to `max` subblocks in all. */
void elastic_grow(const struct elastic_region *region, struct choice *choice, uint64_t max);

/* May this subblock leave together with the others of `choice`, if it can be emptied? */
bool elastic_may_leave(const struct elastic_region *region, const struct choice *choice,
                       uint64_t number);

/* Free pages of one subblock. */
uint64_t elastic_free_in(const struct elastic_region *region, uint64_t number);

/* The first plugged subblock at or after `number`; subblock_count() or more: none. */
uint64_t elastic_next_plugged(const struct elastic_region *region, uint64_t number);

/* Did the kernel claim this plugged subblock? */
bool elastic_is_kernel(const struct elastic_region *region, uint64_t number);

/* ---- elastic_reserve.c ---- */

/*
 * Give elastic memory back that the kernel claimed and does not use, as long as `keep` pages of
 * boot memory stay free. With reporting paused. Returns whether any was given back.
 */
bool elastic_release(uint64_t keep);

/* From now on the kernel may claim elastic memory. */
void kernel_reserve_start(void);

/* ---- elastic_victim.c ---- */

/* The same, or does it hold the frames of such a one? */
bool elastic_stays_for_kernel(const struct elastic_region *region, uint64_t number);

/* What is in the way in a range, in pages. */
struct contents {
    uint64_t live;   /* data that would move */
    uint64_t pinned; /* pinned, or of the kernel */
};
struct contents elastic_contents(const struct frames *frames);

#endif
