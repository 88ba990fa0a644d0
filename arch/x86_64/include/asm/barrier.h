/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Barriers of x86_64. Ordinary memory is totally store ordered: only a store followed by a load
 * can be seen the other way round, so loads among loads and stores among stores need the
 * compiler alone to hold still.
 */
#ifndef ASM_BARRIER_H
#define ASM_BARRIER_H

static inline void barrier_full(void)
{
    /* Cheaper than mfence and as strong for write-back memory. */
    __asm__ volatile("lock; addl $0, (%%rsp)" ::: "memory", "cc");
}

static inline void barrier_read(void)
{
    __asm__ volatile("" ::: "memory");
}

static inline void barrier_write(void)
{
    __asm__ volatile("" ::: "memory");
}

#endif
