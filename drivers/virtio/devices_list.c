/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio part of the `devices` command.
 */
#include "internal.h"
#include <neap/bus.h>
#include <neap/log.h>

static const char *state_of(const struct virtio_device *dev)
{
    return dev->live ? "live" : dev->fault ? dev->fault : dev->driver ? "reset" : "no driver";
}

static void print_queues(const struct virtio_device *dev)
{
    if (dev->interrupts)
        kprintf("      %s\n", dev->interrupts);
    for (unsigned i = 0; i < dev->nr_queues; i++)
        if (dev->queues[i])
            kprintf("      queue %u %s, %u entries\n", i, dev->queues[i]->name,
                    dev->queues[i]->size);
}

static void print_device(struct virtio_device *dev, void *arg)
{
    const bool *machine = arg;

    mutex_lock(&dev->lock);
    if (*machine) {
        kprintf("virtio=\"%s\" id=%u state=\"%s\" offered=%#llx accepted=%#llx resets=%u "
                "interrupts=\"%s\"\n",
                dev->name, dev->device_id, state_of(dev),
                (unsigned long long)dev->offered.word[0],
                (unsigned long long)dev->accepted.word[0], dev->resets,
                dev->interrupts ? dev->interrupts : "");
    } else {
        kprintf("  %-24s id %u  %s  features %#llx of %#llx  resets %u\n", dev->name,
                dev->device_id, state_of(dev), (unsigned long long)dev->accepted.word[0],
                (unsigned long long)dev->offered.word[0], dev->resets);
        print_queues(dev);
    }
    mutex_unlock(&dev->lock);
}

static void print_devices(bool machine)
{
    virtio_for_each(print_device, &machine);
}

DEVICE_LISTER(virtio, print_devices);
