/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From the entry code to kernel_main(): the boot CPU's own state, and what the loader said.
 */
#include "acpi.h"
#include "x86.h"
#include <arch/boot.h>
#include <arch/console.h>
#include <arch/layout.h>
#include <neap/log.h>
#include <neap/sections.h>
#include <string.h>

#define MULTIBOOT2_MAGIC 0x36d76289
#define PVH_MAGIC        0x336ec578

/* Legacy video memory and firmware: never memory, whatever a loader says. */
#define LEGACY_HOLE_START 0xa0000
#define LEGACY_HOLE_END   0x100000

static struct boot_info boot_info;

void x86_boot(uint32_t protocol, uint64_t info_phys, uint64_t entry_cycles)
    __attribute__((noreturn));

uint64_t image_to_phys(const void *virt)
{
    return (uint64_t)(uintptr_t)virt - IMAGE_BASE;
}

const void *x86_boot_map(uint64_t phys, uint64_t size)
{
    if (phys >= BOOT_MAP_SIZE || size > BOOT_MAP_SIZE - phys)
        return NULL;
    return phys_to_virt(phys);
}

void x86_boot_cmdline(struct boot_info *info, const char *text, uint64_t size)
{
    uint64_t length = 0;

    while (length < size && text[length])
        length++;
    info->cmdline_truncated = length >= BOOT_CMDLINE_MAX;
    if (info->cmdline_truncated)
        length = BOOT_CMDLINE_MAX - 1;
    memcpy(info->cmdline, text, length);
    info->cmdline[length] = '\0';
}

static void boot_memory_finish(struct boot_info *info)
{
    info->image.start = image_to_phys(__image_start);
    info->image.end = image_to_phys(__image_end);
    boot_memory_reserve(info, 0, PAGE_SIZE);
    boot_memory_reserve(info, LEGACY_HOLE_START, LEGACY_HOLE_END);
    boot_memory_reserve(info, info->image.start, info->image.end);
}

static void read_loader(uint32_t protocol, uint64_t info_phys)
{
    uint64_t rsdp = 0;
    bool known = false;

    if (protocol == MULTIBOOT2_MAGIC)
        known = x86_boot_multiboot2(&boot_info, info_phys, &rsdp);
    else if (protocol == PVH_MAGIC)
        known = x86_boot_pvh(&boot_info, info_phys, &rsdp);
    if (!known)
        log_error("boot",
                  "the loader's information (protocol %#x at %#llx) is unreadable; "
                  "boot with GRUB's multiboot2 or QEMU's -kernel",
                  protocol, (unsigned long long)info_phys);
    boot_memory_finish(&boot_info);
    acpi_init(rsdp);
    x86_smp_prepare(&boot_info);
}

void x86_boot(uint32_t protocol, uint64_t info_phys, uint64_t entry_cycles)
{
    x86_features_find();
    x86_set_cpu(&boot_cpu);
    boot_info.entry_cycles = entry_cycles;
    x86_entry_cycles = entry_cycles;
    arch_console_init();
    arch_trap_init_cpu();
    x86_features_enable();
    read_loader(protocol, info_phys);
    kernel_main(&boot_info);
}
