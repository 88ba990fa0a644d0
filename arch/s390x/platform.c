/* SPDX-License-Identifier: BSD-2-Clause */
/* The platform's part of start-up, once memory management works; machine checks. */
#include "s390x.h"
#include <arch/boot.h>
#include <arch/layout.h>
#include <neap/log.h>
#include <neap/panic.h>
#include <neap/pgtable.h>

extern char s390_boot_stack[];

/* Machine-check interruption code. */
#define MCHECK_REPORT UINT64_C(0x0040000000000000)
#define MCHECK_DAMAGE UINT64_C(0xcc00000000000000) /* system, processing, timer, external */

bool s390_report_pending;
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

/* May interrupt anything, so that it takes no lock: an ordinary interrupt does the work. */
static void note_report(void)
{
    uint32_t status;

    __atomic_store_n(&s390_report_pending, true, __ATOMIC_SEQ_CST);
    while (sigp(cpu_self()->arch.address, SIGP_EMERGENCY, 0, &status) == 2)
        arch_cpu_relax();
}

void s390_mcheck(struct trap_frame *frame)
{
    const struct lowcore *lowcore = lowcore_self();

    if (lowcore->mcheck_code & MCHECK_REPORT && !(lowcore->mcheck_code & MCHECK_DAMAGE)) {
        note_report();
        return;
    }
    frame->code = 0;
    frame->address = lowcore->failing_address;
    log_emergency("machine check %016llx\n", (unsigned long long)lowcore->mcheck_code);
    panic_trap(frame, "machine check", lowcore->mcheck_code, lowcore->failing_address);
}
