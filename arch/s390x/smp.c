/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting and stopping the other CPUs.
 */
#include "s390x.h"
#include <arch/clock.h>
#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/pgtable.h>
#include <arch/thread.h>
#include <neap/alloc.h>
#include <neap/errors.h>
#include <neap/thread.h>
#include <neap/timer.h>
#include <neap/vmap.h>
#include <string.h>

#define LOWCORE_ORDER    1
#define START_WAIT_NS    (1 * NS_PER_S)
#define STOP_WAIT_CYCLES (UINT64_C(100000) << 12) /* 0.1 s; works before the clock does */

void s390_secondary_entry(void);
void s390_secondary_main(struct cpu *cpu) __attribute__((noreturn));

static bool exists(unsigned address)
{
    uint32_t status;

    return sigp((uint16_t)address, SIGP_SENSE, 0, &status) != 3;
}

unsigned arch_cpu_count(void)
{
    unsigned count = 0;

    for (unsigned address = 0; address < MAX_CPUS; address++)
        count += exists(address);
    return MAX(count, 1u);
}

/* The address of CPU `number`: the boot CPU is 0, the others follow in their order. */
static int address_of(unsigned number)
{
    unsigned seen = 0;

    for (unsigned address = 0; address < MAX_CPUS; address++) {
        if (address != cpus[0]->arch.address && exists(address) && ++seen == number)
            return (int)address;
    }
    return -1;
}

bool s390_order(uint16_t address, unsigned code, uint64_t parameter)
{
    uint64_t end = arch_clock_ns() + START_WAIT_NS;
    uint32_t status;
    unsigned cc;

    do {
        cc = sigp(address, code, parameter, &status);
    } while (cc == 2 && arch_clock_ns() < end);
    return cc == 0;
}

static bool wait_online(const struct cpu *cpu)
{
    uint64_t end = arch_clock_ns() + START_WAIT_NS;

    while (!READ_ONCE(cpu->arch.online)) {
        if (arch_clock_ns() >= end)
            return false;
        arch_cpu_relax();
    }
    return true;
}

/* Two pages below 2 GiB, as prefixing asks for. */
static struct lowcore *lowcore_alloc(struct cpu *cpu)
{
    struct page *page = alloc_pages(LOWCORE_ORDER, PAGE_KERNEL, ALLOC_ZERO);
    void *spare = page ? stack_alloc() : NULL;
    struct lowcore *lowcore;

    if (!spare || page_to_phys(page) >> 31) {
        if (spare)
            stack_free(spare);
        if (page)
            free_pages(page, LOWCORE_ORDER);
        return NULL;
    }
    lowcore = page_to_virt(page);
    s390_lowcore_init(lowcore, cpu, (uintptr_t)spare + THREAD_STACK_SIZE);
    lowcore->start_stack = (uintptr_t)cpu->idle_thread->stack + THREAD_STACK_SIZE;
    control_store(lowcore->control);
    return lowcore;
}

int arch_cpu_start(struct cpu *cpu)
{
    int address = address_of(cpu->number);
    struct lowcore *lowcore;
    struct psw restart;

    if (address < 0)
        return -EINVAL;
    lowcore = lowcore_alloc(cpu);
    if (!lowcore)
        return -ENOMEM;
    cpu->arch.address = (uint16_t)address;
    cpu->arch.lowcore = lowcore;
    restart = lowcore->restart_new;
    lowcore->restart_new = (struct psw){PSW_64BIT, (uintptr_t)s390_secondary_entry};
    if (!s390_order(cpu->arch.address, SIGP_INITIAL_RESET, 0) ||
        !s390_order(cpu->arch.address, SIGP_SET_PREFIX, virt_to_phys(lowcore)) ||
        !s390_order(cpu->arch.address, SIGP_RESTART, 0) || !wait_online(cpu))
        return -ETIMEDOUT;
    lowcore->restart_new = restart;
    return 0;
}

void s390_secondary_main(struct cpu *cpu)
{
    WRITE_ONCE(cpu->arch.online, true);
    smp_secondary_main(cpu);
}

void arch_stop_other_cpus(void)
{
    uint64_t start = arch_cycles();
    struct cpu *self = cpu_self();
    uint32_t status;

    for (unsigned i = 0; i < MAX_CPUS; i++) {
        if (cpus[i] && cpus[i] != self && cpus[i]->arch.online)
            arch_ipi_send(cpus[i], IPI_STOP);
    }
    for (unsigned i = 0; i < MAX_CPUS; i++) {
        if (!cpus[i] || cpus[i] == self || !cpus[i]->arch.online)
            continue;
        while (arch_cycles() - start < STOP_WAIT_CYCLES) {
            if (sigp(cpus[i]->arch.address, SIGP_SENSE, 0, &status) == 1 &&
                status & SIGP_STOPPED)
                break;
            arch_cpu_relax();
        }
    }
}
