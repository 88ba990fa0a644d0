/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtqueues as a device driver sees them: buffers in, buffers back.
 *
 * Usage: virtqueue_add() any number of buffers, virtqueue_kick() once; in the callback (or a
 * poll) virtqueue_take() until it returns NULL. All calls on one queue are serialised by the
 * driver, except that the callback may run at any time after virtio_device_ready().
 */
#ifndef NEAP_VIRTQUEUE_H
#define NEAP_VIRTQUEUE_H

#include <stdbool.h>
#include <stdint.h>

struct virtqueue;
struct virtio_device;

/* One physically contiguous piece of a buffer. */
struct virtio_sg {
    uint64_t phys;
    uint32_t length;
};

/* Used-buffer notification. Interrupt context: wake something. */
typedef void (*virtqueue_callback_t)(struct virtqueue *queue, void *arg);

/*
 * Offer one buffer: `out` device-readable pieces, then `in` device-writable ones. `token` (not
 * NULL) comes back from virtqueue_take(). Its memory is pinned until then. Returns 0; -ENOSPC
 * when the ring has no room (nothing changed); -EIO on a broken queue; -EINVAL for an empty or
 * over-long buffer (RING-SPLIT-004, -008). Never sleeps.
 */
int virtqueue_add(struct virtqueue *queue, const struct virtio_sg *sg, unsigned out,
                  unsigned in, void *token);

/* Tell the device about added buffers if it wants to know. Never sleeps. */
void virtqueue_kick(struct virtqueue *queue);

/*
 * Take one used buffer: its token, and through `length` the bytes the device wrote (never
 * more than the device-writable part). NULL: none, or the queue is broken: then
 * virtqueue_broken() is true, the reason is logged and the device is reset and probed again.
 */
void *virtqueue_take(struct virtqueue *queue, uint32_t *length);

/*
 * Take up to `max` used buffers, of which the device's lengths do not matter: their tokens.
 * Returns how many; fewer than `max` as virtqueue_take() returns NULL.
 */
unsigned virtqueue_take_many(struct virtqueue *queue, void **tokens, unsigned max);

/* Is there a used buffer to take, or is the queue broken? Any context. */
bool virtqueue_has_used(const struct virtqueue *queue);

/* Ask for callbacks again; returns true if used buffers came meanwhile (take them first). */
bool virtqueue_enable_callback(struct virtqueue *queue);
/* Ask the device not to interrupt: a hint. */
void virtqueue_disable_callback(struct virtqueue *queue);

bool virtqueue_broken(const struct virtqueue *queue);
unsigned virtqueue_size(const struct virtqueue *queue);
/* Free descriptors now. A direct buffer takes one per piece, an indirect one takes one. */
unsigned virtqueue_room(const struct virtqueue *queue);
unsigned virtqueue_index(const struct virtqueue *queue);
const char *virtqueue_name(const struct virtqueue *queue);
struct virtio_device *virtqueue_device(const struct virtqueue *queue);

/*
 * After a device reset: hand back the tokens of buffers that were never used, one a call. Their
 * memory is no longer pinned then; nobody may free it before.
 */
void *virtqueue_detach(struct virtqueue *queue);

#endif
