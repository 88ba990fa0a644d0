/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Barriers of s390x. Only a store followed by a load can be seen the other way round, so loads
 * among loads and stores among stores need the compiler alone to hold still.
 */
#ifndef ASM_BARRIER_H
#define ASM_BARRIER_H

static inline void barrier_full(void)
{
    /* Branching never, to nowhere, serialises the CPU. */
    __asm__ volatile("bcr 15,0" ::: "memory");
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
