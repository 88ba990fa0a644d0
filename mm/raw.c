/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Raw memory: ranges that nobody has used, in a small sorted table. It has no frames, so its
 * size costs nothing.
 */
#include "internal.h"
#include <neap/panic.h>

struct spinlock blocks_lock = SPINLOCK_INIT("memory blocks", LOCK_RANK_BLOCKS);

/* Room that reporting and contiguous ranges leave for everybody else. */
#define RAW_SPARE 16
/* Pages that may be lost for other reasons than their number, in all. */
#define RAW_LOSS 64

static struct raw_extent extents[RAW_EXTENTS_MAX];
static unsigned nr_extents;
static uint64_t total; /* pages of all extents; less only under buddy.lock, too */

static unsigned index_after(pfn_t pfn)
{
    unsigned i = 0;

    while (i < nr_extents && extents[i].end <= pfn)
        i++;
    return i;
}

static void insert_at(unsigned index, pfn_t start, pfn_t end, enum raw_state state)
{
    for (unsigned i = nr_extents; i > index; i--)
        extents[i] = extents[i - 1];
    extents[index] = (struct raw_extent){start, end, state};
    nr_extents++;
}

static void delete_at(unsigned index)
{
    nr_extents--;
    for (unsigned i = index; i < nr_extents; i++)
        extents[i] = extents[i + 1];
}

/* Join an extent with the one before it where they touch and have one state. */
static void join_with_previous(unsigned index)
{
    if (index == 0 || index >= nr_extents || extents[index - 1].end != extents[index].start ||
        extents[index - 1].state != extents[index].state)
        return;
    extents[index - 1].end = extents[index].end;
    delete_at(index);
}

/* Cut the extent at `index` so that [start, end) has an entry of its own; returns its index. */
static unsigned isolate_entry(unsigned index, pfn_t start, pfn_t end)
{
    struct raw_extent whole = extents[index];

    if (whole.start < start) {
        extents[index].end = start;
        insert_at(++index, start, whole.end, whole.state);
    }
    if (end < whole.end) {
        extents[index].end = end;
        insert_at(index + 1, end, whole.end, whole.state);
    }
    return index;
}

bool raw_set(pfn_t start, pfn_t end, enum raw_state state)
{
    unsigned index = index_after(start);

    if (nr_extents + 2 > RAW_EXTENTS_MAX)
        return false;
    if (index < nr_extents && extents[index].start < end) {
        ASSERT(extents[index].start <= start && extents[index].end >= end);
        index = isolate_entry(index, start, end);
        extents[index].state = state;
    } else {
        insert_at(index, start, end, state);
        WRITE_ONCE(total, total + (end - start));
    }
    if (state == RAW_NONE) {
        WRITE_ONCE(total, total - (end - start));
        delete_at(index);
        return true;
    }
    join_with_previous(index + 1);
    join_with_previous(index);
    return true;
}

bool raw_has_room(void)
{
    return nr_extents + RAW_SPARE <= RAW_EXTENTS_MAX;
}

const struct raw_extent *raw_find(pfn_t pfn)
{
    unsigned index = index_after(pfn);

    return index < nr_extents ? &extents[index] : NULL;
}

bool raw_covers(pfn_t start, pfn_t end)
{
    for (unsigned i = index_after(start); i < nr_extents && extents[i].start <= start; i++) {
        start = extents[i].end;
        if (start >= end)
            return true;
    }
    return false;
}

bool raw_highest_fresh(uint64_t align, uint64_t limit, struct raw_extent *piece)
{
    for (unsigned i = nr_extents; i-- > 0;) {
        pfn_t end = ALIGN_DOWN(extents[i].end, align);
        pfn_t start = ALIGN_UP(extents[i].start, align);

        if (extents[i].state != RAW_FRESH || start >= end)
            continue;
        start = MAX(start, ALIGN_DOWN(end - 1, limit));
        *piece = (struct raw_extent){start, end, RAW_FRESH};
        return true;
    }
    return false;
}

uint64_t raw_reportable(uint64_t align)
{
    uint64_t pages = 0;

    for (unsigned i = 0; i < nr_extents; i++) {
        pfn_t start = ALIGN_UP(extents[i].start, align),
              end = ALIGN_DOWN(extents[i].end, align);

        if (extents[i].state == RAW_FRESH && start < end)
            pages += end - start;
    }
    return pages;
}

uint64_t raw_pages(enum raw_state state)
{
    uint64_t pages = 0;

    for (unsigned i = 0; i < nr_extents; i++) {
        if (extents[i].state == state)
            pages += extents[i].end - extents[i].start;
    }
    return pages;
}

/*
 * The frames take one page of GRANULE_PAGES; tables of the frame map and of the direct map, as
 * well as pieces that are left out, never more than that and a little.
 */
uint64_t raw_usable(void)
{
    uint64_t pages = READ_ONCE(total), cost = 2 * pages / GRANULE_PAGES + RAW_LOSS;

    return pages > cost ? pages - cost : 0;
}

uint64_t raw_largest(void)
{
    uint64_t largest = 0;

    for (unsigned i = 0; i < nr_extents; i++)
        largest = MAX(largest, extents[i].end - extents[i].start);
    return largest;
}

void raw_forget_reports(void)
{
    for (unsigned i = nr_extents; i-- > 0;) {
        if (extents[i].state == RAW_REPORTED)
            extents[i].state = RAW_FRESH;
        join_with_previous(i + 1);
    }
}
