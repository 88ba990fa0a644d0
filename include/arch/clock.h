/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Time: a free running counter, a monotonic clock and one programmable deadline per CPU.
 */
#ifndef ARCH_CLOCK_H
#define ARCH_CLOCK_H

#include <asm/clock.h>
#include <stdint.h>

/*
 * <asm/clock.h> provides, inline:
 *   uint64_t arch_cycles(void)   the counter behind the clock (x86: TSC); any context.
 *                                Usable before arch_clock_init().
 */

/* Find the counter's frequency. Boot CPU, once, interrupts off. */
void arch_clock_init(void);

/* Nanoseconds since kernel entry; monotonic, same on every CPU. Any context. */
uint64_t arch_clock_ns(void);

/* Nanoseconds that a number of cycles takes. Any context after arch_clock_init(). */
uint64_t arch_cycles_to_ns(uint64_t cycles);

/* Nanoseconds since 1970-01-01 UTC, from the platform's clock. Thread context. */
uint64_t arch_wall_clock_ns(void);

/* Set up this CPU's deadline timer. Once per CPU, interrupts off. */
void arch_timer_init_cpu(void);

/*
 * Ask for one timer interrupt on this CPU at `deadline_ns` (arch_clock_ns() time) or as soon
 * after as possible; UINT64_MAX cancels. The interrupt calls timer_interrupt(). It may come
 * early: the callee checks the clock. Interrupts off.
 */
void arch_timer_set(uint64_t deadline_ns);

/* Upcall: a deadline has passed on this CPU. Interrupt context. */
void timer_interrupt(void);

#endif
