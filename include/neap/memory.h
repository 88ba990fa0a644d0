/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical memory as a whole: ranges, memory blocks, totals.
 *
 * Memory that nobody has used yet is raw: it has no frame array and costs nothing, whatever its
 * size. When the buddy runs dry it takes the next memory block out of raw memory; a block's
 * frame array lives in the block's own first pages.
 */
#ifndef NEAP_MEMORY_H
#define NEAP_MEMORY_H

#include <arch/boot.h>
#include <neap/page.h>
#include <stdint.h>

/* Smallest memory that neap starts with; less is refused with both figures. */
#define MEMORY_MINIMUM (UINT64_C(6) * MIB)

/* All in bytes. total = free + used; free includes reported and raw. */
struct memory_stats {
    uint64_t total;          /* managed memory, raw included */
    uint64_t free;           /* in the buddy, per-CPU lists and raw */
    uint64_t reported;       /* free, and the host was told; raw memory may be, too */
    uint64_t warm;           /* free in the buddy and not reported */
    uint64_t raw;            /* never used */
    uint64_t cpu_cache;      /* on per-CPU lists */
    uint64_t kernel;         /* allocated for the kernel */
    uint64_t movable;        /* allocated for applications */
    uint64_t metadata;       /* frame arrays and early page tables */
    uint64_t ballooned;      /* lent to the host by the balloon; part of used, not of movable */
    uint64_t elastic;        /* plugged memory that can be unplugged again; part of total */
    uint64_t elastic_free;   /* of it: in the buddy, for applications */
    uint64_t kernel_reserve; /* of it: claimed by the kernel until it is free again */
    uint64_t image;          /* kernel image, not part of total */
    uint64_t largest_free;   /* largest free block: raw extent or buddy block */
    uint64_t allocations;    /* calls that succeeded */
    uint64_t failures;       /* calls that returned NULL */
    uint64_t cold_taken;     /* bytes handed out that the host had to back anew (reported) */
    uint64_t in_pieces;      /* free for applications in less than a pageblock */
    uint64_t compacted;      /* bytes moved so that free memory is made of whole pageblocks */
};

/* A snapshot; the sums hold exactly when nothing else runs. Any context. */
void memory_stats_get(struct memory_stats *stats);

/* Take over the boot memory. Boot CPU, once. Panics with the figures when it is too small. */
void mm_init(struct boot_info *info);

/* After threads exist: reporting, compaction of caches. Boot thread, once. */
void mm_init_late(void);

/* Count `pages` (may be negative) as lent to the host. Balloon only; any context. */
void memory_account_balloon(int64_t pages);

/* Free blocks and how many of them are reported, per order, over both kinds. Any context. */
struct buddy_counts {
    uint64_t free[MAX_ORDER + 1];
    uint64_t reported[MAX_ORDER + 1];
};
void buddy_counts_get(struct buddy_counts *counts);

/* Debug: walk everything and panic on a broken invariant. Thread context; slow. */
void mm_check(void);

#endif
