/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loader information and ACPI tables are input: what is damaged is refused or skipped, never
 * followed. Each test builds a sound original in a page and then breaks it.
 */
#include "acpi.h"
#include "acpi_tables.h"
#include "x86.h"
#include <neap/alloc.h>
#include <neap/entropy.h>
#include <neap/selftest.h>
#include <string.h>

#define ROUNDS 2000

/* The original: command line, memory map with two ranges, end. */
static const uint32_t multiboot2_original[] = {
    96,       0,                                /* total size */
    1,        16, 0x206f6c68, 0x00003d61,       /* command line "hlo a=" */
    6,        64, 24,         0,                /* memory map: entries of 24 bytes */
    0x1000,   0,  0x9e000,    0,          1, 0, /* 4 KiB to 636 KiB */
    0x100000, 0,  0x700000,   0,          1, 0, /* 1 MiB to 8 MiB */
    0,        8,                                /* end */
};

static struct boot_info parsed;

static bool parse_multiboot2(uint64_t phys)
{
    uint64_t rsdp = 0;

    memset(&parsed, 0, sizeof(parsed));
    return x86_boot_multiboot2(&parsed, phys, &rsdp);
}

/* A page that the boot map would reach, or NULL. */
static struct page *low_page(struct selftest *t)
{
    struct page *page = alloc_pages(0, PAGE_KERNEL, ALLOC_ZERO);

    if (page && page_to_phys(page) < BOOT_MAP_SIZE)
        return page;
    if (page)
        free_pages(page, 0);
    selftest_skip(t, "no memory below 4 GiB");
    return NULL;
}

static void break_multiboot2(struct selftest *t, uint32_t *info, uint64_t phys)
{
    const struct {
        unsigned word;
        uint32_t value;
        bool readable;
    } cases[] = {
        {0, 4, false},    {0, 16, false},         {0, UINT32_MAX, false}, {3, 0, false},
        {3, 4096, false}, {3, UINT32_MAX, false}, {7, 8, false},          {8, 0, true},
        {8, 8, true},     {8, UINT32_MAX, true},  {12, UINT32_MAX, true}, {22, 7, false},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        memcpy(info, multiboot2_original, sizeof(multiboot2_original));
        info[cases[i].word] = cases[i].value;
        if (parse_multiboot2(phys) != cases[i].readable)
            selftest_fail(t, __FILE__, __LINE__, "word %u = %#x: readable is not %d",
                          cases[i].word, cases[i].value, cases[i].readable);
        /* Word 8 is the size of the entries: without a usable one there are none. */
        EXPECT(t, parsed.nr_memory <= (cases[i].word == 8 ? 0 : 2));
    }
}

static void test_multiboot2(struct selftest *t)
{
    struct page *page = low_page(t);
    uint64_t phys;
    uint32_t *info;

    if (!page)
        return;
    phys = page_to_phys(page);
    info = page_to_virt(page);
    memcpy(info, multiboot2_original, sizeof(multiboot2_original));
    EXPECT(t, parse_multiboot2(phys));
    EXPECT_EQ(t, parsed.nr_memory, 2);
    EXPECT_EQ(t, parsed.memory[1].end, 8 * MIB);
    EXPECT(t, strcmp(parsed.cmdline, "hlo a=") == 0);
    EXPECT(t, !parse_multiboot2(phys + 4));
    EXPECT(t, !parse_multiboot2(BOOT_MAP_SIZE - 4));
    break_multiboot2(t, info, phys);
    for (unsigned i = 0; i < ROUNDS; i++) {
        memcpy(info, multiboot2_original, sizeof(multiboot2_original));
        /* Not the memory map's sizes: their message would fill the log. */
        info[1 + entropy() % 6] = (uint32_t)entropy() >> entropy() % 32;
        parse_multiboot2(phys);
        EXPECT(t, parsed.nr_memory <= 2);
    }
    free_pages(page, 0);
}
SELFTEST(x86_multiboot2_input, test_multiboot2);

/* ---- ACPI: root pointer, root table, MADT and SRAT in one page ---- */

struct acpi_page {
    struct acpi_rsdp rsdp;
    struct {
        struct acpi_table head;
        uint32_t tables[2];
    } __attribute__((packed)) rsdt;
    struct {
        struct acpi_madt madt;
        struct acpi_madt_lapic cpus[2];
        struct acpi_madt_override irq0;
    } __attribute__((packed)) apic;
    struct {
        struct acpi_srat head;
        struct acpi_srat_memory memory[3];
    } __attribute__((packed)) srat;
};

static uint8_t checksum(const void *data, size_t size)
{
    const uint8_t *bytes = data;
    uint8_t sum = 0;

    while (size--)
        sum = (uint8_t)(sum + *bytes++);
    return (uint8_t)-sum;
}

static void table_head(struct acpi_table *table, const char *signature, uint32_t length)
{
    memcpy(table->signature, signature, 4);
    table->length = length;
    table->checksum = 0;
    table->checksum = checksum(table, length);
}

