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

struct spinlock;
struct thread;

#define LOCKS_HELD_MAX 8

/* A function that one CPU has all others run. Written by that CPU but for `unanswered`. */
struct cross_call {
    void (*fn)(void *);
    void *arg;
    unsigned unanswered; /* CPUs that have not run it yet */
    bool asleep;         /* the caller halts; whoever answers last wakes it */
};

struct cpu {
    struct arch_cpu arch; /* first: the architecture finds itself by its own pointer */
    unsigned number;      /* 0 is the boot CPU; dense */
    bool online;          /* set once by the CPU itself */
    bool idle;            /* written by the CPU, read by others to choose a target */
    uint64_t interrupts;  /* count of interrupts taken; written by the CPU */
    struct thread *current;
    struct thread *idle_thread;
    struct thread *switched_from; /* during a switch: the thread that gave up the CPU */
    uint8_t running_priority;     /* of `current`, THREAD_PRIORITIES when idle: others' hint */
    unsigned preempt_disabled;    /* depth; the CPU itself only */
    bool need_resched;
    uint64_t callers;       /* CPUs whose cross calls this one has to run: bits, set by them */
    struct cross_call call; /* the one that this CPU makes */
    /* Debug builds: the spinlocks held, innermost last. */
    unsigned nr_locks_held;
    const struct spinlock *locks_held[LOCKS_HELD_MAX];
};

/* Every CPU that was started, by number; NULL beyond cpu_count(). */
extern struct cpu *cpus[MAX_CPUS];

/* The boot CPU; valid from the first instruction, `current` included. */
extern struct cpu boot_cpu;

/* CPUs that run. Any context. */
unsigned cpu_count(void);

/* The executing CPU. Stable only while preemption or interrupts are off. */
static inline struct cpu *cpu_self(void)
{
    return arch_cpu_self();
}

/* Start every CPU the platform describes. Boot thread, once; failures are logged by number. */
void smp_start(void);

/*
 * Run what other CPUs want this one to run. Upcall of IPI_CALL, and of loops that wait with
 * interrupts off.
 */
void smp_call_ipi(void);

/*
 * Run fn(arg) on every other online CPU with interrupts off, and wait for all of them. Any
 * context but interrupts. fn must not sleep, take locks or wait: a CPU that spins for a lock
 * runs it from there, so a caller may even hold spinlocks.
 */
void smp_call_others(void (*fn)(void *), void *arg);

#endif
