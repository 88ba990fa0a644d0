/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking used buffers back from a split ring. What the device wrote is checked here.
 */
#include "ring.h"
#include <arch/barrier.h>

/* Read the next used entry: the head of the buffer it is for. */
static inline __attribute__((always_inline)) bool read_entry(struct ring *ring, uint32_t *head,
                                                             uint32_t *length)
{
    const struct ring_used_entry *entry =
        &ring->split.used->ring[ring->last_used & (ring->queue.size - 1)];

    /* The entry was written before the index that we have just read. */
    barrier_read();
    *head = le32(READ_ONCE(entry->id));
    *length = le32(READ_ONCE(entry->length));
    return ring_may_use(ring, *head, *length);
}

/* IN_ORDER: one entry may stand for a batch, all of which the `entries` must cover. */
static inline __attribute__((always_inline)) bool
take_in_order(struct ring *ring, unsigned entries, uint32_t *head, uint32_t *length)
{
    if (!ring->batch_left) {
        unsigned batch;

        if (!read_entry(ring, head, &ring->batch_length))
            return false;
        batch = ring_batch_size(ring, *head);
        if (batch > entries) {
            virtqueue_bad(&ring->queue, "used index stops inside a batch: id", *head);
            return false;
        }
        ring->batch_left = batch;
    }
    *head = ring_batch_next(ring, length);
    return true;
}

static uint16_t used_index(const struct ring *ring)
{
    return le16(READ_ONCE(ring->split.used->index));
}

static inline __attribute__((always_inline)) void *take(struct virtqueue *queue,
                                                        uint32_t *length)
{
    struct ring *ring = to_ring(queue);
    unsigned entries = (uint16_t)(used_index(ring) - ring->last_used);
    uint32_t head = 0, written = 0;
    void *token;

    if (!entries)
        return NULL;
    if (entries > ring->nr_buffers) {
        virtqueue_bad(queue, "used index runs ahead to", used_index(ring));
        return NULL;
    }
    if (ring->in_order ? !take_in_order(ring, entries, &head, &written)
                       : !read_entry(ring, &head, &written))
        return NULL;
    if (length)
        *length = written;
    token = ring_release(ring, head);
    ring->last_used++;
    /* Move the event along, or the next used buffer would raise no interrupt. */
    if (ring->event_index && ring->callbacks) {
        WRITE_ONCE(*ring_used_event(ring->split.available, queue->size), le16(ring->last_used));
        barrier_full();
    }
    return token;
}

void *split_take(struct virtqueue *queue, uint32_t *length)
{
    return take(queue, length);
}

unsigned split_take_many(struct virtqueue *queue, void **tokens, unsigned max)
{
    unsigned nr = 0;

    while (nr < max && (tokens[nr] = take(queue, NULL)))
        nr++;
    return nr;
}

bool split_has_used(const struct virtqueue *queue)
{
    const struct ring *ring = to_ring(queue);

    return used_index(ring) != ring->last_used;
}

bool split_enable_callback(struct virtqueue *queue)
{
    struct ring *ring = to_ring(queue);

    ring->callbacks = true;
    if (ring->event_index)
        WRITE_ONCE(*ring_used_event(ring->split.available, queue->size), le16(ring->last_used));
    else
        WRITE_ONCE(ring->split.available->flags, 0);
    /* The device may have used a buffer before it saw the wish: look again behind a barrier. */
    barrier_full();
    return split_has_used(queue);
}

/*
 * With an event index the flags stay 0 (RING-SPLIT-014); leaving the event behind the used
 * index is what keeps the device quiet.
 */
void split_disable_callback(struct virtqueue *queue)
{
    struct ring *ring = to_ring(queue);

    ring->callbacks = false;
    if (ring->event_index)
        WRITE_ONCE(*ring_used_event(ring->split.available, queue->size),
                   le16((uint16_t)(ring->last_used - 1)));
    else
        WRITE_ONCE(ring->split.available->flags, le16(AVAIL_F_NO_INTERRUPT));
}
