/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which subblocks go first: free ones, then those with the least to move, the highest address
 * first among equals. The counts of free pages by granule make a look at a subblock cheap.
 */
#include "block.h"
#include "elastic.h"
#include "isolate.h"
#include <neap/space.h>

/* A request of the device is worth this part of a subblock in moved pages. */
#define DEARER 8

uint64_t elastic_next_plugged(const struct elastic_region *region, uint64_t number)
{
    uint64_t count = subblock_count(region), word = number / 64;
    uint64_t bits =
        number < count ? region->plugged_map[word] & ~UINT64_C(0) << number % 64 : 0;

    while (!bits && ++word <= (count - 1) / 64)
        bits = region->plugged_map[word];
    return bits ? word * 64 + (uint64_t)__builtin_ctzll(bits) : count;
}

/* Behind the last plugged subblock: what a region could be is not looked at one by one. */
static uint64_t plugged_end(const struct elastic_region *region)
{
    uint64_t count = subblock_count(region), word = (count + 63) / 64;

    while (word > 0 && !region->plugged_map[word - 1])
        word--;
    return MIN(word * 64, count);
}

uint64_t elastic_free_in(const struct elastic_region *region, uint64_t number)
{
    struct frames frames = subblock_frames(region, number, number + 1);
    uint64_t free = 0;

    for (pfn_t pfn = frames.start; pfn < frames.end; pfn += GRANULE_PAGES) {
        const struct mem_block *block = block_descriptor(pfn / BLOCK_PAGES);

        free += READ_ONCE(block->free[pfn % BLOCK_PAGES / GRANULE_PAGES]);
    }
    return free;
}

static uint64_t used_in(const struct elastic_region *region, uint64_t number)
{
    uint64_t room = subblock_pages(region) - elastic_metadata_in(region, number);

    return room - MIN(room, elastic_free_in(region, number));
}

bool elastic_is_kernel(const struct elastic_region *region, uint64_t number)
{
    return !page_elastic(pfn_to_page(subblock_frames(region, number, number + 1).end - 1));
}

/* Would the elastic block of this holder keep subblocks besides [first, end)? */
static bool serves_others(const struct elastic_region *region, uint64_t holder, uint64_t first,
                          uint64_t end)
{
    uint64_t number;
    struct frames block =
        elastic_block_at(region, subblock_frames(region, holder, 0).start, &number);

    if (region->holders[number] != holder)
        return false;
    for (uint64_t i = subblock_at(region, block.start); i < subblock_at(region, block.end);
         i++) {
        if ((i < first || i >= end) && subblock_plugged(region, i))
            return true;
    }
    return false;
}

bool elastic_stays_for_kernel(const struct elastic_region *region, uint64_t holder)
{
    uint64_t number;
    struct frames block =
        elastic_block_at(region, subblock_frames(region, holder, 0).start, &number);

    if (elastic_is_kernel(region, holder) || region->holders[number] != holder)
        return elastic_is_kernel(region, holder);
    for (uint64_t i = subblock_at(region, block.start); i < subblock_at(region, block.end);
         i++) {
        if (subblock_plugged(region, i) && elastic_is_kernel(region, i))
            return true;
    }
    return false;
}

bool elastic_free_run(const struct elastic_region *region, uint64_t max, struct choice *choice)
{
    uint64_t at = plugged_end(region), end = at;

    while (at > 0 && end - at < max) {
        bool usable = subblock_plugged(region, at - 1) && used_in(region, at - 1) == 0 &&
                      !serves_others(region, at - 1, at - 1, end);

        if (!usable && at < end)
            break;
        at--;
        if (!usable)
            end = at;
    }
    *choice = (struct choice){at, end, 0};
    return at < end;
}

/* Is `a` to be emptied before `b`? */
static bool before(const struct choice *a, const struct choice *b)
{
    return a->used < b->used || (a->used == b->used && a->first > b->first);
}

bool elastic_may_leave(const struct elastic_region *region, const struct choice *choice,
                       uint64_t number)
{
    return subblock_plugged(region, number) && !elastic_is_kernel(region, number) &&
           !serves_others(region, number, choice->first, choice->end);
}

bool elastic_next_victim(const struct elastic_region *region, struct choice *choice)
{
    const struct choice last = *choice;
    struct choice best = {0, 0, UINT64_MAX};

    for (uint64_t i = plugged_end(region); i-- > 0;) {
        struct choice this = {i, i + 1, 0};

        if (!elastic_may_leave(region, &this, i))
            continue;
        this.used = used_in(region, i);
        if ((last.end == 0 || before(&last, &this)) && before(&this, &best))
            best = this;
    }
    *choice = best;
    return best.end > 0;
}

/* Can `number`, which lies beside `choice`, go with it? It becomes the best if it is cheaper.
 */
static void consider(const struct elastic_region *region, const struct choice *choice,
                     uint64_t number, struct choice *best)
{
    struct choice all = {MIN(choice->first, number), MAX(choice->end, number + 1), 0};
    struct choice this = {number, number + 1, 0};

    if (number >= subblock_count(region) || !elastic_may_leave(region, &all, number))
        return;
    this.used = used_in(region, number);
    if (before(&this, best))
        *best = this;
}

void elastic_grow(const struct elastic_region *region, struct choice *choice, uint64_t max)
{
    const uint64_t limit = choice->used + subblock_pages(region) / DEARER;

    while (choice->end - choice->first < max) {
        struct choice next = {0, 0, limit + 1};

        consider(region, choice, choice->first - 1, &next); /* of the first one: beyond all */
        consider(region, choice, choice->end, &next);
        if (!next.end)
            break;
        choice->first = MIN(choice->first, next.first);
        choice->end = MAX(choice->end, next.end);
    }
}

/* Pins are counted by the frame, not by the block. */
static bool pinned(const struct page *page, uint64_t pages)
{
    for (uint64_t i = 0; i < pages; i++) {
        if (READ_ONCE(page[i].pins))
            return true;
    }
    return false;
}

/* The `pages` of a block from `page` on. */
static void count_contents(struct contents *sum, const struct page *head,
                           const struct page *page, uint64_t pages)
{
    if (head->state == PAGE_RESERVED && !page_elastic(head))
        sum->pinned += pages; /* a frame page of other memory */
    if (head->state != PAGE_ALLOCATED)
        return;
    if (!(head->flags & PAGE_HELD_MOVABLE) || pinned(page, pages))
        sum->pinned += pages;
    else if (!(head->flags & PAGE_LENT))
        sum->live += pages;
}

struct contents elastic_contents(const struct frames *frames)
{
    struct contents sum = {0};
    pfn_t pfn = frames->start;

    while (pfn < frames->end) {
        irqflags_t flags = spin_lock(&buddy.lock);
        pfn_t stop = MIN(frames->end, pfn + PAGEBLOCK_PAGES);

        while (pfn < stop) {
            const struct page *head = buddy_covering_head(pfn);
            pfn_t next = MIN(frames->end, page_to_pfn(head) + order_pages(head->order));

            count_contents(&sum, head, pfn_to_page(pfn), next - pfn);
            pfn = MAX(next, pfn + 1);
        }
        spin_unlock(&buddy.lock, flags);
    }
    return sum;
}
