/* SPDX-License-Identifier: BSD-2-Clause */
/* The local APIC: this CPU's interrupt controller, in memory (xAPIC) or in MSRs (x2APIC). */
#ifndef X86_LAPIC_H
#define X86_LAPIC_H

#include <stdbool.h>
#include <stdint.h>

/* Find and map it. Boot CPU, once, after mm_init(). */
void lapic_init(void);

/* Switch it on. Once per CPU, interrupts off. */
void lapic_init_cpu(void);

/* This CPU's id: works before lapic_init() too. */
uint32_t lapic_id(void);

void lapic_eoi(void);

enum lapic_ipi {
    LAPIC_IPI_FIXED = 0x0000,
    LAPIC_IPI_NMI = 0x0400,
    LAPIC_IPI_INIT = 0x0500,
    LAPIC_IPI_STARTUP = 0x0600,
};

/* Send an interrupt of this kind to another CPU. Any context. */
void lapic_send(uint32_t apic_id, enum lapic_ipi kind, uint8_t vector);

/* The one-shot timer: ticks of the APIC clock divided by 16. */
void lapic_timer_setup(bool tsc_deadline, uint8_t vector);
void lapic_timer_start(uint32_t ticks);
uint32_t lapic_timer_left(void);

#endif
