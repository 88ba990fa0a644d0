/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: barriers for the host that runs them. */
#ifndef ASM_BARRIER_H
#define ASM_BARRIER_H

static inline void barrier_full(void)
{
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void barrier_read(void)
{
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
}

static inline void barrier_write(void)
{
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

#endif
