/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Orderly ends.
 */
#ifndef NEAP_POWER_H
#define NEAP_POWER_H

#include <arch/power.h>

/* Called before the machine goes off or resets, newest first. Thread context, must be bounded.
 */
struct shutdown_hook {
    void (*fn)(void *);
    void *arg;
    struct shutdown_hook *next;
};
void shutdown_register(struct shutdown_hook *hook);

/* Run the hooks and switch off with `status`. Thread context. */
void power_off(enum exit_status status) __attribute__((noreturn));

/* Run the hooks and reset. Thread context. */
void power_reboot(void) __attribute__((noreturn));

#endif
