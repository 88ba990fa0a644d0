/* SPDX-License-Identifier: BSD-2-Clause */
/* The platform's part of start-up, once memory management works. */
#include "ioapic.h"
#include "lapic.h"
#include "x86.h"
#include <arch/boot.h>
#include <arch/layout.h>

#define LEAF_ADDRESS_SIZES 0x80000008

uint64_t arch_memory_limit(void)
{
    /* Every CPU with 64-bit mode has this leaf. */
    return UINT64_C(1) << (cpuid(LEAF_ADDRESS_SIZES, 0).eax & 0xff);
}

void arch_platform_init(void)
{
    struct arch_cpu *cpu = &cpu_self()->arch;

    x86_guard_boot_stacks();
    lapic_init();
    lapic_init_cpu();
    cpu->apic_id = lapic_id();
    cpu->online = true;
    ioapic_init();
    x86_power_init();
}
