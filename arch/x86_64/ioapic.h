/* SPDX-License-Identifier: BSD-2-Clause */
/* The I/O APICs: platform interrupt lines to vectors. */
#ifndef X86_IOAPIC_H
#define X86_IOAPIC_H

#include <arch/irq.h>
#include <stdbool.h>

/* Map the I/O APICs, mask every line, silence the 8259s. Boot CPU, once. */
void ioapic_init(void);

/* Is there such a line (global system interrupt)? */
bool ioapic_has_line(unsigned gsi);

/* Deliver a line as `vector` to the boot CPU. The line exists. Thread context. */
void ioapic_route(unsigned gsi, int vector, bool level, bool active_low);

void ioapic_mask(unsigned gsi);

/* Where the ISA interrupt `irq` arrives. */
unsigned ioapic_isa_to_gsi(unsigned irq);

/*
 * Attach a handler to an ISA interrupt, with the trigger mode of ISA unless the firmware says
 * otherwise. Returns 0, -EINVAL without such a line, -ENOSPC. Thread context.
 */
int ioapic_attach_isa(unsigned irq, irq_handler_t handler, void *arg, const char *name);

#endif
