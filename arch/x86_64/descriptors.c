/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The descriptor tables: segments and task state per CPU, one interrupt table for all.
 */
#include "x86.h"
#include <arch/layout.h>
#include <arch/thread.h>
#include <arch/trap.h>
#include <neap/compiler.h>
#include <neap/log.h>
#include <neap/pgtable.h>

#define STUB_SIZE 16

#define GATE_INTERRUPT 0x8e /* present, interrupts off on entry */
#define GATE_USER      0x60 /* ring 3 may raise it itself */

#define DESCRIPTOR_KERNEL_CODE UINT64_C(0x00af9b000000ffff)
#define DESCRIPTOR_KERNEL_DATA UINT64_C(0x00cf93000000ffff)
#define DESCRIPTOR_USER_DATA   UINT64_C(0x00cff3000000ffff)
#define DESCRIPTOR_USER_CODE   UINT64_C(0x00affb000000ffff)
#define DESCRIPTOR_TSS         UINT64_C(0x0000890000000000)

/* Slots of the interrupt stack table. A double fault needs most room: it prints a panic. */
enum { IST_DOUBLE_FAULT = 1, IST_NMI = 2, IST_MACHINE_CHECK = 3 };
#define TRAP_STACK_DOUBLE_FAULT (8 * 1024)
#define TRAP_STACK_NMI          (12 * 1024)

struct gate {
    uint16_t offset_low;
    uint16_t selector;
    uint8_t ist;
    uint8_t type;
    uint16_t offset_middle;
    uint32_t offset_high;
    uint32_t reserved;
};

struct table_pointer {
    uint16_t limit;
    uint64_t base;
} __attribute__((packed));

extern char x86_trap_stubs[];
extern char boot_stack_guard[];

static struct gate idt[NR_VECTORS] __attribute__((aligned(16)));

/* The page below the boot CPU's trap stack is its guard. */
static uint8_t boot_trap_stack[PAGE_SIZE + THREAD_STACK_SIZE]
    __attribute__((section(".bss.page_aligned"), aligned(4096)));

void x86_set_cpu(struct cpu *cpu)
{
    cpu->arch.self = cpu;
    msr_write(MSR_GS_BASE, (uint64_t)(uintptr_t)cpu);
    msr_write(MSR_KERNEL_GS_BASE, 0);
}

void x86_guard_boot_stacks(void)
{
    if (pgtable_unmap(&kernel_pgtable, (uintptr_t)boot_stack_guard, PAGE_SIZE) ||
        pgtable_unmap(&kernel_pgtable, (uintptr_t)boot_trap_stack, PAGE_SIZE))
        log_warning("cpu", "no memory for page tables: the boot stacks have no guard page");
}

bool x86_boot_guard_hit(uintptr_t address)
{
    uintptr_t page = ALIGN_DOWN(address, PAGE_SIZE);

    return page == (uintptr_t)boot_stack_guard || page == (uintptr_t)boot_trap_stack;
}

static void fill_idt(void)
{
    for (unsigned vector = 0; vector < NR_VECTORS; vector++) {
        uint64_t stub = (uintptr_t)x86_trap_stubs + vector * STUB_SIZE;

        idt[vector] = (struct gate){
            .offset_low = (uint16_t)stub,
            .selector = SELECTOR_KERNEL_CODE,
            .type = GATE_INTERRUPT,
            .offset_middle = (uint16_t)(stub >> 16),
            .offset_high = (uint32_t)(stub >> 32),
        };
    }
    idt[VECTOR_DOUBLE_FAULT].ist = IST_DOUBLE_FAULT;
    idt[VECTOR_NMI].ist = IST_NMI;
    idt[VECTOR_MACHINE_CHECK].ist = IST_MACHINE_CHECK;
    idt[VECTOR_USER_RETURN].type |= GATE_USER;
}

static void fill_segments(struct arch_cpu *cpu)
{
    uint64_t tss = (uintptr_t)&cpu->tss;
    uintptr_t stack = (uintptr_t)cpu->trap_stack;

    cpu->tss = (struct x86_tss){.io_map_base = sizeof(cpu->tss)};
    cpu->tss.ist[IST_DOUBLE_FAULT - 1] = stack + TRAP_STACK_DOUBLE_FAULT;
    cpu->tss.ist[IST_NMI - 1] = stack + TRAP_STACK_NMI;
    cpu->tss.ist[IST_MACHINE_CHECK - 1] = stack + THREAD_STACK_SIZE;
    cpu->gdt[1] = DESCRIPTOR_KERNEL_CODE;
    cpu->gdt[2] = DESCRIPTOR_KERNEL_DATA;
    cpu->gdt[3] = DESCRIPTOR_USER_DATA;
    cpu->gdt[4] = DESCRIPTOR_USER_CODE;
    cpu->gdt[5] = DESCRIPTOR_TSS | (sizeof(cpu->tss) - 1) | (tss & 0xffffff) << 16 |
                  (tss >> 24 & 0xff) << 56;
    cpu->gdt[6] = tss >> 32;
}

void arch_trap_init_cpu(void)
{
    struct arch_cpu *cpu = &cpu_self()->arch;
    struct table_pointer gdt_pointer = {sizeof(cpu->gdt) - 1, (uintptr_t)cpu->gdt};
    struct table_pointer idt_pointer = {sizeof(idt) - 1, (uintptr_t)idt};

    if (!cpu->trap_stack) { /* the boot CPU, before memory can be allocated */
        cpu->trap_stack = boot_trap_stack + PAGE_SIZE;
        fill_idt();
    }
    fill_segments(cpu);
    /* The selectors equal those of the boot table, so no register needs to be loaded anew. */
    __asm__ volatile("lgdt %0" ::"m"(gdt_pointer) : "memory");
    __asm__ volatile("ltr %w0" ::"r"(SELECTOR_TSS) : "memory");
    __asm__ volatile("lidt %0" ::"m"(idt_pointer) : "memory");
}
