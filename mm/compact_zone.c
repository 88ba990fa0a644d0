/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compaction, what it does: the pages of a sparse pageblock go to holes of pageblocks that stay
 * in use. Sources are looked for from one end of the zone, holes from the other, until both
 * meet: so a page moves once at most, and nothing moves where memory is dense.
 *
 * Nothing is isolated. Pages that are allocated or freed meanwhile only make the result less
 * dense; the mover looks at each page again under the lock that counts.
 */
#include "compact.h"
#include "isolate.h"
#include <neap/movable.h>
#include <neap/space.h>

/* A pageblock with more in use than this is dense: moving it costs more than it brings. */
#define SPARSE_PAGES (PAGEBLOCK_PAGES / 4 * 3)
/* Pageblocks that one step looks at. */
#define LOOKS_MAX 256

/* What a pageblock holds, in pages. */
struct survey {
    uint64_t live;  /* single pages of the address space, which can move */
    uint64_t holes; /* free in pieces, of this zone */
    bool fixed;     /* something in it stays */
};

/* Where the block behind `head` begins; frames without memory have no order. */
static pfn_t behind(const struct page *head)
{
    return page_to_pfn(head) + (head->state == PAGE_TAIL ? 1 : order_pages(head->order));
}

static void survey_block(struct survey *survey, const struct page *head, unsigned row)
{
    switch (head->state) {
    case PAGE_FREE:
        if (buddy_row(head, head->order) == row)
            survey->holes += order_pages(head->order);
        else
            survey->fixed = true;
        break;
    case PAGE_CPU_CACHE:
        break;
    case PAGE_ALLOCATED:
        if (head->order == 0 && isolate_movable(head) && !(head->flags & PAGE_LENT) &&
            (row == ROW_ELASTIC) == page_elastic(head))
            survey->live++;
        else
            survey->fixed = true;
        break;
    default:
        survey->fixed = true;
    }
}

/* All zero: it belongs to a larger block, or is no memory. */
static struct survey look_at(pfn_t pfn, unsigned row)
{
    irqflags_t flags = spin_lock(&buddy.lock);
    struct survey survey = {0};

    if (block_page(pfn) && block_page(pfn + PAGEBLOCK_PAGES - 1) &&
        buddy_covering_head(pfn)->order < PAGEBLOCK_ORDER) {
        for (pfn_t at = pfn; at < pfn + PAGEBLOCK_PAGES;) {
            const struct page *head = pfn_to_page(at);

            survey_block(&survey, head, row);
            at = behind(head);
        }
    }
    spin_unlock(&buddy.lock, flags);
    return survey;
}

/* ---- the two ends ---- */

void compact_zone_start(struct compact_zone *zone, unsigned row)
{
    pfn_t lowest = block_next_active(0), end = lowest;

    for (pfn_t pfn = lowest; pfn < PFN_LIMIT; pfn = block_next_active(end))
        end = ALIGN_DOWN(pfn, BLOCK_PAGES) + BLOCK_PAGES;
    lowest = ALIGN_DOWN(lowest, BLOCK_PAGES);
    *zone = (struct compact_zone){.row = row, .upwards = row != ROW_ELASTIC};
    zone->source = zone->upwards ? lowest : end;
    zone->hole = zone->upwards ? end : lowest;
}

/* Step over one pageblock, or over a whole memory block that is not there. */
static pfn_t advance(pfn_t *at, bool upwards)
{
    pfn_t block = upwards ? *at : *at - PAGEBLOCK_PAGES;

    if (block_find(block))
        *at = upwards ? *at + PAGEBLOCK_PAGES : block;
    else
        *at = ALIGN_DOWN(block, BLOCK_PAGES) + (upwards ? BLOCK_PAGES : 0);
    return block;
}

static bool have_met(const struct compact_zone *zone)
{
    return zone->upwards ? zone->source >= zone->hole : zone->source <= zone->hole;
}

/* ---- holes ---- */

/* Take single pages out of the holes of one pageblock. Under buddy.lock. */
static unsigned fill_from(pfn_t pfn, unsigned row, struct page **pages, unsigned wanted)
{
    unsigned nr = 0;

    for (pfn_t at = pfn, next; at < pfn + PAGEBLOCK_PAGES && nr < wanted; at = next) {
        struct page *head = pfn_to_page(at);
        bool reported = page_reported(head);
        pfn_t last;

        next = behind(head);
        if (head->state != PAGE_FREE || buddy_row(head, head->order) != row ||
            head->order >= PAGEBLOCK_ORDER)
            continue;
        last = MIN(next, at + wanted - nr);
        buddy_remove(head);
        for (; at < last; at++) {
            pages[nr] = pfn_to_page(at);
            page_set_allocated(pages[nr++], 0, PAGE_MOVABLE);
        }
        buddy_free_range(last, next, reported);
    }
    return nr;
}

/* At most `wanted` pages in holes on the far side of the source; fewer: there are no more. */
static unsigned take_holes(struct compact_zone *zone, struct page **pages, unsigned wanted)
{
    unsigned nr = 0;

    while (nr < wanted && !have_met(zone)) {
        pfn_t before = zone->hole, pfn = advance(&zone->hole, !zone->upwards);
        struct survey survey = look_at(pfn, zone->row);
        irqflags_t flags;

        if (have_met(zone) || !survey.holes || !(survey.live || survey.fixed))
            continue;
        flags = spin_lock(&buddy.lock);
        nr += fill_from(pfn, zone->row, pages + nr, wanted - nr);
        spin_unlock(&buddy.lock, flags);
        if (nr == wanted)
            zone->hole = before; /* there may be more of them */
    }
    account_pages(PAGE_MOVABLE, (int64_t)nr);
    return nr;
}

/* ---- sources ---- */

/* Returns how many pages went; fewer than are alive: no holes are left, or one stays. */
static uint64_t empty(struct compact_zone *zone, pfn_t pfn)
{
    struct page *pages[SPACE_BATCH_MAX], *holes[SPACE_BATCH_MAX];
    uint64_t moved = 0;

    for (;;) {
        unsigned nr = isolate_collect(pfn, pfn + PAGEBLOCK_PAGES, pages);
        unsigned room = nr ? take_holes(zone, holes, nr) : 0;
        unsigned went = room ? space_move_pages(pages, holes, room) : 0;

        moved += went;
        if (went < SPACE_BATCH_MAX)
            return moved;
    }
}

/* A whole pageblock must stay free beside what was promised while pages are on their way. */
static bool is_source(const struct survey *survey)
{
    return survey->live > 0 && survey->live <= SPARSE_PAGES && !survey->fixed &&
           memory_spare_pages() >= PAGEBLOCK_PAGES;
}

bool compact_zone_step(struct compact_zone *zone, uint64_t *moved)
{
    for (unsigned i = 0; i < LOOKS_MAX && !have_met(zone); i++) {
        pfn_t pfn = advance(&zone->source, zone->upwards);
        struct survey survey = look_at(pfn, zone->row);

        if (have_met(zone))
            break;
        if (is_source(&survey)) {
            *moved += empty(zone, pfn);
            break;
        }
    }
    return !have_met(zone);
}
