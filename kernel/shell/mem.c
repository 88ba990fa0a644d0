/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mem: where the memory is.
 */
#include "commands.h"
#include <neap/format.h>
#include <neap/kmalloc.h>
#include <neap/log.h>
#include <neap/memory.h>
#include <neap/pgtable.h>
#include <neap/space.h>

/* Bytes of frame arrays and early tables for every GiB that is in use by the allocator. */
static uint64_t metadata_per_gib(const struct memory_stats *stats)
{
    uint64_t managed_mib = (stats->total - stats->raw) / MIB;

    return managed_mib == 0 ? 0 : stats->metadata / managed_mib * 1024;
}

static void print_moves(void)
{
    struct space_stats space;

    space_stats_get(&space);
    kprintf("moved_bytes=%llu\nmove_waits=%llu\nmove_wait_max_ns=%llu\n",
            (unsigned long long)space.moved, (unsigned long long)space.waits,
            (unsigned long long)space.wait_max);
}

static void print_machine(const struct memory_stats *stats)
{
    const struct {
        const char *key;
        uint64_t value;
    } rows[] = {
        {"total", stats->total},
        {"free", stats->free},
        {"reported", stats->reported},
        {"warm", stats->warm},
        {"raw", stats->raw},
        {"cpu_cache", stats->cpu_cache},
        {"kernel", stats->kernel},
        {"movable", stats->movable},
        {"metadata", stats->metadata},
        {"metadata_per_gib", metadata_per_gib(stats)},
        {"ballooned", stats->ballooned},
        {"elastic", stats->elastic},
        {"elastic_free", stats->elastic_free},
        {"kernel_reserve", stats->kernel_reserve},
        {"image", stats->image},
        {"largest_free", stats->largest_free},
        {"allocations", stats->allocations},
        {"failures", stats->failures},
        {"cold_taken", stats->cold_taken},
        {"in_pieces", stats->in_pieces},
        {"compacted_bytes", stats->compacted},
    };
    uint64_t objects, pages;
    struct buddy_counts counts;

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        kprintf("%s=%llu\n", rows[i].key, (unsigned long long)rows[i].value);
    print_moves();
    kmalloc_stats(&objects, &pages);
    kprintf("kmalloc_objects=%llu\nkmalloc_pages=%llu\n", (unsigned long long)objects,
            (unsigned long long)(pages * PAGE_SIZE));
    for (unsigned level = 0; level < arch_pgtable_nr_levels; level++)
        if (arch_pgtable_levels[level].leaf)
            kprintf("mapped_%llu=%llu\n", 1ULL << arch_pgtable_levels[level].shift,
                    (unsigned long long)kernel_pgtable.leaves[level]);
    kprintf("page_tables=%llu\n", (unsigned long long)(kernel_pgtable.tables * PAGE_SIZE));
    buddy_counts_get(&counts);
    for (unsigned order = 0; order <= MAX_ORDER; order++)
        kprintf("free_order_%u=%llu\nreported_order_%u=%llu\n", order,
                (unsigned long long)counts.free[order], order,
                (unsigned long long)counts.reported[order]);
}

static void row(const char *name, uint64_t bytes, const char *meaning)
{
    char size[FORMAT_SIZE_MAX];

    kprintf("  %-14s %12s  %s\n", name, format_size(size, bytes), meaning);
}

static void print_totals(const struct memory_stats *stats)
{
    char per_gib[FORMAT_SIZE_MAX], text[48];
    uint64_t objects, pages;

    row("total", stats->total, "");
    row("free", stats->free, "");
    row("  warm", stats->warm, "the host still backs it");
    row("  reported", stats->reported, "given back to the host");
    row("  raw", stats->raw, "never used");
    row("  per-CPU lists", stats->cpu_cache, "");
    row("  in pieces", stats->in_pieces, "below a pageblock: compacted when the guest is idle");
    row("used", stats->total - stats->free, "");
    row("  kernel", stats->kernel, "");
    row("  movable", stats->movable, "applications and `alloc`");
    row("  ballooned", stats->ballooned, "lent to the host");
    format_string(text, sizeof(text), "frame arrays: %s per GiB",
                  format_size(per_gib, metadata_per_gib(stats)));
    row("  metadata", stats->metadata, text);
    kmalloc_stats(&objects, &pages);
    row("kernel objects", objects, "in use, of the kernel's memory");
    row("elastic", stats->elastic, "plugged, can be unplugged");
    row("  free", stats->elastic_free, "");
    row("  reserve", stats->kernel_reserve, "claimed by the kernel, stays for now");
    row("image", stats->image, "beside the total");
    row("largest free", stats->largest_free, "");
    kprintf("  %llu allocations, %llu failed\n", (unsigned long long)stats->allocations,
            (unsigned long long)stats->failures);
}

static void print_tables(void)
{
    char size[FORMAT_SIZE_MAX];
    struct buddy_counts counts;

    kprintf("Mapped with pages of");
    for (unsigned level = 0; level < arch_pgtable_nr_levels; level++)
        if (arch_pgtable_levels[level].leaf)
            kprintf("  %s: %llu", arch_pgtable_levels[level].name,
                    (unsigned long long)kernel_pgtable.leaves[level]);
    kprintf("  (tables: %s)\n", format_size(size, kernel_pgtable.tables * PAGE_SIZE));
    buddy_counts_get(&counts);
    kprintf("Free blocks\n  %5s %9s %9s %9s\n", "order", "size", "free", "reported");
    for (unsigned order = 0; order <= MAX_ORDER; order++)
        kprintf("  %5u %9s %9llu %9llu\n", order, format_size(size, PAGE_SIZE << order),
                (unsigned long long)counts.free[order],
                (unsigned long long)counts.reported[order]);
}

static int mem(int argc, char **argv)
{
    struct memory_stats stats;

    memory_stats_get(&stats);
    if (shell_wants_machine(argc, argv)) {
        print_machine(&stats);
        return 0;
    }
    print_totals(&stats);
    print_tables();
    return 0;
}
SHELL_COMMAND(mem, "mem [--machine]", "where the memory is", mem);
