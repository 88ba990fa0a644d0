/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PVH start information, as QEMU's -kernel leaves it. Everything in it is input.
 */
#include "x86.h"
#include <arch/layout.h>
#include <neap/log.h>

#define PVH_MAGIC      0x336ec578
#define RANGES_MAX     4096 /* more is nonsense */
#define RANGE_TYPE_RAM 1

struct start_info {
    uint32_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t nr_modules;
    uint64_t modules;
    uint64_t cmdline;
    uint64_t rsdp;
    /* from version 1 on */
    uint64_t memory_map;
    uint32_t nr_ranges;
    uint32_t reserved;
};

struct memory_range {
    uint64_t start;
    uint64_t size;
    uint32_t type;
    uint32_t reserved;
};

bool x86_boot_pvh(struct boot_info *info, uint64_t phys, uint64_t *rsdp)
{
    const struct start_info *start = x86_boot_map(phys, sizeof(*start));
    const struct memory_range *range;
    const char *cmdline;

    info->protocol = "pvh";
    if (!start || start->magic != PVH_MAGIC)
        return false;
    if (start->version < 1 || start->nr_ranges > RANGES_MAX) {
        log_error("boot", "pvh: version %u with %u memory ranges is not usable", start->version,
                  start->nr_ranges);
        return false;
    }
    range = x86_boot_map(start->memory_map, start->nr_ranges * sizeof(*range));
    if (!range)
        return false;
    for (uint32_t i = 0; i < start->nr_ranges; i++) {
        if (range[i].type == RANGE_TYPE_RAM)
            boot_memory_add(info, range[i].start, range[i].start + range[i].size);
    }
    cmdline = start->cmdline ? x86_boot_map(start->cmdline, BOOT_CMDLINE_MAX) : NULL;
    if (cmdline)
        x86_boot_cmdline(info, cmdline, BOOT_CMDLINE_MAX);
    *rsdp = start->rsdp;
    return true;
}
