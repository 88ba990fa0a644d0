/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free page reporting: when there is something to report, and what the outside may ask for.
 */
#include "reporting.h"
#include <neap/cmdline.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/log.h>
#include <neap/panic.h>
#include <neap/thread.h>
#include <string.h>

/* Less than one full report waits this long for more. */
#define GATHER_NS (10 * NS_PER_MS)
/* How long a thread that needs memory waits for a report under way. */
#define INFLIGHT_WAIT_NS (5 * NS_PER_S)
#define FLUSH_WAIT_NS    (60 * NS_PER_S)
/* What interrupt handlers can still allocate while everything else is with the device. */
#define PAGES_LEFT_MIN 256
/* Reported blocks that are taken back in one go under the lock. */
#define FORGET_BATCH 128

struct reporting reporting = {
    .enabled = true,
    .order = PAGEBLOCK_ORDER,
    .by_hand = ORDER_AUTO,
    .threshold = UINT64_MAX,
    .work = WAITQUEUE_INIT(reporting.work, "free memory to report"),
    .idle = WAITQUEUE_INIT(reporting.idle, "end of a report"),
};

bool reporting_active(void)
{
    return reporting.device && reporting.enabled && !reporting.stopped && reporting.thread;
}

unsigned reporting_order(void)
{
    return reporting.order;
}

static void wake_thread(void)
{
    reporting.wake = true;
    reporting.threshold = UINT64_MAX; /* until the thread has looked */
    wake_all(&reporting.work);
}

static void on_gathered(void *arg)
{
    irqflags_t flags = spin_lock(&buddy.lock);

    (void)arg;
    reporting.gather_armed = false;
    if (reporting_active())
        wake_thread();
    spin_unlock(&buddy.lock, flags);
}

/* Is there a block that could go to the host now? */
static bool work_left(void)
{
    for (unsigned order = reporting.order; order <= MAX_ORDER; order++) {
        if (buddy.blocks[WARM][order])
            return reporting_may_take(order);
    }
    return false;
}

void reporting_reconsider(void)
{
    uint64_t block = order_pages(reporting.order), batch = block * reporting.capacity;
    uint64_t reserve = reserve_pages();
    bool may = work_left();

    reporting.threshold = UINT64_MAX;
    if (!reporting_active() || reporting.wake)
        return;
    if (reporting.raw_left || (buddy.reportable >= reserve + batch && may)) {
        wake_thread();
        return;
    }
    if (may && !reporting.gather_armed) {
        reporting.gather_armed = true;
        timer_set(&reporting.gather, clock_ns() + GATHER_NS);
    }
    reporting.threshold = reserve + (reporting.gather_armed ? batch : block);
}

/* The two calls from the free lists: an addition and a comparison each. */
void reporting_note_added(unsigned order)
{
    if (order < reporting.order)
        return;
    buddy.reportable += order_pages(order);
    if (buddy.reportable >= reporting.threshold)
        reporting_reconsider();
}

void reporting_note_removed(unsigned order)
{
    if (order < reporting.order)
        return;
    buddy.reportable -= order_pages(order);
    reserve_note_low();
}

void reporting_note_cold(uint64_t pages)
{
    buddy.cold_taken += pages;
    reporting.regret_pages += reserve_note_cold(pages);
}

bool reporting_may_take(unsigned order)
{
    bool flush = reporting.flush_wanted != reporting.flush_done;
    uint64_t keep = flush ? 0 : reserve_pages();

    return buddy.reportable >= keep + order_pages(order) &&
           buddy.pages[WARM] + buddy.pages[REPORTED] >= PAGES_LEFT_MIN + order_pages(order);
}

/* --- waiting for reports under way --- */

static bool no_report(void *arg)
{
    (void)arg;
    return !__atomic_load_n(&reporting.in_flight, __ATOMIC_ACQUIRE);
}

