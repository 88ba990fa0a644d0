/* SPDX-License-Identifier: BSD-2-Clause */
/* The MADT's entries: CPUs, interrupt controllers, how ISA interrupts are wired. */
#include "acpi.h"
#include "acpi_tables.h"
#include <neap/log.h>

#define APIC_ID_NONE UINT32_MAX

static void add_cpu(uint32_t apic_id, uint32_t flags)
{
    if (!(flags & MADT_CPU_ENABLED) || apic_id == APIC_ID_NONE)
        return;
    for (unsigned i = 0; i < acpi_info.nr_cpus; i++) {
        if (acpi_info.cpus[i] == apic_id)
            return; /* listed as both kinds of entry: not to be started twice */
    }
    if (acpi_info.nr_cpus == MAX_CPUS) {
        acpi_info.nr_cpus_ignored++;
        return;
    }
    acpi_info.cpus[acpi_info.nr_cpus++] = apic_id;
}

static void add_ioapic(const struct acpi_madt_ioapic *entry)
{
    struct acpi_ioapic *ioapic = &acpi_info.ioapics[acpi_info.nr_ioapics];

    if (acpi_info.nr_ioapics == ACPI_IOAPICS_MAX || entry->phys == 0) {
        log_warning("acpi", "MADT: interrupt controller at %#x is ignored", entry->phys);
        return;
    }
    ioapic->phys = entry->phys;
    ioapic->first_gsi = entry->first_gsi;
    acpi_info.nr_ioapics++;
}

static void add_override(const struct acpi_madt_override *entry)
{
    struct acpi_override *override;

    if (entry->irq >= ACPI_OVERRIDES_MAX)
        return;
    override = &acpi_info.isa[entry->irq];
    override->present = true;
    override->gsi = entry->gsi;
    override->active_low = (entry->flags & 3) == 3;
    override->level = (entry->flags >> 2 & 3) == 3;
}

void acpi_madt_entry(const struct acpi_entry *entry)
{
    const void *body = entry;

    if (entry->type == MADT_LAPIC && entry->length >= sizeof(struct acpi_madt_lapic)) {
        const struct acpi_madt_lapic *lapic = body;

        add_cpu(lapic->apic_id, lapic->flags);
    } else if (entry->type == MADT_X2APIC && entry->length >= sizeof(struct acpi_madt_x2apic)) {
        const struct acpi_madt_x2apic *x2apic = body;

        add_cpu(x2apic->apic_id, x2apic->flags);
    } else if (entry->type == MADT_IOAPIC && entry->length >= sizeof(struct acpi_madt_ioapic)) {
        add_ioapic(body);
    } else if (entry->type == MADT_OVERRIDE &&
               entry->length >= sizeof(struct acpi_madt_override)) {
        add_override(body);
    }
}
