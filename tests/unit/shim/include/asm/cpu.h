/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: simulated CPUs; the executing one is a variable. */
#ifndef ASM_CPU_H
#define ASM_CPU_H

struct cpu;

struct arch_cpu {
    int unused;
};

extern struct cpu *shim_current_cpu;

static inline struct cpu *arch_cpu_self(void)
{
    return shim_current_cpu;
}

/* Polling loops see time pass: one microsecond a turn. */
void shim_relax(void);

static inline void arch_cpu_relax(void)
{
    shim_relax();
}

#endif
