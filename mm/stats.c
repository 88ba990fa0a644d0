/* SPDX-License-Identifier: BSD-2-Clause */
/* Where all memory is. */
#include "compact.h"
#include "reporting.h"
#include <string.h>

static int64_t ballooned_pages;
static uint64_t image_bytes;

void memory_account_balloon(int64_t pages)
{
    __atomic_add_fetch(&ballooned_pages, pages, __ATOMIC_RELAXED);
}

void memory_set_image(uint64_t bytes)
{
    image_bytes = bytes;
}

static uint64_t largest_block(void)
{
    for (unsigned order = MAX_ORDER + 1; order-- > 0;) {
        if (buddy.blocks[WARM][order] + buddy.blocks[REPORTED][order])
            return order_pages(order);
    }
    return 0;
}

/* In pages. */
static void collect(struct memory_stats *stats)
{
    irqflags_t flags = spin_lock(&blocks_lock);
    irqflags_t buddy_flags = spin_lock(&buddy.lock);
    uint64_t raw_reported = raw_pages(RAW_REPORTED);
    struct memory_accounts accounts;

    accounts_get(&accounts);
    stats->raw = raw_pages(RAW_FRESH) + raw_pages(RAW_BUSY) + raw_reported;
    stats->total = block_managed_pages() + stats->raw;
    stats->warm = buddy.pages[WARM] + buddy.isolated[WARM];
    stats->reported = buddy.pages[REPORTED] + buddy.isolated[REPORTED];
    stats->cpu_cache = cpu_cache_pages();
    stats->free = stats->warm + stats->reported + stats->cpu_cache + stats->raw;
    stats->reported += raw_reported;
    stats->kernel = (uint64_t)accounts.kernel;
    stats->movable = (uint64_t)accounts.movable;
    stats->metadata = block_metadata_pages();
    stats->elastic = buddy.elastic_pages;
    stats->elastic_free = buddy.elastic_free;
    stats->kernel_reserve = buddy.kernel_reserve;
    stats->largest_free = MAX(raw_largest(), largest_block());
    stats->allocations = accounts.allocations;
    stats->failures = accounts.failures;
    stats->cold_taken = buddy.cold_taken;
    stats->in_pieces = buddy.pieces;
    stats->compacted = compact_moved_pages();
    spin_unlock(&buddy.lock, buddy_flags);
    spin_unlock(&blocks_lock, flags);
}

void memory_stats_get(struct memory_stats *stats)
{
    uint64_t ballooned = (uint64_t)__atomic_load_n(&ballooned_pages, __ATOMIC_RELAXED);
    uint64_t *const in_pages[] = {
        &stats->total,     &stats->free,         &stats->reported,       &stats->warm,
        &stats->raw,       &stats->cpu_cache,    &stats->kernel,         &stats->movable,
        &stats->metadata,  &stats->ballooned,    &stats->largest_free,   &stats->cold_taken,
        &stats->elastic,   &stats->elastic_free, &stats->kernel_reserve, &stats->in_pieces,
        &stats->compacted,
    };

    memset(stats, 0, sizeof(*stats));
    collect(stats);
    stats->ballooned = ballooned;
    /* The balloon holds its pages as movable memory. */
    stats->movable -= MIN(stats->movable, ballooned);
    for (unsigned i = 0; i < ARRAY_SIZE(in_pages); i++)
        *in_pages[i] <<= PAGE_SHIFT;
    stats->image = image_bytes;
}
