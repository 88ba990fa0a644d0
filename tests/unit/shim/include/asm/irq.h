/* SPDX-License-Identifier: BSD-2-Clause */
/* Unit tests: the interrupt flag of the simulated CPU. */
#ifndef ASM_IRQ_H
#define ASM_IRQ_H

#include <stdbool.h>

typedef unsigned long irqflags_t;

extern bool shim_irqs_on;

/* Deliver interrupts that were raised while the flag was off. */
void shim_irqs_deliver(void);

static inline bool arch_irqs_enabled(void)
{
    return shim_irqs_on;
}

static inline irqflags_t arch_irq_save(void)
{
    irqflags_t flags = shim_irqs_on;

    shim_irqs_on = false;
    return flags;
}

static inline void arch_irq_restore(irqflags_t flags)
{
    shim_irqs_on = flags != 0;
    if (shim_irqs_on)
        shim_irqs_deliver();
}

static inline void arch_irq_enable(void)
{
    arch_irq_restore(1);
}

static inline void arch_irq_disable(void)
{
    shim_irqs_on = false;
}

#endif
