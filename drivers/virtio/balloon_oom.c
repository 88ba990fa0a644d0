/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory back from the host before an allocation fails (DEFLATE_ON_OOM), and hinted pages.
 *
 * The thread that is short of memory may hold any mutex, so it takes no lock: it raises a
 * count, wakes the worker and waits until the worker has dealt with it.
 */
#include "balloon.h"
#include <neap/format.h>
#include <neap/log.h>
#include <neap/timer.h>

/* At least this much at a time: one request to the host either way. */
#define RECLAIM_MINIMUM BALLOON_REQUEST_PAGES

/* Longer than the worker can be kept waiting by a device before the device is given up. */
#define RECLAIM_PATIENCE_NS (2 * VIRTIO_ANSWER_SECONDS * NS_PER_S)

#define HOLD_NS NS_PER_S

struct reclaim_wait {
    struct balloon *balloon;
    uint64_t ticket;
};

static bool reclaim_done(void *arg)
{
    const struct reclaim_wait *wait = arg;

    return READ_ONCE(wait->balloon->reclaim_served) >= wait->ticket ||
           !READ_ONCE(wait->balloon->reclaimable);
}

static uint64_t balloon_reclaim(struct reclaimer *self, uint64_t pages)
{
    struct balloon *balloon = container_of(self, struct balloon, reclaimer);
    uint64_t before = READ_ONCE(balloon->reclaim_freed);
    struct reclaim_wait wait = {.balloon = balloon};

    if (!READ_ONCE(balloon->reclaimable) || !(balloon->actual + balloon->hinted.pages))
        return 0;
    wait.ticket = __atomic_add_fetch(&balloon->reclaim_asked, MAX(pages, RECLAIM_MINIMUM),
                                     __ATOMIC_ACQ_REL);
    wake_all(&balloon->worker.events);
    (void)wait_until(&balloon->worker.settled, reclaim_done, &wait, RECLAIM_PATIENCE_NS);
    return READ_ONCE(balloon->reclaim_freed) - before;
}

void balloon_oom_init(struct balloon *balloon)
{
    balloon->reclaimer.name = "balloon";
    balloon->reclaimer.order = RECLAIM_BALLOON;
    balloon->reclaimer.reclaim = balloon_reclaim;
}

void balloon_oom_start(struct balloon *balloon)
{
    if (!virtio_accepted(balloon->dev, BALLOON_F_DEFLATE_ON_OOM) &&
        !balloon->queues[BALLOON_HINT])
        return;
    WRITE_ONCE(balloon->reclaimable, true);
    reclaimer_register(&balloon->reclaimer);
    balloon->reclaimer_registered = true;
}

bool balloon_oom_pending(const struct balloon *balloon)
{
    return READ_ONCE(balloon->reclaim_asked) != balloon->reclaim_served;
}

/* The thread that is short of memory must get at the pages before the next inflation. */
static void hold(struct balloon *balloon)
{
    balloon->oom_hold = true;
    balloon->hold_end_ns = clock_ns() + HOLD_NS;
}

/* BALLOON-008: only with DEFLATE_ON_OOM may we go below the target on our own. */
static uint64_t deflate(struct balloon *balloon, uint64_t want)
{
    uint64_t done = 0, pages = 1;

    if (!virtio_accepted(balloon->dev, BALLOON_F_DEFLATE_ON_OOM))
        return 0;
    while (done < want && pages) {
        pages = balloon_deflate(balloon, want - done, true);
        done += pages;
    }
    if (done && !balloon->oom_hold)
        log_info("balloon", "memory is short: taking pages back from the host");
    if (done)
        hold(balloon);
    balloon->count.oom_pages += done;
    return done;
}

/* Tell the waiting threads what has come. */
static void settle(struct balloon *balloon, uint64_t served, uint64_t freed)
{
    WRITE_ONCE(balloon->reclaim_freed, balloon->reclaim_freed + freed);
    WRITE_ONCE(balloon->reclaim_served, served);
    wake_all(&balloon->worker.settled);
}

void balloon_oom_serve(struct balloon *balloon)
{
    uint64_t asked = READ_ONCE(balloon->reclaim_asked);
    uint64_t want = asked - balloon->reclaim_served, freed;

    if (!want)
        return;
    freed = balloon_hint_reclaim(balloon, want);
    if (freed < want)
        freed += deflate(balloon, want - freed);
    /* A device that died leaves everything to its reset, which brings all pages back. */
    if (!virtqueue_broken(balloon->queues[BALLOON_DEFLATE]))
        settle(balloon, asked, freed);
}

void balloon_oom_stop(struct balloon *balloon, uint64_t freed)
{
    balloon->oom_hold = false;
    if (balloon_oom_pending(balloon))
        hold(balloon);
    WRITE_ONCE(balloon->reclaimable, false);
    settle(balloon, READ_ONCE(balloon->reclaim_asked), freed);
    if (balloon->reclaimer_registered)
        reclaimer_unregister(&balloon->reclaimer);
    balloon->reclaimer_registered = false;
}
