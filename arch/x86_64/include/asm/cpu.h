/* SPDX-License-Identifier: BSD-2-Clause */
/* What x86_64 keeps per CPU; the GS base points at it. */
#ifndef ASM_CPU_H
#define ASM_CPU_H

#include <stdbool.h>
#include <stdint.h>

struct cpu;

#define GDT_ENTRIES 7 /* null, kernel code and data, user data and code, TSS (two slots) */

/* Task state segment: only the stacks that the CPU switches to. */
struct x86_tss {
    uint32_t reserved0;
    uint64_t rsp[3];
    uint64_t reserved1;
    uint64_t ist[7];
    uint64_t reserved2;
    uint16_t reserved3;
    uint16_t io_map_base;
} __attribute__((packed, aligned(4)));

struct arch_cpu {
    struct cpu *self; /* at %gs:0 */
    uint32_t apic_id;
    bool online;     /* its local APIC answers; set by the CPU itself */
    bool stop_asked; /* IPI_STOP was raised: an NMI that comes now means it */
    bool stopped;    /* halted for good; set by the CPU itself */
    uint64_t gdt[GDT_ENTRIES];
    struct x86_tss tss;
    void *trap_stack; /* stacks of NMI, double fault and machine check */
};

/* Volatile: a thread may go on on another CPU between two calls. */
static inline struct cpu *arch_cpu_self(void)
{
    struct cpu *self;

    __asm__ volatile("movq %%gs:0, %0" : "=r"(self));
    return self;
}

static inline void arch_cpu_relax(void)
{
    __asm__ volatile("pause" ::: "memory");
}

#endif
