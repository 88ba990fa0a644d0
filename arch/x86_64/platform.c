/* SPDX-License-Identifier: BSD-2-Clause */
/* The platform's part of start-up, once memory management works. */
#include "ioapic.h"
#include "lapic.h"
#include "x86.h"
#include <arch/boot.h>
#include <arch/layout.h>

void arch_platform_init(void)
{
    struct arch_cpu *cpu = &cpu_self()->arch;

    x86_guard_boot_stacks();
    lapic_init();
    lapic_init_cpu();
    cpu->apic_id = lapic_id();
    cpu->online = true;
    ioapic_init();
}
