/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The memory device's driver: coming and going of a device.
 *
 * A device that was reset still has its memory plugged, and mm still uses it: nothing is taken
 * from mm here. What was going on with the device is sorted out after its next start.
 */
#include "mem.h"
#include <neap/errors.h>
#include <neap/kmalloc.h>
#include <neap/log.h>

static void answer_callback(struct virtqueue *queue, void *arg)
{
    struct vmem *vmem = arg;

    (void)queue;
    wake_all(&vmem->answers);
}

static struct vmem *vmem_create(struct virtio_device *dev)
{
    struct vmem *vmem = kcalloc(1, sizeof(*vmem), 0);

    if (!vmem)
        return NULL;
    vmem->message = kcalloc(1, sizeof(*vmem->message), 0);
    if (!vmem->message) {
        kfree(vmem);
        return NULL;
    }
    vmem->dev = dev;
    vmem_worker_init(vmem);
    waitqueue_init(&vmem->answers, "vmem device");
    return vmem;
}

static int find_queue(struct vmem *vmem)
{
    struct virtio_queue_request request = {
        .index = 0,
        .name = "guest-request",
        .callback = answer_callback,
        .arg = vmem,
        .max_size = 2,
    };
    int error = virtio_find_queues(vmem->dev, &request, 1);

    if (!error && virtqueue_size(request.queue) < 2) {
        log_error("vmem", "%s: its queue is too small for a request and its answer",
                  vmem->dev->name);
        return -EINVAL;
    }
    vmem->queue = request.queue;
    return error;
}

static int register_region(struct vmem *vmem)
{
    int error = vmem->registered ? 0 : elastic_register(&vmem->region);

    if (!vmem->registered && !error)
        vmem_worker_help(vmem);
    vmem->registered = !error;
    return error;
}

static void forget_past(struct vmem *vmem)
{
    vmem->in_step = !vmem->plugged && !vmem_in_use(vmem) && !vmem_range_bytes(&vmem->taken);
    vmem->doubted = vmem->given_up = false;
    vmem->told = vmem->told_rounding = false;
}

static int vmem_probe(struct virtio_device *dev)
{
    struct vmem *vmem = dev->driver_data;
    int error;

    if (!vmem)
        vmem = dev->driver_data = vmem_create(dev);
    if (!vmem)
        return -ENOMEM;
    vmem->told_config = false;
    error = vmem_read_geometry(vmem);
    if (!error)
        error = vmem_read_sizes(vmem);
    if (!error)
        error = find_queue(vmem);
    if (!error)
        error = virtio_worker_create(&vmem->worker, "vmem");
    if (!error)
        error = register_region(vmem);
    if (error) {
        vmem->queue = NULL;
        return error;
    }
    /* Nothing may fail from here on: the device may be sent requests. */
    forget_past(vmem);
    virtio_device_ready(dev);
    vmem_worker_start(vmem);
    return 0;
}

static void vmem_config_changed(struct virtio_device *dev)
{
    vmem_worker_config_changed(dev->driver_data);
}

static void vmem_quiesce(struct virtio_device *dev)
{
    vmem_worker_park(dev->driver_data);
}

static void vmem_remove(struct virtio_device *dev)
{
    struct vmem *vmem = dev->driver_data;

    vmem->queue = NULL;
}

/*
 * Accepted whether they change anything or not: unplugged memory is not mapped, so it is never
 * touched (MEM-004, MEM-010), and the guest does not suspend (MEM-016).
 */
static const int vmem_features[] = {
    VMEM_F_ACPI_PXM,
    VMEM_F_UNPLUGGED_INACCESSIBLE,
    VMEM_F_PERSISTENT_SUSPEND,
    -1,
};

static const struct virtio_driver vmem_driver = {
    .name = "mem",
    .device_id = VIRTIO_ID_MEM,
    .features = vmem_features,
    .probe = vmem_probe,
    .config_changed = vmem_config_changed,
    .quiesce = vmem_quiesce,
    .remove = vmem_remove,
};

VIRTIO_DRIVER(vmem_driver);
