/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of usable memory ranges that boot code fills. The loader's map is input: it may
 * overlap itself, wrap, or have more entries than the table.
 */
#include <arch/boot.h>
#include <arch/layout.h>
#include <neap/compiler.h>
#include <stdbool.h>

static void remove_at(struct boot_info *info, unsigned index)
{
    info->nr_memory--;
    for (unsigned i = index; i < info->nr_memory; i++)
        info->memory[i] = info->memory[i + 1];
}

/* Swallow every range that touches *range. */
static void absorb(struct boot_info *info, struct phys_range *range)
{
    unsigned i = 0;

    while (i < info->nr_memory) {
        const struct phys_range *other = &info->memory[i];

        if (other->end < range->start || other->start > range->end) {
            i++;
            continue;
        }
        range->start = MIN(range->start, other->start);
        range->end = MAX(range->end, other->end);
        remove_at(info, i);
    }
}

/* Make room in a full table; false when `range` itself is the smallest. */
static bool drop_smallest(struct boot_info *info, const struct phys_range *range)
{
    uint64_t smallest = range->end - range->start;
    unsigned victim = BOOT_RANGES_MAX;

    for (unsigned i = 0; i < info->nr_memory; i++) {
        uint64_t size = info->memory[i].end - info->memory[i].start;

        if (size < smallest) {
            smallest = size;
            victim = i;
        }
    }
    info->nr_dropped++;
    if (victim == BOOT_RANGES_MAX)
        return false;
    remove_at(info, victim);
    return true;
}

static void insert(struct boot_info *info, const struct phys_range *range)
{
    unsigned at;

    if (info->nr_memory == BOOT_RANGES_MAX && !drop_smallest(info, range))
        return;
    for (at = info->nr_memory; at > 0 && info->memory[at - 1].start > range->start; at--)
        info->memory[at] = info->memory[at - 1];
    info->memory[at] = *range;
    info->nr_memory++;
}

void boot_memory_add(struct boot_info *info, uint64_t start, uint64_t end)
{
    struct phys_range range;

    /* Rounding up the last page of the address space would wrap. */
    if (start > UINT64_MAX - (PAGE_SIZE - 1)) {
        info->nr_dropped++;
        return;
    }
    range.start = ALIGN_UP(start, PAGE_SIZE);
    range.end = ALIGN_DOWN(end, PAGE_SIZE);
    if (range.start >= range.end) {
        info->nr_dropped++;
        return;
    }
    absorb(info, &range);
    insert(info, &range);
}

void boot_memory_reserve(struct boot_info *info, uint64_t start, uint64_t end)
{
    unsigned i = 0;

    if (start >= end)
        return;
    /* Outward: a page that is needed in part is needed. */
    start = ALIGN_DOWN(start, PAGE_SIZE);
    end = end > UINT64_MAX - (PAGE_SIZE - 1) ? UINT64_MAX : ALIGN_UP(end, PAGE_SIZE);
    while (i < info->nr_memory) {
        struct phys_range range = info->memory[i];

        if (range.end <= start || range.start >= end) {
            i++;
            continue;
        }
        remove_at(info, i);
        if (range.start < start) {
            struct phys_range low = {range.start, start};

            insert(info, &low);
            i++;
        }
        if (range.end > end) {
            struct phys_range high = {end, range.end};

            insert(info, &high);
            return; /* sorted: nothing later reaches below `end` */
        }
    }
}
