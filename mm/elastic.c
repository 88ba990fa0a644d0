/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Elastic memory: regions, and what is plugged in them.
 */
#include "elastic.h"
#include "notify.h"
#include <neap/errors.h>
#include <neap/kmalloc.h>
#include <neap/log.h>
#include <neap/panic.h>
#include <neap/sections.h>

/* ---- regions ---- */

static bool overlap(uint64_t start, uint64_t end, const struct elastic_region *region)
{
    return start < region->start + region->size && region->start < end;
}

/* Boot memory in the region, raw or in use. */
static bool find_boot_memory(const struct elastic_region *region, struct phys_range *found)
{
    const struct frames all = subblock_frames(region, 0, subblock_count(region));
    irqflags_t flags = spin_lock(&blocks_lock);
    const struct raw_extent *raw = raw_find(all.start);
    bool hit = raw && raw->start < all.end;

    if (hit)
        *found = (struct phys_range){raw->start << PAGE_SHIFT, raw->end << PAGE_SHIFT};
    for (pfn_t pfn = block_next_active(all.start); !hit && pfn < all.end;) {
        hit = block_page(pfn) != NULL;
        *found = (struct phys_range){pfn << PAGE_SHIFT, (pfn + GRANULE_PAGES) << PAGE_SHIFT};
        pfn = block_next_active(pfn + GRANULE_PAGES);
    }
    spin_unlock(&blocks_lock, flags);
    return hit;
}

/* What else is where the region shall be; NULL: nothing. */
static const char *find_overlap(const struct elastic_region *region, struct phys_range *found)
{
    const uint64_t image = image_to_phys(__image_start);
    struct list *link;

    list_for_each (link, &elastic_regions) {
        const struct elastic_region *other = list_entry(link, struct elastic_region, link);

        *found = (struct phys_range){other->start, other->start + other->size};
        if (overlap(found->start, found->end, region))
            return other->name;
    }
    *found = (struct phys_range){image, image + (uint64_t)(__image_end - __image_start)};
    if (overlap(found->start, found->end, region))
        return "the kernel's image";
    return find_boot_memory(region, found) ? "boot memory" : NULL;
}

static int check_region(const struct elastic_region *region)
{
    const uint64_t subblock = region->subblock, end = region->start + region->size;
    const uint64_t limit = MIN(PFN_LIMIT << PAGE_SHIFT, arch_memory_limit());
    struct phys_range found;
    const char *what;

    if (subblock < MIB || subblock & (subblock - 1) || region->size == 0 ||
        !IS_ALIGNED(region->start | region->size, subblock)) {
        log_error("mm", "%s: %#llx..%#llx is not made of whole blocks of %#llx", region->name,
                  (unsigned long long)region->start, (unsigned long long)end,
                  (unsigned long long)subblock);
        return -EINVAL;
    }
    if (end <= region->start || end > limit) {
        log_error("mm", "%s: %#llx..%#llx lies beyond %#llx, where memory ends", region->name,
                  (unsigned long long)region->start, (unsigned long long)end,
                  (unsigned long long)limit);
        return -EINVAL;
    }
    what = find_overlap(region, &found);
    if (what) {
        log_error("mm", "%s: %#llx..%#llx overlaps %s at %#llx..%#llx: left out", region->name,
                  (unsigned long long)region->start, (unsigned long long)end, what,
                  (unsigned long long)found.start, (unsigned long long)found.end);
        return -EINVAL;
    }
    return 0;
}

/*
 * Memory blocks at the ends that have boot memory, too, must not be taken into use behind our
 * back: do it now.
 */
static int activate_shared_blocks(const struct elastic_region *region)
{
    const struct frames all = subblock_frames(region, 0, subblock_count(region));
    int error;

    reporting_pause();
    error = block_activate_range(ALIGN_DOWN(all.start, BLOCK_PAGES), all.start);
    if (!error || error == -ENOENT)
        error = block_activate_range(all.end, ALIGN_UP(all.end, BLOCK_PAGES));
    reporting_resume();
    return error == -ENOENT ? 0 : error;
}

