/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The reporter: takes free memory off the lists, tells the device, and puts it back as reported
 * once the host has acknowledged.
 */
#include "reporting.h"
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/panic.h>
#include <neap/thread.h>

/* Raw memory is reported in pieces of this size at most, and so many of them at once. */
#define RAW_PIECE_PAGES (GIB >> PAGE_SHIFT)
#define RAW_RANGES_MAX  16
/* Blocks of one report: how long the lock is held for them. */
#define BLOCKS_MAX 64
/*
 * When reporting has come to rest, the per-CPU lists are emptied once: their few pages may keep
 * whole blocks from merging.
 */
#define SETTLE_NS (100 * NS_PER_MS)

/* One report: only the reporter uses it. */
static struct {
    struct phys_range ranges[REPORT_RANGES_MAX];
    unsigned nr;
    bool raw;
    bool flush;
    uint64_t pages;
} batch;

static void add_range(pfn_t start, pfn_t end)
{
    batch.ranges[batch.nr++] = (struct phys_range){start << PAGE_SHIFT, end << PAGE_SHIFT};
    batch.pages += end - start;
}

/* The pool is roughly sorted, so a block often lies beside the one before. */
static void add_block(pfn_t start, uint64_t pages)
{
    uint64_t first = start << PAGE_SHIFT, end = (start + pages) << PAGE_SHIFT;
    struct phys_range *last = batch.nr ? &batch.ranges[batch.nr - 1] : NULL;

    if (!last || (last->start != end && last->end != first)) {
        add_range(start, start + pages);
        return;
    }
    last->start = MIN(last->start, first);
    last->end = MAX(last->end, end);
    batch.pages += pages;
}

/* The warm block of this order that is needed last. */
static struct page *warm_block(unsigned order)
{
    static const uint8_t rows[] = {ROW_ELASTIC, PAGE_KERNEL, PAGE_MOVABLE};

    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        if (buddy.nonempty[rows[i]][WARM] >> order & 1)
            return buddy_first(PAGE_KERNEL, rows[i], WARM, order);
    return NULL;
}

/* Beyond what one report takes, as much shall stay free as is with the device. */
static bool may_add(unsigned order)
{
    uint64_t left = buddy.pages[WARM] + buddy.pages[REPORTED] - order_pages(order);

    return reporting_may_take(order) && (batch.nr == 0 || left >= batch.pages);
}

/*
 * The largest first. Under buddy.lock. Blocks go as a whole: a part that came back would merge
 * with its warm rest and count as warm again.
 */
static void collect_blocks(void)
{
    unsigned order = MAX_ORDER + 1, blocks = 0;

    while (order-- > reporting.order) {
        struct page *page;

        while (blocks < BLOCKS_MAX && batch.nr < reporting.capacity && may_add(order) &&
               (page = warm_block(order))) {
            buddy_remove(page);
            page->state = PAGE_ISOLATED;
            buddy.isolated[WARM] += order_pages(order);
            add_block(page_to_pfn(page), order_pages(order));
            blocks++;
        }
    }
}

/* From the top: activation takes from the bottom. */
static void collect_raw(void)
{
    irqflags_t flags = spin_lock(&blocks_lock);
    struct raw_extent piece;

    while (batch.nr < MIN(reporting.capacity, (unsigned)RAW_RANGES_MAX) && raw_has_room() &&
           raw_highest_fresh(order_pages(reporting.order), RAW_PIECE_PAGES, &piece)) {
        ASSERT(raw_set(piece.start, piece.end, RAW_BUSY));
        add_range(piece.start, piece.end);
    }
    spin_unlock(&blocks_lock, flags);
    batch.raw = true;
}

/* Returns the device to call, NULL when there is nothing to do. */
static struct reporting_device *begin_report(void)
{
    irqflags_t flags = spin_lock(&buddy.lock);
    struct reporting_device *device = NULL;

    batch.nr = 0;
    batch.pages = 0;
    batch.raw = false;
    batch.flush = reporting.flush_wanted != reporting.flush_done;
    if (reporting_active() && !reporting.paused) {
        device = reporting.device;
        reporting.in_flight = true;
        collect_blocks();
    }
    spin_unlock(&buddy.lock, flags);
    /* Raw memory is not mapped, so it cannot be poisoned, and nobody may rely on it either. */
    if (device && batch.nr == 0 && page_poison() == PAGE_POISON_OFF)
        collect_raw();
    return device;
}

