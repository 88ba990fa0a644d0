/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Switching off and resetting: each way in turn, from the one that says most to the crudest.
 */
#include "acpi.h"
#include "x86.h"
#include <arch/cpu.h>
#include <arch/mmio.h>
#include <arch/power.h>
#include <neap/vmap.h>

/* QEMU's isa-debug-exit turns a written value v into the exit code 2v + 1. */
#define DEBUG_EXIT_PORT   0xf4
#define DEBUG_EXIT_FAILED 1
#define DEBUG_EXIT_PANIC  2

#define PM1_SCI_ENABLE   (1u << 0)
#define PM1_SLEEP_TYPE   10
#define PM1_SLEEP_ENABLE (1u << 13)

/* The sleep register of a machine without those. */
#define SLEEP_TYPE   2
#define SLEEP_ENABLE (1u << 5)

#define RESET_PORT      0xcf9
#define KEYBOARD_STATUS 0x64
#define KEYBOARD_BUSY   0x02
#define KEYBOARD_RESET  0xfe
#define POST_PORT       0x80

#define WAIT_READS 100000 /* about 0.1 s */

/* Mapped at the start: a panic is no time to map them. NULL: absent. */
static volatile uint8_t *sleep_register, *reset_register;

void x86_power_init(void)
{
    if (acpi_info.sleep_phys)
        sleep_register = mmio_map(acpi_info.sleep_phys, 1);
    if (acpi_info.reset_phys)
        reset_register = mmio_map(acpi_info.reset_phys, 1);
}

static void wait_a_moment(void)
{
    for (unsigned i = 0; i < WAIT_READS; i++)
        (void)port_read8(POST_PORT);
}

/* Real hardware ignores a sleep request until its registers are switched from SMM to ACPI. */
static void acpi_take_over(void)
{
    if (port_read16(acpi_info.pm1a_control) & PM1_SCI_ENABLE || !acpi_info.smi_command ||
        !acpi_info.acpi_enable)
        return;
    port_write8(acpi_info.smi_command, acpi_info.acpi_enable);
    for (unsigned i = 0; i < WAIT_READS; i++) {
        if (port_read16(acpi_info.pm1a_control) & PM1_SCI_ENABLE)
            return;
    }
}

static void acpi_poweroff(void)
{
    if (acpi_info.has_s5 && sleep_register) {
        mmio_write8(sleep_register,
                    (uint8_t)(acpi_info.s5_type_a << SLEEP_TYPE | SLEEP_ENABLE));
        wait_a_moment();
    }
    if (!acpi_info.has_s5 || !acpi_info.pm1a_control)
        return;
    acpi_take_over();
    port_write16(acpi_info.pm1a_control,
                 (uint16_t)(acpi_info.s5_type_a << PM1_SLEEP_TYPE | PM1_SLEEP_ENABLE));
    if (acpi_info.pm1b_control)
        port_write16(acpi_info.pm1b_control,
                     (uint16_t)(acpi_info.s5_type_b << PM1_SLEEP_TYPE | PM1_SLEEP_ENABLE));
    wait_a_moment();
}

void arch_poweroff(enum exit_status status)
{
    arch_irq_disable();
    if (status == EXIT_STATUS_TESTS_FAILED)
        port_write8(DEBUG_EXIT_PORT, DEBUG_EXIT_FAILED);
    else if (status == EXIT_STATUS_PANIC)
        port_write8(DEBUG_EXIT_PORT, DEBUG_EXIT_PANIC);
    acpi_poweroff();
    arch_cpu_stop();
}

void arch_reboot(void)
{
    const struct {
        uint16_t limit;
        uint64_t base;
    } __attribute__((packed)) no_table = {0, 0};

    arch_irq_disable();
    if (acpi_info.reset_port) {
        port_write8(acpi_info.reset_port, acpi_info.reset_value);
        wait_a_moment();
    }
    if (reset_register) {
        mmio_write8(reset_register, acpi_info.reset_value);
        wait_a_moment();
    }
    port_write8(RESET_PORT, 0x02); /* a hard reset: chosen first, then triggered */
    port_write8(RESET_PORT, 0x06);
    wait_a_moment();
    for (unsigned i = 0; i < WAIT_READS && port_read8(KEYBOARD_STATUS) & KEYBOARD_BUSY; i++)
        arch_cpu_relax();
    port_write8(KEYBOARD_STATUS, KEYBOARD_RESET);
    wait_a_moment();
    /* A trap without a trap table: the CPU gives up and the machine resets. */
    __asm__ volatile("lidt %0; int3" ::"m"(no_table) : "memory");
    arch_cpu_stop();
}
