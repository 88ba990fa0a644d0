/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page frames: one struct page for every 4 KiB frame of memory that the buddy manages.
 */
#ifndef NEAP_PAGE_H
#define NEAP_PAGE_H

#include <arch/layout.h>
#include <neap/compiler.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * What a block of frames is used for now. Only the first frame of a block (its head) says so;
 * every other frame of the block is PAGE_TAIL, so splitting and merging touch two frames.
 */
enum page_state {
    PAGE_TAIL = 0,  /* inside a block, or not managed */
    PAGE_FREE,      /* on a free list of the buddy */
    PAGE_CPU_CACHE, /* on a per-CPU list */
    PAGE_ISOLATED,  /* taken off the lists by reporting or a contiguous range */
    PAGE_ALLOCATED, /* handed out */
    PAGE_RESERVED,  /* the kernel's for ever: frame arrays, early page tables */
};

/* Who may hold a block: decides placement. */
enum page_kind {
    PAGE_KERNEL,  /* cannot move: stays in boot memory */
    PAGE_MOVABLE, /* application memory */
    PAGE_KINDS,
};

/* Flags of struct page. */
#define PAGE_REPORTED 0x01 /* free, and the host knows: the next touch faults there */
#define PAGE_LENT     0x08 /* held by a lender: movable, without contents */
#define PAGE_ELASTIC \
    0x10 /* in memory that can be unplugged; of every frame, whatever its state */

/* 16 bytes: 0.39 % of memory. Links are frame numbers; frame 0 is never managed and means none.
 */
struct page {
    union {
        struct {
            uint32_t next; /* list of the owner of the state: free, per-CPU, holder's own */
            uint32_t prev;
        };
        uint64_t owner; /* PAGE_ALLOCATED: the holder's word */
    };
    uint8_t state; /* enum page_state */
    uint8_t order; /* of a head */
    uint8_t flags;
    uint8_t block_kind; /* first frame of a pageblock: enum page_kind of its free lists */
    uint32_t pins;      /* exact count of pins; a pinned page is never moved or reported */
};

_Static_assert(sizeof(struct page) == 16, "the frame array is sized for 16 bytes a frame");

typedef uint64_t pfn_t; /* physical address >> PAGE_SHIFT */

#define MAX_ORDER       10 /* largest block on the free lists: 4 MiB */
#define PAGEBLOCK_PAGES (UINT64_C(1) << PAGEBLOCK_ORDER)

/* The frame of a managed pfn. Touching the frame of memory that was never added faults. */
static inline struct page *pfn_to_page(pfn_t pfn)
{
    return (struct page *)FRAME_MAP_BASE + pfn;
}

static inline pfn_t page_to_pfn(const struct page *page)
{
    return (pfn_t)(page - (struct page *)FRAME_MAP_BASE);
}

static inline uint64_t page_to_phys(const struct page *page)
{
    return page_to_pfn(page) << PAGE_SHIFT;
}

static inline void *page_to_virt(const struct page *page)
{
    return phys_to_virt(page_to_phys(page));
}

static inline struct page *phys_to_page(uint64_t phys)
{
    return pfn_to_page(phys >> PAGE_SHIFT);
}

static inline struct page *virt_to_page(const void *virt)
{
    return phys_to_page(virt_to_phys(virt));
}

#endif
