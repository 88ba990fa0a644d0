/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the virtio core share.
 */
#ifndef VIRTIO_INTERNAL_H
#define VIRTIO_INTERNAL_H

#include <neap/virtio.h>

/* One format of rings; every function is called on a queue that is not broken. */
struct ring_ops {
    int (*add)(struct virtqueue *queue, const struct virtio_sg *sg, unsigned out, unsigned in,
               void *token);
    /* Forget what was added since the last call; does the device want to know of it? */
    bool (*kick_needed)(struct virtqueue *queue);
    /* The upper half of a notification with VIRTIO_F_NOTIFICATION_DATA. */
    uint16_t (*notify_position)(const struct virtqueue *queue);
    void *(*take)(struct virtqueue *queue, uint32_t *length); /* which may be NULL */
    unsigned (*take_many)(struct virtqueue *queue, void **tokens, unsigned max);
    bool (*has_used)(const struct virtqueue *queue);
    bool (*enable_callback)(struct virtqueue *queue);
    void (*disable_callback)(struct virtqueue *queue);
    unsigned (*room)(const struct virtqueue *queue);
    void *(*detach)(struct virtqueue *queue);
    /*
     * A device that left the queue says that it has read up to `fetched`: where must it go on,
     * so that it uses each buffer in flight once? 0, or -EIO when what it says makes no sense.
     * NULL: the format has no such index.
     */
    int (*resume_at)(const struct virtqueue *queue, uint16_t fetched, uint16_t *position);
    void (*destroy)(struct virtqueue *queue);
};

/* What a virtqueue is to those who do not look into its ring. */
struct virtqueue {
    const struct ring_ops *ring;
    struct virtio_device *dev;
    const char *name;
    virtqueue_callback_t callback;
    void *arg;
    unsigned index;
    unsigned size;
    struct virtqueue_areas areas;
    bool broken;
};

/*
 * Make a ring of `size` descriptors (a power of two), in the format that was negotiated, and
 * say where it lies. NULL when memory is short. Thread context.
 */
struct virtqueue *ring_create(struct virtio_device *dev,
                              const struct virtio_queue_request *request, unsigned size,
                              struct virtqueue_areas *areas);

/* What a used entry says makes no sense: log it with its value and give the device up. */
void virtqueue_bad(struct virtqueue *queue, const char *what, uint64_t value);

/* Notify the device of a queue, whatever its wishes. Not on a broken queue. */
void virtqueue_notify(struct virtqueue *queue);

/* Call a device by its class, the next number in it, and its place. Boot thread. */
void virtio_device_name(struct virtio_device *dev, const char *place);

/* Mark every queue broken and run the callbacks of a live device, so that each wait ends. */
void virtio_break_queues(struct virtio_device *dev);

/* Free the rings. The device was reset before and its interrupts are detached. */
void virtio_destroy_queues(struct virtio_device *dev);

/*
 * Choose `accepted` from what is offered. Returns 0, or -ENOTSUP with a logged reason when the
 * device and its driver have no common ground.
 */
int virtio_negotiate(struct virtio_device *dev);

/* Set further status bits (STATUS-002: never clear one). */
void virtio_add_status(struct virtio_device *dev, uint8_t bits);

/*
 * The steps up to FEATURES_OK, from the reset on (INIT-001 to INIT-009). 0 or an error. Under
 * the device's lock.
 */
int virtio_agree(struct virtio_device *dev);

/* Run the initialisation of virtio 1.4, 3.1.1. Under the device's lock. */
int virtio_start(struct virtio_device *dev);

/* Reset the device and take everything down. Under the device's lock. */
void virtio_stop(struct virtio_device *dev);

/* Work functions of a device (recovery.c). */
void virtio_config_work(struct work *work);
void virtio_reset_work(struct work *work);

#endif