/* Node 1 in the first 4 GiB, 2 above that, 3 switched off. */
static void build_srat(struct acpi_page *p)
{
    for (unsigned i = 0; i < 3; i++)
        p->srat.memory[i] = (struct acpi_srat_memory){
            .head = {SRAT_MEMORY, sizeof(struct acpi_srat_memory)},
            .domain = i + 1,
            .base = i * (4 * GIB),
            .size = 4 * GIB,
            .flags = i < 2 ? SRAT_MEMORY_ENABLED : 0,
        };
    table_head(&p->srat.head.head, "SRAT", sizeof(p->srat));
}

static void build_acpi(struct acpi_page *p, uint64_t phys)
{
    memset(p, 0, sizeof(*p));
    for (unsigned i = 0; i < 2; i++)
        p->apic.cpus[i] = (struct acpi_madt_lapic){
            {MADT_LAPIC, sizeof(struct acpi_madt_lapic)}, 0, (uint8_t)i, MADT_CPU_ENABLED};
    p->apic.irq0 = (struct acpi_madt_override){
        {MADT_OVERRIDE, sizeof(struct acpi_madt_override)}, 0, 0, 2, 0};
    table_head(&p->apic.madt.head, "APIC", sizeof(p->apic));
    build_srat(p);
    p->rsdt.tables[0] = (uint32_t)(phys + offsetof(struct acpi_page, apic));
    p->rsdt.tables[1] = (uint32_t)(phys + offsetof(struct acpi_page, srat));
    table_head(&p->rsdt.head, "RSDT", sizeof(p->rsdt));
    memcpy(p->rsdp.signature, "RSD PTR ", 8);
    p->rsdp.rsdt = (uint32_t)(phys + offsetof(struct acpi_page, rsdt));
    p->rsdp.checksum = checksum(&p->rsdp, ACPI_RSDP_OLD_SIZE);
}

static unsigned cpus_found(uint64_t phys)
{
    memset(&acpi_info, 0, sizeof(acpi_info));
    acpi_init(phys);
    return acpi_info.nr_cpus;
}

static void break_acpi(struct selftest *t, struct acpi_page *p, uint64_t phys)
{
    EXPECT_EQ(t, cpus_found(phys), 2);
    EXPECT_EQ(t, acpi_info.isa[0].gsi, 2);

    p->apic.madt.head.checksum++;
    EXPECT_EQ(t, cpus_found(phys), 0);
    p->apic.madt.head.length = UINT32_MAX;
    EXPECT_EQ(t, cpus_found(phys), 0);

    build_acpi(p, phys);
    p->apic.cpus[1].head.length = 0; /* would never end */
    table_head(&p->apic.madt.head, "APIC", sizeof(p->apic));
    EXPECT_EQ(t, cpus_found(phys), 1);
    p->apic.cpus[1].head.length = 200; /* beyond the table */
    table_head(&p->apic.madt.head, "APIC", sizeof(p->apic));
    EXPECT_EQ(t, cpus_found(phys), 1);

    build_acpi(p, phys);
    p->apic.cpus[1].apic_id = 0; /* twice the same */
    p->apic.irq0.irq = 200;
    table_head(&p->apic.madt.head, "APIC", sizeof(p->apic));
    EXPECT_EQ(t, cpus_found(phys), 1);

    build_acpi(p, phys);
    p->rsdp.checksum++;
    EXPECT_EQ(t, cpus_found(phys), 0);
}

static void break_srat(struct selftest *t, struct acpi_page *p, uint64_t phys)
{
    build_acpi(p, phys);
    EXPECT_EQ(t, cpus_found(phys), 2);
    EXPECT_EQ(t, arch_memory_node(0), 1);
    EXPECT_EQ(t, arch_memory_node(4 * GIB - 1), 1);
    EXPECT_EQ(t, arch_memory_node(4 * GIB), 2);
    EXPECT_EQ(t, arch_memory_node(8 * GIB), -1);

    p->srat.memory[0].size = UINT64_MAX - GIB; /* wraps around with the base */
    p->srat.memory[0].base = 2 * GIB;
    p->srat.memory[1].head.length = 8; /* too short for what it is */
    table_head(&p->srat.head.head, "SRAT", sizeof(p->srat));
    EXPECT_EQ(t, cpus_found(phys), 2);
    EXPECT_EQ(t, acpi_info.nr_nodes, 0);
}

static void test_acpi(struct selftest *t)
{
    static struct acpi_info saved;
    struct page *page = low_page(t);

    if (!page)
        return;
    build_acpi(page_to_virt(page), page_to_phys(page));
    saved = acpi_info;
    break_acpi(t, page_to_virt(page), page_to_phys(page));
    break_srat(t, page_to_virt(page), page_to_phys(page));
    acpi_info = saved;
    free_pages(page, 0);
}
SELFTEST(x86_acpi_input, test_acpi);
