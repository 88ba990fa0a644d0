/* SPDX-License-Identifier: BSD-2-Clause */
/* The interrupt flag. */
#ifndef ASM_IRQ_H
#define ASM_IRQ_H

#include <stdbool.h>
#include <stdint.h>

typedef uint64_t irqflags_t;

#define RFLAGS_IF (UINT64_C(1) << 9)

static inline irqflags_t x86_flags(void)
{
    irqflags_t flags;

    __asm__ volatile("pushfq; popq %0" : "=r"(flags)::"memory");
    return flags;
}

static inline void arch_irq_enable(void)
{
    __asm__ volatile("sti" ::: "memory");
}

static inline void arch_irq_disable(void)
{
    __asm__ volatile("cli" ::: "memory");
}

static inline bool arch_irqs_enabled(void)
{
    return x86_flags() & RFLAGS_IF;
}

static inline irqflags_t arch_irq_save(void)
{
    irqflags_t flags = x86_flags();

    arch_irq_disable();
    return flags;
}

static inline void arch_irq_restore(irqflags_t flags)
{
    if (flags & RFLAGS_IF)
        arch_irq_enable();
    else
        arch_irq_disable();
}

#endif
