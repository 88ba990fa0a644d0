/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory management starts: boot ranges become raw memory, the first memory block is taken into
 * use through the boot map, the kernel's own page tables replace those of the entry code.
 *
 * The work is proportional to the number of ranges, whatever their size.
 */
#include "block.h"
#include "boot.h"
#include "compact.h"
#include <arch/power.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/log.h>
#include <neap/panic.h>
#include <string.h>

/* Tables for the first block, its frames, and what the start-up maps soon after. */
#define BOOT_TABLES_MIN 32
/* More pieces than this in one block may need more tables than are kept for activation. */
#define PIECES_MAX 4

static struct {
    pfn_t next; /* pages set aside for page tables */
    pfn_t end;
} boot_tables;

void boot_tables_fill(struct memcache *cache)
{
    while (cache->count < MEMCACHE_CAPACITY && boot_tables.next < boot_tables.end) {
        cache->objects[cache->count++] = boot_tables.next << PAGE_SHIFT;
        boot_tables.next += order_pages(cache->order);
    }
    if (cache->count < arch_pgtable_nr_levels)
        panic("the kernel image needs more page tables than were set aside");
}

/* Frame 0 means "none" in lists, and the loader's map is input. Returns the pages added. */
static uint64_t add_raw(const struct phys_range *range)
{
    pfn_t start = MAX(ALIGN_UP(range->start, PAGE_SIZE) >> PAGE_SHIFT, (pfn_t)1);
    pfn_t end = MIN(range->end >> PAGE_SHIFT, PFN_LIMIT);
    const struct raw_extent *last = raw_find(0), *next;

    while (last && (next = raw_find(last->end)))
        last = next;
    if (last && start < last->end)
        start = MAX(start, last->end);
    if (range->end >> PAGE_SHIFT > PFN_LIMIT)
        log_warning("mm", "memory beyond %llu TiB is not used",
                    (unsigned long long)(PFN_LIMIT >> (40 - PAGE_SHIFT)));
    if (start >= end || !raw_set(start, end, RAW_FRESH))
        return 0;
    return end - start;
}

static void refuse(uint64_t have, const char *what)
{
    char have_text[FORMAT_SIZE_MAX], need_text[FORMAT_SIZE_MAX];

    log_error("mm", "too little memory: %s%s, at least %s is needed", what,
              format_size(have_text, have), format_size(need_text, MEMORY_MINIMUM));
    arch_poweroff(EXIT_STATUS_PANIC);
}

static unsigned pieces_of(uint64_t index)
{
    const struct raw_extent *extent = raw_find(index * BLOCK_PAGES);
    unsigned pieces = 0;

    for (; extent && extent->start < (index + 1) * BLOCK_PAGES; extent = raw_find(extent->end))
        pieces++;
    return pieces;
}

/* The lowest block that can be set up through the boot map. */
static bool choose_first_block(struct activation *plan, const struct boot_info *info)
{
    uint64_t image_tables = (info->image.end - info->image.start) / level_size(1) + 2;

    for (uint64_t index = 0; index * BLOCK_PAGES < BOOT_MAP_SIZE >> PAGE_SHIFT; index++) {
        unsigned pieces = pieces_of(index);
        uint64_t direct =
            arch_pgtable_levels[1].leaf ? 0 : BLOCK_PAGES * PAGE_SIZE / level_size(1);
        uint64_t tables = (BOOT_TABLES_MIN + image_tables + 2 * pieces + direct)
                          << block_tables.order;

        if (pieces && block_plan(plan, index, (unsigned)tables) &&
            plan->metadata_end <= BOOT_MAP_SIZE >> PAGE_SHIFT)
            return true;
    }
    return false;
}

/* Map everything through the boot map, switch over, then write the frames. */
static void start_first_block(const struct activation *plan)
{
    irqflags_t flags = spin_lock(&pgtable_lock);
    irqflags_t blocks_flags = spin_lock(&blocks_lock);

    boot_tables.next = plan->metadata_end - plan->boot_tables;
    boot_tables.end = plan->metadata_end;
    boot_tables_fill(&kernel_pgtable.cache);
    kernel_pgtable.root = pgtable_take_empty(&kernel_pgtable.cache, arch_pgtable_nr_levels - 1);
    kernel_pgtable.tables = order_pages(kernel_pgtable.cache.order);
    do {
        boot_tables_fill(&block_tables);
    } while (!block_map_memory(plan));
    boot_tables_fill(&block_tables);
    block_map_frames(plan);
    kernel_map_image();
    arch_pgtable_activate(kernel_pgtable.root);
    block_populate(plan);
    spin_unlock(&blocks_lock, blocks_flags);
    spin_unlock(&pgtable_lock, flags);
}

/* What was set aside and not needed. */
static void free_boot_tables(void)
{
    account_pages(PAGE_KERNEL, (int64_t)(boot_tables.end - boot_tables.next));
    for (; boot_tables.next < boot_tables.end;
         boot_tables.next += order_pages(block_tables.order))
        free_pages(pfn_to_page(boot_tables.next), block_tables.order);
}

/*
 * A block of many small pieces needs more tables than are kept at hand for activation: take it
 * into use while there is memory to make more.
 */
static void activate_scattered_blocks(void)
{
    const struct raw_extent *extent;
    pfn_t at = 0;

    for (;;) {
        irqflags_t flags = spin_lock(&blocks_lock);
        pfn_t first;
        bool scattered;

        extent = raw_find(at);
        first = extent ? ALIGN_DOWN(MAX(extent->start, at), BLOCK_PAGES) : PFN_LIMIT;
        scattered = extent && pieces_of(first / BLOCK_PAGES) > PIECES_MAX;
        /* The inside of a large extent is not scattered. */
        if (extent && !scattered)
            at = MAX(first + BLOCK_PAGES, ALIGN_DOWN(extent->end, BLOCK_PAGES));
        else
            at = first + BLOCK_PAGES;
        spin_unlock(&blocks_lock, flags);
        if (first == PFN_LIMIT)
            return;
        for (unsigned i = 0; scattered && i < BOOT_RANGES_MAX; i++) {
            block_refill_tables();
            if (block_activate_range(first, first + BLOCK_PAGES) != -ENOMEM)
                break;
        }
    }
}

void mm_init(struct boot_info *info)
{
    uint64_t image = info->image.end - info->image.start, pages = 0;
    struct activation first;
    struct memory_stats stats;
    char total[FORMAT_SIZE_MAX];

    arch_pgtable_init();
    block_tables.order = pgtable_table_order();
    kernel_pgtable.cache.order = pgtable_table_order();
    for (unsigned i = 0; i < info->nr_memory; i++)
        pages += add_raw(&info->memory[i]);
    memory_set_image(image);
    if ((pages << PAGE_SHIFT) + image < MEMORY_MINIMUM)
        refuse((pages << PAGE_SHIFT) + image, "");
    if (!choose_first_block(&first, info))
        refuse(pages << PAGE_SHIFT, "nothing usable where the boot map reaches, in total ");
    start_first_block(&first);
    account_pages(PAGE_KERNEL,
                  (int64_t)(first.boot_tables - (boot_tables.end - boot_tables.next)));
    free_boot_tables();
    block_refill_tables();
    activate_scattered_blocks();
    memory_stats_get(&stats);
    log_info("mm", "%s in %u ranges", format_size(total, stats.total), info->nr_memory);
}

void mm_init_late(void)
{
    reporting_init();
    compact_init();
}
