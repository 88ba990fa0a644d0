/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The local APIC. x2APIC is used where the CPU has it: no mapping, one access per IPI, ids
 * beyond 255.
 */
#include "lapic.h"
#include "x86.h"
#include <arch/irq.h>
#include <arch/mmio.h>
#include <arch/pgtable.h>
#include <neap/panic.h>
#include <neap/vmap.h>

enum {
    REG_ID = 0x20,
    REG_EOI = 0xb0,
    REG_SPURIOUS = 0xf0,
    REG_ICR_LOW = 0x300,
    REG_ICR_HIGH = 0x310,
    REG_LVT_TIMER = 0x320,
    REG_LVT_LINT0 = 0x350,
    REG_LVT_LINT1 = 0x360,
    REG_TIMER_INITIAL = 0x380,
    REG_TIMER_CURRENT = 0x390,
    REG_TIMER_DIVIDE = 0x3e0,
};

#define REGISTERS_SIZE     0x1000
#define APIC_BASE_ENABLE   (UINT64_C(1) << 11)
#define APIC_BASE_X2APIC   (UINT64_C(1) << 10)
#define SPURIOUS_ENABLE    (1u << 8)
#define LVT_MASKED         (1u << 16)
#define LVT_NMI            0x400
#define LVT_TSC_DEADLINE   (2u << 17)
#define ICR_PENDING        (1u << 12)
#define ICR_ASSERT         (1u << 14)
#define TIMER_DIVIDE_BY_16 3

/* The hardware's own limit is a few bus cycles. */
#define ICR_WAIT_READS 100000

static volatile char *registers; /* xAPIC */
static bool x2apic;

static uint32_t reg_read(unsigned reg)
{
    if (x2apic)
        return (uint32_t)msr_read(MSR_X2APIC_FIRST + reg / 16);
    return mmio_read32(registers + reg);
}

static void reg_write(unsigned reg, uint32_t value)
{
    if (x2apic)
        msr_write(MSR_X2APIC_FIRST + reg / 16, value);
    else
        mmio_write32(registers + reg, value);
}

void lapic_init(void)
{
    uint64_t base = msr_read(MSR_APIC_BASE);

    x2apic = x86_features.x2apic;
    if (!x2apic) {
        registers = mmio_map(base & X86_PTE_PHYS, REGISTERS_SIZE);
        if (!registers)
            panic("no memory to map the local APIC: give the guest more memory");
    }
}

void lapic_init_cpu(void)
{
    uint64_t base = msr_read(MSR_APIC_BASE) | APIC_BASE_ENABLE;

    msr_write(MSR_APIC_BASE, base);
    if (x2apic)
        msr_write(MSR_APIC_BASE, base | APIC_BASE_X2APIC);
    reg_write(REG_LVT_LINT0, LVT_MASKED); /* the 8259s stay silent */
    reg_write(REG_LVT_LINT1, LVT_NMI);
    reg_write(REG_LVT_TIMER, LVT_MASKED);
    reg_write(REG_TIMER_DIVIDE, TIMER_DIVIDE_BY_16);
    reg_write(REG_SPURIOUS, SPURIOUS_ENABLE | VECTOR_SPURIOUS);
}

uint32_t lapic_id(void)
{
    if (cpuid(0, 0).eax >= 0xb) {
        struct cpuid topology = cpuid(0xb, 0);

        if (topology.ebx != 0)
            return topology.edx;
    }
    return cpuid(1, 0).ebx >> 24;
}

void lapic_eoi(void)
{
    reg_write(REG_EOI, 0);
}

void lapic_send(uint32_t apic_id, enum lapic_ipi kind, uint8_t vector)
{
    uint32_t command = (uint32_t)kind | ICR_ASSERT | vector;
    irqflags_t flags;

    if (x2apic) {
        /* An MSR write to the APIC does not order earlier stores, which the target shall see.
         */
        __asm__ volatile("mfence; lfence" ::: "memory");
        msr_write(MSR_X2APIC_FIRST + REG_ICR_LOW / 16, (uint64_t)apic_id << 32 | command);
        return;
    }
    flags = arch_irq_save(); /* an interrupt in between would send, too */
    for (unsigned i = 0; i < ICR_WAIT_READS && reg_read(REG_ICR_LOW) & ICR_PENDING; i++)
        arch_cpu_relax();
    reg_write(REG_ICR_HIGH, apic_id << 24);
    reg_write(REG_ICR_LOW, command);
    arch_irq_restore(flags);
}

void lapic_timer_setup(bool tsc_deadline, uint8_t vector)
{
    reg_write(REG_LVT_TIMER, vector | (tsc_deadline ? LVT_TSC_DEADLINE : 0));
    /* The mode change must come before the first deadline. */
    __asm__ volatile("mfence" ::: "memory");
}

void lapic_timer_start(uint32_t ticks)
{
    reg_write(REG_TIMER_INITIAL, ticks);
}

uint32_t lapic_timer_left(void)
{
    return reg_read(REG_TIMER_CURRENT);
}
