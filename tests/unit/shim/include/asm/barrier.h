/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: barriers for the host that runs them. */
#ifndef ASM_BARRIER_H
#define ASM_BARRIER_H

/* Runs inside each barrier: 'f', 'r' or 'w'. A test looks there at what others could see. */
extern void (*shim_at_barrier)(char kind);

static inline void barrier_full(void)
{
    if (shim_at_barrier)
        shim_at_barrier('f');
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
}

static inline void barrier_read(void)
{
    if (shim_at_barrier)
        shim_at_barrier('r');
    __atomic_thread_fence(__ATOMIC_ACQUIRE);
}

static inline void barrier_write(void)
{
    if (shim_at_barrier)
        shim_at_barrier('w');
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

#endif