static void put_back_range(const struct phys_range *range, bool reported)
{
    pfn_t next = range->start >> PAGE_SHIFT;

    while (next < range->end >> PAGE_SHIFT) {
        struct page *page = pfn_to_page(next);
        unsigned order = page->order;

        next += order_pages(order);
        buddy.isolated[WARM] -= order_pages(order);
        buddy_free(page, order, reported);
    }
}

static void put_back_blocks(bool reported)
{
    for (unsigned i = 0; i < batch.nr; i++)
        put_back_range(&batch.ranges[i], reported);
}

static void put_back_raw(bool reported)
{
    irqflags_t flags = spin_lock(&blocks_lock);

    for (unsigned i = 0; i < batch.nr; i++)
        ASSERT(raw_set(batch.ranges[i].start >> PAGE_SHIFT, batch.ranges[i].end >> PAGE_SHIFT,
                       reported ? RAW_REPORTED : RAW_FRESH));
    spin_unlock(&blocks_lock, flags);
}

static void count_report(bool reported)
{
    if (!reported) {
        reporting.errors++;
        reporting.stopped = true;
        return;
    }
    reporting.reports++;
    reporting.reported_pages += batch.pages;
    /* Memory that nobody gave up, or that was flushed by hand, is no sign of demand. */
    if (!batch.raw && !batch.flush && !reporting.first_pass)
        reserve_note_reported(batch.pages);
}

static void end_report(bool reported)
{
    irqflags_t flags;

    if (batch.raw)
        put_back_raw(reported);
    flags = spin_lock(&buddy.lock);
    if (!batch.raw)
        put_back_blocks(reported);
    if (batch.nr)
        count_report(reported);
    __atomic_store_n(&reporting.in_flight, false, __ATOMIC_RELEASE);
    wake_all(&reporting.idle);
    spin_unlock(&buddy.lock, flags);
}

/* A block may come from memory that was never freed, so that nobody filled it yet. */
static void poison_batch(void)
{
    for (unsigned i = 0; i < batch.nr && !batch.raw; i++)
        page_poison_fill(batch.ranges[i].start >> PAGE_SHIFT,
                         (batch.ranges[i].end - batch.ranges[i].start) >> PAGE_SHIFT);
}

/* One report. Returns whether another may be due. */
static bool report_once(void)
{
    struct reporting_device *device = begin_report();
    int error = 0;

    if (!device)
        return false;
    poison_batch();
    if (batch.nr)
        error = device->report(device, batch.ranges, batch.nr);
    end_report(error == 0);
    if (error)
        log_error("reporting",
                  "%s did not take a report (%s): free memory stays in the guest until the "
                  "device is set up again",
                  device->name, error_name(error));
    return error == 0 && batch.nr > 0;
}

/* Everything is done, or cannot be done now: sleep until a free block says otherwise. */
static void come_to_rest(uint64_t flush_ticket)
{
    irqflags_t flags = spin_lock(&buddy.lock);

    if (!reporting.paused) {
        /* A flush that was asked for meanwhile wants a pass of its own. */
        reporting.wake = reporting.flush_wanted != flush_ticket;
        reporting.raw_left = false;
        reporting.first_pass = false;
        if (reporting_active())
            reporting.flush_done = flush_ticket;
        reporting_reconsider();
    }
    spin_unlock(&buddy.lock, flags);
    wake_all(&reporting.idle);
}

static bool should_run(void *arg)
{
    (void)arg;
    return READ_ONCE(reporting.wake) && !READ_ONCE(reporting.paused);
}

void reporting_main(void *arg)
{
    bool settle = false;

    (void)arg;
    for (;;) {
        uint64_t ticket;
        bool worked = false;

        if (wait_until(&reporting.work, should_run, NULL, settle ? SETTLE_NS : WAIT_FOREVER)) {
            alloc_drain_cpu_caches();
            settle = false;
            continue;
        }
        ticket = READ_ONCE(reporting.flush_wanted);
        while (report_once())
            worked = true;
        come_to_rest(ticket);
        settle = settle || worked;
    }
}
