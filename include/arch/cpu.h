/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The executing CPU: identity, pausing, idling, starting the others.
 */
#ifndef ARCH_CPU_H
#define ARCH_CPU_H

#include <asm/cpu.h>
#include <stdint.h>

struct cpu;

/*
 * <asm/cpu.h> provides, inline:
 *   struct arch_cpu                     what the architecture keeps per CPU (in struct cpu)
 *   struct cpu *arch_cpu_self(void)     the executing CPU (stable only with interrupts off)
 *   void arch_cpu_relax(void)           one turn of a spin loop
 */

/*
 * Wait for an interrupt. Called with interrupts off; enables them and halts as one step, so
 * no wake-up is lost; returns with interrupts off again.
 */
void arch_cpu_idle(void);

/* Halt this CPU for good, interrupts off. */
void arch_cpu_stop(void) __attribute__((noreturn));

/*
 * Prepare `cpu` (number and idle stack set by the caller) and start it; it then calls
 * smp_secondary_main() with interrupts off. Returns 0 once the CPU runs, -ETIMEDOUT if it
 * did not answer. Boot CPU only, thread context.
 */
int arch_cpu_start(struct cpu *cpu);

/* How many CPUs the platform describes, the boot CPU included; at least 1. */
unsigned arch_cpu_count(void);

/* Upcall: first C function of a secondary CPU on its idle thread's stack. */
void smp_secondary_main(struct cpu *cpu) __attribute__((noreturn));

/* One line on the CPU for `devices` and the boot log ("x86_64, SMEP SMAP UMIP, 1 GiB pages").
 */
const char *arch_cpu_describe(void);

#endif
