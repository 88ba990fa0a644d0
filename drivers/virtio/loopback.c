/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The transport of devices made of software: what a driver's side does to them.
 */
#include "loopback.h"
#include "internal.h"
#include <neap/errors.h>
#include <string.h>

static struct loopback *to_loopback(struct virtio_device *dev)
{
    return container_of(dev, struct loopback, dev);
}

void loopback_give_up(struct loopback *loopback)
{
    loopback->status |= VIRTIO_STATUS_NEEDS_RESET;
    loopback->config_pending = true;
    wake_all(&loopback->events);
}

static void config_changed(struct loopback *loopback)
{
    loopback->generation++;
    loopback->config_pending = true;
    wake_all(&loopback->events);
}

/* Is this the step that was meant when the device was reset? */
static bool is_due(const struct loopback *loopback, unsigned meant, unsigned now)
{
    return loopback->steps == meant && meant == now;
}

/* Each call of the driver's side is a step, at which the device may fail or change. */
static struct loopback *begin(struct virtio_device *dev)
{
    struct loopback *loopback = to_loopback(dev);

    mutex_lock(&loopback->lock);
    loopback->steps++;
    if (is_due(loopback, loopback->fails_at, loopback->fail_at)) {
        loopback->fail_at = 0;
        loopback_give_up(loopback);
    }
    if (is_due(loopback, loopback->changes_at, loopback->change_at)) {
        loopback->change_at = 0;
        config_changed(loopback);
    }
    return loopback;
}

static void end(struct loopback *loopback)
{
    mutex_unlock(&loopback->lock);
}

static uint8_t get_status(struct virtio_device *dev)
{
    struct loopback *loopback = begin(dev);
    uint8_t status = loopback->status;

    end(loopback);
    return status;
}

static bool features_are_good(const struct loopback *loopback)
{
    for (unsigned i = 0; i < VIRTIO_FEATURE_WORDS; i++)
        if (loopback->accepted.word[i] & ~loopback->offered.word[i])
            return false;
    return virtio_features_test(&loopback->accepted, VIRTIO_F_VERSION_1);
}

static void set_status(struct virtio_device *dev, uint8_t status)
{
    struct loopback *loopback = begin(dev);
    uint8_t kept = loopback->status & VIRTIO_STATUS_NEEDS_RESET;

    if (status & VIRTIO_STATUS_FEATURES_OK && !features_are_good(loopback))
        status &= (uint8_t)~VIRTIO_STATUS_FEATURES_OK;
    WRITE_ONCE(loopback->status, status | kept);
    end(loopback);
    wake_all(&loopback->events);
}

static int reset(struct virtio_device *dev)
{
    struct loopback *loopback = to_loopback(dev);

    mutex_lock(&loopback->lock);
    loopback->status = 0;
    loopback->steps = 0;
    loopback->fails_at = loopback->fail_at;
    loopback->changes_at = loopback->change_at;
    loopback->config_pending = false;
    loopback->accepted = (struct virtio_features){0};
    memset(loopback->queues, 0, sizeof(loopback->queues));
    __atomic_store_n(&loopback->pending, 0, __ATOMIC_RELEASE);
    mutex_unlock(&loopback->lock);
    return 0;
}

static void get_features(struct virtio_device *dev, struct virtio_features *features)
{
    struct loopback *loopback = begin(dev);

    *features = loopback->offered;
    end(loopback);
}

static void set_features(struct virtio_device *dev, const struct virtio_features *features)
{
    struct loopback *loopback = begin(dev);

    loopback->accepted = *features;
    end(loopback);
}

static uint32_t config_generation(struct virtio_device *dev)
{
    struct loopback *loopback = begin(dev);
    uint32_t generation = loopback->generation;

    end(loopback);
    return generation;
}

static bool is_field(const struct loopback *loopback, unsigned offset, unsigned width)
{
    return offset <= loopback->model->config_size &&
           width <= loopback->model->config_size - offset;
}

/* Little-endian, byte by byte. */
static int config_read(struct virtio_device *dev, unsigned offset, unsigned width,
                       uint32_t *value)
{
    struct loopback *loopback = begin(dev);
    bool good = is_field(loopback, offset, width);

    *value = 0;
    for (unsigned i = 0; i < width && good; i++)
        *value |= (uint32_t)loopback->config[offset + i] << (8 * i);
    end(loopback);
    return good ? 0 : -ERANGE;
}

static int config_write(struct virtio_device *dev, unsigned offset, unsigned width,
                        uint32_t value)
{
    struct loopback *loopback = begin(dev);
    bool good = is_field(loopback, offset, width);

    for (unsigned i = 0; i < width && good; i++)
        loopback->config[offset + i] = (uint8_t)(value >> (8 * i));
    end(loopback);
    return good ? 0 : -ERANGE;
}

static unsigned queue_max_size(struct virtio_device *dev, unsigned index)
{
    struct loopback *loopback = begin(dev);
    unsigned size = index < loopback->model->nr_queues ? loopback->queue_size : 0;

    end(loopback);
    return size;
}

static int setup_interrupts(struct virtio_device *dev, const unsigned *indices, unsigned nr)
{
    struct loopback *loopback = begin(dev);

    for (unsigned i = 0; i < nr; i++)
        loopback->queues[indices[i]].interrupts = true;
    dev->interrupts = "a thread's calls";
    end(loopback);
    return 0;
}

static int queue_enable(struct virtio_device *dev, unsigned index, unsigned size,
                        const struct virtqueue_areas *areas)
{
    struct loopback *loopback = begin(dev);
    struct loopback_queue *queue = &loopback->queues[index];
    int error = -EIO;

    if (size <= loopback->queue_size && !queue->enabled)
        error = vringd_init(&queue->ring, size, areas, &loopback->accepted, loopback_reach,
                            loopback);
    queue->enabled = !error;
    end(loopback);
    return error;
}

/* Any context: only the thread is told. */
static void notify(struct virtio_device *dev, unsigned index, uint32_t data UNUSED)
{
    struct loopback *loopback = to_loopback(dev);

    __atomic_fetch_or(&loopback->pending, 1u << index, __ATOMIC_ACQ_REL);
    wake_all(&loopback->events);
}

static void release(struct virtio_device *dev)
{
    struct loopback *loopback = to_loopback(dev);

    mutex_lock(&loopback->lock);
    for (unsigned i = 0; i < LOOPBACK_QUEUES_MAX; i++)
        loopback->queues[i].interrupts = false;
    loopback->config_pending = false;
    dev->interrupts = NULL;
    mutex_unlock(&loopback->lock);
}

const struct virtio_transport_ops loopback_ops = {
    .name = "loopback",
    .get_status = get_status,
    .set_status = set_status,
    .reset = reset,
    .get_features = get_features,
    .set_features = set_features,
    .config_generation = config_generation,
    .config_read = config_read,
    .config_write = config_write,
    .queue_max_size = queue_max_size,
    .setup_interrupts = setup_interrupts,
    .queue_enable = queue_enable,
    .notify = notify,
    .release = release,
};

void loopback_set_config(struct loopback *loopback, unsigned offset, const void *bytes,
                         unsigned count)
{
    mutex_lock(&loopback->lock);
    memcpy(loopback->config + offset, bytes, count);
    config_changed(loopback);
    mutex_unlock(&loopback->lock);
}
