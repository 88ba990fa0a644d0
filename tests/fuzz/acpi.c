/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI tables: a root pointer, a root table, and tables of any contents and length. Each lies
 * in memory of exactly its size, and its sum is made right unless the input says otherwise.
 */
#include "../../arch/x86_64/acpi.h"
#include "../../arch/x86_64/acpi_tables.h"
#include "fuzz.h"
#include "unit.h"
#include <neap/log.h>
#include <neap/virtio_mmio.h>
#include <stdlib.h>
#include <string.h>

#define TABLES_MAX 6
#define DISTANCE   0x10000u /* between the physical addresses of two tables */
#define BYTES_MAX  512u

/* The root pointer is the first, the root table the second. */
static struct {
    uint8_t *bytes;
    uint32_t length;
} tables[TABLES_MAX];
static unsigned nr_tables;

/* ---- what the tables' reader asks of its surroundings ---- */

const void *x86_boot_map(uint64_t phys, uint64_t size);

const void *x86_boot_map(uint64_t phys, uint64_t size)
{
    uint64_t number = phys / DISTANCE - 1, offset = phys % DISTANCE;

    if (number >= nr_tables || offset > tables[number].length ||
        size > tables[number].length - offset)
        return NULL;
    return tables[number].bytes + offset;
}

void log_write(enum log_level level UNUSED, const char *area UNUSED, const char *fmt UNUSED,
               ...)
{
}

int virtio_mmio_note(uint64_t phys UNUSED, uint64_t bytes UNUSED, unsigned line UNUSED)
{
    return 0;
}

/* ---- the tables ---- */

static uint64_t address_of(unsigned number)
{
    return (uint64_t)(number + 1) * DISTANCE;
}

/* `sum`, which is one of the bytes, is 0 until now. */
static void correct_sum(const uint8_t *bytes, size_t length, uint8_t *sum)
{
    uint8_t total = 0;

    for (size_t i = 0; i < length; i++)
        total = (uint8_t)(total + bytes[i]);
    *sum = (uint8_t)-total;
}

/* A table with a body of so many bytes from the input. */
static struct acpi_table *add_table(const char *signature, uint32_t body)
{
    uint32_t length = (uint32_t)sizeof(struct acpi_table) + body;
    uint8_t *bytes = calloc(1, length);
    struct acpi_table *table = (struct acpi_table *)bytes;

    tables[nr_tables].bytes = bytes;
    tables[nr_tables++].length = length;
    fuzz_bytes(table + 1, body);
    memcpy(table->signature, signature, sizeof(table->signature));
    table->length = length;
    return table;
}

static void finish(struct acpi_table *table)
{
    uint32_t length = table->length;
    uint8_t how = fuzz_byte();

    if (how == 1)
        table->length = (uint32_t)fuzz_number(4);
    correct_sum((uint8_t *)table, MIN(length, table->length), &table->checksum);
    if (how == 2)
        table->checksum++;
}

static void add_any(void)
{
    static const char *const signatures[] = {"APIC", "SRAT", "FACP", "DSDT", "MCFG"};
    unsigned kind = fuzz_below((unsigned)ARRAY_SIZE(signatures));
    struct acpi_table *table =
        add_table(signatures[kind], fuzz_below(BYTES_MAX - (unsigned)sizeof(*table)));

    if (kind == 2 && table->length >= offsetof(struct acpi_fadt, dsdt) + 4)
        ((struct acpi_fadt *)table)->dsdt =
            fuzz_byte() % 4 ? (uint32_t)address_of(nr_tables) : (uint32_t)fuzz_number(4);
    finish(table);
}

static void add_root(void)
{
    struct acpi_rsdp *rsdp = calloc(1, sizeof(*rsdp));
    struct acpi_table *root;
    bool wide = fuzz_byte() % 2;
    uint32_t width = wide ? 8 : 4;

    memcpy(rsdp->signature, "RSD PTR ", sizeof(rsdp->signature));
    rsdp->revision = wide ? 2 : 0;
    rsdp->rsdt = (uint32_t)address_of(1);
    rsdp->xsdt = address_of(1);
    correct_sum((uint8_t *)rsdp, ACPI_RSDP_OLD_SIZE, &rsdp->checksum);
    correct_sum((uint8_t *)rsdp, sizeof(*rsdp), &rsdp->checksum_all);
    tables[0].bytes = (uint8_t *)rsdp;
    tables[0].length = sizeof(*rsdp);
    nr_tables = 1;
    root = add_table(wide ? "XSDT" : "RSDT", (TABLES_MAX - 2) * width + fuzz_byte() % 8);
    for (unsigned i = 2; i < TABLES_MAX; i++) {
        uint64_t address = fuzz_byte() == 1 ? fuzz_number(8) : address_of(i);

        memcpy((char *)(root + 1) + (i - 2) * width, &address, width);
    }
    finish(root);
}

void fuzz_start(void)
{
}

void fuzz_run(void)
{
    acpi_info = (struct acpi_info){0};
    add_root();
    while (nr_tables < TABLES_MAX && fuzz_more())
        add_any();
    acpi_init(address_of(0));
    CHECK(acpi_info.nr_cpus <= MAX_CPUS && acpi_info.nr_ioapics <= ACPI_IOAPICS_MAX);
    CHECK(acpi_info.nr_nodes <= ACPI_NODE_RANGES_MAX);
    for (unsigned i = 0; i < nr_tables; i++)
        free(tables[i].bytes);
}
