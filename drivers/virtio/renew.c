/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A reset that the driver does not notice: the device is stopped, asked where it was, reset,
 * and goes on there with the rings and buffers that it had.
 */
#include "internal.h"
#include <arch/barrier.h>
#include <neap/errors.h>
#include <neap/log.h>
#include <string.h>

/* Under the device's lock. A reason is logged unless the device is not in use. */
static bool can_renew(struct virtio_device *dev)
{
    if (!dev->live || !dev->driver->resume || !dev->ops->queue_keeps)
        return false;
    for (unsigned i = 0; i < dev->nr_queues; i++)
        if (dev->queues[i] &&
            (!dev->queues[i]->ring->resume_at || !dev->ops->queue_keeps(dev, i)))
            return false;
    return true;
}

static int stop_queues(struct virtio_device *dev, uint16_t *positions)
{
    int error = 0;

    for (unsigned i = 0; i < dev->nr_queues && !error; i++) {
        struct virtqueue *queue = dev->queues[i];
        uint16_t fetched = 0;

        if (!queue)
            continue;
        error = virtqueue_broken(queue) ? -EIO : dev->ops->queue_stop(dev, i, &fetched);
        if (!error)
            error = queue->ring->resume_at(queue, fetched, &positions[i]);
    }
    return error;
}

/* Reset it, and agree on what was agreed on. */
static int agree_again(struct virtio_device *dev)
{
    const struct virtio_features before = dev->accepted;
    int error = virtio_agree(dev);

    if (error || !memcmp(&before, &dev->accepted, sizeof(before)))
        return error;
    log_warning("virtio", "%s: offers other features than before", dev->name);
    return -EIO;
}

static int continue_queues(struct virtio_device *dev, const uint16_t *positions)
{
    unsigned indices[VIRTIO_QUEUES_MAX];
    unsigned nr = 0;
    int error;

    for (unsigned i = 0; i < dev->nr_queues; i++)
        if (dev->queues[i] && dev->queues[i]->callback)
            indices[nr++] = i;
    dev->ops->release(dev);
    error = dev->ops->setup_interrupts(dev, indices, nr);
    for (unsigned i = 0; i < dev->nr_queues && !error; i++) {
        struct virtqueue *queue = dev->queues[i];

        if (queue)
            error = dev->ops->queue_continue(dev, i, queue->size, &queue->areas, positions[i]);
    }
    return error;
}

/*
 * Announce what is in flight: the device forgot that it was told. What the driver adds just now
 * it announces itself.
 */
static void go_on(struct virtio_device *dev)
{
    WRITE_ONCE(dev->live, true);
    barrier_full();
    virtio_add_status(dev, VIRTIO_STATUS_DRIVER_OK);
    for (unsigned i = 0; i < dev->nr_queues; i++)
        if (dev->queues[i])
            virtqueue_notify(dev->queues[i]);
    dev->driver->resume(dev);
    /* Nobody was told of changes meanwhile. */
    virtio_config_interrupt(dev);
}

int virtio_renew(struct virtio_device *dev)
{
    uint16_t positions[VIRTIO_QUEUES_MAX] = {0};
    int error;

    mutex_lock(&dev->lock);
    if (!can_renew(dev)) {
        mutex_unlock(&dev->lock);
        return -ENOTSUP;
    }
    dev->driver->pause(dev);
    WRITE_ONCE(dev->live, false);
    barrier_full();
    error = stop_queues(dev, positions);
    if (!error)
        error = agree_again(dev);
    if (!error)
        error = continue_queues(dev, positions);
    if (!error) {
        go_on(dev);
        log_info("virtio", "%s: reset, and goes on where it was", dev->name);
    } else {
        log_warning("virtio", "%s: cannot go on where it was: %s; it starts anew", dev->name,
                    error_name(error));
        virtio_break_queues(dev);
        dev->driver->resume(dev);
        virtio_stop(dev);
        error = virtio_start(dev);
    }
    mutex_unlock(&dev->lock);
    return error;
}
