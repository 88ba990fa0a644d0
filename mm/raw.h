/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory that was never used. All under blocks_lock. */
#ifndef MM_RAW_H
#define MM_RAW_H

#include <neap/lock.h>
#include <neap/page.h>

extern struct spinlock blocks_lock;

enum raw_state {
    RAW_NONE,     /* not raw memory */
    RAW_FRESH,    /* the host may hold pages of an earlier guest */
    RAW_BUSY,     /* being reported */
    RAW_REPORTED, /* the host knows */
};

struct raw_extent {
    pfn_t start;
    pfn_t end;
    enum raw_state state;
};

#define RAW_EXTENTS_MAX 192

/*
 * Give [start, end), which lies in one state, the new state; RAW_NONE removes it. Returns false
 * when the table is full.
 */
bool raw_set(pfn_t start, pfn_t end, enum raw_state state);

/* The first extent that ends after `pfn`; NULL: none. */
const struct raw_extent *raw_find(pfn_t pfn);

/* Is all of [start, end) raw, in whatever states? */
bool raw_covers(pfn_t start, pfn_t end);

/*
 * The highest fresh piece, its ends aligned to `align` pages, crossing no multiple of `limit`;
 * both powers of two, align <= limit.
 */
bool raw_highest_fresh(uint64_t align, uint64_t limit, struct raw_extent *piece);

/* Fresh pages in pieces aligned to `align` pages. */
uint64_t raw_reportable(uint64_t align);

/* May a few more pieces be cut? */
bool raw_has_room(void);

uint64_t raw_pages(enum raw_state state);

/* Pages of it that are there when its frames and tables are. Under blocks_lock or buddy.lock.
 */
uint64_t raw_usable(void);
uint64_t raw_largest(void);

/* Reported extents are fresh again. */
void raw_forget_reports(void);

#endif
