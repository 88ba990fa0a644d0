/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtqueues, whatever ring is behind them: creation, and the calls of drivers.
 */
#include "internal.h"
#include "ring_layout.h"
#include <arch/barrier.h>
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/log.h>
#include <neap/panic.h>
#include <neap/timer.h>

bool virtio_queue_exists(struct virtio_device *dev, unsigned index)
{
    return index < VIRTIO_QUEUES_MAX && dev->ops->queue_max_size(dev, index) > 0;
}

/* The largest power of two (PCI-023) that device, driver and ring format allow. */
static unsigned choose_size(unsigned device_max, unsigned driver_max)
{
    unsigned limit = MIN(device_max, RING_SIZE_MAX);
    unsigned size = 1;

    if (driver_max)
        limit = MIN(limit, driver_max);
    while (size * 2 <= limit)
        size *= 2;
    return size;
}

static int create_queue(struct virtio_device *dev, struct virtio_queue_request *request)
{
    struct virtqueue_areas areas;
    unsigned device_max = 0;
    struct virtqueue *queue = NULL;

    if (request->index < VIRTIO_QUEUES_MAX)
        device_max = dev->ops->queue_max_size(dev, request->index);
    if (!device_max) {
        log_error("virtio", "%s: has no queue %u (%s)", dev->name, request->index,
                  request->name);
        return -ENOENT;
    }
    /* A smaller ring works too, so memory decides only at the smallest. */
    for (unsigned size = choose_size(device_max, request->max_size); size && !queue; size /= 2)
        queue = ring_create(dev, request, size, &areas);
    if (!queue)
        return -ENOMEM;
    queue->areas = areas;
    ASSERT(!dev->queues[request->index]);
    dev->queues[request->index] = queue;
    dev->nr_queues = MAX(dev->nr_queues, request->index + 1);
    request->queue = queue;
    return 0;
}

static int setup_interrupts(struct virtio_device *dev,
                            const struct virtio_queue_request *requests, unsigned nr)
{
    unsigned indices[VIRTIO_QUEUES_MAX] = {0};
    unsigned nr_indices = 0;

    for (unsigned i = 0; i < nr && nr_indices < VIRTIO_QUEUES_MAX; i++)
        if (requests[i].callback)
            indices[nr_indices++] = requests[i].index;
    return dev->ops->setup_interrupts(dev, indices, nr_indices);
}

/*
 * Queues that an error leaves behind are known to the device already: they stay allocated, out
 * of the driver's sight, until the core has reset the device.
 */
int virtio_find_queues(struct virtio_device *dev, struct virtio_queue_request *requests,
                       unsigned nr)
{
    int error = nr <= VIRTIO_QUEUES_MAX ? 0 : -EINVAL;

    for (unsigned i = 0; i < nr && !error; i++)
        error = create_queue(dev, &requests[i]);
    if (!error)
        error = setup_interrupts(dev, requests, nr);
    for (unsigned i = 0; i < nr && !error; i++) {
        error =
            dev->ops->queue_enable(dev, requests[i].index, virtqueue_size(requests[i].queue),
                                   &requests[i].queue->areas);
        if (error)
            log_error("virtio", "%s: queue %u (%s) cannot be enabled", dev->name,
                      requests[i].index, requests[i].name);
    }
    for (unsigned i = 0; i < nr && error; i++)
        requests[i].queue = NULL;
    return error;
}

void virtio_destroy_queues(struct virtio_device *dev)
{
    for (unsigned i = 0; i < dev->nr_queues; i++) {
        if (dev->queues[i])
            dev->queues[i]->ring->destroy(dev->queues[i]);
        dev->queues[i] = NULL;
    }
    dev->nr_queues = 0;
}

void virtqueue_bad(struct virtqueue *queue, const char *what, uint64_t value)
{
    char why[96];

    WRITE_ONCE(queue->broken, true);
    format_string(why, sizeof(why), "queue %u (%s): %s %llu", queue->index, queue->name, what,
                  (unsigned long long)value);
    virtio_device_misbehaved(queue->dev, why);
}

int virtqueue_add(struct virtqueue *queue, const struct virtio_sg *sg, unsigned out,
                  unsigned in, void *token)
{
    if (virtqueue_broken(queue))
        return -EIO;
    return queue->ring->add(queue, sg, out, in, token);
}

void virtqueue_notify(struct virtqueue *queue)
{
    uint32_t data = queue->index;

    if (virtio_accepted(queue->dev, VIRTIO_F_NOTIFICATION_DATA))
        data |= (uint32_t)queue->ring->notify_position(queue) << 16;
    queue->dev->ops->notify(queue->dev, queue->index, data);
}

void virtqueue_kick(struct virtqueue *queue)
{
    if (virtqueue_broken(queue) || !READ_ONCE(queue->dev->live)) /* INIT-014 */
        return;
    /* RING-SPLIT-027: the new index must be visible before the device's wish is read. */
    barrier_full();
    if (queue->ring->kick_needed(queue))
        virtqueue_notify(queue);
}

void *virtqueue_take(struct virtqueue *queue, uint32_t *length)
{
    if (virtqueue_broken(queue))
        return NULL;
    return queue->ring->take(queue, length);
}

unsigned virtqueue_take_many(struct virtqueue *queue, void **tokens, unsigned max)
{
    if (virtqueue_broken(queue))
        return 0;
    return queue->ring->take_many(queue, tokens, max);
}

bool virtqueue_has_used(const struct virtqueue *queue)
{
    return virtqueue_broken(queue) || queue->ring->has_used(queue);
}

bool virtqueue_enable_callback(struct virtqueue *queue)
{
    return !virtqueue_broken(queue) && queue->ring->enable_callback(queue);
}

void virtqueue_disable_callback(struct virtqueue *queue)
{
    if (!virtqueue_broken(queue))
        queue->ring->disable_callback(queue);
}

void *virtqueue_detach(struct virtqueue *queue)
{
    return queue->ring->detach(queue);
}

static bool has_used(void *queue)
{
    return virtqueue_has_used(queue);
}

/*
 * The wait goes second by second: a guest that was paused for minutes finds its clock moved on,
 * and then loses one second of patience, not the device.
 */
int virtqueue_wait(struct virtqueue *queue, struct waitqueue *waiters)
{
    char why[64];

    for (unsigned i = 0; i < VIRTIO_ANSWER_SECONDS; i++)
        if (!wait_until(waiters, has_used, queue, NS_PER_S))
            return virtqueue_broken(queue) ? -EIO : 0;
    format_string(why, sizeof(why), "queue %u (%s): no answer for %u s", queue->index,
                  queue->name, VIRTIO_ANSWER_SECONDS);
    virtio_device_misbehaved(queue->dev, why);
    return -ETIMEDOUT;
}

bool virtqueue_broken(const struct virtqueue *queue)
{
    return READ_ONCE(queue->broken);
}

unsigned virtqueue_size(const struct virtqueue *queue)
{
    return queue->size;
}

unsigned virtqueue_room(const struct virtqueue *queue)
{
    return queue->ring->room(queue);
}

unsigned virtqueue_index(const struct virtqueue *queue)
{
    return queue->index;
}

const char *virtqueue_name(const struct virtqueue *queue)
{
    return queue->name;
}

struct virtio_device *virtqueue_device(const struct virtqueue *queue)
{
    return queue->dev;
}
