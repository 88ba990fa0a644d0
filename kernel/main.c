/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Start-up, from the architecture's entry code to the application.
 */
#include "internal.h"
#include <arch/boot.h>
#include <arch/console.h>
#include <neap/bus.h>
#include <neap/cmdline.h>
#include <neap/errors.h>
#include <neap/libc.h>
#include <neap/memory.h>
#include <neap/panic.h>
#include <neap/power.h>
#include <neap/sections.h>
#include <neap/selftest.h>
#include <neap/timer.h>
#include <neap/trace.h>
#include <neap/work.h>

LINKER_TABLE(struct bus, bus);

static void say_hello(const struct boot_info *info)
{
    log_info("boot", "neap on %s, started through %s", arch_cpu_describe(), info->protocol);
    if (info->nr_dropped > 0)
        log_warning("boot", "%u ranges of the loader's memory map made no sense: not used",
                    info->nr_dropped);
    cmdline_parse(info->cmdline);
    if (info->cmdline_truncated)
        log_warning("boot", "the command line is longer than %d bytes: the end was cut off",
                    BOOT_CMDLINE_MAX - 1);
}

/* Interrupts are off until everything that they use is there. */
static void start_boot_cpu(struct boot_info *info)
{
    boot_memory_withhold(info);
    mm_init(info);
    sched_init();
    arch_platform_init();
    arch_clock_init();
    arch_timer_init_cpu();
    timer_init_cpu();
    trace_init_cpu();
    arch_irq_enable();
}

static void start_services(void)
{
    const struct bus *bus;

    smp_start();
    if (workqueue_init(&system_work, "work") != 0)
        panic("no memory for the first work queue");
    mm_init_late();
    arch_console_enable_input();
    LINKER_TABLE_FOR_EACH(bus, bus)
    {
        bus->init();
    }
}

static void NORETURN run_tests(const char *pattern)
{
    int failed = selftest_run(pattern);

    if (failed == -ENOENT)
        log_error("test", "no self-test matches '%s': test=* runs all", pattern);
    power_off(failed == 0 ? EXIT_STATUS_SUCCESS : EXIT_STATUS_TESTS_FAILED);
}

/* Unprotected: the stack protector gets its value in here. */
__attribute__((no_stack_protector)) void kernel_main(struct boot_info *info)
{
    char **argv;
    int argc, result;

    stack_protector_init();
    say_hello(info);
    start_boot_cpu(info);
    start_services();
    if (selftest_pattern())
        run_tests(selftest_pattern());
    argc = cmdline_app_args(&argv);
    kprintf("neap: ready in %llu us\n", (unsigned long long)(clock_ns() / NS_PER_US));
    result = libc_run_application(argc, argv);
    log_info("boot", "the application ended with %d", result);
    power_off(result == 0 ? EXIT_STATUS_SUCCESS : EXIT_STATUS_TESTS_FAILED);
}
