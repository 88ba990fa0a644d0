/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking raw memory into use, one memory block at a time.
 *
 * All raw memory of one block gets its frames at once, so no CPU can hold stale translations of
 * them. The frame array lies in the block itself.
 */
#include "block.h"
#include <neap/log.h>
#include <neap/panic.h>
#include <string.h>

/* Stands for the frames of what is no memory, in all blocks. */
static pfn_t zero_pfn;

static uint64_t metadata_pages, managed_pages;

uint64_t block_metadata_pages(void)
{
    return READ_ONCE(metadata_pages);
}

uint64_t block_managed_pages(void)
{
    return READ_ONCE(managed_pages);
}

void block_account(int64_t managed, int64_t metadata)
{
    managed_pages += (uint64_t)managed;
    metadata_pages += (uint64_t)metadata;
}

pfn_t block_zero_pfn(void)
{
    return zero_pfn;
}

static void want_granules(struct activation *plan, pfn_t start, pfn_t end)
{
    for (pfn_t pfn = ALIGN_DOWN(start, GRANULE_PAGES); pfn < end; pfn += GRANULE_PAGES) {
        uint64_t granule = pfn % BLOCK_PAGES / GRANULE_PAGES;

        if (!(plan->granules[granule / 64] >> granule % 64 & 1))
            plan->frame_pages++;
        plan->granules[granule / 64] |= UINT64_C(1) << granule % 64;
    }
}

/* The piece of an extent that lies in the block. */
static struct raw_extent clip(const struct raw_extent *extent, pfn_t first)
{
    return (struct raw_extent){MAX(extent->start, first), MIN(extent->end, first + BLOCK_PAGES),
                               extent->state};
}

bool block_plan(struct activation *plan, uint64_t index, unsigned boot_tables)
{
    const struct raw_extent *extent;
    struct raw_extent piece;
    uint64_t needed, table_pages = boot_tables ? order_pages(block_tables.order) : 1;

    *plan = (struct activation){.first = index * BLOCK_PAGES, .boot_tables = boot_tables};
    plan->old = block_find(plan->first) != NULL;
    plan->new_leaf = !block_descriptor(index);
    plan->new_zero = !zero_pfn;
    for (extent = raw_find(plan->first); extent && extent->start < plan->first + BLOCK_PAGES;
         extent = raw_find(extent->end)) {
        piece = clip(extent, plan->first);
        want_granules(plan, piece.start, piece.end);
        plan->busy |= piece.state == RAW_BUSY;
    }
    if (plan->old)
        return true;
    needed = plan->frame_pages + plan->new_leaf + plan->new_zero;
    for (extent = raw_find(plan->first); extent && extent->start < plan->first + BLOCK_PAGES;
         extent = raw_find(extent->end)) {
        piece = clip(extent, plan->first);
        plan->metadata = piece.start;
        plan->metadata_end = ALIGN_UP(piece.start + needed, table_pages) + boot_tables;
        if (piece.state == RAW_BUSY || piece.end <= plan->metadata_end)
            continue;
        return true;
    }
    return false;
}

/* --- mapping --- */

static bool map_range(uintptr_t va, uint64_t phys, uint64_t size, unsigned prot)
{
    uintptr_t at = va;

    while (at < va + size) {
        uintptr_t next = pgtable_map_piece(&kernel_pgtable, at, va + size, phys + (at - va),
                                           prot, true, &block_tables);

        if (next == at)
            return false;
        at = next;
    }
    return true;
}

/*
 * The direct map of [start, end). Where all memory around it is raw, too, one page of the
 * largest size covers it: fewer tables now, and none for the neighbours later.
 */
static bool map_direct(pfn_t start, pfn_t end)
{
    for (unsigned level = arch_pgtable_nr_levels - 1; level > 0; level--) {
        uint64_t pages = level_size(level) >> PAGE_SHIFT;

        if (arch_pgtable_levels[level].leaf && pages >= BLOCK_PAGES &&
            raw_covers(ALIGN_DOWN(start, pages), ALIGN_DOWN(start, pages) + pages)) {
            start = ALIGN_DOWN(start, pages);
            end = start + pages;
            break;
        }
    }
    return map_range(DIRECT_MAP_BASE + (start << PAGE_SHIFT), start << PAGE_SHIFT,
                     (end - start) << PAGE_SHIFT, PROT_KERNEL_RW);
}

/* Neighbouring extents of different state are one piece of memory. */
bool block_map_memory(const struct activation *plan)
{
    pfn_t at = plan->first, limit = plan->first + BLOCK_PAGES;
    const struct raw_extent *extent;

    while ((extent = raw_find(at)) && extent->start < limit) {
        pfn_t start = MAX(extent->start, plan->first);
        pfn_t end = extent->end;

        while ((extent = raw_find(end)) && extent->start == end && end < limit)
            end = extent->end;
        if (!map_direct(start, MIN(end, limit)))
            return false;
        at = end;
    }
    return true;
}

