/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel reserve: elastic memory that the kernel claimed because boot memory was short.
 *
 * Kernel memory cannot move, so it claims whole units, the lowest first, and everything above
 * can still be unplugged. A unit is a subblock, or a pageblock where that is larger: the lists
 * of free blocks belong to whole pageblocks. Its frames lose PAGE_ELASTIC, so it is boot memory
 * in every respect, until nothing of the kernel is left in it and boot memory does not need it.
 */
#include "elastic.h"
#include "isolate.h"
#include "notify.h"
#include "reporting.h"
#include <neap/errors.h>
#include <neap/space.h>
#include <neap/thread.h>
#include <neap/timer.h>
#include <neap/work.h>

/* Boot memory below this is short: an interrupt handler must find some. */
#define LOW_PAGES (KERNEL_FLOOR_PAGES / 2)
/* A unit goes back when so much is left without it. */
#define HIGH_PAGES (KERNEL_FLOOR_PAGES * 2)
/* Frees come in crowds, and a look at the units after each of them would cost too much. */
#define RELEASE_DELAY_NS (100 * NS_PER_MS)
/* A claim that failed, or was not needed, is not tried again ahead of need for so long. */
#define CLAIM_DELAY_NS (20 * NS_PER_MS)
/* What looked movable and was not: so many units are tried for one claim. */
#define TRIES 8

static struct {
    struct work claim, release;
    struct timer timer;
    bool ready;
    uint64_t claim_after_ns; /* under buddy.lock */
    bool release_pending;    /* under buddy.lock: the timer is set, or the work is queued */
} reserve;

/* ---- units ---- */

static uint64_t unit_pages(const struct elastic_region *region)
{
    return MAX(subblock_pages(region), (uint64_t)PAGEBLOCK_PAGES);
}

/*
 * The next range of `pages`, aligned to its size, at or after `pfn` of which everything is
 * plugged and held by the kernel or not.
 */
static bool next_range(const struct elastic_region *region, pfn_t pfn, uint64_t pages,
                       bool kernel, struct frames *range)
{
    const struct frames all = subblock_frames(region, 0, subblock_count(region));
    pfn_t start = ALIGN_UP(MAX(pfn, all.start), pages);

    while (start + pages <= all.end) {
        uint64_t first = subblock_at(region, start), end = subblock_at(region, start + pages);
        uint64_t at = first;

        while (at < end && subblock_plugged(region, at) &&
               elastic_is_kernel(region, at) == kernel)
            at++;
        if (at == end) {
            *range = (struct frames){start, start + pages};
            return true;
        }
        at = subblock_plugged(region, at) ? at + 1 : elastic_next_plugged(region, at);
        if (at >= subblock_count(region))
            break;
        /* Round down: the range may begin below the subblock that was found. */
        start = MAX(start + pages, ALIGN_DOWN(subblock_frames(region, at, at).start, pages));
    }
    return false;
}

static uint64_t free_in(const struct elastic_region *region, const struct frames *range)
{
    uint64_t free = 0;

    for (uint64_t i = subblock_at(region, range->start); i < subblock_at(region, range->end);
         i++)
        free += elastic_free_in(region, i);
    return free;
}

static uint64_t metadata_in(const struct elastic_region *region, const struct frames *range)
{
    uint64_t pages = 0;

    for (uint64_t i = subblock_at(region, range->start); i < subblock_at(region, range->end);
         i++)
        pages += elastic_metadata_in(region, i);
    return pages;
}

/*
 * The frames change sides; frame pages stay what they are. All others are isolated, in blocks
 * that must not be seen on both sides.
 */
static void change_sides(const struct frames *range, bool to_kernel)
{
    const uint64_t pages = MIN(range->end - range->start, order_pages(MAX_ORDER));

    for (pfn_t pfn = range->start; pfn < range->end; pfn += pages) {
        irqflags_t flags = spin_lock(&buddy.lock);
        struct page *page = pfn_to_page(pfn);
        uint64_t changed = 0;

        for (uint64_t i = 0; i < pages; i++) {
            if (i % PAGEBLOCK_PAGES == 0)
                page[i].block_kind = PAGE_KERNEL;
            if (page[i].state == PAGE_RESERVED)
                continue;
            page[i].flags ^= PAGE_ELASTIC;
            changed++;
        }
        buddy.kernel_reserve += to_kernel ? changed : -changed;
        spin_unlock(&buddy.lock, flags);
    }
}

static int convert(const struct frames *range, bool to_kernel, bool ask_lenders)
{
    struct isolation how = {.evacuate = true, .asked_lenders = !ask_lenders};
    int error;

    isolate_begin(range->start, range->end);
    error = isolate_range(range->start, range->end, &how);
    if (!error)
        change_sides(range, to_kernel);
    isolate_end();
    isolate_give_back(range->start, range->end);
    return error;
}

static uint64_t elastic_free_pages(void)
{
    irqflags_t flags = spin_lock(&buddy.lock);
    uint64_t free = buddy.elastic_free;

    spin_unlock(&buddy.lock, flags);
    return free;
}

/* ---- claiming ---- */

struct claim {
    uint64_t pages; /* at least so many in one block */
    bool evacuate;
    bool ask_lenders;
};

