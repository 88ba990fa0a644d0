/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Orderly ends.
 */
#include "internal.h"
#include <neap/power.h>

static struct spinlock hooks_lock = SPINLOCK_INIT("shutdown hooks", LOCK_RANK_WORK);
static struct shutdown_hook *hooks;

void shutdown_register(struct shutdown_hook *hook)
{
    irqflags_t flags = spin_lock(&hooks_lock);

    hook->next = hooks;
    hooks = hook;
    spin_unlock(&hooks_lock, flags);
}

/* Each hook runs once, whoever asks for the end. */
static void run_hooks(void)
{
    for (;;) {
        irqflags_t flags = spin_lock(&hooks_lock);
        struct shutdown_hook *hook = hooks;

        if (hook)
            hooks = hook->next;
        spin_unlock(&hooks_lock, flags);
        if (hook == NULL)
            return;
        hook->fn(hook->arg);
    }
}

void power_off(enum exit_status status)
{
    run_hooks();
    log_info("power", "off");
    arch_poweroff(status);
}

void power_reboot(void)
{
    run_hooks();
    log_info("power", "reboot");
    arch_reboot();
}
