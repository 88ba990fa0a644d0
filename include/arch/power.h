/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ending: what the machine (and so QEMU's exit code) shall report.
 */
#ifndef ARCH_POWER_H
#define ARCH_POWER_H

enum exit_status {
    EXIT_STATUS_SUCCESS,      /* QEMU ends with 0 */
    EXIT_STATUS_TESTS_FAILED, /* 3 where isa-debug-exit is present */
    EXIT_STATUS_PANIC,        /* 5 where isa-debug-exit is present */
};

/* Switch the machine off; halts if nothing answers. Any context. */
void arch_poweroff(enum exit_status status) __attribute__((noreturn));

/* Reset the machine. Any context. */
void arch_reboot(void) __attribute__((noreturn));

#endif