/*
 * The frame map of the whole block. Where the block has no memory, one page of zeroes stands
 * for the frames: everybody may read the frames of an active block.
 */
void block_map_frames(const struct activation *plan)
{
    uint64_t first = plan->first / GRANULE_PAGES;
    pfn_t next = plan->metadata;

    if (plan->old)
        return;
    memset(phys_to_virt(plan->metadata << PAGE_SHIFT), 0,
           (plan->metadata_end - plan->metadata - plan->boot_tables) << PAGE_SHIFT);
    if (plan->new_zero)
        zero_pfn = plan->metadata + plan->frame_pages + plan->new_leaf;
    for (uint64_t i = 0; i < BLOCK_GRANULES; i++) {
        bool present = plan->granules[i / 64] >> i % 64 & 1;
        pfn_t pfn = present ? next++ : zero_pfn;

        ASSERT(map_range(granule_va(first + i), pfn << PAGE_SHIFT, PAGE_SIZE,
                         present ? PROT_KERNEL_RW : PROT_KERNEL_RO));
    }
}

/* --- taking into use --- */

static void reserve_page(pfn_t pfn, uint64_t owner)
{
    struct page *page = pfn_to_page(pfn);

    page->state = PAGE_RESERVED;
    page->order = 0;
    page->owner = owner;
}

/* Frame pages may move for a contiguous range: their owner says whose frames they hold. */
static void reserve_metadata(const struct activation *plan)
{
    pfn_t pfn = plan->metadata;

    for (uint64_t i = 0; i < BLOCK_GRANULES; i++) {
        if (plan->granules[i / 64] >> i % 64 & 1)
            reserve_page(pfn++, granule_va(plan->first / GRANULE_PAGES + i));
    }
    while (pfn < plan->metadata_end - plan->boot_tables)
        reserve_page(pfn++, 0);
    for (; pfn < plan->metadata_end; pfn += order_pages(block_tables.order))
        page_set_allocated(pfn_to_page(pfn), block_tables.order, PAGE_KERNEL);
    metadata_pages += plan->metadata_end - plan->metadata - plan->boot_tables;
}

static void add_descriptor(const struct activation *plan)
{
    uint64_t index = plan->first / BLOCK_PAGES;
    struct mem_block *block;

    if (plan->new_leaf)
        block_set_leaf(index, phys_to_virt((plan->metadata + plan->frame_pages) << PAGE_SHIFT));
    block = block_descriptor(index);
    ASSERT(block);
    memcpy(block->present, plan->granules, sizeof(block->present));
}

/* Hand all raw memory of the block that is not being reported to the buddy. */
static void free_pieces(const struct activation *plan)
{
    struct mem_block *block = block_descriptor(plan->first / BLOCK_PAGES);
    const struct raw_extent *extent;
    pfn_t at = plan->first;

    while ((extent = raw_find(at)) && extent->start < plan->first + BLOCK_PAGES) {
        struct raw_extent piece = clip(extent, plan->first);
        pfn_t start = piece.start;

        at = piece.end;
        if (piece.state == RAW_BUSY)
            continue;
        if (piece.start == plan->metadata)
            start = plan->metadata_end;
        ASSERT(raw_set(piece.start, piece.end, RAW_NONE));
        managed_pages += piece.end - piece.start;
        WRITE_ONCE(block->pages, block->pages + (uint32_t)(piece.end - piece.start));
        buddy_free_range(start, piece.end, piece.state == RAW_REPORTED);
    }
}

void block_populate(const struct activation *plan)
{
    irqflags_t flags = spin_lock(&buddy.lock);

    if (!plan->old) {
        reserve_metadata(plan);
        add_descriptor(plan);
    }
    free_pieces(plan);
    spin_unlock(&buddy.lock, flags);
}

/* Too small to hold its own frames: forget what is not being reported. */
void block_drop(const struct activation *plan)
{
    const struct raw_extent *extent;
    uint64_t pages = 0;
    pfn_t at = plan->first;

    while ((extent = raw_find(at)) && extent->start < plan->first + BLOCK_PAGES) {
        struct raw_extent piece = clip(extent, plan->first);

        at = piece.end;
        if (piece.state == RAW_BUSY)
            continue;
        ASSERT(raw_set(piece.start, piece.end, RAW_NONE));
        pages += piece.end - piece.start;
    }
    log_info("mm", "%llu pages at 0x%llx are not worth their own page frames: left out",
             (unsigned long long)pages, (unsigned long long)plan->first << PAGE_SHIFT);
}
