/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entropy device (virtio 1.4, 5.4): a buffer goes there empty and comes back with random
 * bytes, whenever the pool asks for some.
 */
#include <neap/errors.h>
#include <neap/kmalloc.h>
#include <neap/page.h>
#include <neap/random.h>
#include <neap/virtio.h>
#include <string.h>

#define BUFFER_BYTES 64

struct rng {
    struct random_source source;
    struct virtio_work work;
    struct virtqueue *queue; /* under the device's lock; NULL: there is none */
    uint8_t *buffer;
    bool wanted;  /* the pool asked */
    bool waiting; /* the device has the buffer */
};

static void request(struct rng *rng)
{
    const struct virtio_sg sg = {virt_to_phys(rng->buffer), BUFFER_BYTES};

    rng->waiting = !virtqueue_add(rng->queue, &sg, 0, 1, rng);
    WRITE_ONCE(rng->wanted, false);
}

static void serve(struct virtio_device *dev)
{
    struct rng *rng = dev->driver_data;
    uint32_t length;

    if (rng->waiting && virtqueue_take(rng->queue, &length)) {
        rng->waiting = false;
        if (!length) {
            virtio_device_misbehaved(dev, "a buffer came back without random bytes");
            return;
        }
        random_add(&rng->source, rng->buffer, length, length * 8);
        memset(rng->buffer, 0, BUFFER_BYTES);
    }
    if (!rng->waiting && READ_ONCE(rng->wanted)) {
        request(rng);
        virtqueue_kick(rng->queue);
    }
}

static void ask(struct random_source *source)
{
    struct rng *rng = container_of(source, struct rng, source);

    WRITE_ONCE(rng->wanted, true);
    virtio_work_queue(&rng->work);
}

static void callback(struct virtqueue *queue UNUSED, void *arg)
{
    virtio_work_queue(&((struct rng *)arg)->work);
}

static struct rng *rng_create(struct virtio_device *dev)
{
    struct rng *rng = kcalloc(1, sizeof(*rng), 0);

    if (rng)
        rng->buffer = kcalloc(1, BUFFER_BYTES, 0);
    if (!rng || !rng->buffer) {
        kfree(rng);
        return NULL;
    }
    rng->source.name = "virtio";
    rng->source.ask = ask;
    virtio_work_init(&rng->work, dev, serve);
    random_source_add(&rng->source);
    return rng;
}

static int rng_probe(struct virtio_device *dev)
{
    struct rng *rng = dev->driver_data;
    struct virtio_queue_request wish = {
        .name = "requests", .callback = callback, .max_size = 1};
    int error;

    if (!rng)
        rng = dev->driver_data = rng_create(dev);
    if (!rng)
        return -ENOMEM;
    wish.arg = rng;
    error = virtio_find_queues(dev, &wish, 1);
    if (error)
        return error;
    rng->queue = wish.queue;
    request(rng);
    virtio_device_ready(dev);
    return 0;
}

static void rng_remove(struct virtio_device *dev)
{
    struct rng *rng = dev->driver_data;

    (void)virtqueue_detach(rng->queue);
    rng->queue = NULL;
    rng->waiting = false;
}

static const int rng_features[] = {-1};

static const struct virtio_driver rng_driver = {
    .name = "rng",
    .device_id = VIRTIO_ID_RNG,
    .features = rng_features,
    .probe = rng_probe,
    .remove = rng_remove,
};

VIRTIO_DRIVER(rng_driver);
