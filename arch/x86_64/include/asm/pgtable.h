/* SPDX-License-Identifier: BSD-2-Clause */
/* Page-table entries of x86_64 (see arch/pgtable.h). */
#ifndef ASM_PGTABLE_H
#define ASM_PGTABLE_H

#define PTE_NONE UINT64_C(0)

#define X86_PTE_PRESENT  (UINT64_C(1) << 0)
#define X86_PTE_WRITE    (UINT64_C(1) << 1)
#define X86_PTE_USER     (UINT64_C(1) << 2)
#define X86_PTE_PWT      (UINT64_C(1) << 3)
#define X86_PTE_PCD      (UINT64_C(1) << 4)
#define X86_PTE_ACCESSED (UINT64_C(1) << 5)
#define X86_PTE_DIRTY    (UINT64_C(1) << 6)
#define X86_PTE_LARGE    (UINT64_C(1) << 7)
#define X86_PTE_GLOBAL   (UINT64_C(1) << 8)
#define X86_PTE_NX       (UINT64_C(1) << 63)
#define X86_PTE_PHYS     UINT64_C(0x000ffffffffff000)

/* Absent entries with a meaning: the processor ignores all bits but the first. */
#define X86_SOFT_WAITING    (UINT64_C(1) << 1)
#define X86_SOFT_AWAY       (UINT64_C(1) << 2)
#define X86_SOFT_BITS_SHIFT 3

/*
 * Accessed and dirty are set from the start: the kernel does not read them, and the walker
 * then never writes to a table.
 */
static inline pte_t pte_leaf(uint64_t phys, unsigned prot, unsigned level)
{
    pte_t pte = phys | X86_PTE_PRESENT | X86_PTE_ACCESSED | X86_PTE_DIRTY;

    if (prot & PROT_KERNEL_RW)
        pte |= X86_PTE_WRITE;
    if (!(prot & PROT_KERNEL_RX))
        pte |= X86_PTE_NX;
    if (prot & PROT_DEVICE)
        pte |= X86_PTE_PCD | X86_PTE_PWT;
    pte |= prot & PROT_USER ? X86_PTE_USER : X86_PTE_GLOBAL;
    if (level > 0)
        pte |= X86_PTE_LARGE;
    return pte;
}

/* Tables allow everything, so that the leaf alone decides. */
static inline pte_t pte_table(uint64_t phys, unsigned level)
{
    (void)level;
    return phys | X86_PTE_PRESENT | X86_PTE_WRITE | X86_PTE_USER | X86_PTE_ACCESSED;
}

static inline bool pte_present(pte_t pte)
{
    return pte & X86_PTE_PRESENT;
}

static inline bool pte_is_leaf(pte_t pte, unsigned level)
{
    return level == 0 || pte & X86_PTE_LARGE;
}

static inline uint64_t pte_phys(pte_t pte, unsigned level)
{
    (void)level; /* bit 12 of a large entry is PAT, which is never set here */
    return pte & X86_PTE_PHYS;
}

static inline unsigned pte_prot(pte_t pte, unsigned level)
{
    unsigned prot = 0;

    (void)level;
    if (pte & X86_PTE_WRITE)
        prot |= PROT_KERNEL_RW;
    if (!(pte & X86_PTE_NX))
        prot |= PROT_KERNEL_RX;
    if (pte & X86_PTE_PCD)
        prot |= PROT_DEVICE;
    if (pte & X86_PTE_USER)
        prot |= PROT_USER;
    return prot;
}

static inline pte_t pte_waiting(unsigned bits)
{
    return X86_SOFT_WAITING | (uint64_t)bits << X86_SOFT_BITS_SHIFT;
}

static inline pte_t pte_away(uint64_t phys, unsigned bits)
{
    return phys | X86_SOFT_AWAY | (uint64_t)bits << X86_SOFT_BITS_SHIFT;
}

static inline bool pte_is_waiting(pte_t pte)
{
    return (pte & (X86_PTE_PRESENT | X86_SOFT_WAITING)) == X86_SOFT_WAITING;
}

static inline bool pte_is_away(pte_t pte)
{
    return (pte & (X86_PTE_PRESENT | X86_SOFT_AWAY)) == X86_SOFT_AWAY;
}

static inline unsigned pte_bits(pte_t pte)
{
    return pte >> X86_SOFT_BITS_SHIFT & ((1u << PTE_BITS) - 1);
}

static inline void pte_write(pte_t *slot, pte_t value)
{
    *(volatile pte_t *)slot = value;
}

#endif
