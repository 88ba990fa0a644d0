/* SPDX-License-Identifier: BSD-2-Clause */
/* Compaction: what starts it, when it runs, and what one step does. */
#ifndef MM_COMPACT_H
#define MM_COMPACT_H

#include "internal.h"

/* Free memory is in pieces: put it together when there is time. Under buddy.lock. */
void compact_note_pieces(void);

/* Start the thread. */
void compact_init(void);

/* Pages moved so far. Any context. */
uint64_t compact_moved_pages(void);

/* Free memory in pieces smaller than a pageblock: less than this is not worth any work. */
#define COMPACT_MIN_PAGES (2 * PAGEBLOCK_PAGES)

/*
 * A zone is emptied from one end and filled from the other. Elastic memory gathers at low
 * addresses, as it is handed out; what applications have of boot memory at high ones, away from
 * what the kernel has.
 */
struct compact_zone {
    unsigned row; /* of the buddy's lists */
    bool upwards; /* sources are looked for from the lowest address up */
    pfn_t source; /* the pageblocks on this side of it were looked at */
    pfn_t hole;   /* ... were filled */
};

/* Start at both ends. Under mm_mutex. */
void compact_zone_start(struct compact_zone *zone, unsigned row);

/*
 * Empty the next sparse pageblock, or look at a limited number of others. Returns false when
 * both ends have met. Adds the pages moved to *moved. Thread context, under mm_mutex.
 */
bool compact_zone_step(struct compact_zone *zone, uint64_t *moved);

#endif
