/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Adapter interrupts: they belong to no device, every handler looks at its own indicators.
 */
#include <arch/ccw.h>
#include <neap/ccw.h>
#include <neap/cpu.h>
#include <neap/errors.h>
#include <neap/lock.h>

#define HANDLERS_MAX 64

static struct {
    void (*fn)(void *); /* NULL: free; written last, cleared first */
    void *arg;
} handlers[HANDLERS_MAX];

static struct spinlock handlers_lock = SPINLOCK_INIT("adapter interrupts", LOCK_RANK_CONSOLE);

void ccw_adapter_interrupt(void)
{
    for (unsigned i = 0; i < HANDLERS_MAX; i++) {
        void (*fn)(void *) = __atomic_load_n(&handlers[i].fn, __ATOMIC_ACQUIRE);

        if (fn)
            fn(handlers[i].arg);
    }
}

int ccw_adapter_attach(void (*handler)(void *), void *arg)
{
    irqflags_t flags = spin_lock(&handlers_lock);
    unsigned i = 0;

    while (i < HANDLERS_MAX && handlers[i].fn)
        i++;
    if (i < HANDLERS_MAX) {
        handlers[i].arg = arg;
        __atomic_store_n(&handlers[i].fn, handler, __ATOMIC_RELEASE);
    }
    spin_unlock(&handlers_lock, flags);
    return i < HANDLERS_MAX ? 0 : -ENOSPC;
}

void ccw_adapter_detach(void (*handler)(void *), void *arg)
{
    for (unsigned i = 0; i < HANDLERS_MAX; i++) {
        if (handlers[i].fn == handler && handlers[i].arg == arg)
            __atomic_store_n(&handlers[i].fn, NULL, __ATOMIC_RELEASE);
    }
    ccw_synchronize();
}

static void do_nothing(void *arg)
{
    (void)arg;
}

void ccw_synchronize(void)
{
    /* Handlers run with interrupts off, so a CPU that answers a call is in none. */
    smp_call_others(do_nothing, NULL);
}