static int allocate_maps(struct elastic_region *region)
{
    uint64_t blocks = elastic_blocks(region);

    region->plugged_map = kcalloc(subblock_count(region) / 64 + 1, sizeof(uint64_t), 0);
    region->holders = kcalloc(blocks, sizeof(*region->holders), 0);
    if (!region->plugged_map || !region->holders) {
        kfree(region->plugged_map);
        kfree(region->holders);
        return -ENOMEM;
    }
    for (uint64_t i = 0; i < blocks; i++)
        region->holders[i] = HOLDER_NONE;
    region->plugged = 0;
    return 0;
}

int elastic_register(struct elastic_region *region)
{
    int error;

    mutex_lock(&mm_mutex);
    error = check_region(region);
    if (!error)
        error = activate_shared_blocks(region);
    if (!error)
        error = allocate_maps(region);
    if (!error) {
        kernel_reserve_start();
        notify_add(region);
    }
    mutex_unlock(&mm_mutex);
    return error;
}

void elastic_unregister(struct elastic_region *region)
{
    mutex_lock(&mm_mutex);
    ASSERT(region->plugged == 0);
    notify_remove(region);
    kfree(region->plugged_map);
    kfree(region->holders);
    mutex_unlock(&mm_mutex);
}

bool elastic_find_unplugged(struct elastic_region *region, uint64_t limit,
                            uint64_t max_subblocks, struct phys_range *found)
{
    uint64_t first = 0, end, count;

    mutex_lock(&mm_mutex);
    count = MIN(subblock_count(region), (limit - region->start) / region->subblock);
    while (first < count && subblock_plugged(region, first))
        first++;
    end = first;
    while (end < count && end - first < max_subblocks && !subblock_plugged(region, end))
        end++;
    mutex_unlock(&mm_mutex);
    *found = (struct phys_range){region->start + first * region->subblock,
                                 region->start + end * region->subblock};
    return first < end;
}

void elastic_stats(struct elastic_region *region, uint64_t *plugged, uint64_t *free)
{
    mutex_lock(&mm_mutex);
    *plugged = region->plugged * region->subblock;
    *free = 0;
    for (uint64_t i = 0; i < subblock_count(region); i++) {
        if (subblock_plugged(region, i))
            *free += elastic_free_in(region, i) << PAGE_SHIFT;
    }
    mutex_unlock(&mm_mutex);
}

/* ---- coming and going ---- */

static struct frames frames_of(const struct elastic_region *region,
                               const struct phys_range *range)
{
    ASSERT(range->start >= region->start && range->end <= region->start + region->size &&
           range->start < range->end &&
           IS_ALIGNED((range->start - region->start) | (range->end - region->start),
                      region->subblock));
    return (struct frames){range->start >> PAGE_SHIFT, range->end >> PAGE_SHIFT};
}

int elastic_add(struct elastic_region *region, const struct phys_range *range)
{
    const struct frames frames = frames_of(region, range);
    int error;

    mutex_lock(&mm_mutex);
    error = elastic_prepare(&frames);
    if (!error)
        elastic_attach(region, &frames, true);
    mutex_unlock(&mm_mutex);
    return error;
}

/* The tables of the direct map are all there, so it cannot fail. The host still backs it. */
void elastic_put_back(struct elastic_region *region, const struct phys_range *range)
{
    const struct frames frames = frames_of(region, range);
    uintptr_t at = DIRECT_MAP_BASE + range->start, end = DIRECT_MAP_BASE + range->end;
    struct memcache none = {0};

    mutex_lock(&mm_mutex);
    while (at < end) {
        irqflags_t flags = spin_lock(&pgtable_lock);
        uintptr_t next = pgtable_map_piece(&kernel_pgtable, at, end, at - DIRECT_MAP_BASE,
                                           PROT_KERNEL_RW, false, &none);

        spin_unlock(&pgtable_lock, flags);
        ASSERT(next > at);
        at = next;
    }
    elastic_attach(region, &frames, false);
    mutex_unlock(&mm_mutex);
}

/* Nothing is mapped there any more: tables that have become empty go. */
void elastic_removed(struct elastic_region *region, const struct phys_range *range)
{
    (void)frames_of(region, range);
    mutex_lock(&mm_mutex);
    ASSERT(pgtable_unmap(&kernel_pgtable, DIRECT_MAP_BASE + range->start,
                         range->end - range->start) == 0);
    mutex_unlock(&mm_mutex);
}
