/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The end: a disabled wait, whose address the host reads as a message, or a reset.
 */
#include "reset.h"
#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/power.h>

/* QEMU takes a disabled wait at an address that ends like this for a clean shutdown. */
#define WAIT_SUCCESS 0xfff
#define WAIT_FAILED  0x3
#define WAIT_PANIC   0x5

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

uint64_t s390_diag308(uint64_t subcode, uint64_t address)
{
    register uint64_t where __asm__("2") = address;
    register uint64_t answer __asm__("3") = 0;
    register uint64_t what __asm__("4") = subcode;

    __asm__ volatile("diag %0,%2,0x308"
                     : "+d"(where), "+d"(answer)
                     : "d"(what)
                     : "memory", "cc");
    return answer;
}

/* As the machine was started: with the same parameters, where there are some. */
void arch_reboot(void)
{
    static uint8_t parameters[PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
    uint64_t address = image_to_phys(parameters);

    arch_irq_disable();
    if (s390_diag308(DIAG308_STORE, address) == DIAG308_OK)
        (void)s390_diag308(DIAG308_SET, address);
    (void)s390_diag308(DIAG308_LOAD_CLEAR, 0);
    arch_cpu_stop();
}
