/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: page-table entries as on x86: present, write, user, uncached, large, no-execute.
 */
#ifndef ASM_PGTABLE_H
#define ASM_PGTABLE_H

#define PTE_NONE      UINT64_C(0)
#define PTE_P         (UINT64_C(1) << 0)
#define PTE_W         (UINT64_C(1) << 1)
#define PTE_U         (UINT64_C(1) << 2)
#define PTE_PCD       (UINT64_C(1) << 4)
#define PTE_PS        (UINT64_C(1) << 7)
#define PTE_NX        (UINT64_C(1) << 63)
#define PTE_PHYS_MASK UINT64_C(0x000ffffffffff000)

/* Absent entries with a meaning, encoded otherwise than on x86. */
#define PTE_SOFT       (UINT64_C(3) << 60)
#define PTE_WAITING    (UINT64_C(1) << 60)
#define PTE_AWAY       (UINT64_C(2) << 60)
#define PTE_BITS_SHIFT 54

static inline pte_t pte_leaf(uint64_t phys, unsigned prot, unsigned level)
{
    return phys | PTE_P | (prot & PROT_KERNEL_RW ? PTE_W : 0) |
           (prot & PROT_KERNEL_RX ? 0 : PTE_NX) | (prot & PROT_DEVICE ? PTE_PCD : 0) |
           (prot & PROT_USER ? PTE_U : 0) | (level > 0 ? PTE_PS : 0);
}

static inline pte_t pte_table(uint64_t phys, unsigned level)
{
    (void)level;
    return phys | PTE_P | PTE_W | PTE_U;
}

static inline bool pte_present(pte_t pte)
{
    return pte & PTE_P;
}

static inline bool pte_is_leaf(pte_t pte, unsigned level)
{
    return level == 0 || (pte & PTE_PS);
}

static inline uint64_t pte_phys(pte_t pte, unsigned level)
{
    (void)level;
    return pte & PTE_PHYS_MASK;
}

static inline unsigned pte_prot(pte_t pte, unsigned level)
{
    (void)level;
    return (pte & PTE_W ? PROT_KERNEL_RW : 0) | (pte & PTE_NX ? 0 : PROT_KERNEL_RX) |
           (pte & PTE_PCD ? PROT_DEVICE : 0) | (pte & PTE_U ? PROT_USER : 0);
}

static inline pte_t pte_waiting(unsigned bits)
{
    return PTE_WAITING | (uint64_t)bits << PTE_BITS_SHIFT;
}

static inline pte_t pte_away(uint64_t phys, unsigned bits)
{
    return phys | PTE_AWAY | (uint64_t)bits << PTE_BITS_SHIFT;
}

static inline bool pte_is_waiting(pte_t pte)
{
    return (pte & (PTE_P | PTE_SOFT)) == PTE_WAITING;
}

static inline bool pte_is_away(pte_t pte)
{
    return (pte & (PTE_P | PTE_SOFT)) == PTE_AWAY;
}

static inline unsigned pte_bits(pte_t pte)
{
    return pte >> PTE_BITS_SHIFT & ((1u << PTE_BITS) - 1);
}

static inline void pte_write(pte_t *slot, pte_t value)
{
    __atomic_store_n(slot, value, __ATOMIC_RELEASE);
}

#endif
