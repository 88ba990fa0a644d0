/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Per-CPU data, reached through cpu_self() alone.
 */
#ifndef NEAP_CPU_H
#define NEAP_CPU_H

#include <arch/cpu.h>
#include <arch/irq.h>
#include <neap/compiler.h>
#include <stdbool.h>
#include <stdint.h>

#define MAX_CPUS 64

struct thread;

#define LOCKS_HELD_MAX 8

struct cpu {
    struct arch_cpu arch; /* first: the architecture finds itself by its own pointer */
    unsigned number;      /* 0 is the boot CPU; dense */
    bool online;          /* set once by the CPU itself */
    bool idle;            /* written by the CPU, read by others to choose a target */
    uint64_t interrupts;  /* count of interrupts taken; written by the CPU */
    struct thread *current;
    struct thread *idle_thread;
    unsigned preempt_disabled; /* depth; the CPU itself only */
    bool need_resched;
    /* Debug builds: ranks of the spinlocks held, innermost last. */
    unsigned nr_locks_held;
    uint8_t locks_held[LOCKS_HELD_MAX];
};

/* Every CPU that was started, by number; NULL beyond cpu_count(). */
extern struct cpu *cpus[MAX_CPUS];

/* CPUs that run. Any context. */
unsigned cpu_count(void);

/* The executing CPU. Stable only while preemption or interrupts are off. */
static inline struct cpu *cpu_self(void)
{
    return arch_cpu_self();
}

/* Start every CPU the platform describes. Boot thread, once; failures are logged by number. */
void smp_start(void);

/* Upcall of IPI_CALL. Interrupt context. */
void smp_call_ipi(void);

/*
 * Run fn(arg) on every other online CPU with interrupts off, and wait for all of them.
 * Thread context or under spinlocks of rank below LOCK_RANK_SMP; interrupts must be on in
 * the caller unless no other CPU is online. fn must not sleep or take locks.
 */
void smp_call_others(void (*fn)(void *), void *arg);

#endif
