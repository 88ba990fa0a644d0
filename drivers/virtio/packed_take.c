/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking used buffers back from a packed ring. What the device wrote is checked here.
 */
#include "ring.h"
#include <arch/barrier.h>

static struct packed_descriptor *next_descriptor(const struct ring *ring)
{
    return &ring->packed.descriptors[packed_position(ring->last_used)];
}

bool packed_has_used(const struct virtqueue *queue)
{
    const struct ring *ring = to_ring(queue);
    uint16_t flags;

    if (ring->batch_left)
        return true;
    flags = le16(READ_ONCE(next_descriptor(ring)->flags)) & (DESC_F_AVAIL | DESC_F_USED);
    return flags == packed_used_flags(ring->last_used);
}

/*
 * Read the next used descriptor: the id of the buffer it is for. By the letter of virtio 1.4
 * the length counts only beside the WRITE flag; QEMU gives lengths and never sets the flag. So
 * a length without it counts, too, unless it cannot be one.
 */
static inline __attribute__((always_inline)) bool read_used(struct ring *ring, uint32_t *id,
                                                            uint32_t *length)
{
    const struct packed_descriptor *used = next_descriptor(ring);
    bool written = le16(READ_ONCE(used->flags)) & DESC_F_WRITE;
    uint32_t most;

    /* The rest was written before the flags. */
    barrier_read();
    *id = le16(READ_ONCE(used->id));
    *length = le32(READ_ONCE(used->length));
    most = *id < ring->queue.size ? ring->slots[*id].in_length : 0;
    if (!written && *length > most)
        *length = 0;
    return ring_may_use(ring, *id, *length);
}

/* IN_ORDER: one descriptor, where the first buffer's was, may stand for a batch. */
static inline __attribute__((always_inline)) bool take_in_order(struct ring *ring, uint32_t *id,
                                                                uint32_t *length)
{
    if (!ring->batch_left) {
        if (!read_used(ring, id, &ring->batch_length))
            return false;
        ring->batch_left = ring_batch_size(ring, *id);
    }
    *id = ring_batch_next(ring, length);
    return true;
}

/* Ask for an interrupt at the next used descriptor: both halves are written at once. */
static void ask_for_next(struct ring *ring)
{
    WRITE_ONCE(*ring->packed.driver_event,
               le32(ring->event_index ? EVENT_AT | ring->last_used : EVENT_ENABLE));
    /* The device may have used a buffer before it saw the wish: look again behind a barrier. */
    barrier_full();
}

static inline __attribute__((always_inline)) void *take(struct virtqueue *queue,
                                                        uint32_t *length)
{
    struct ring *ring = to_ring(queue);
    uint32_t id = 0, written = 0;
    unsigned descriptors;
    void *token;

    if (!packed_has_used(queue))
        return NULL;
    if (ring->in_order ? !take_in_order(ring, &id, &written) : !read_used(ring, &id, &written))
        return NULL;
    if (length)
        *length = written;
    descriptors = ring->slots[id].count;
    token = ring_release(ring, id);
    ring->last_used = packed_advance(ring->last_used, descriptors, queue->size);
    if (ring->event_index && ring->callbacks)
        ask_for_next(ring);
    return token;
}

void *packed_take(struct virtqueue *queue, uint32_t *length)
{
    return take(queue, length);
}

unsigned packed_take_many(struct virtqueue *queue, void **tokens, unsigned max)
{
    unsigned nr = 0;

    while (nr < max && (tokens[nr] = take(queue, NULL)))
        nr++;
    return nr;
}

bool packed_enable_callback(struct virtqueue *queue)
{
    struct ring *ring = to_ring(queue);

    ring->callbacks = true;
    ask_for_next(ring);
    return packed_has_used(queue);
}

void packed_disable_callback(struct virtqueue *queue)
{
    struct ring *ring = to_ring(queue);

    ring->callbacks = false;
    WRITE_ONCE(*ring->packed.driver_event, le32(EVENT_DISABLE));
}
