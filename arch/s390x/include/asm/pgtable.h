/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Page-table entries of s390x (see arch/pgtable.h). Level 0 is the page table, 1 the segment
 * table, 2 the region-third and 3 the region-second table.
 */
#ifndef ASM_PGTABLE_H
#define ASM_PGTABLE_H

#define S390_PTE_PROTECT   UINT64_C(0x200) /* no stores */
#define S390_PTE_NO_EXEC   UINT64_C(0x100) /* an ignored hint where the CPU lacks it */
#define S390_ENTRY_LARGE   UINT64_C(0x400) /* levels above 0 */
#define S390_PAGE_INVALID  UINT64_C(0x400) /* level 0 */
#define S390_ENTRY_INVALID UINT64_C(0x020) /* levels above 0; free for software at level 0 */
#define S390_ENTRY_TYPE    2               /* shift: level - 1 in the levels above 0 */
#define S390_TABLE_FULL    UINT64_C(0x003) /* length of the table that a region entry names */

/* Absent at every level: both bits mean so at their levels and mean nothing at the others. */
#define PTE_NONE (S390_PAGE_INVALID | S390_ENTRY_INVALID)

/* Absent entries with a meaning: the CPU ignores all other bits. */
#define S390_SOFT_WAITING    UINT64_C(0x001)
#define S390_SOFT_AWAY       UINT64_C(0x002)
#define S390_SOFT_BITS_SHIFT 6

static inline uint64_t s390_entry_type(unsigned level)
{
    return level > 0 ? (uint64_t)(level - 1) << S390_ENTRY_TYPE : 0;
}

/* Every page belongs to the kernel, and there are no device registers: no bits for these. */
static inline pte_t pte_leaf(uint64_t phys, unsigned prot, unsigned level)
{
    pte_t pte = phys | s390_entry_type(level);

    if (!(prot & PROT_KERNEL_RW))
        pte |= S390_PTE_PROTECT;
    if (!(prot & PROT_KERNEL_RX))
        pte |= S390_PTE_NO_EXEC;
    if (level > 0)
        pte |= S390_ENTRY_LARGE;
    return pte;
}

static inline pte_t pte_table(uint64_t phys, unsigned level)
{
    return phys | s390_entry_type(level) | (level > 1 ? S390_TABLE_FULL : 0);
}

static inline bool pte_present(pte_t pte)
{
    return !(pte & S390_ENTRY_INVALID);
}

static inline bool pte_is_leaf(pte_t pte, unsigned level)
{
    return level == 0 || pte & S390_ENTRY_LARGE;
}

static inline uint64_t pte_phys(pte_t pte, unsigned level)
{
    /* Page tables are aligned to 2 KiB, all other tables and the smallest page to 4 KiB. */
    if (level == 1 && !(pte & S390_ENTRY_LARGE))
        return pte & ~UINT64_C(0x7ff);
    return pte & ~UINT64_C(0xfff);
}

static inline unsigned pte_prot(pte_t pte, unsigned level)
{
    unsigned prot = 0;

    (void)level;
    if (!(pte & S390_PTE_PROTECT))
        prot |= PROT_KERNEL_RW;
    if (!(pte & S390_PTE_NO_EXEC))
        prot |= PROT_KERNEL_RX;
    return prot;
}

static inline pte_t pte_waiting(unsigned bits)
{
    return PTE_NONE | S390_SOFT_WAITING | (uint64_t)bits << S390_SOFT_BITS_SHIFT;
}

static inline pte_t pte_away(uint64_t phys, unsigned bits)
{
    return phys | PTE_NONE | S390_SOFT_AWAY | (uint64_t)bits << S390_SOFT_BITS_SHIFT;
}

static inline bool pte_is_waiting(pte_t pte)
{
    return !pte_present(pte) && pte & S390_SOFT_WAITING;
}

static inline bool pte_is_away(pte_t pte)
{
    return !pte_present(pte) && pte & S390_SOFT_AWAY;
}

static inline unsigned pte_bits(pte_t pte)
{
    return pte >> S390_SOFT_BITS_SHIFT & ((1u << PTE_BITS) - 1);
}

static inline void pte_write(pte_t *slot, pte_t value)
{
    *(volatile pte_t *)slot = value;
}

#endif
