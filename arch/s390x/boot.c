/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the entry code to kernel_main(): boot page tables, the boot CPU's lowcore, what the
 * machine says about its memory.
 */
#include "s390x.h"
#include "sclp.h"
#include <arch/boot.h>
#include <arch/console.h>
#include <arch/layout.h>
#include <arch/pgtable.h>
#include <neap/log.h>
#include <neap/sections.h>
#include <string.h>

extern const char s390_cmdline[BOOT_CMDLINE_MAX];
extern char s390_spare_stack_top[];

void s390_boot(uint64_t entry_tod) __attribute__((noreturn));

static struct boot_info boot_info;

#define SHORT_ENTRIES 512 /* of a table in one page */
#define BOOT_MIBS     (BOOT_MAP_SIZE / MIB)
#define PAGE_ENTRIES  256

/*
 * One set of tables for both views: memory at its own addresses, and at DIRECT_MAP_BASE. Small
 * pages, because not every machine has others, and the shortest tables that there are.
 */
static struct {
    pte_t region_second[SHORT_ENTRIES];
    pte_t region_third[SHORT_ENTRIES];
    pte_t segments[SHORT_ENTRIES];
    pte_t pages[BOOT_MIBS][PAGE_ENTRIES];
} boot_tables __attribute__((aligned(4096)));

uint64_t image_to_phys(const void *virt)
{
    return (uintptr_t)virt;
}

static uint64_t short_table(const pte_t *table, unsigned level)
{
    return pte_table((uintptr_t)table, level) & ~S390_TABLE_FULL;
}

static void fill_boot_tables(void)
{
    uint64_t third = short_table(boot_tables.region_third, 3);

    for (unsigned i = 0; i < SHORT_ENTRIES; i++)
        boot_tables.region_second[i] = boot_tables.region_third[i] = boot_tables.segments[i] =
            PTE_NONE;
    for (unsigned i = 0; i < BOOT_MIBS * PAGE_ENTRIES; i++)
        boot_tables.pages[i / PAGE_ENTRIES][i % PAGE_ENTRIES] =
            pte_leaf((uint64_t)i << PAGE_SHIFT, PROT_KERNEL_RW | PROT_KERNEL_RX, 0);
    for (unsigned i = 0; i < BOOT_MIBS; i++)
        boot_tables.segments[i] = pte_table((uintptr_t)boot_tables.pages[i], 1);
    boot_tables.region_third[0] = short_table(boot_tables.segments, 2);
    boot_tables.region_second[0] = third;
    boot_tables.region_second[DIRECT_MAP_BASE >> 42] = third;
    s390_map_lowcore(boot_tables.pages[0]);
}

/* Translation on, through the boot tables. */
static void start_translation(void)
{
    uint64_t control[16];
    uint8_t mask;

    fill_boot_tables();
    control_store(control);
    control[0] = s390_control0();
    control[6] = CR6_ALL_ISCS;
    control[14] |= CR14_REPORTS;
    control_load(control);
    s390_set_root((uintptr_t)boot_tables.region_second);
    __asm__ volatile("stosm %0,0x04" : "=Q"(mask)::"memory");
}

static void read_machine(struct boot_info *info)
{
    uint64_t memory = sclp_memory_size();
    size_t length = strnlen(s390_cmdline, BOOT_CMDLINE_MAX - 1);

    memcpy(info->cmdline, s390_cmdline, length);
    info->cmdline_truncated = s390_cmdline[length] != '\0';
    info->protocol = "ELF at 0x10000";
    if (!memory)
        log_error("boot", "the SCLP does not tell the memory size: a machine without one is "
                          "not supported");
    boot_memory_add(info, 0, memory);
    info->image.start = image_to_phys(__image_start);
    info->image.end = image_to_phys(__image_end);
    boot_memory_reserve(info, 0, info->image.end);
}

void s390_boot(uint64_t entry_tod)
{
    s390_features_find();
    start_translation();
    s390_lowcore_init(lowcore_self(), &boot_cpu, (uintptr_t)s390_spare_stack_top);
    boot_info.entry_cycles = entry_tod;
    s390_entry_tod = entry_tod;
    arch_console_init();
    read_machine(&boot_info);
    kernel_main(&boot_info);
}
