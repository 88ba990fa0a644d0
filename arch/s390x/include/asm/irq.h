/* SPDX-License-Identifier: BSD-2-Clause */
/* I/O and external interrupts, the two that the kernel turns on and off together. */
#ifndef ASM_IRQ_H
#define ASM_IRQ_H

#include <stdbool.h>
#include <stdint.h>

/* The system mask: the first byte of the PSW. */
typedef uint8_t irqflags_t;

#define SYSTEM_MASK_IRQS 0x03 /* I/O, external */

static inline void arch_irq_enable(void)
{
    uint8_t before;

    __asm__ volatile("stosm %0,0x03" : "=Q"(before)::"memory");
}

static inline irqflags_t arch_irq_save(void)
{
    irqflags_t before;

    __asm__ volatile("stnsm %0,0xfc" : "=Q"(before)::"memory");
    return before;
}

static inline void arch_irq_disable(void)
{
    (void)arch_irq_save();
}

static inline bool arch_irqs_enabled(void)
{
    uint8_t mask;

    __asm__ volatile("stosm %0,0x00" : "=Q"(mask)::"memory");
    return mask & SYSTEM_MASK_IRQS;
}

static inline void arch_irq_restore(irqflags_t flags)
{
    __asm__ volatile("ssm %0" ::"Q"(flags) : "memory");
}

#endif
