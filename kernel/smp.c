/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting the other CPUs.
 */
#include "internal.h"
#include <neap/alloc.h>
#include <neap/kmalloc.h>
#include <neap/timer.h>
#include <neap/trace.h>

struct cpu boot_cpu = {.current = &boot_thread, .online = true};
struct cpu *cpus[MAX_CPUS] = {&boot_cpu};
static unsigned nr_cpus = 1;

unsigned cpu_count(void)
{
    return __atomic_load_n(&nr_cpus, __ATOMIC_ACQUIRE);
}

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
