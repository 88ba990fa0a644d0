/* SPDX-License-Identifier: BSD-2-Clause */
/* The platform's part of start-up, once memory management works; machine checks. */
#include "s390x.h"
#include <arch/boot.h>
#include <arch/layout.h>
#include <neap/log.h>
#include <neap/panic.h>
#include <neap/pgtable.h>

extern char s390_boot_stack[];

static uint64_t memory_limit;

void s390_mcheck(struct trap_frame *frame);

void arch_platform_init(void)
{
    struct cpu *cpu = cpu_self();

    /* The lowest page of the boot CPU's stack becomes a guard page. */
    if (pgtable_unmap(&kernel_pgtable, (uintptr_t)s390_boot_stack, PAGE_SIZE))
        log_warning("cpu", "no memory for a guard page under the boot stack");
    __asm__ volatile("stap %0" : "=Q"(cpu->arch.address));
    cpu->arch.online = true;
    memory_limit = s390_storage_limit();
}

uint64_t arch_memory_limit(void)
{
    return memory_limit;
}

int arch_memory_node(uint64_t phys)
{
    (void)phys; /* the machine has one kind of memory */
    return -1;
}

void s390_mcheck(struct trap_frame *frame)
{
    const struct lowcore *lowcore = lowcore_self();

    frame->code = 0;
    frame->address = lowcore->failing_address;
    log_emergency("machine check %016llx\n", (unsigned long long)lowcore->mcheck_code);
    panic_trap(frame, "machine check", lowcore->mcheck_code, lowcore->failing_address);
}
