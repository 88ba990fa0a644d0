/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory blocks: the directory that finds them, and when another one is taken into use.
 */
#include "block.h"
#include <neap/errors.h>
#include <string.h>

struct mem_block *block_directory[NR_LEAVES];
static uint64_t generation;

/* Tables for mapping a block; under blocks_lock. */
struct memcache block_tables;

pfn_t block_next_active(pfn_t pfn)
{
    for (uint64_t index = pfn / BLOCK_PAGES; index < PFN_LIMIT / BLOCK_PAGES; index++) {
        if (!block_directory[index / LEAF_BLOCKS])
            index += LEAF_BLOCKS - 1 - index % LEAF_BLOCKS;
        else if (block_find(index * BLOCK_PAGES))
            return MAX(pfn, index * BLOCK_PAGES);
    }
    return PFN_LIMIT;
}

uint64_t block_generation(void)
{
    return __atomic_load_n(&generation, __ATOMIC_ACQUIRE);
}

void block_set_leaf(uint64_t index, void *leaf)
{
    __atomic_store_n(&block_directory[index / LEAF_BLOCKS], leaf, __ATOMIC_RELEASE);
}

/* What it takes to map a block beyond its direct map: one path of tables, and one to spare. */
static bool tables_suffice(void)
{
    return block_tables.count >= 2 * (arch_pgtable_nr_levels - 1);
}

static int activate(uint64_t index)
{
    struct activation plan;

    if (!raw_has_room() || !tables_suffice())
        return -ENOMEM;
    if (!block_plan(&plan, index, 0)) {
        if (plan.busy)
            return -EBUSY;
        block_drop(&plan);
        return -ENOENT;
    }
    if (!block_map_memory(&plan) || !tables_suffice())
        return -ENOMEM;
    block_map_frames(&plan);
    block_populate(&plan);
    __atomic_store_n(&generation, generation + 1, __ATOMIC_RELEASE);
    return 0;
}

static int activate_lowest(void)
{
    const struct raw_extent *extent;
    pfn_t at = 0;

    while ((extent = raw_find(at))) {
        int error = -EBUSY;

        at = MAX(at, extent->start);
        if (extent->state != RAW_BUSY)
            error = activate(at / BLOCK_PAGES);
        if (error == 0 || error == -ENOMEM)
            return error;
        at = ALIGN_DOWN(at, BLOCK_PAGES) + BLOCK_PAGES;
    }
    return -ENOMEM;
}

int block_activate_next(uint64_t *seen)
{
    irqflags_t flags = spin_lock(&pgtable_lock);
    irqflags_t blocks_flags = spin_lock(&blocks_lock);
    int error = 0;

    /* Somebody else may have been quicker: first look at what that brought. */
    if (*seen == generation)
        error = activate_lowest();
    *seen = generation;
    spin_unlock(&blocks_lock, blocks_flags);
    spin_unlock(&pgtable_lock, flags);
    return error;
}

int block_activate_range(pfn_t start, pfn_t end)
{
    for (uint64_t index = start / BLOCK_PAGES; index * BLOCK_PAGES < end; index++) {
        irqflags_t flags = spin_lock(&pgtable_lock);
        irqflags_t blocks_flags = spin_lock(&blocks_lock);
        const struct raw_extent *extent = raw_find(index * BLOCK_PAGES);
        int error = 0;

        if (extent && extent->start < (index + 1) * BLOCK_PAGES)
            error = activate(index);
        spin_unlock(&blocks_lock, blocks_flags);
        spin_unlock(&pgtable_lock, flags);
        if (error)
            return error;
        block_refill_tables();
    }
    return 0;
}

/* The lowest raw memory that is not busy: first frame of its block; PFN_LIMIT: none. */
static pfn_t next_block(void)
{
    const struct raw_extent *extent = raw_find(0);

    while (extent && extent->state == RAW_BUSY)
        extent = raw_find(extent->end);
    return extent ? ALIGN_DOWN(extent->start, BLOCK_PAGES) : PFN_LIMIT;
}

/* Fill block_tables. */
static void refill(void)
{
    while (READ_ONCE(block_tables.count) < MEMCACHE_CAPACITY) {
        irqflags_t flags = spin_lock(&buddy.lock);
        struct page *page = buddy_take(block_tables.order, PAGE_KERNEL, 0);

        spin_unlock(&buddy.lock, flags);
        if (!page)
            break;
        account_pages(PAGE_KERNEL, (int64_t)order_pages(block_tables.order));
        flags = spin_lock(&blocks_lock);
        memcache_put(&block_tables, page_to_phys(page));
        spin_unlock(&blocks_lock, flags);
    }
}

/*
 * Without large pages the direct map of a block takes more tables than can be kept at hand: the
 * next one is mapped while there is memory for them.
 */
static void map_ahead(void)
{
    static pfn_t mapped = PFN_LIMIT; /* under blocks_lock */
    bool more = !arch_pgtable_levels[1].leaf;

    while (more) {
        irqflags_t flags = spin_lock(&pgtable_lock);
        irqflags_t blocks_flags = spin_lock(&blocks_lock);
        struct activation next = {.first = next_block()};

        more = next.first != PFN_LIMIT && next.first != mapped;
        if (more && block_map_memory(&next)) {
            mapped = next.first;
            more = false;
        }
        spin_unlock(&blocks_lock, blocks_flags);
        spin_unlock(&pgtable_lock, flags);
        refill();
        more = more && READ_ONCE(block_tables.count) == MEMCACHE_CAPACITY;
    }
}

void block_refill_tables(void)
{
    refill();
    map_ahead();
}
