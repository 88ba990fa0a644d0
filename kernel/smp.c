/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The other CPUs: starting them, and calling functions on all of them.
 */
#include "internal.h"
#include <neap/alloc.h>
#include <neap/kmalloc.h>
#include <neap/panic.h>
#include <neap/timer.h>
#include <neap/trace.h>

struct cpu boot_cpu = {.current = &boot_thread, .online = true};
struct cpu *cpus[MAX_CPUS] = {&boot_cpu};
static unsigned nr_cpus = 1;

unsigned cpu_count(void)
{
    return __atomic_load_n(&nr_cpus, __ATOMIC_ACQUIRE);
}

/* ---- starting ---- */

/*
 * Publishing the CPU is its own last step: from then on it gets threads and cross calls, and
 * it answers both.
 */
void smp_secondary_main(struct cpu *cpu)
{
    arch_timer_init_cpu();
    timer_init_cpu();
    trace_init_cpu();
    WRITE_ONCE(cpu->online, true);
    __atomic_store_n(&nr_cpus, cpu->number + 1, __ATOMIC_RELEASE);
    sched_idle_loop();
}

static bool start_cpu(unsigned number)
{
    struct cpu *cpu = kcalloc(1, sizeof(*cpu), ALLOC_DEFAULT);
    int error;

    if (cpu == NULL)
        return false;
    cpu->number = number;
    cpu->running_priority = THREAD_PRIORITIES;
    if (sched_prepare_cpu(cpu) != 0) {
        kfree(cpu);
        return false;
    }
    cpu->current = cpu->idle_thread;
    cpus[number] = cpu;
    error = arch_cpu_start(cpu);
    if (error == 0) {
        uint64_t deadline = clock_ns() + NS_PER_S;

        while (cpu_count() == number && clock_ns() < deadline)
            arch_cpu_relax();
    }
    /* Numbers are dense, and a late CPU may still use what it was given: leave it there. */
    return cpu_count() > number;
}

void smp_start(void)
{
    unsigned wanted = arch_cpu_count(), number;

    if (wanted > MAX_CPUS) {
        log_warning("cpu", "%u CPUs present, using %u: more are not supported", wanted,
                    MAX_CPUS);
        wanted = MAX_CPUS;
    }
    for (number = 1; number < wanted; number++) {
        if (!start_cpu(number)) {
            log_warning("cpu", "CPU %u did not start: going on with %u of %u", number, number,
                        wanted);
            break;
        }
    }
    log_info("cpu", "%u online, %s", cpu_count(), arch_cpu_describe());
}

/* ---- cross calls ---- */

/* A CPU silent for this long is lost: go on would mean stale translations there. */
#define CALL_TIMEOUT_NS (60 * NS_PER_S)

static struct {
    bool busy; /* one call at a time; its owner fills in the rest */
    void (*fn)(void *);
    void *arg;
} call;

/*
 * Runs the pending call of this CPU, from its interrupt or from a loop that waits with
 * interrupts off, whichever comes first.
 */
void smp_call_ipi(void)
{
    irqflags_t flags = arch_irq_save();
    struct cpu *cpu = cpu_self();

    if (__atomic_load_n(&cpu->call_pending, __ATOMIC_ACQUIRE)) {
        call.fn(call.arg);
        __atomic_store_n(&cpu->call_pending, false, __ATOMIC_RELEASE);
    }
    arch_irq_restore(flags);
}

static void wait_answered(const struct cpu *cpu)
{
    uint64_t deadline = clock_ns() + CALL_TIMEOUT_NS;

    while (__atomic_load_n(&cpu->call_pending, __ATOMIC_ACQUIRE)) {
        arch_cpu_relax();
        if (clock_ns() > deadline)
            panic("CPU %u does not answer a cross call", cpu->number);
    }
}

void smp_call_others(void (*fn)(void *), void *arg)
{
    struct cpu *self;

    preempt_disable();
    self = cpu_self();
    /* Two CPUs that call at once: the second one answers the first while it waits. */
    while (__atomic_exchange_n(&call.busy, true, __ATOMIC_ACQUIRE)) {
        arch_cpu_relax();
        smp_call_ipi();
    }
    call.fn = fn;
    call.arg = arg;
    for (unsigned i = 0; i < cpu_count(); i++) {
        if (cpus[i] == self)
            continue;
        __atomic_store_n(&cpus[i]->call_pending, true, __ATOMIC_RELEASE);
        arch_ipi_send(cpus[i], IPI_CALL);
    }
    for (unsigned i = 0; i < cpu_count(); i++)
        if (cpus[i] != self)
            wait_answered(cpus[i]);
    __atomic_store_n(&call.busy, false, __ATOMIC_RELEASE);
    preempt_enable();
}
