/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of elastic memory: where they lie, and how a range becomes memory and stops being it.
 */
#include "block.h"
#include "elastic.h"
#include <neap/alloc.h>
#include <neap/errors.h>
#include <neap/kmalloc.h>
#include <neap/panic.h>
#include <string.h>

static uint64_t piece_pages(const struct elastic_region *region)
{
    return MAX(BLOCK_PAGES, subblock_pages(region));
}

uint64_t elastic_blocks(const struct elastic_region *region)
{
    const struct frames all = subblock_frames(region, 0, subblock_count(region));

    return (all.end - 1) / piece_pages(region) - all.start / piece_pages(region) + 1;
}

struct frames elastic_block_at(const struct elastic_region *region, pfn_t pfn, uint64_t *number)
{
    const struct frames all = subblock_frames(region, 0, subblock_count(region));
    uint64_t pages = piece_pages(region);
    pfn_t start = pfn / pages * pages;

    *number = pfn / pages - all.start / pages;
    return (struct frames){MAX(start, all.start), MIN(start + pages, all.end)};
}

/* The frame pages of an elastic block that has a holder. */
static struct frames metadata_of(const struct elastic_region *region, pfn_t pfn)
{
    uint64_t number;
    struct frames block = elastic_block_at(region, pfn, &number);
    pfn_t start = subblock_frames(region, region->holders[number], 0).start;

    return (struct frames){start, start + (block.end - block.start) / GRANULE_PAGES};
}

uint64_t elastic_metadata_in(const struct elastic_region *region, uint64_t number)
{
    pfn_t pfn = subblock_frames(region, number, 0).start;
    uint64_t block;
    struct frames all = elastic_block_at(region, pfn, &block);

    return region->holders[block] == number ? (all.end - all.start) / GRANULE_PAGES : 0;
}

/* ---- what may fail ---- */

static int prepare_descriptor(uint64_t index)
{
    struct mem_block *block = block_descriptor(index);

    if (!block) {
        struct page *leaf = alloc_pages(0, PAGE_KERNEL, ALLOC_ZERO);
        irqflags_t flags;

        if (!leaf)
            return -ENOMEM;
        flags = spin_lock(&blocks_lock);
        block = block_descriptor(index);
        if (!block)
            block_set_leaf(index, page_to_virt(leaf));
        spin_unlock(&blocks_lock, flags);
        if (block)
            free_pages(leaf, 0);
        block = block_descriptor(index);
    }
    if (!block->free)
        block->free = kcalloc(BLOCK_GRANULES, sizeof(*block->free), 0);
    return block->free ? 0 : -ENOMEM;
}

/* Everybody may read the frames of an active memory block, so all of them are mapped. */
static int prepare_frame_map(uint64_t index)
{
    uint64_t first = index * BLOCK_GRANULES;

    for (uint64_t i = 0; i < BLOCK_GRANULES; i++) {
        if (pgtable_map_missing(&kernel_pgtable, granule_va(first + i),
                                block_zero_pfn() << PAGE_SHIFT, PAGE_SIZE, PROT_KERNEL_RO))
            return -ENOMEM;
    }
    return 0;
}

int elastic_prepare(const struct frames *frames)
{
    for (uint64_t index = frames->start / BLOCK_PAGES; index * BLOCK_PAGES < frames->end;
         index++) {
        uintptr_t last = granule_va(index * BLOCK_GRANULES + BLOCK_GRANULES - 1);
        int error = prepare_descriptor(index);

        if (!error && !pgtable_lookup(&kernel_pgtable, last, NULL, NULL, NULL))
            error = prepare_frame_map(index);
        if (error)
            return error;
    }
    return pgtable_map(&kernel_pgtable, DIRECT_MAP_BASE + (frames->start << PAGE_SHIFT),
                       frames->start << PAGE_SHIFT, (frames->end - frames->start) << PAGE_SHIFT,
                       PROT_KERNEL_RW);
}

/* ---- the frame map ---- */

