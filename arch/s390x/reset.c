/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Resetting the machine under the running kernel (DIAGNOSE 0x308, subcodes 0 and 1): the other
 * CPUs wait in reset.S, and go on afterwards where they were.
 */
#include "reset.h"
#include <arch/clock.h>
#include <arch/console.h>
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/layout.h>
#include <neap/errors.h>
#include <neap/timer.h>

#define PARK_WAIT_NS (1 * NS_PER_S)

int s390_reset_machine(uint64_t subcode, uint64_t short_psw);
void s390_park_entry(void);
void s390_unpark_entry(void);

/*
 * The lowcore of another CPU. That of the boot CPU is at absolute address 0, which prefixing
 * lets this CPU reach where its own lowcore is for all others.
 */
static struct lowcore *lowcore_of(const struct cpu *cpu)
{
    return cpu->arch.lowcore ? cpu->arch.lowcore : cpu_self()->arch.lowcore;
}

static bool is_other(const struct cpu *cpu)
{
    return cpu && cpu != cpu_self() && cpu->arch.online;
}

static bool wait_parked(const struct lowcore *lowcore, bool parked)
{
    uint64_t end = arch_clock_ns() + PARK_WAIT_NS;

    while (READ_ONCE(lowcore->parked) != parked) {
        if (arch_clock_ns() >= end)
            return false;
        arch_cpu_relax();
    }
    return true;
}

/* Send a CPU to `entry` by a restart interruption, and wait until it has been there. */
static bool restart_at(const struct cpu *cpu, void (*entry)(void), bool parked)
{
    struct lowcore *lowcore = lowcore_of(cpu);
    const struct psw restart = lowcore->restart_new;
    bool done;

    lowcore->restart_new = (struct psw){PSW_64BIT, (uintptr_t)entry};
    done = s390_order(cpu->arch.address, SIGP_RESTART, 0) && wait_parked(lowcore, parked);
    lowcore->restart_new = restart;
    return done;
}

static bool park_others(void)
{
    bool all = true;

    for (unsigned i = 0; i < MAX_CPUS; i++)
        all &= !is_other(cpus[i]) || restart_at(cpus[i], s390_park_entry, true);
    return all;
}

/* What interrupted the CPU last may be lost: it looks for work by itself. */
static bool unpark_others(void)
{
    bool all = true;

    for (unsigned i = 0; i < MAX_CPUS; i++) {
        struct cpu *cpu = cpus[i];

        if (!is_other(cpu) || !READ_ONCE(lowcore_of(cpu)->parked))
            continue;
        /* Refused by a CPU that still runs, whose prefix was not reset either. */
        (void)s390_order(cpu->arch.address, SIGP_SET_PREFIX,
                         cpu->arch.lowcore ? virt_to_phys(cpu->arch.lowcore) : 0);
        all &= restart_at(cpu, s390_unpark_entry, false);
        arch_ipi_send(cpu, IPI_RESCHEDULE);
    }
    return all;
}

static void count_others(struct reset_report *report)
{
    uint32_t status;

    for (unsigned i = 0; i < MAX_CPUS; i++) {
        if (!is_other(cpus[i]))
            continue;
        report->others++;
        report->stopped +=
            sigp(cpus[i]->arch.address, SIGP_SENSE, 0, &status) == 1 && status & SIGP_STOPPED;
    }
}

int s390_reset(enum reset_subcode subcode, uint64_t short_psw, struct reset_report *report,
               void (*look)(void *), void *arg)
{
    irqflags_t flags = arch_irq_save();
    int result = -ETIMEDOUT;

    *report = (struct reset_report){0};
    if (park_others()) {
        result = s390_reset_machine(subcode, short_psw);
        report->found = s390_reset_found;
        count_others(report);
        look(arg);
    }
    arch_console_init(); /* the reset took its events away */
    if (!unpark_others())
        result = -ETIMEDOUT;
    arch_ipi_send(cpu_self(), IPI_RESCHEDULE);
    arch_irq_restore(flags);
    return result;
}
