/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupt control of the executing CPU, and interrupts between CPUs.
 */
#ifndef ARCH_IRQ_H
#define ARCH_IRQ_H

#include <asm/irq.h>
#include <stdbool.h>
#include <stdint.h>

struct cpu;

/*
 * <asm/irq.h> provides, inline:
 *   irqflags_t                          an integer type
 *   irqflags_t arch_irq_save(void)      disable interrupts, return the state before
 *   void arch_irq_restore(irqflags_t)   return to a saved state
 *   void arch_irq_enable(void), arch_irq_disable(void)
 *   bool arch_irqs_enabled(void)
 */

enum ipi {
    IPI_RESCHEDULE, /* look at the run queue: calls sched_ipi() */
    IPI_CALL,       /* run the pending cross call: calls smp_call_ipi() */
    IPI_STOP,       /* halt for good, after a panic on another CPU */
};

/* Raise `ipi` on `target`. Any context; returns without waiting. */
void arch_ipi_send(struct cpu *target, enum ipi ipi);

/* Raise IPI_STOP on every other CPU and wait a bounded time for them. Panic path only. */
void arch_stop_other_cpus(void);

/* A handler runs with interrupts off and must not sleep. */
typedef void (*irq_handler_t)(void *arg);

/* From here on: vectors and lines, which only architectures with PCI have. */

/*
 * Take a free interrupt vector for a message-signalled interrupt.
 * Returns the vector (>= 0), or -ENOSPC when none is left. Thread context.
 * `name` is shown by the `devices` command and must stay valid.
 */
int arch_irq_alloc(irq_handler_t handler, void *arg, const char *name);

/* Give a vector back; no handler runs on it after the return. Thread context. */
void arch_irq_free(int vector);

/* Call fn for every vector in use. Any context; for `devices`. */
void arch_irq_for_each(void (*fn)(int vector, const char *name, void *arg), void *arg);

/*
 * Attach a handler to a platform interrupt line (x86: global system interrupt, level
 * triggered). Several handlers may share a line; each is called at every interrupt.
 * Returns 0, -EINVAL for a line that does not exist, -ENOMEM. Thread context.
 */
int arch_irq_line_attach(unsigned line, irq_handler_t handler, void *arg, const char *name);

/* Detach what arch_irq_line_attach() attached with the same arguments. Thread context. */
void arch_irq_line_detach(unsigned line, irq_handler_t handler, void *arg);

/* The address and data that make a PCI device raise `vector` on `target`. */
struct msi_message {
    uint64_t address;
    uint32_t data;
};
void arch_msi_compose(int vector, struct cpu *target, struct msi_message *out);

#endif