/* Does what lives in the range fit elsewhere, with everything that was promised? */
static bool may_claim(const struct elastic_region *region, const struct frames *range,
                      const struct claim *claim)
{
    uint64_t free = free_in(region, range), metadata = metadata_in(region, range), needed;
    struct contents contents = {0};

    if (metadata == range->end - range->start) /* small subblocks: nothing to win */
        return false;
    if (free + metadata < range->end - range->start) {
        if (!claim->evacuate)
            return false;
        contents = elastic_contents(range);
    }
    needed = MAX(free + contents.live, claim->pages + KERNEL_FLOOR_PAGES);
    return !contents.pinned && free + contents.live <= elastic_free_pages() &&
           needed <= memory_spare_pages();
}

static bool claim_in(const struct elastic_region *region, const struct claim *claim)
{
    uint64_t pages = MAX(unit_pages(region), claim->pages);
    struct frames range = {0};
    unsigned tries = 0;

    while (tries < TRIES && next_range(region, range.end, pages, false, &range)) {
        if (!may_claim(region, &range, claim))
            continue;
        if (!convert(&range, true, claim->ask_lenders))
            return true;
        tries++;
    }
    return false;
}

/* Free memory first; what the CPU caches hold does not count. With reporting paused. */
static bool claim_lowest(uint64_t pages, bool ask_lenders)
{
    for (unsigned evacuate = 0; evacuate < 2; evacuate++) {
        const struct claim claim = {pages, evacuate, ask_lenders};
        struct list *link;

        list_for_each (link, &elastic_regions) {
            if (claim_in(list_entry(link, struct elastic_region, link), &claim))
                return true;
        }
    }
    return false;
}

/* Has somebody else brought a block while this thread waited for the mutex? */
static bool boot_has(unsigned order)
{
    irqflags_t flags = spin_lock(&buddy.lock);
    bool allowed = memory_allowance(PAGE_KERNEL, 0) >= order_pages(order);
    unsigned mask = 0;

    for (unsigned warmth = 0; warmth < WARMTHS; warmth++)
        mask |= buddy.nonempty[PAGE_KERNEL][warmth] | buddy.nonempty[PAGE_MOVABLE][warmth];
    spin_unlock(&buddy.lock, flags);
    return allowed && mask >> order;
}

bool elastic_claim(unsigned order, bool ask_lenders)
{
    bool claimed;

    if (list_empty(&elastic_regions) || mutex_is_mine(&mm_mutex) ||
        thread_current() == reporting.thread)
        return false;
    mutex_lock(&mm_mutex);
    reporting_pause();
    claimed = boot_has(order) || claim_lowest(order_pages(order), ask_lenders);
    reporting_resume();
    mutex_unlock(&mm_mutex);
    return claimed;
}

static void claim_ahead(struct work *work)
{
    bool claimed = false;
    irqflags_t flags;

    (void)work;
    mutex_lock(&mm_mutex);
    reporting_pause();
    if (memory_boot_free() < LOW_PAGES)
        claimed = claim_lowest(1, true);
    reporting_resume();
    mutex_unlock(&mm_mutex);
    flags = spin_lock(&buddy.lock);
    if (!claimed)
        reserve.claim_after_ns = clock_ns() + CLAIM_DELAY_NS;
    spin_unlock(&buddy.lock, flags);
}

void kernel_reserve_note_taken(void)
{
    if (reserve.ready && buddy_boot_free() < LOW_PAGES && clock_ns() >= reserve.claim_after_ns)
        (void)work_queue(&system_work, &reserve.claim);
}

/* ---- giving back ---- */

/* Nothing of the kernel is in it, and boot memory does without. */
static bool may_release(const struct frames *range, uint64_t keep)
{
    struct contents contents = elastic_contents(range);
    uint64_t going = range->end - range->start - contents.live;

    return !contents.pinned && contents.live <= elastic_free_pages() &&
           memory_boot_free() >= keep + going;
}

static bool release_in(const struct elastic_region *region, uint64_t keep)
{
    struct frames range = {0};
    bool any = false;

    while (next_range(region, range.end, unit_pages(region), true, &range)) {
        if (may_release(&range, keep) && !convert(&range, false, true))
            any = true;
    }
    return any;
}

bool elastic_release(uint64_t keep)
{
    struct list *link;
    bool any = false;

    if (!READ_ONCE(buddy.kernel_reserve))
        return false;
    /* What is only kept at hand keeps no unit. */
    pgtable_drain_cache(&kernel_pgtable);
    alloc_drain_cpu_caches();
    list_for_each (link, &elastic_regions)
        any |= release_in(list_entry(link, struct elastic_region, link), keep);
    return any;
}

static void release_spare(struct work *work)
{
    irqflags_t flags = spin_lock(&buddy.lock);
    bool any;

    (void)work;
    reserve.release_pending = false;
    spin_unlock(&buddy.lock, flags);
    mutex_lock(&mm_mutex);
    reporting_pause();
    any = elastic_release(HIGH_PAGES);
    reporting_resume();
    mutex_unlock(&mm_mutex);
    if (any)
        elastic_look_again();
}

static void release_soon(void *arg)
{
    (void)arg;
    (void)work_queue(&system_work, &reserve.release);
}

void kernel_reserve_note_freed(void)
{
    if (reserve.release_pending || buddy_boot_free() < HIGH_PAGES + PAGEBLOCK_PAGES)
        return;
    reserve.release_pending = true;
    timer_set(&reserve.timer, clock_ns() + RELEASE_DELAY_NS);
}

void kernel_reserve_start(void)
{
    if (reserve.ready)
        return;
    work_init(&reserve.claim, claim_ahead);
    work_init(&reserve.release, release_spare);
    timer_init(&reserve.timer, release_soon, NULL);
    reserve.ready = true;
}
