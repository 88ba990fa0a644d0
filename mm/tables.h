/* SPDX-License-Identifier: BSD-2-Clause */
/* Page tables: what pgtable*.c offer to the rest of mm/. */
#ifndef MM_TABLES_H
#define MM_TABLES_H

#include <neap/lock.h>
#include <neap/pgtable.h>

extern struct spinlock pgtable_lock;

/* Tables that one mapping can need at most: one a level below the root. */
#define PGTABLE_PATH_MAX (PGTABLE_LEVELS_MAX - 1)

struct pgtable_walk {
    pte_t *slot;    /* entry that decides about the address */
    unsigned level; /* its level */
};

static inline uint64_t level_size(unsigned level)
{
    return UINT64_C(1) << arch_pgtable_levels[level].shift;
}

static inline unsigned level_entries(unsigned level)
{
    return 1u << arch_pgtable_levels[level].index_bits;
}

/* Order of a page-table page, the same for all levels. */
unsigned pgtable_table_order(void);

/* A table of a level without any entry, out of a cache. Under the cache's lock. */
uint64_t pgtable_take_empty(struct memcache *cache, unsigned level);

/* Go down towards `va` as far as tables exist, at most to `level`. Under pgtable_lock. */
struct pgtable_walk pgtable_walk(struct pgtable *table, uintptr_t va, unsigned level);

/*
 * Map one piece of [va, end) at va: a run of entries in one table. What is mapped already is
 * skipped if `keep`, else asserted absent. Returns the end of the piece, or `va` when `tables`
 * may not suffice. Under pgtable_lock.
 */
uintptr_t pgtable_map_piece(struct pgtable *table, uintptr_t va, uintptr_t end, uint64_t phys,
                            unsigned prot, bool keep, struct memcache *tables);

/* pgtable_map() that skips what is mapped already. */
int pgtable_map_missing(struct pgtable *table, uintptr_t va, uint64_t phys, uint64_t size,
                        unsigned prot);

/*
 * Take pgtable_lock with at least `minimum` tables in the cache; new ones are allocated with
 * `alloc_flags`. Returns -ENOMEM without the lock.
 */
int pgtable_lock_with_tables(struct pgtable *table, unsigned minimum, unsigned alloc_flags,
                             irqflags_t *flags);

/* Free the tables that are kept at hand. Any context, no spinlock of mm. */
void pgtable_drain_cache(struct pgtable *table);

/*
 * Make pages end at both ends of a range, so that unmapping it cannot fail. Returns 0 or
 * -ENOMEM. Thread context.
 */
int pgtable_split(struct pgtable *table, uintptr_t start, uintptr_t end);

/*
 * pgtable_unmap() that leaves empty tables in place: mapping the same range again needs none. A
 * pgtable_unmap() of the range frees them.
 */
int pgtable_unmap_keep_tables(struct pgtable *table, uintptr_t va, uint64_t size);

/* Replace the 4 KiB leaf at `va`. No flush. Under pgtable_lock. */
void pgtable_replace_leaf(struct pgtable *table, uintptr_t va, uint64_t phys, unsigned prot);

/* Tables that were unlinked, chained through their first word until every TLB has forgotten. */
void pgtable_chain_add(uint64_t *chain, uint64_t table_phys);
void pgtable_chain_free(uint64_t chain);

#endif
