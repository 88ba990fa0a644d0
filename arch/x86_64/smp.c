/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting and stopping the other CPUs.
 */
#include "acpi.h"
#include "lapic.h"
#include "x86.h"
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/pgtable.h>
#include <neap/compiler.h>
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/thread.h>
#include <neap/timer.h>
#include <neap/vmap.h>
#include <string.h>

#define REAL_MODE_END 0xa0000

/* A CPU answers within microseconds; a host with many guests may let it wait. */
#define START_TRIES      2
#define FIRST_WAIT_NS    (50 * NS_PER_MS)
#define LAST_WAIT_NS     (1 * NS_PER_S)
#define SECOND_SIPI_NS   (1 * NS_PER_MS)
#define INIT_SETTLE_NS   (10 * NS_PER_MS)
#define STOP_WAIT_CYCLES (UINT64_C(1) << 28) /* about 0.1 s; the clock may not run yet */

#define TICKET_VALID 0x100u

extern char x86_ap_start[], x86_ap_start_end[];
extern uint64_t x86_ap_root, x86_ap_stack;
extern struct cpu *x86_ap_cpu;
extern uint32_t x86_ap_ticket;

void x86_ap_main(struct cpu *cpu) __attribute__((noreturn));

static uint64_t start_page; /* physical, below 1 MiB; 0: none was free */

void x86_smp_prepare(struct boot_info *info)
{
    if (acpi_info.nr_cpus <= 1)
        return;
    for (unsigned i = 0; i < info->nr_memory && !start_page; i++) {
        if (info->memory[i].start < REAL_MODE_END)
            start_page = info->memory[i].start;
    }
    if (!start_page) {
        log_warning("cpu", "no memory below 640 KiB: the other CPUs cannot start");
        return;
    }
    boot_memory_reserve(info, start_page, start_page + PAGE_SIZE);
    memcpy(phys_to_virt(start_page), x86_ap_start, (size_t)(x86_ap_start_end - x86_ap_start));
}

unsigned arch_cpu_count(void)
{
    static bool told;

    if (acpi_info.nr_cpus_ignored && !told) {
        told = true;
        log_warning("cpu", "%u CPUs are not used: neap runs on at most %u",
                    acpi_info.nr_cpus_ignored, MAX_CPUS);
    }
    return start_page ? acpi_info.nr_cpus : 1;
}

/* The APIC id of CPU `number`: the boot CPU has 0, the others follow in the tables' order. */
static uint32_t apic_id_of(unsigned number)
{
    uint32_t boot_id = cpus[0]->arch.apic_id;
    unsigned seen = 0;

    for (unsigned i = 0; i < acpi_info.nr_cpus; i++) {
        if (acpi_info.cpus[i] != boot_id && ++seen == number)
            return acpi_info.cpus[i];
    }
    return boot_id;
}

/* Wait until the ticket is taken; true if it was. */
static bool wait_taken(uint64_t timeout_ns)
{
    uint64_t end = arch_clock_ns() + timeout_ns;

    while (__atomic_load_n(&x86_ap_ticket, __ATOMIC_ACQUIRE) != 0) {
        if (arch_clock_ns() >= end)
            return false;
        arch_cpu_relax();
    }
    return true;
}

/*
 * INIT, then the start-up interrupt, once more if nothing happens. The first try skips the
 * pause after INIT that only very old CPUs need. True: the CPU has taken its stack and runs.
 */
static bool start_once(uint32_t apic_id, unsigned attempt)
{
    uint8_t page = (uint8_t)(start_page >> PAGE_SHIFT);
    uint32_t ticket = TICKET_VALID | (apic_id & 0xff);

    __atomic_store_n(&x86_ap_ticket, ticket, __ATOMIC_SEQ_CST);
    lapic_send(apic_id, LAPIC_IPI_INIT, 0);
    if (attempt > 0)
        thread_sleep_ns(INIT_SETTLE_NS);
    lapic_send(apic_id, LAPIC_IPI_STARTUP, page);
    if (wait_taken(SECOND_SIPI_NS))
        return true;
    lapic_send(apic_id, LAPIC_IPI_STARTUP, page);
    if (wait_taken(attempt + 1 < START_TRIES ? FIRST_WAIT_NS : LAST_WAIT_NS))
        return true;
    /* Take the ticket back; a CPU that took it just now has won. */
    return !__atomic_compare_exchange_n(&x86_ap_ticket, &ticket, 0, false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_SEQ_CST);
}

static bool wait_online(const struct cpu *cpu)
{
    uint64_t end = arch_clock_ns() + LAST_WAIT_NS;

    while (!READ_ONCE(cpu->arch.online)) {
        if (arch_clock_ns() >= end)
            return false;
        arch_cpu_relax();
    }
    return true;
}

int arch_cpu_start(struct cpu *cpu)
{
    struct arch_cpu *arch = &cpu->arch;
    bool started = false;

    arch->apic_id = apic_id_of(cpu->number);
    if (arch->apic_id == cpus[0]->arch.apic_id || arch->online)
        return -EINVAL;
    arch->trap_stack = stack_alloc();
    if (!arch->trap_stack)
        return -ENOMEM;
    x86_ap_root = arch_pgtable_root();
    x86_ap_stack = (uintptr_t)cpu->idle_thread->stack + THREAD_STACK_SIZE;
    x86_ap_cpu = cpu;
    for (unsigned i = 0; i < START_TRIES && !started; i++)
        started = start_once(arch->apic_id, i);
    if (!started) {
        stack_free(arch->trap_stack);
        return -ETIMEDOUT;
    }
    return wait_online(cpu) ? 0 : -ETIMEDOUT;
}

void x86_ap_main(struct cpu *cpu)
{
    x86_set_cpu(cpu);
    arch_trap_init_cpu();
    x86_features_enable();
    arch_pgtable_activate(arch_pgtable_root());
    lapic_init_cpu();
    WRITE_ONCE(cpu->arch.online, true);
    smp_secondary_main(cpu);
}

void x86_stop_if_asked(void)
{
    struct arch_cpu *self = &cpu_self()->arch;

    if (!READ_ONCE(self->stop_asked))
        return;
    WRITE_ONCE(self->stopped, true);
    arch_cpu_stop();
}

void arch_stop_other_cpus(void)
{
    uint64_t start = arch_cycles();
    struct cpu *self = cpu_self();

    for (unsigned i = 0; i < MAX_CPUS; i++) {
        if (cpus[i] && cpus[i] != self && cpus[i]->arch.online)
            arch_ipi_send(cpus[i], IPI_STOP);
    }
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        while (cpus[i] && cpus[i] != self && cpus[i]->arch.online &&
               !READ_ONCE(cpus[i]->arch.stopped) && arch_cycles() - start < STOP_WAIT_CYCLES)
            arch_cpu_relax();
    }
}
