/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Panics: stop everything, say everything once, end the machine.
 */
#include "internal.h"
#include <arch/power.h>
#include <arch/trap.h>
#include <neap/backtrace.h>
#include <neap/format.h>
#include <neap/panic.h>
#include <neap/timer.h>

#define TAIL_LINES 20
#define NO_CPU     UINT32_MAX

static uint32_t panic_cpu = NO_CPU; /* number of the CPU that panics */
static unsigned depth;              /* its panics inside a panic */

/*
 * Make this CPU the only one that prints. Another CPU that panics at the same time stops; a
 * panic inside a panic prints less each time, and in the end nothing.
 */
static void begin(void)
{
    uint32_t expected = NO_CPU, self;

    arch_irq_disable();
    self = cpu_self()->number;
    if (__atomic_compare_exchange_n(&panic_cpu, &expected, self, false, __ATOMIC_SEQ_CST,
                                    __ATOMIC_SEQ_CST)) {
        arch_stop_other_cpus();
        return;
    }
    if (expected != self)
        arch_cpu_stop();
    if (++depth > 2)
        arch_poweroff(EXIT_STATUS_PANIC);
}

static void print_where(void)
{
    const struct cpu *cpu = cpu_self();
    uint64_t us = clock_ns() / NS_PER_US;

    log_emergency("on CPU %u, thread '%s', %llu.%06llu s after start\n", cpu->number,
                  cpu->current ? cpu->current->name : "?", (unsigned long long)(us / 1000000),
                  (unsigned long long)(us % 1000000));
}

static void NORETURN finish(uintptr_t fp, uintptr_t pc)
{
    if (depth < 2) {
        log_emergency("backtrace:\n");
        backtrace_print(pc, fp);
    }
    if (depth == 0) {
        log_emergency("last messages:\n");
        log_print_tail(TAIL_LINES, true);
        log_emergency("panic: end\n");
    }
    arch_poweroff(EXIT_STATUS_PANIC);
}

void panic(const char *fmt, ...)
{
    char text[192];
    va_list args;

    begin();
    va_start(args, fmt);
    format_string_v(text, sizeof(text), fmt, args);
    va_end(args);
    log_emergency("\npanic: %s\n", text);
    print_where();
    finish(frame_pointer(), 0);
}

void panic_trap(struct trap_frame *frame, const char *name, uint64_t code, uintptr_t address)
{
    uintptr_t pc = arch_trap_pc(frame);

    begin();
    log_emergency("\npanic: %s, code 0x%llx, address %p\n", name, (unsigned long long)code,
                  (void *)address);
    print_where();
    if (depth < 2)
        arch_trap_print(frame);
    finish(arch_trap_frame_pointer(frame), pc);
}
