/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end: a disabled wait, whose address the host reads as a message, or a reset.
 */
#include "s390x.h"
#include <arch/cpu.h>
#include <arch/power.h>

/* QEMU takes a disabled wait at an address that ends like this for a clean shutdown. */
#define WAIT_SUCCESS 0xfff
#define WAIT_FAILED  0x3
#define WAIT_PANIC   0x5

#define DIAGNOSE_LOAD_CLEAR 3

static void NORETURN disabled_wait(uint64_t address)
{
    struct psw wait = {PSW_64BIT | PSW_WAIT, address};

    for (;;)
        __asm__ volatile("lpswe %0" ::"Q"(wait) : "memory");
}

void arch_poweroff(enum exit_status status)
{
    arch_irq_disable();
    arch_stop_other_cpus();
    disabled_wait(status == EXIT_STATUS_SUCCESS        ? WAIT_SUCCESS
                  : status == EXIT_STATUS_TESTS_FAILED ? WAIT_FAILED
                                                       : WAIT_PANIC);
}

void arch_reboot(void)
{
    register uint64_t address __asm__("2") = 0;
    register uint64_t subcode __asm__("4") = DIAGNOSE_LOAD_CLEAR;

    arch_irq_disable();
    __asm__ volatile("diag %0,%1,0x308" : "+d"(address) : "d"(subcode) : "3", "memory", "cc");
    arch_cpu_stop();
}
