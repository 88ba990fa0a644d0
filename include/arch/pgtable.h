/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The format of page tables. mm/pgtable.c walks, fills, splits and merges them for every
 * architecture; an architecture only says how its levels and entries look.
 */
#ifndef ARCH_PGTABLE_H
#define ARCH_PGTABLE_H

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t pte_t;

/* Protection of a mapping; readable always. No mapping is both writable and executable. */
enum prot {
    PROT_KERNEL_RO = 0,
    PROT_KERNEL_RW = 1u << 0,
    PROT_KERNEL_RX = 1u << 1,
    PROT_DEVICE = 1u << 2, /* with RW: uncached registers */
    PROT_USER = 1u << 3,   /* reachable from the unprivileged mode (self-tests) */
};

#define PGTABLE_LEVELS_MAX 5

/* One level of the table tree; level 0 holds the smallest pages. */
struct pgtable_level {
    uint8_t shift;       /* log2 of the bytes that one entry maps */
    uint8_t index_bits;  /* log2 of the entries of one table */
    uint8_t table_order; /* log2 of the pages that one table takes */
    bool leaf;           /* may this CPU map a page of this size? set at start-up */
    const char *name;    /* "4 KiB", "2 MiB", ... */
};

/* Geometry of the kernel's address space, filled by arch_pgtable_init(). */
extern struct pgtable_level arch_pgtable_levels[PGTABLE_LEVELS_MAX];
extern unsigned arch_pgtable_nr_levels;

/* Find the CPU's page sizes and protection bits. Boot CPU, before the first mapping. */
void arch_pgtable_init(void);

/*
 * <asm/pgtable.h> provides, inline:
 *   pte_t pte_leaf(uint64_t phys, unsigned prot, unsigned level)
 *   pte_t pte_table(uint64_t phys, unsigned level)  entry that points to a lower table
 *   bool pte_present(pte_t), bool pte_is_leaf(pte_t, unsigned level)
 *   uint64_t pte_phys(pte_t, unsigned level)   of a leaf or of the table pointed to
 *   unsigned pte_prot(pte_t, unsigned level)   enum prot bits of a leaf
 *   void pte_write(pte_t *slot, pte_t value)   one atomic store, visible to the walker
 *   PTE_NONE                                   an absent entry of any level
 * and entries that the walker takes for absent, of any level, with PTE_BITS bits for mm:
 *   pte_t pte_waiting(unsigned bits)           waits for its first touch
 *   pte_t pte_away(uint64_t phys, unsigned bits) a leaf out of reach; pte_phys() tells where
 *   bool pte_is_waiting(pte_t), bool pte_is_away(pte_t), unsigned pte_bits(pte_t)
 */
#define PTE_BITS 4
#include <asm/pgtable.h>

/* The root table of the kernel's address space and making another root active on this CPU. */
uint64_t arch_pgtable_root(void);
void arch_pgtable_activate(uint64_t root_phys);

/* Forget cached translations of [start, end) on this CPU only. Any context. */
void arch_tlb_flush_local(uintptr_t start, uintptr_t end);

#endif
