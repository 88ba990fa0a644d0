/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Poll threads, and the coming and going of a device and of its user.
 *
 * A poll thread announces itself with `polling` and looks at `running` behind a barrier;
 * whoever clears `running` looks at `polling` behind a barrier: one of the two sees the other.
 */
#include "internal.h"
#include <arch/barrier.h>
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/thread.h>
#include <neap/timer.h>

/* Frames in one round: the stack's batch, and how long other threads wait at most. */
#define POLL_BUDGET 64

/* Frames that a device does not give back in this time are taken back by a reset. */
#define CLOSE_SECONDS 2

void netdev_schedule(struct netdev *dev, unsigned queue)
{
    struct netdev_queue *q = &dev->queues[queue];

    if (__atomic_exchange_n(&q->scheduled, true, __ATOMIC_ACQ_REL))
        return;
    wake_all(&q->work);
}

void netdev_completed(struct netdev *dev, unsigned queue, void *token)
{
    dev->upcalls.completed(dev->arg, queue, token);
}

void netdev_tx_ready(struct netdev *dev, unsigned queue)
{
    if (dev->upcalls.tx_ready)
        dev->upcalls.tx_ready(dev->arg, queue);
}

/* One round. Returns whether there may be more to do. */
static bool poll_once(struct netdev_queue *q)
{
    struct netdev *dev = q->dev;
    struct netdev_buffer *frames = NULL;
    unsigned count;

    q->stats.polls++;
    count = dev->ops->poll(dev, q->index, POLL_BUDGET, &frames);
    if (frames)
        dev->upcalls.receive(dev->arg, q->index, frames);
    return count >= POLL_BUDGET || dev->ops->rearm(dev, q->index);
}

static bool may_poll(void *arg)
{
    struct netdev_queue *q = arg;

    return READ_ONCE(q->scheduled) && READ_ONCE(q->dev->running);
}

static void poll_thread(void *arg)
{
    struct netdev_queue *q = arg;

    for (;;) {
        bool more = false;

        wait_until(&q->work, may_poll, q, WAIT_FOREVER);
        WRITE_ONCE(q->polling, true);
        barrier_full();
        if (READ_ONCE(q->dev->running)) {
            __atomic_store_n(&q->scheduled, false, __ATOMIC_SEQ_CST);
            more = poll_once(q);
        }
        if (more)
            WRITE_ONCE(q->scheduled, true);
        barrier_full();
        WRITE_ONCE(q->polling, false);
        barrier_full();
        if (!READ_ONCE(q->dev->running))
            wake_all(&q->dev->settled);
        else if (more)
            thread_yield();
    }
}

static bool nobody_polls(void *arg)
{
    struct netdev *dev = arg;

    for (unsigned i = 0; i < NETDEV_QUEUES_MAX; i++)
        if (READ_ONCE(dev->queues[i].polling))
            return false;
    return true;
}

/* Without the lock: upcalls that are under way may wait for one who wants it. */
static void wait_for_polls(struct netdev *dev)
{
    barrier_full();
    wait_until(&dev->settled, nobody_polls, dev, WAIT_FOREVER);
}

static void run_polls(struct netdev *dev)
{
    WRITE_ONCE(dev->running, true);
    barrier_full();
    /* The first round switches interrupts on and finds what came before. */
    for (unsigned i = 0; i < dev->info.nr_queues; i++) {
        WRITE_ONCE(dev->queues[i].scheduled, true);
        wake_all(&dev->queues[i].work);
    }
}

static int start_polling(struct netdev *dev)
{
    int error = 0;

    /* A device that came back with fewer queues: what was left to do for the others is not. */
    for (unsigned i = dev->info.nr_queues; i < NETDEV_QUEUES_MAX; i++)
        WRITE_ONCE(dev->queues[i].scheduled, false);
    for (unsigned i = 0; i < dev->info.nr_queues && !error; i++) {
        struct netdev_queue *q = &dev->queues[i];

        if (!q->thread)
            q->thread = thread_create("netpoll", THREAD_NORMAL, poll_thread, q);
        if (!q->thread)
            error = -ENOMEM;
    }
    if (!error)
        error = dev->ops->start(dev);
    if (error)
        return error;
    /* Not before: what is answered to frames of now needs buffers. */
    WRITE_ONCE(dev->info.live, true);
    run_polls(dev);
    return 0;
}

void netdev_up(struct netdev *dev)
{
    mutex_lock(&dev->lock);
    if (!dev->open || dev->closing)
        WRITE_ONCE(dev->info.live, true);
    else if (start_polling(dev))
        log_error("net", "%s: not enough memory to come back after a reset", dev->info.name);
    mutex_unlock(&dev->lock);
    netdev_notify(dev, NETDEV_EVENT_LINK | NETDEV_EVENT_CAPS);
}

void netdev_down(struct netdev *dev)
{
    mutex_lock(&dev->lock);
    WRITE_ONCE(dev->info.live, false);
    WRITE_ONCE(dev->running, false);
    mutex_unlock(&dev->lock);
    wait_for_polls(dev);
    netdev_notify(dev, NETDEV_EVENT_LINK);
}

void netdev_pause(struct netdev *dev)
{
    mutex_lock(&dev->lock);
    /* Again, if a user came meanwhile. */
    while (dev->running || !nobody_polls(dev)) {
        WRITE_ONCE(dev->running, false);
        mutex_unlock(&dev->lock);
        wait_for_polls(dev);
        mutex_lock(&dev->lock);
    }
}

void netdev_resume(struct netdev *dev)
{
    if (dev->open && !dev->closing)
        run_polls(dev);
    mutex_unlock(&dev->lock);
}

int netdev_open(struct netdev *dev, const struct netdev_upcalls *upcalls, void *arg)
{
    int error = 0;

    mutex_lock(&dev->lock);
    if (dev->open)
        error = -EBUSY;
    else if (!dev->info.live)
        error = -ENETDOWN;
    if (!error) {
        dev->upcalls = *upcalls;
        dev->arg = arg;
        error = start_polling(dev);
    }
    if (!error)
        WRITE_ONCE(dev->open, true);
    mutex_unlock(&dev->lock);
    return error;
}

static bool idle(void *arg)
{
    struct netdev *dev = arg;

    return dev->ops->idle(dev);
}

/* Every token comes back: by itself, or because the device is reset. */
static void wait_for_tokens(struct netdev *dev)
{
    for (unsigned i = 0; i < CLOSE_SECONDS * 100 && !idle(dev); i++)
        thread_sleep_ns(10 * NS_PER_MS);
    if (idle(dev))
        return;
    dev->ops->reset(dev, "holds frames of a user that goes away");
    while (!idle(dev))
        thread_sleep_ns(10 * NS_PER_MS);
}

void netdev_close(struct netdev *dev)
{
    wait_for_tokens(dev);
    mutex_lock(&dev->lock);
    WRITE_ONCE(dev->closing, true);
    WRITE_ONCE(dev->running, false);
    mutex_unlock(&dev->lock);
    wait_for_polls(dev);
    netdev_flush_events(dev);
    mutex_lock(&dev->lock);
    if (dev->info.live)
        dev->ops->stop(dev);
    WRITE_ONCE(dev->open, false);
    WRITE_ONCE(dev->closing, false);
    mutex_unlock(&dev->lock);
}