void reporting_pause(void)
{
    irqflags_t flags = spin_lock(&buddy.lock);

    reporting.paused++;
    spin_unlock(&buddy.lock, flags);
    (void)wait_until(&reporting.idle, no_report, NULL, WAIT_FOREVER);
}

void reporting_resume(void)
{
    irqflags_t flags = spin_lock(&buddy.lock);

    reporting.paused--;
    wake_all(&reporting.work);
    spin_unlock(&buddy.lock, flags);
}

bool reporting_wait_inflight(void)
{
    if (no_report(NULL) || thread_current() == reporting.thread)
        return false;
    return wait_until(&reporting.idle, no_report, NULL, INFLIGHT_WAIT_NS) == 0;
}

/* --- devices --- */

/* The order from what was set by hand, else from the device's wish. */
static void choose_order(void)
{
    const struct reporting_device *device = reporting.device;
    unsigned order = PAGEBLOCK_ORDER;

    if (device && device->granularity) {
        order = 0;
        while (order < MAX_ORDER && (PAGE_SIZE << order) < device->granularity)
            order++;
    }
    reporting.order = reporting.by_hand == ORDER_AUTO ? order : reporting.by_hand;
    buddy.reportable = 0;
    for (order = reporting.order; order <= MAX_ORDER; order++)
        buddy.reportable += buddy.blocks[WARM][order] << order;
    reserve_note_low();
    reporting.raw_left = true;
}

int reporting_register(struct reporting_device *device)
{
    irqflags_t flags = spin_lock(&buddy.lock);
    bool busy = reporting.device != NULL;

    ASSERT(device->capacity > 0);
    if (!busy) {
        reporting.device = device;
        reporting.capacity = MIN(device->capacity, (unsigned)REPORT_RANGES_MAX);
        reporting.stopped = false;
        reporting.first_pass = true;
        choose_order();
        reporting_reconsider();
    }
    spin_unlock(&buddy.lock, flags);
    if (busy)
        return -EBUSY;
    if (device->granularity > PAGE_SIZE << MAX_ORDER)
        log_warning("reporting", "%s wants ranges of %llu KiB, the largest block has %llu KiB",
                    device->name, (unsigned long long)(device->granularity / KIB),
                    (unsigned long long)((PAGE_SIZE << MAX_ORDER) / KIB));
    return 0;
}

/* Move some reported blocks to the warm lists; returns whether that were all. */
static bool forget_some(void)
{
    irqflags_t flags = spin_lock(&buddy.lock);
    unsigned moved = 0;

    for (unsigned row = 0; row < PAGE_KINDS; row++) {
        for (unsigned order = 0; order <= MAX_ORDER; order++) {
            struct page *page;

            while (moved < FORGET_BATCH &&
                   (page = buddy_first(PAGE_KERNEL, row, REPORTED, order))) {
                buddy_remove(page);
                buddy_insert(page, order, false);
                moved++;
            }
        }
    }
    spin_unlock(&buddy.lock, flags);
    return moved < FORGET_BATCH;
}

void reporting_unregister(struct reporting_device *device)
{
    irqflags_t flags = spin_lock(&buddy.lock);

    ASSERT(reporting.device == device);
    reporting.device = NULL;
    reporting_reconsider();
    spin_unlock(&buddy.lock, flags);
    wake_all(&reporting.work);
    (void)wait_until(&reporting.idle, no_report, NULL, WAIT_FOREVER);
    while (!forget_some())
        ;
    flags = spin_lock(&blocks_lock);
    raw_forget_reports();
    spin_unlock(&blocks_lock, flags);
    wake_all(&reporting.idle); /* a flush that waits for this device */
}

void reporting_init(void)
{
    struct thread *thread = thread_create("reporter", THREAD_NORMAL, reporting_main, NULL);
    irqflags_t flags;

    if (!thread)
        log_error("reporting", "no memory for its thread: free memory stays in the guest");
    flags = spin_lock(&buddy.lock);
    timer_init(&reporting.gather, on_gathered, NULL);
    reserve_init();
    reporting.thread = thread;
    reporting_reconsider();
    spin_unlock(&buddy.lock, flags);
}