static void fill_frame_page(pfn_t pfn, const struct page *like)
{
    struct page *frames = phys_to_virt(pfn << PAGE_SHIFT);

    if (like) {
        memcpy(frames, like, PAGE_SIZE);
        return;
    }
    memset(frames, 0, PAGE_SIZE);
    for (unsigned i = 0; i < GRANULE_PAGES; i++)
        frames[i].flags = PAGE_ELASTIC;
}

/* Give the granules of [start, end), all of one elastic block, frames of their own. */
static void map_frames(const struct elastic_region *region, pfn_t start, pfn_t end)
{
    uint64_t number;
    pfn_t base = elastic_block_at(region, start, &number).start;
    pfn_t metadata = metadata_of(region, start).start;
    const struct page *like = NULL;

    for (pfn_t pfn = start; pfn < end; pfn += GRANULE_PAGES) {
        pfn_t frame_page = metadata + (pfn - base) / GRANULE_PAGES;
        irqflags_t flags;

        fill_frame_page(frame_page, like);
        like = phys_to_virt(frame_page << PAGE_SHIFT);
        flags = spin_lock(&pgtable_lock);
        pgtable_replace_leaf(&kernel_pgtable, granule_va(pfn / GRANULE_PAGES),
                             frame_page << PAGE_SHIFT, PROT_KERNEL_RW);
        spin_unlock(&pgtable_lock, flags);
    }
}

static void unmap_frames(const struct frames *frames)
{
    for (pfn_t pfn = frames->start; pfn < frames->end; pfn += GRANULE_PAGES) {
        irqflags_t flags = spin_lock(&pgtable_lock);

        pgtable_replace_leaf(&kernel_pgtable, granule_va(pfn / GRANULE_PAGES),
                             block_zero_pfn() << PAGE_SHIFT, PROT_KERNEL_RO);
        spin_unlock(&pgtable_lock, flags);
    }
}

static void flush_frames(const struct frames *frames)
{
    tlb_flush_all_cpus(granule_va(frames->start / GRANULE_PAGES),
                       granule_va(frames->end / GRANULE_PAGES));
}

/* ---- from frames to memory ---- */

/* Granules of a part of one memory block exist from now on, or no longer. */
static void set_present(struct mem_block *block, pfn_t start, pfn_t end, bool present)
{
    for (pfn_t pfn = start; pfn < end; pfn += GRANULE_PAGES) {
        uint64_t granule = pfn % BLOCK_PAGES / GRANULE_PAGES;
        uint64_t bit = UINT64_C(1) << granule % 64;
        uint64_t *word = &block->present[granule / 64];

        *word = present ? *word | bit : *word & ~bit;
    }
}

static void reserve_metadata(const struct elastic_region *region, const struct frames *metadata,
                             pfn_t start, pfn_t end)
{
    uint64_t number;
    pfn_t base = elastic_block_at(region, metadata->start, &number).start;

    for (pfn_t pfn = start; pfn < end; pfn++) {
        struct page *page = pfn_to_page(pfn);

        page->state = PAGE_RESERVED;
        page->owner = granule_va(base / GRANULE_PAGES + (pfn - metadata->start));
    }
}

/* A part of one memory block, and of one elastic block. */
static void populate(const struct elastic_region *region, pfn_t start, pfn_t end, bool reported)
{
    struct mem_block *block = block_descriptor(start / BLOCK_PAGES);
    const struct frames metadata = metadata_of(region, start);
    pfn_t reserved = MAX(start, metadata.start), free = MIN(end, metadata.end);
    irqflags_t blocks_flags = spin_lock(&blocks_lock);
    irqflags_t flags = spin_lock(&buddy.lock);

    set_present(block, start, end, true);
    buddy_note_plugged((int64_t)(end - start));
    WRITE_ONCE(block->pages, block->pages + (uint32_t)(end - start));
    if (reserved < free) {
        reserve_metadata(region, &metadata, reserved, free);
        block_account((int64_t)(end - start), (int64_t)(free - reserved));
        buddy_free_range(start, reserved, reported);
        buddy_free_range(free, end, reported);
    } else {
        block_account((int64_t)(end - start), 0);
        buddy_free_range(start, end, reported);
    }
    spin_unlock(&buddy.lock, flags);
    spin_unlock(&blocks_lock, blocks_flags);
}

