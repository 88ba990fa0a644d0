/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The driver and the lies behind transport.h.
 */
#include "transport.h"
#include "fuzz.h"

static struct virtqueue *queues[PLAIN_QUEUES];

void transport_boot(const struct shim_mmio *registers)
{
    shim_init();
    shim_boot(32 * MIB);
    shim_mmio_register(0, UINT64_MAX, registers, NULL);
}

uint64_t transport_lie(uint64_t honest, unsigned width)
{
    return fuzz_byte() % 16 == 15 ? fuzz_number(width) : honest;
}

/* ---- the driver ---- */

static void callback(struct virtqueue *queue, void *arg UNUSED)
{
    while (virtqueue_take(queue, NULL))
        ;
}

static void read_config(struct virtio_device *dev)
{
    uint64_t value;

    for (unsigned width = 1; width <= 8; width *= 2)
        (void)virtio_config_get(dev, PLAIN_CONFIG_READ - width, width, &value);
}

static int probe(struct virtio_device *dev)
{
    struct virtio_queue_request requests[PLAIN_QUEUES] = {
        {.index = 0, .name = "first", .callback = callback, .max_size = 8, .max_pieces = 2},
        {.index = 1, .name = "second", .callback = callback, .max_size = 8},
    };
    int error;

    read_config(dev);
    error = virtio_find_queues(dev, requests, PLAIN_QUEUES);
    for (unsigned i = 0; i < PLAIN_QUEUES; i++)
        queues[i] = requests[i].queue;
    if (!error)
        virtio_device_ready(dev);
    return error;
}

static void driver_remove(struct virtio_device *dev UNUSED)
{
    for (unsigned i = 0; i < PLAIN_QUEUES; i++)
        queues[i] = NULL;
}

static const int features[] = {-1};

static const struct virtio_driver plain_driver = {
    .name = "plain",
    .device_id = PLAIN_DEVICE_ID,
    .features = features,
    .probe = probe,
    .config_changed = read_config,
    .remove = driver_remove,
};

VIRTIO_DRIVER(plain_driver);

/* ---- its use ---- */

static void use(struct virtio_device *dev, void *arg UNUSED)
{
    static char token;
    struct virtio_sg sg = {0x1000, 16};
    unsigned width = 1u << fuzz_byte() % 3;

    if (!dev->driver)
        return;
    switch (fuzz_byte() % 8) {
    case 0:
        (void)virtio_config_put(dev, fuzz_byte() * width, width, fuzz_byte());
        break;
    case 1:
        virtio_device_misbehaved(dev, "the input says so");
        break;
    case 2:
    case 3:
        if (dev->live && queues[0]) {
            (void)virtqueue_add(queues[0], &sg, 1, 0, &token);
            virtqueue_kick(queues[0]);
        }
        break;
    default:
        shim_irq_raise_line(PLAIN_INTERRUPT);
    }
    shim_settle();
}

void transport_use(void)
{
    for (unsigned step = 0; step < 8 && fuzz_more(); step++)
        virtio_for_each(use, NULL);
}

static void find(struct virtio_device *dev, void *found)
{
    *(struct virtio_device **)found = dev;
}

void transport_forget(void (*release)(struct virtio_device *dev))
{
    struct virtio_device *dev;

    shim_settle();
    for (;;) {
        dev = NULL;
        virtio_for_each(find, &dev);
        if (!dev)
            break;
        if (dev->driver)
            virtio_device_gone(dev);
        shim_settle();
        list_remove(&dev->link);
        release(dev);
    }
    shim_log_clear();
}