/* --- settings --- */

int reporting_set_enabled(bool enabled)
{
    irqflags_t flags = spin_lock(&buddy.lock);

    reporting.enabled = enabled;
    reporting_reconsider();
    spin_unlock(&buddy.lock, flags);
    return 0;
}

int reporting_set_order(unsigned order)
{
    irqflags_t flags;

    if (order > MAX_ORDER)
        return -EINVAL;
    flags = spin_lock(&buddy.lock);
    reporting.by_hand = order;
    choose_order();
    reporting_reconsider();
    spin_unlock(&buddy.lock, flags);
    return 0;
}

int reporting_set_reserve(uint64_t bytes)
{
    irqflags_t flags = spin_lock(&buddy.lock);

    if (bytes == UINT64_MAX)
        reserve_set_auto();
    else
        reserve_set(bytes >> PAGE_SHIFT);
    reporting_reconsider();
    spin_unlock(&buddy.lock, flags);
    return 0;
}

static bool flush_over(void *arg)
{
    const uint64_t *ticket = arg;

    return READ_ONCE(reporting.flush_done) >= *ticket || !reporting_active();
}

int reporting_flush(void)
{
    irqflags_t flags;
    uint64_t ticket;

    if (!reporting_active())
        return -ENODEV;
    alloc_drain_cpu_caches();
    flags = spin_lock(&buddy.lock);
    ticket = ++reporting.flush_wanted;
    reserve_drop();
    wake_thread();
    spin_unlock(&buddy.lock, flags);
    if (wait_until(&reporting.idle, flush_over, &ticket, FLUSH_WAIT_NS))
        return -ETIMEDOUT;
    return READ_ONCE(reporting.flush_done) >= ticket ? 0 : -EIO;
}

void reporting_stats_get(struct reporting_stats *stats)
{
    irqflags_t flags = spin_lock(&blocks_lock);
    irqflags_t buddy_flags = spin_lock(&buddy.lock);

    *stats = (struct reporting_stats){
        .enabled = reporting.enabled,
        .active = reporting.device && !reporting.stopped,
        .device = reporting.device ? reporting.device->name : NULL,
        .order = reporting.order,
        .reserve = reserve_pages() << PAGE_SHIFT,
        .reserve_fixed = reserve_is_fixed(),
        .unreported = (buddy.reportable + raw_reportable(order_pages(reporting.order)))
                      << PAGE_SHIFT,
        .reported_bytes = reporting.reported_pages << PAGE_SHIFT,
        .reports = reporting.reports,
        .errors = reporting.errors,
        .regret_bytes = reporting.regret_pages << PAGE_SHIFT,
    };
    spin_unlock(&buddy.lock, buddy_flags);
    spin_unlock(&blocks_lock, flags);
}

/* The command line is read before anything else runs. */

static int key_reporting(const char *value)
{
    return parse_on_off(value, &reporting.enabled);
}
CMDLINE_KEY(reporting, "on|off: tell the host about free memory", key_reporting);

static int key_order(const char *value)
{
    uint64_t order;
    int error = parse_size(value, &order);

    if (error || order > MAX_ORDER)
        return error ? error : -EINVAL;
    reporting.by_hand = (unsigned)order;
    reporting.order = (unsigned)order;
    return 0;
}
CMDLINE_KEY(reporting_order,
            "0-10: smallest block, log2 of its pages, that the host is told of", key_order);

static int key_reserve(const char *value)
{
    uint64_t bytes;
    int error;

    if (!strcmp(value, "auto"))
        return 0;
    error = parse_size(value, &bytes);
    if (!error)
        reserve_set(bytes >> PAGE_SHIFT);
    return error;
}
CMDLINE_KEY(reserve, "auto|<size>: free memory that is kept from the host", key_reserve);