/* Take the isolated frames of a part of one memory block out of all counts. */
static void depopulate(pfn_t start, pfn_t end)
{
    struct mem_block *block = block_descriptor(start / BLOCK_PAGES);
    irqflags_t blocks_flags = spin_lock(&blocks_lock);
    irqflags_t flags = spin_lock(&buddy.lock);
    int64_t metadata = 0;

    for (pfn_t pfn = start; pfn < end;) {
        struct page *page = pfn_to_page(pfn);

        ASSERT(page->state == PAGE_ISOLATED || page->state == PAGE_RESERVED);
        if (page->state == PAGE_ISOLATED)
            buddy.isolated[page_reported(page) ? REPORTED : WARM] -= order_pages(page->order);
        else
            metadata++;
        pfn += order_pages(page->order);
    }
    set_present(block, start, end, false);
    buddy_note_plugged(-(int64_t)(end - start));
    WRITE_ONCE(block->pages, block->pages - (uint32_t)(end - start));
    block_account(-(int64_t)(end - start), -metadata);
    spin_unlock(&buddy.lock, flags);
    spin_unlock(&blocks_lock, blocks_flags);
}

/* The end of what lies with `pfn` in one memory block and one elastic block. */
static pfn_t part_end(const struct elastic_region *region, pfn_t pfn, pfn_t end)
{
    uint64_t number;
    pfn_t block_end = elastic_block_at(region, pfn, &number).end;

    return MIN(end, MIN(block_end, ALIGN_DOWN(pfn, BLOCK_PAGES) + BLOCK_PAGES));
}

static void set_plugged(struct elastic_region *region, const struct frames *frames,
                        bool plugged)
{
    for (uint64_t i = subblock_at(region, frames->start); i < subblock_at(region, frames->end);
         i++) {
        uint64_t bit = UINT64_C(1) << i % 64;

        ASSERT(subblock_plugged(region, i) != plugged);
        region->plugged_map[i / 64] ^= bit;
        region->plugged += plugged ? 1 : UINT64_MAX;
    }
}

static bool any_plugged(const struct elastic_region *region, const struct frames *block)
{
    for (uint64_t i = subblock_at(region, block->start); i < subblock_at(region, block->end);
         i++) {
        if (subblock_plugged(region, i))
            return true;
    }
    return false;
}

/* Elastic blocks that come to life get a holder, dead ones lose it. */
static void update_holders(struct elastic_region *region, const struct frames *frames)
{
    struct frames block;

    for (pfn_t pfn = frames->start; pfn < frames->end; pfn = block.end) {
        uint64_t number;

        block = elastic_block_at(region, pfn, &number);
        if (!any_plugged(region, &block))
            region->holders[number] = HOLDER_NONE;
        else if (region->holders[number] == HOLDER_NONE)
            region->holders[number] = (uint32_t)subblock_at(region, pfn);
    }
}

void elastic_attach(struct elastic_region *region, const struct frames *frames, bool reported)
{
    pfn_t next;

    set_plugged(region, frames, true);
    update_holders(region, frames);
    for (pfn_t pfn = frames->start; pfn < frames->end; pfn = next) {
        next = part_end(region, pfn, frames->end);
        map_frames(region, pfn, next);
    }
    /* No CPU may write to frames through a translation of the page of zeroes. */
    flush_frames(frames);
    for (pfn_t pfn = frames->start; pfn < frames->end; pfn = next) {
        next = part_end(region, pfn, frames->end);
        populate(region, pfn, next, reported);
    }
}

void elastic_detach(struct elastic_region *region, const struct frames *frames)
{
    uint64_t size = (frames->end - frames->start) << PAGE_SHIFT;
    pfn_t next;

    for (pfn_t pfn = frames->start; pfn < frames->end; pfn = next) {
        next = part_end(region, pfn, frames->end);
        depopulate(pfn, next);
    }
    unmap_frames(frames);
    flush_frames(frames);
    ASSERT(pgtable_unmap_keep_tables(
               &kernel_pgtable, DIRECT_MAP_BASE + (frames->start << PAGE_SHIFT), size) == 0);
    set_plugged(region, frames, false);
    update_holders(region, frames);
}
