/* SPDX-License-Identifier: BSD-2-Clause */
/* What s390x keeps per CPU; the CPU's lowcore points at it. */
#ifndef ASM_CPU_H
#define ASM_CPU_H

#include <asm/lowcore.h>
#include <stdbool.h>
#include <stdint.h>

struct cpu;
struct lowcore;

struct arch_cpu {
    uint16_t address;        /* for SIGP */
    bool online;             /* set by the CPU itself */
    uint32_t ipis;           /* bit per enum ipi: raised, not handled yet */
    struct lowcore *lowcore; /* its prefix area */
};

/* Volatile: a thread may go on on another CPU between two calls. */
static inline struct cpu *arch_cpu_self(void)
{
    struct cpu *self;

    __asm__ volatile("lg %0,%1(%%r0)" : "=d"(self) : "i"(LOWCORE_VIRT + LOWCORE_SELF));
    return self;
}

static inline void arch_cpu_relax(void)
{
    /* DIAGNOSE 0x44 would give the CPU to others at every turn: the host decides that itself.
     */
    __asm__ volatile("" ::: "memory");
}

#endif
