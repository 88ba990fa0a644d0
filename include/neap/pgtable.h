/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel's page tables: filling, splitting, merging, for every architecture.
 *
 * Lock: LOCK_RANK_PGTABLE, held for one bounded range at a time. Tables come from a memory
 * cache that is topped up before the lock is taken.
 */
#ifndef NEAP_PGTABLE_H
#define NEAP_PGTABLE_H

#include <arch/pgtable.h>
#include <neap/memcache.h>
#include <stdint.h>

struct pgtable {
    uint64_t root; /* physical */
    struct memcache cache;
    uint64_t leaves[PGTABLE_LEVELS_MAX]; /* mappings per page size */
    uint64_t tables;                     /* pages in tables */
};

/* The kernel's own tables. */
extern struct pgtable kernel_pgtable;

/*
 * Map [va, va + size) to phys with the largest pages that alignment and CPU allow. All page
 * aligned. Nothing may be mapped there yet (asserted). Returns 0, or -ENOMEM with the range
 * unmapped again. Thread context or early boot.
 */
int pgtable_map(struct pgtable *table, uintptr_t va, uint64_t phys, uint64_t size,
                unsigned prot) MUST_CHECK;

/*
 * Unmap the range, splitting large pages at its ends; holes are allowed. Flushes every CPU's
 * TLB before it returns, then frees empty tables. Returns 0, -ENOMEM when a split found no
 * table (nothing changed). Thread context.
 */
int pgtable_unmap(struct pgtable *table, uintptr_t va, uint64_t size) MUST_CHECK;

/* Change the protection of a fully mapped range; as pgtable_unmap(). */
int pgtable_protect(struct pgtable *table, uintptr_t va, uint64_t size,
                    unsigned prot) MUST_CHECK;

/*
 * Replace runs of small pages in the range by large ones where they are contiguous, aligned
 * and of one protection; frees the tables. Returns how many large pages it made. Thread
 * context.
 */
unsigned pgtable_merge(struct pgtable *table, uintptr_t va, uint64_t size);

/*
 * Look one address up. Returns false if it is not mapped, else physical address, level and
 * protection (any pointer may be NULL). Any context.
 */
bool pgtable_lookup(struct pgtable *table, uintptr_t va, uint64_t *phys, unsigned *level,
                    unsigned *prot);

/* Make `va` .. `va + size` unreachable on every CPU: the flush of the functions above. */
void tlb_flush_all_cpus(uintptr_t start, uintptr_t end);

#endif
