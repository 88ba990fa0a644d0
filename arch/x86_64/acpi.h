/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the ACPI tables say about the platform, read once through the boot map.
 */
#ifndef X86_ACPI_H
#define X86_ACPI_H

#include <neap/cpu.h>
#include <stdbool.h>
#include <stdint.h>

#define ACPI_IOAPICS_MAX     8
#define ACPI_OVERRIDES_MAX   16 /* one per ISA interrupt */
#define ACPI_NODE_RANGES_MAX 32

struct acpi_ioapic {
    uint64_t phys;
    uint32_t first_gsi;
};

struct acpi_override {
    bool present;
    uint32_t gsi;
    bool level, active_low;
};

struct acpi_node_range {
    uint64_t start, end;
    int node;
};

/* A register block in I/O ports (the only kind used here), 0: absent. */
struct acpi_info {
    uint32_t cpus[MAX_CPUS]; /* APIC ids of usable CPUs */
    unsigned nr_cpus;
    unsigned nr_cpus_ignored; /* beyond MAX_CPUS */
    struct acpi_ioapic ioapics[ACPI_IOAPICS_MAX];
    unsigned nr_ioapics;
    struct acpi_override isa[ACPI_OVERRIDES_MAX];
    uint64_t active_high; /* lines below 64 that the DSDT says it of, by bit */
    struct acpi_node_range nodes[ACPI_NODE_RANGES_MAX];
    unsigned nr_nodes;
    uint16_t pm_timer;
    bool pm_timer_32bit;
    uint16_t pm1a_control, pm1b_control;
    uint16_t smi_command;
    uint8_t acpi_enable;
    bool has_s5;
    uint8_t s5_type_a, s5_type_b;
    uint16_t reset_port;
    uint64_t reset_phys; /* the same register where it is memory */
    uint8_t reset_value;
    uint64_t sleep_phys; /* the only sleep register of a machine without pm1a_control */
};
extern struct acpi_info acpi_info;

/* Read the tables from the root pointer at physical `rsdp` (0: none). Before mm_init(). */
void acpi_init(uint64_t rsdp);

#endif
