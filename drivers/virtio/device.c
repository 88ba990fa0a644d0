/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device's life: found, matched with a driver, initialised in the order of virtio 1.4, 3.1.1,
 * taken down.
 */
#include "internal.h"
#include <arch/barrier.h>
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/sections.h>

LINKER_TABLE(__typeof__(const struct virtio_driver *), virtio_driver);

/* Devices are added at start-up and stay for ever, so the list is walked without a lock. */
static struct list devices = LIST_INIT(devices);
static struct mutex devices_lock = MUTEX_INIT(devices_lock, "virtio devices", LOCK_RANK_DEVICE);

static const struct virtio_driver *find_driver(unsigned device_id)
{
    const struct virtio_driver *const *driver;

    LINKER_TABLE_FOR_EACH(driver, virtio_driver)
    {
        if ((*driver)->device_id == device_id)
            return *driver;
    }
    return NULL;
}

void virtio_add_status(struct virtio_device *dev, uint8_t bits)
{
    /* Read back first: the device may have set NEEDS_RESET, which must stay (STATUS-002). */
    dev->ops->set_status(dev, dev->ops->get_status(dev) | bits);
}

int virtio_agree(struct virtio_device *dev)
{
    int error = dev->ops->reset(dev);

    if (error)
        return error;
    virtio_add_status(dev, VIRTIO_STATUS_ACKNOWLEDGE);
    virtio_add_status(dev, VIRTIO_STATUS_DRIVER);
    error = virtio_negotiate(dev);
    if (error)
        return error;
    dev->ops->set_features(dev, &dev->accepted);
    virtio_add_status(dev, VIRTIO_STATUS_FEATURES_OK);
    if (dev->ops->get_status(dev) & VIRTIO_STATUS_FEATURES_OK)
        return 0;
    log_error("virtio", "%s: refuses the features %#llx %#llx", dev->name,
              (unsigned long long)dev->accepted.word[0],
              (unsigned long long)dev->accepted.word[1]);
    return -ENOTSUP;
}

int virtio_start(struct virtio_device *dev)
{
    int error;

    WRITE_ONCE(dev->misbehaved, false);
    dev->fault = NULL;
    error = virtio_agree(dev);
    if (!error) {
        error = dev->driver->probe(dev);
        dev->probed = !error;
    }
    if (!error) {
        log_info("virtio", "%s: ready, features %#llx of %#llx", dev->name,
                 (unsigned long long)dev->accepted.word[0],
                 (unsigned long long)dev->offered.word[0]);
        return 0;
    }
    virtio_stop(dev);
    virtio_add_status(dev, VIRTIO_STATUS_FAILED); /* INIT-012 */
    dev->fault = "initialisation failed";
    log_error("virtio", "%s: not used: %s", dev->name, error_name(error));
    return error;
}

void virtio_stop(struct virtio_device *dev)
{
    virtio_break_queues(dev);
    WRITE_ONCE(dev->live, false);
    if (dev->probed && dev->driver->quiesce)
        dev->driver->quiesce(dev);
    /*
     * CLEANUP-002: nothing may be taken back while the device can reach it. A transport whose
     * device does not finish the reset cuts it off from memory, so going on is safe either way.
     */
    if (dev->ops->reset(dev))
        log_error("virtio", "%s: does not finish its reset, cut off", dev->name);
    dev->ops->release(dev);
    if (dev->probed)
        dev->driver->remove(dev);
    dev->probed = false;
    virtio_destroy_queues(dev);
}

int virtio_device_add(struct virtio_device *dev)
{
    int error;

    mutex_init(&dev->lock, dev->name, LOCK_RANK_DEVICE);
    work_init(&dev->config_work, virtio_config_work);
    work_init(&dev->reset_work, virtio_reset_work);
    mutex_lock(&devices_lock);
    list_push_back(&devices, &dev->link);
    mutex_unlock(&devices_lock);

    dev->driver = find_driver(dev->device_id);
    if (!dev->driver) {
        log_info("virtio", "%s: no driver for device id %u", dev->name, dev->device_id);
        return 0;
    }
    mutex_lock(&dev->lock);
    error = virtio_start(dev);
    mutex_unlock(&dev->lock);
    return error;
}

void virtio_device_ready(struct virtio_device *dev)
{
    /* Before DRIVER_OK, or an interrupt right after it would be ignored. */
    WRITE_ONCE(dev->live, true);
    barrier_full();
    virtio_add_status(dev, VIRTIO_STATUS_DRIVER_OK);
    /* INIT-014: what probe added could not be announced until now. */
    for (unsigned i = 0; i < dev->nr_queues; i++)
        if (dev->queues[i])
            virtqueue_kick(dev->queues[i]);
}

void virtio_for_each(void (*fn)(struct virtio_device *, void *), void *arg)
{
    struct list *pos;

    list_for_each (pos, &devices)
        fn(list_entry(pos, struct virtio_device, link), arg);
}
