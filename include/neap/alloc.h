/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page allocation.
 *
 * Placement: warm pages (not reported to the host) first, then reported ones, then memory that
 * was never used. Small orders come from per-CPU lists.
 */
#ifndef NEAP_ALLOC_H
#define NEAP_ALLOC_H

#include <neap/page.h>

enum alloc_flags {
    ALLOC_DEFAULT = 0,
    ALLOC_ZERO = 1u << 0,       /* fill with zero bytes */
    ALLOC_ATOMIC = 1u << 1,     /* never sleeps: implied where the caller may not sleep */
    ALLOC_NO_RECLAIM = 1u << 2, /* fail rather than ask reclaimers (balloon's own inflate) */
    ALLOC_OPTIONAL = 1u << 3,   /* the caller does with less: a failure is no news */
    ALLOC_PROMISED = 1u << 4, /* it was promised (a first touch), or as much is freed for it */
    ALLOC_SPARE = 1u << 5,    /* movable memory that nobody was promised, for no application */
};

/*
 * Allocate 2^order frames, naturally aligned. order <= MAX_ORDER (else NULL). May sleep in
 * reclaim, and move movable pages, unless ALLOC_ATOMIC or the context forbids it. Returns the
 * head frame in PAGE_ALLOCATED, or NULL: the caller names what it could not do. The kernel gets
 * NULL, too, where only memory is left that applications were promised; ALLOC_ATOMIC may use
 * the last 256 KiB beside that, others leave them.
 */
struct page *alloc_pages(unsigned order, enum page_kind kind, unsigned flags) MUST_CHECK;

/* Give back what alloc_pages() returned, with the same order. Any context. */
void free_pages(struct page *page, unsigned order);

/*
 * Allocate `pages` frames in one physical range aligned to `align` pages (a power of two):
 * beyond MAX_ORDER, or of a size that is no power of two. May search all memory; thread
 * context. Every frame block of the result is PAGE_ALLOCATED with order 0..MAX_ORDER inside.
 * NULL when no such range is free.
 */
struct page *alloc_contiguous(uint64_t pages, uint64_t align, enum page_kind kind,
                              unsigned flags) MUST_CHECK;

/* Give back a whole contiguous range. Thread context. */
void free_contiguous(struct page *page, uint64_t pages);

#define PAGE_POISON_OFF (-1)

/*
 * The byte that memory is filled with when it is freed and before it is reported (`poison=`),
 * PAGE_POISON_OFF: free pages hold anything. Constant after start-up; any context.
 */
int page_poison(void);

/* Whom an allocation asks first: what costs least. Before all of them come free memory of every
 * kind, the warm reserve included, and the per-CPU lists. */
enum reclaim_order {
    RECLAIM_BALLOON, /* the host has it and gives it back at once */
    RECLAIM_PLUG,    /* the host is adding it: wait for that */
};

/*
 * Reclaimers give memory back before an allocation fails (balloon: DEFLATE_ON_OOM).
 * reclaim() is asked for at least `pages` frames, may sleep, and returns how many it freed.
 */
struct reclaimer {
    const char *name;
    enum reclaim_order order;
    uint64_t (*reclaim)(struct reclaimer *self, uint64_t pages);
    struct reclaimer *next;
};
void reclaimer_register(struct reclaimer *reclaimer);
void reclaimer_unregister(struct reclaimer *reclaimer);

/* Move every per-CPU cached page of every CPU back to the buddy. Thread context. */
void alloc_drain_cpu_caches(void);

/*
 * Debug builds and unit tests: let the n-th allocation from now fail (1: the next one), and
 * every `every`-th after it (0: only that one). n = 0 switches it off.
 */
void alloc_inject_failure(uint64_t n, uint64_t every);

#endif
