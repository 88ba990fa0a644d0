/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the address space share (see neap/space.h).
 *
 * An entry of the page table below HEAP_BASE + HEAP_SIZE is one of
 *   none     not committed
 *   waiting  committed, not touched; of any level
 *   present  touched; a page of 4 KiB or a large one
 *   away     touched and out of reach: SPACE_NONE, or with SPACE_MOVING while it is copied
 * Entries change under pgtable_lock only. Who sets SPACE_MOVING clears it soon, without
 * sleeping or being preempted; all others leave such an entry alone and wait.
 */
#ifndef MM_SPACE_H
#define MM_SPACE_H

#include "internal.h"
#include <neap/movable.h>
#include <neap/space.h>

#define SPACE_MOVING (1u << 3) /* beside enum space_prot in the bits of an entry */

#define LARGE_LEVEL 1
#define LARGE_SIZE  (PAGE_SIZE << PAGEBLOCK_ORDER)
#define LARGE_PAGES (UINT64_C(1) << PAGEBLOCK_ORDER)

/* Can this CPU map them? Not every one can. */
static inline bool large_pages(void)
{
    return arch_pgtable_levels[LARGE_LEVEL].leaf;
}

/* Pages and events; under pgtable_lock. */
struct space_counts {
    uint64_t resident;
    uint64_t huge;
    uint64_t faults;
    uint64_t moved;
    uint64_t splits;
    uint64_t reformed;
    unsigned changing; /* operations on ranges under way: entries must not grow together */
};
extern struct space_counts space_counts;

static inline bool entry_is_leaf(pte_t pte, unsigned level)
{
    return pte_present(pte) && pte_is_leaf(pte, level);
}

static inline bool entry_is_table(pte_t pte, unsigned level)
{
    return pte_present(pte) && !pte_is_leaf(pte, level);
}

static inline bool entry_has_block(pte_t pte, unsigned level)
{
    return entry_is_leaf(pte, level) || pte_is_away(pte);
}

static inline bool entry_is_moving(pte_t pte)
{
    return pte_is_away(pte) && pte_bits(pte) & SPACE_MOVING;
}

/* --- space_entry.c: all under pgtable_lock --- */

/* Protection of an entry that is neither none nor a table. */
unsigned entry_prot(pte_t pte, unsigned level);

/* The entry of a touched page: present, or away when it may not be accessed. */
pte_t entry_for(uint64_t phys, unsigned prot, unsigned level);

/* Write an entry that holds a block or replaces one, and count it. */
void entry_set(struct pgtable_walk walk, pte_t value);

/* Put a table in the place of an entry, of one meaning with it; takes a table of the cache. */
void entry_split(struct pgtable_walk walk, uintptr_t base);

/* Tables it takes until an entry begins at `va`; false: a move must be over first. */
bool entry_splits_needed(uintptr_t va, bool none_too, unsigned *tables);

/* Make an entry begin at `va`. */
void entry_split_at(uintptr_t va, bool none_too);

/*
 * Where the entries of the table at `va`, of `level`, are all the same, none or waiting, take
 * the table out; the same for the tables above. Tables go on the chain.
 */
void entry_join(uintptr_t va, unsigned level, uint64_t *chain);

/* One entry of a run; [from, to) is its part inside the range. False: stop in front of it. */
typedef bool (*entry_fn)(struct pgtable_walk walk, uintptr_t from, uintptr_t to, void *arg);

/*
 * Call fn for the entries of one table from `va` on, up to `end`, the end of the table or an
 * entry that points to a table. Returns where to go on.
 */
uintptr_t entry_run(uintptr_t va, uintptr_t end, entry_fn fn, void *arg);

/* Is one of the frames pinned? Pins are counted by frame. */
bool block_pinned(const struct page *block, uint64_t pages);

/* --- space_range.c --- */

/* Does [va, va + size) lie in one reservation, page aligned? */
bool space_reserved(uintptr_t va, uint64_t size);
uint64_t space_reserved_bytes(void);

/* --- space_promise.c --- */

/* Promise `pages`, asking reclaimers where they are missing. 0 or -ENOMEM. Thread context. */
int space_promise(uint64_t pages);
uint64_t space_refused_count(void);

/* --- space_fault.c --- */

/* Wait until no move of the page at `va` is under way. No spinlock of mm held. */
void space_wait_move(uintptr_t va, bool may_sleep);
/* A move is over. */
void space_moved(void);
/* How often somebody waited, and the longest time in nanoseconds. */
uint64_t space_waits_count(void);
uint64_t space_wait_max(void);

/* --- space_reform.c --- */

/*
 * Put the small pages of one large page's range into a large page. 0; -EAGAIN: they are not
 * all there or not alike; -EBUSY: pinned; -ENOMEM: no large page is at hand. Thread context.
 */
int space_reform(uintptr_t va);

/* Try that some time. Any context that may fault. */
void space_reform_later(uintptr_t va);

/* --- space_move.c --- */

/*
 * Move a block out of elastic memory, for a long pin. Returns -EAGAIN when it has changed: look
 * again; -EBUSY: pinned; -ENOMEM. Thread context, no spinlock held.
 */
int space_leave_elastic(struct page *block);

/* --- space_check.c --- */

/* Walk the tables and panic on a broken invariant. Thread context; slow. */
void space_check(void);

#endif
