/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Free page reporting: when there is something to report, and the device that takes it.
 */
#include "reporting.h"
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/panic.h>
#include <neap/thread.h>

/* Less than one full report waits this long for more. */
#define GATHER_NS (10 * NS_PER_MS)
/* How long a thread that needs memory waits for a report under way. */
#define INFLIGHT_WAIT_NS (5 * NS_PER_S)
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

void reporting_wake(void)
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
        reporting_wake();
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
        reporting_wake();
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
void reporting_choose_order(void)
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
        reporting_choose_order();
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

    for (unsigned row = 0; row < BUDDY_ROWS; row++) {
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
