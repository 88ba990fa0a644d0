/* SPDX-License-Identifier: BSD-2-Clause */
/* The ACPI tables' layouts, as far as they are read. */
#ifndef X86_ACPI_TABLES_H
#define X86_ACPI_TABLES_H

#include <stdint.h>

#define ACPI_RSDP_OLD_SIZE 20

struct acpi_rsdp {
    char signature[8];
    uint8_t checksum; /* of the first ACPI_RSDP_OLD_SIZE bytes */
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    /* from revision 2 on */
    uint32_t length;
    uint64_t xsdt;
    uint8_t checksum_all;
    uint8_t reserved[3];
} __attribute__((packed));

struct acpi_table {
    char signature[4];
    uint32_t length;
    uint8_t revision;
    uint8_t checksum;
    char oem[6];
    char oem_table[8];
    uint32_t oem_revision;
    uint32_t creator;
    uint32_t creator_revision;
} __attribute__((packed));

#define ACPI_SPACE_MEMORY 0
#define ACPI_SPACE_IO     1

struct acpi_register {
    uint8_t space;
    uint8_t width;
    uint8_t offset;
    uint8_t access;
    uint64_t address;
} __attribute__((packed));

#define ACPI_FADT_TIMER_32BIT (1u << 8)
#define ACPI_FADT_HAS_RESET   (1u << 10)

struct acpi_fadt {
    struct acpi_table head;
    uint32_t facs;
    uint32_t dsdt;
    uint8_t reserved0[4];
    uint32_t smi_command;
    uint8_t acpi_enable;
    uint8_t reserved1[11];
    uint32_t pm1a_control;
    uint32_t pm1b_control;
    uint8_t reserved2[4];
    uint32_t pm_timer;
    uint8_t reserved3[11];
    uint8_t pm_timer_length;
    uint8_t reserved4[20];
    uint32_t flags;
    struct acpi_register reset_register;
    uint8_t reset_value;
    uint8_t reserved5[11];
    uint64_t dsdt64;
    uint8_t reserved6[96];
    struct acpi_register sleep_control; /* of machines without the registers above */
} __attribute__((packed));

_Static_assert(__builtin_offsetof(struct acpi_fadt, pm1a_control) == 64, "FADT layout");
_Static_assert(__builtin_offsetof(struct acpi_fadt, pm_timer_length) == 91, "FADT layout");
_Static_assert(__builtin_offsetof(struct acpi_fadt, flags) == 112, "FADT layout");
_Static_assert(__builtin_offsetof(struct acpi_fadt, dsdt64) == 140, "FADT layout");
_Static_assert(__builtin_offsetof(struct acpi_fadt, sleep_control) == 244, "FADT layout");

struct acpi_madt {
    struct acpi_table head;
    uint32_t lapic_phys; /* the CPU itself knows better */
    uint32_t flags;
} __attribute__((packed));

enum {
    MADT_LAPIC = 0,
    MADT_IOAPIC = 1,
    MADT_OVERRIDE = 2,
    MADT_X2APIC = 9,
};

#define MADT_CPU_ENABLED 1u

/* How each entry of an MADT or SRAT begins. */
struct acpi_entry {
    uint8_t type;
    uint8_t length;
} __attribute__((packed));

struct acpi_madt_lapic {
    struct acpi_entry head;
    uint8_t processor;
    uint8_t apic_id;
    uint32_t flags;
} __attribute__((packed));

struct acpi_madt_ioapic {
    struct acpi_entry head;
    uint8_t id;
    uint8_t reserved;
    uint32_t phys;
    uint32_t first_gsi;
} __attribute__((packed));

struct acpi_madt_override {
    struct acpi_entry head;
    uint8_t bus;
    uint8_t irq;
    uint32_t gsi;
    uint16_t flags; /* polarity in bits 0-1, trigger mode in bits 2-3; 3: active low, level */
} __attribute__((packed));

struct acpi_madt_x2apic {
    struct acpi_entry head;
    uint16_t reserved;
    uint32_t apic_id;
    uint32_t flags;
    uint32_t processor;
} __attribute__((packed));

/* Take over one entry, whose length was checked against the table (acpi_madt.c). */
void acpi_madt_entry(const struct acpi_entry *entry);

struct acpi_srat {
    struct acpi_table head;
    uint8_t reserved[12];
} __attribute__((packed));

#define SRAT_MEMORY         1
#define SRAT_MEMORY_ENABLED 1u

struct acpi_srat_memory {
    struct acpi_entry head;
    uint32_t domain;
    uint8_t reserved0[2];
    uint64_t base;
    uint64_t size;
    uint8_t reserved1[4];
    uint32_t flags;
    uint8_t reserved2[8];
} __attribute__((packed));

_Static_assert(sizeof(struct acpi_srat) == 48, "SRAT layout");
_Static_assert(sizeof(struct acpi_srat_memory) == 40, "SRAT layout");

/* Look for virtio devices in the DSDT (acpi_virtio.c). */
void acpi_find_virtio(const struct acpi_table *dsdt);

/* The same for the SRAT (acpi_srat.c). */
void acpi_srat_entry(const struct acpi_entry *entry);

#endif
