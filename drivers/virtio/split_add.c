/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Offering buffers through a split ring.
 */
#include "ring.h"
#include <arch/barrier.h>

static void write_descriptor(struct ring_descriptor *descriptor, const struct virtio_sg *sg,
                             unsigned flags, uint16_t next)
{
    descriptor->address = le64(sg->phys);
    descriptor->length = le32(sg->length);
    descriptor->flags = le16((uint16_t)flags);
    descriptor->next = le16(next);
}

/* Flags of piece `i`: readable pieces come first (RING-SPLIT-002). */
static unsigned piece_flags(unsigned i, unsigned out, unsigned pieces)
{
    return (i >= out ? DESC_F_WRITE : 0) | (i + 1 < pieces ? DESC_F_NEXT : 0);
}

/* The pieces in the ring itself, one descriptor each. */
static void write_chain(struct ring *ring, uint16_t head, const struct virtio_sg *sg,
                        unsigned out, unsigned pieces)
{
    uint16_t at = head;

    for (unsigned i = 0; i < pieces; i++) {
        uint16_t next = ring->slots[at].next;

        write_descriptor(&ring->split.descriptors[at], &sg[i], piece_flags(i, out, pieces),
                         next);
        at = next;
    }
}

/* The pieces in a table of their own, in order (RING-SPLIT-010), behind one descriptor. */
static void write_table(struct ring *ring, uint16_t head, const struct virtio_sg *sg,
                        unsigned out, unsigned pieces)
{
    struct ring_descriptor *table = ring_table(ring, head);
    const struct virtio_sg where = {virt_to_phys(table), (uint32_t)(pieces * sizeof(*table))};

    for (unsigned i = 0; i < pieces; i++)
        write_descriptor(&table[i], &sg[i], piece_flags(i, out, pieces), (uint16_t)(i + 1));
    write_descriptor(&ring->split.descriptors[head], &where, DESC_F_INDIRECT,
                     ring->slots[head].next);
}

static void publish(struct ring *ring, uint16_t head)
{
    ring->split.available->ring[ring->next_avail & (ring->queue.size - 1)] = le16(head);
    /* RING-SPLIT-026: the device must find the whole buffer behind the index it sees. */
    barrier_write();
    ring->next_avail++;
    WRITE_ONCE(ring->split.available->index, le16(ring->next_avail));
    ring->nr_added++;
}

static __attribute__((noinline)) int add_many(struct ring *ring, const struct virtio_sg *sg,
                                              unsigned out, unsigned pieces, void *token)
{
    int head = ring_claim(ring, sg, out, pieces, token);

    if (head < 0)
        return head;
    if (ring->slots[head].table != NO_TABLE)
        write_table(ring, (uint16_t)head, sg, out, pieces);
    else
        write_chain(ring, (uint16_t)head, sg, out, pieces);
    publish(ring, (uint16_t)head);
    return 0;
}

static inline int add_one(struct ring *ring, const struct virtio_sg *sg, bool in, void *token)
{
    int head = ring_claim_one(ring, sg, in, token);
    struct ring_descriptor *descriptor;

    if (head < 0)
        return head;
    descriptor = &ring->split.descriptors[head];
    descriptor->address = le64(sg->phys);
    descriptor->length = le32(sg->length);
    descriptor->flags = le16(in ? DESC_F_WRITE : 0);
    publish(ring, (uint16_t)head);
    return 0;
}

int split_add(struct virtqueue *queue, const struct virtio_sg *sg, unsigned out, unsigned in,
              void *token)
{
    struct ring *ring = to_ring(queue);

    if (out + in == 1)
        return add_one(ring, sg, in, token);
    return add_many(ring, sg, out, out + in, token);
}

bool split_kick_needed(struct virtqueue *queue)
{
    struct ring *ring = to_ring(queue);
    unsigned added = ring->nr_added;
    uint16_t event;

    ring->nr_added = 0;
    if (!added)
        return false;
    if (!ring->event_index) /* RING-SPLIT-020 to -022 */
        return !(le16(READ_ONCE(ring->split.used->flags)) & USED_F_NO_NOTIFY);
    /* After so many the index has gone once around and the event says nothing any more. */
    if (added > UINT16_MAX)
        return true;
    event = le16(READ_ONCE(*ring_avail_event(ring->split.used, queue->size)));
    return ring_event_crossed(event, ring->next_avail, (uint16_t)(ring->next_avail - added));
}
