/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The application's address space: addresses from HEAP_BASE to HEAP_BASE + HEAP_SIZE.
 *
 * Addresses are reserved first, then committed: a committed page is zero-filled at its first
 * touch. Committing promises memory, so what cannot be backed fails here with -ENOMEM and never
 * at a touch. All contents can move: only a pin (neap/pin.h) gives a page a physical address.
 *
 * The kernel page table is the only record of what is committed, in which state, with which
 * protection: an entry is absent (not committed), waiting for its first touch, present, or away
 * (present, but out of reach for now: being moved, or SPACE_NONE).
 *
 * Locks: one of LOCK_RANK_SPACE (reserved addresses and promises) outside pgtable_lock.
 * Memory is never allocated under them, so a fault may be taken in any context that does not
 * hold them or an inner lock; where the caller may not sleep, memory must be free at once.
 * Interrupt handlers do not touch the address space: the page may be away on their own CPU.
 *
 * Ranges are bytes, page aligned, and lie inside one reservation: else -EINVAL. What is pinned
 * cannot be given back: it stays as it is, the rest goes, and the call returns -EBUSY.
 */
#ifndef NEAP_SPACE_H
#define NEAP_SPACE_H

#include <arch/irq.h>
#include <arch/layout.h>
#include <stdbool.h>
#include <stdint.h>

/* Protection, also what a fault asks for. Write and execute exclude each other: -EACCES. */
enum space_prot {
    SPACE_NONE = 0,
    SPACE_READ = 1u << 0,
    SPACE_WRITE = 1u << 1, /* implies reading */
    SPACE_EXEC = 1u << 2,
};

/*
 * Reserve `size` bytes of addresses aligned to `align` (a power of two, PAGE_SIZE at least).
 * Returns the address, 0 when there is none or no memory for its record. Thread context.
 */
uintptr_t space_reserve(uint64_t size, uint64_t align);

/* The same at a given address: 0, -EEXIST when a part is taken, -EINVAL, -ENOMEM. */
int space_reserve_at(uintptr_t va, uint64_t size);

/*
 * Decommit the range and give its addresses back; it may be any part of a reservation. Returns
 * 0, -EINVAL, -ENOMEM (nothing changed). Thread context.
 */
int space_release(uintptr_t va, uint64_t size);

/*
 * Promise memory for the range: zero-filled at the first touch, in whole large pages where
 * range and free memory allow. What is committed already keeps contents and protection.
 * Returns 0; -ENOMEM: so much memory is not there, nothing changed. Thread context.
 */
int space_commit(uintptr_t va, uint64_t size, unsigned prot);

/* Give the memory back to the page allocator; touching the range is an error again. Returns 0
 * or -ENOMEM (a large page could not be split; nothing changed). Thread context. */
int space_decommit(uintptr_t va, uint64_t size);

/* Give the memory back but keep the promise: zero-filled at the next touch. Returns 0 or
 * -ENOMEM. Thread context. */
int space_discard(uintptr_t va, uint64_t size);

/* Change the protection of a committed range. Returns 0, -EACCES, -ENOMEM. Thread context. */
int space_protect(uintptr_t va, uint64_t size, unsigned prot);

/* Does the address belong to the area of the address space? Any context. */
static inline bool space_contains(uintptr_t va)
{
    return va - HEAP_BASE < HEAP_SIZE;
}

/*
 * A trap says that `access` (enum space_prot) at `va` failed. Returns true when the access may
 * be tried again: the page was filled in, or its move is over. `may_sleep`: the faulting code
 * had interrupts on and may sleep. Interrupts on where they were on at the fault.
 */
bool space_fault(uintptr_t va, unsigned access, bool may_sleep);

struct page;

/*
 * Find the frame of a committed address that `access` is allowed to, filling it in where it
 * was never touched, and keep it in its place: on success the page tables are locked until
 * space_block_release(), so that the frame can be pinned. *size: bytes from `va` on that lie
 * in the same block. NULL: not committed, or not allowed. Thread context, no spinlock held.
 */
struct page *space_block_hold(uintptr_t va, unsigned access, uint64_t *size, irqflags_t *flags);
void space_block_release(irqflags_t flags);

/* Bytes that a commit would get now, without asking reclaimers. Any context. */
uint64_t space_available(void);

/* In bytes, but for the counts. */
struct space_stats {
    uint64_t reserved;  /* addresses */
    uint64_t committed; /* promised, touched or not */
    uint64_t resident;  /* touched: backed by memory */
    uint64_t huge;      /* of it: in large pages */
    uint64_t faults;    /* first touches */
    uint64_t waits;     /* faults and other calls that waited for a move */
    uint64_t wait_max;  /* the longest of these waits, in nanoseconds */
    uint64_t moved;     /* bytes that were moved */
    uint64_t splits;    /* large pages that were split */
    uint64_t reformed;  /* large pages that were put together again */
    uint64_t refused;   /* commits that failed */
};
void space_stats_get(struct space_stats *stats);

/* Promised and not touched yet, in pages: memory that must stay available. Any context. */
uint64_t space_promised_pages(void);

#endif
