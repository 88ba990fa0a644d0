/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI tables: found from the root pointer, each checked for length and sum before it is read.
 * Only tables below 4 GiB are seen, which is where firmware puts them.
 */
#include "acpi.h"
#include "acpi_tables.h"
#include "x86.h"
#include <arch/layout.h>
#include <neap/compiler.h>
#include <neap/log.h>
#include <string.h>

#define TABLE_SIZE_MAX (1 * MIB)
#define TABLES_MAX     256

struct acpi_info acpi_info;

static bool sum_is_zero(const void *data, uint32_t size)
{
    const uint8_t *bytes = data;
    uint8_t sum = 0;

    while (size--)
        sum = (uint8_t)(sum + *bytes++);
    return sum == 0;
}

/* The table at `phys` if it is sound and of this kind (NULL: any). */
static const struct acpi_table *table_at(uint64_t phys, const char *signature)
{
    const struct acpi_table *table = x86_boot_map(phys, sizeof(*table));

    if (phys == 0 || !table || (signature && memcmp(table->signature, signature, 4) != 0))
        return NULL;
    if (table->length < sizeof(*table) || table->length > TABLE_SIZE_MAX ||
        !x86_boot_map(phys, table->length) || !sum_is_zero(table, table->length)) {
        log_warning("acpi", "table %.4s at %#llx has a wrong length or checksum: ignored",
                    table->signature, (unsigned long long)phys);
        return NULL;
    }
    return table;
}

/* Hand the entries behind the first `offset` bytes of an MADT or SRAT to `take`. */
static void read_entries(const struct acpi_table *table, uint32_t offset,
                         void (*take)(const struct acpi_entry *entry))
{
    if (table->length < offset)
        return;
    while (table->length - offset >= sizeof(struct acpi_entry)) {
        const struct acpi_entry *entry =
            (const struct acpi_entry *)((const char *)table + offset);

        if (entry->length < sizeof(*entry) || entry->length > table->length - offset) {
            log_warning("acpi", "%.4s: entry of %u bytes: the rest is ignored",
                        table->signature, entry->length);
            return;
        }
        take(entry);
        offset += entry->length;
    }
}

/*
 * \_S5 in the DSDT's byte code: a name, a package of small integers. An interpreter would be
 * a thousand times longer; every firmware writes it in this form.
 */
static void read_s5(const struct acpi_table *dsdt)
{
    const uint8_t *p = (const uint8_t *)(dsdt + 1);
    const uint8_t *end = (const uint8_t *)dsdt + dsdt->length;
    uint8_t types[2];

    for (;; p++) {
        if (end - p < 10)
            return;
        if (memcmp(p, "_S5_\x12", 5) == 0)
            break;
    }
    p += 5;
    p += 1 + (*p >> 6); /* package length: its first byte says how many follow */
    p++;                /* number of elements */
    for (unsigned i = 0; i < 2; i++) {
        if (end - p < 2)
            return;
        if (*p == 0x0a) /* byte prefix */
            p++;
        types[i] = *p++;
    }
    acpi_info.s5_type_a = types[0] & 7;
    acpi_info.s5_type_b = types[1] & 7;
    acpi_info.has_s5 = true;
}

static void read_fadt(const struct acpi_table *table)
{
    struct acpi_fadt fadt;
    const struct acpi_table *dsdt;

    /* Older revisions are shorter: what is missing reads as zero. */
    memset(&fadt, 0, sizeof(fadt));
    memcpy(&fadt, table, MIN(table->length, sizeof(fadt)));
    acpi_info.smi_command = (uint16_t)fadt.smi_command;
    acpi_info.acpi_enable = fadt.acpi_enable;
    acpi_info.pm1a_control = (uint16_t)fadt.pm1a_control;
    acpi_info.pm1b_control = (uint16_t)fadt.pm1b_control;
    if (fadt.pm_timer_length == 4)
        acpi_info.pm_timer = (uint16_t)fadt.pm_timer;
    acpi_info.pm_timer_32bit = fadt.flags & ACPI_FADT_TIMER_32BIT;
    if (fadt.flags & ACPI_FADT_HAS_RESET && fadt.reset_register.space == ACPI_SPACE_IO) {
        acpi_info.reset_port = (uint16_t)fadt.reset_register.address;
    } else if (fadt.flags & ACPI_FADT_HAS_RESET &&
               fadt.reset_register.space == ACPI_SPACE_MEMORY) {
        acpi_info.reset_phys = fadt.reset_register.address;
    }
    acpi_info.reset_value = fadt.reset_value;
    if (fadt.sleep_control.space == ACPI_SPACE_MEMORY)
        acpi_info.sleep_phys = fadt.sleep_control.address;
    dsdt = table_at(fadt.dsdt64 ? fadt.dsdt64 : fadt.dsdt, "DSDT");
    if (!dsdt)
        dsdt = table_at(fadt.dsdt, "DSDT");
    if (!dsdt)
        return;
    read_s5(dsdt);
    acpi_find_virtio(dsdt);
}

static void read_table(uint64_t phys)
{
    const struct acpi_table *table = table_at(phys, NULL);

    if (!table)
        return;
    if (memcmp(table->signature, "APIC", 4) == 0)
        read_entries(table, sizeof(struct acpi_madt), acpi_madt_entry);
    else if (memcmp(table->signature, "SRAT", 4) == 0)
        read_entries(table, sizeof(struct acpi_srat), acpi_srat_entry);
    else if (memcmp(table->signature, "FACP", 4) == 0)
        read_fadt(table);
}

/* The root table holds physical addresses of 4 (RSDT) or 8 bytes (XSDT). */
static bool read_root(uint64_t phys, const char *signature, unsigned width)
{
    const struct acpi_table *root = table_at(phys, signature);
    unsigned entries;

    if (!root)
        return false;
    entries = MIN((root->length - sizeof(*root)) / width, TABLES_MAX);
    for (unsigned i = 0; i < entries; i++) {
        uint64_t address = 0;

        memcpy(&address, (const char *)(root + 1) + i * width, width);
        read_table(address);
    }
    return true;
}

void acpi_init(uint64_t rsdp_phys)
{
    const struct acpi_rsdp *rsdp = x86_boot_map(rsdp_phys, sizeof(*rsdp));

    if (rsdp_phys == 0 || !rsdp || memcmp(rsdp->signature, "RSD PTR ", 8) != 0 ||
        !sum_is_zero(rsdp, ACPI_RSDP_OLD_SIZE)) {
        log_warning("acpi", "no valid root pointer: one CPU, no interrupt lines, no power-off");
        return;
    }
    if (rsdp->revision >= 2 && sum_is_zero(rsdp, sizeof(*rsdp)) &&
        read_root(rsdp->xsdt, "XSDT", 8))
        return;
    if (!read_root(rsdp->rsdt, "RSDT", 4))
        log_warning("acpi", "no valid root table: one CPU, no interrupt lines, no power-off");
}
