/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts of a device, and what happens when it goes wrong: every queue breaks, so every
 * wait ends; a work item resets the device and probes it again, a bounded number of times.
 */
#include "internal.h"
#include <neap/errors.h>
#include <neap/log.h>

void virtio_queue_interrupt(struct virtio_device *dev, unsigned index)
{
    struct virtqueue *queue;

    if (index >= VIRTIO_QUEUES_MAX || !READ_ONCE(dev->live))
        return;
    queue = READ_ONCE(dev->queues[index]);
    if (queue && queue->callback)
        queue->callback(queue, queue->arg);
}

void virtio_config_interrupt(struct virtio_device *dev)
{
    work_queue(&system_work, &dev->config_work);
}

void virtio_config_work(struct work *work)
{
    struct virtio_device *dev = container_of(work, struct virtio_device, config_work);
    bool needs_reset;

    mutex_lock(&dev->lock);
    needs_reset = dev->live && dev->ops->get_status(dev) & VIRTIO_STATUS_NEEDS_RESET;
    if (dev->live && !needs_reset && dev->driver->config_changed)
        dev->driver->config_changed(dev);
    mutex_unlock(&dev->lock);
    if (needs_reset)
        virtio_device_misbehaved(dev, "it asks for a reset");
}

static void run_work(struct work *work)
{
    struct virtio_work *wanted = container_of(work, struct virtio_work, work);

    mutex_lock(&wanted->dev->lock);
    if (wanted->dev->live)
        wanted->fn(wanted->dev);
    mutex_unlock(&wanted->dev->lock);
}

void virtio_work_init(struct virtio_work *work, struct virtio_device *dev,
                      void (*fn)(struct virtio_device *dev))
{
    work_init(&work->work, run_work);
    work->dev = dev;
    work->fn = fn;
}

void virtio_work_queue(struct virtio_work *work)
{
    work_queue(&system_work, &work->work);
}

void virtio_break_queues(struct virtio_device *dev)
{
    for (unsigned i = 0; i < dev->nr_queues; i++)
        if (dev->queues[i])
            WRITE_ONCE(dev->queues[i]->broken, true);
    /* Before the device is live nobody waits, and what the callbacks use may be gone already.
     */
    for (unsigned i = 0; i < dev->nr_queues && READ_ONCE(dev->live); i++)
        if (dev->queues[i] && dev->queues[i]->callback)
            dev->queues[i]->callback(dev->queues[i], dev->queues[i]->arg);
}

void virtio_device_misbehaved(struct virtio_device *dev, const char *why)
{
    /* One report for one life: whatever follows until the reset is a consequence. */
    if (__atomic_exchange_n(&dev->misbehaved, true, __ATOMIC_ACQ_REL))
        return;
    log_warning("virtio", "%s: misbehaves: %s", dev->name, why);
    virtio_break_queues(dev);
    work_queue(&system_work, &dev->reset_work);
}

int virtio_restart(struct virtio_device *dev)
{
    int error;

    virtio_break_queues(dev);
    mutex_lock(&dev->lock);
    virtio_stop(dev);
    error = virtio_start(dev);
    mutex_unlock(&dev->lock);
    return error;
}

void virtio_device_gone(struct virtio_device *dev)
{
    mutex_lock(&dev->lock);
    virtio_stop(dev);
    dev->fault = "unplugged";
    mutex_unlock(&dev->lock);
}

void virtio_reset_work(struct work *work)
{
    struct virtio_device *dev = container_of(work, struct virtio_device, reset_work);

    mutex_lock(&dev->lock);
    virtio_stop(dev);
    if (dev->resets < VIRTIO_RESETS_MAX) {
        dev->resets++;
        virtio_start(dev);
    } else if (!dev->fault) {
        virtio_add_status(dev, VIRTIO_STATUS_FAILED);
        dev->fault = "misbehaved too often";
        log_error("virtio", "%s: misbehaved %u times, left alone from now on", dev->name,
                  dev->resets + 1);
    }
    mutex_unlock(&dev->lock);
}
