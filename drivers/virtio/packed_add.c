/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Offering buffers through a packed ring.
 */
#include "ring.h"
#include <arch/barrier.h>

static void write_descriptor(struct packed_descriptor *descriptor, const struct virtio_sg *sg,
                             uint16_t id)
{
    descriptor->address = le64(sg->phys);
    descriptor->length = le32(sg->length);
    descriptor->id = le16(id);
}

/*
 * The flags of the first descriptor hand a whole buffer over, so they are written last
 * (RING-PACKED-011, RING-PACKED-016).
 */
static inline void publish(struct ring *ring, unsigned flags, unsigned descriptors)
{
    uint16_t first = ring->next_avail;

    flags |= packed_available_flags(first);
    ring->next_avail = packed_advance(first, descriptors, ring->queue.size);
    ring->nr_added += descriptors;
    barrier_write();
    WRITE_ONCE(ring->packed.descriptors[packed_position(first)].flags, le16((uint16_t)flags));
}

/* Flags of piece `i`: readable pieces come first (RING-PACKED-008). */
static unsigned piece_flags(unsigned i, unsigned out, unsigned pieces)
{
    return (i >= out ? DESC_F_WRITE : 0) | (i + 1 < pieces ? DESC_F_NEXT : 0);
}

/* The pieces in the ring itself, one descriptor after the other. */
static void add_chain(struct ring *ring, uint16_t id, const struct virtio_sg *sg, unsigned out,
                      unsigned pieces)
{
    uint16_t at = ring->next_avail;

    for (unsigned i = 0; i < pieces; i++) {
        struct packed_descriptor *descriptor = &ring->packed.descriptors[packed_position(at)];

        write_descriptor(descriptor, &sg[i], id);
        if (i)
            descriptor->flags =
                le16((uint16_t)(piece_flags(i, out, pieces) | packed_available_flags(at)));
        at = packed_advance(at, 1, ring->queue.size);
    }
    publish(ring, piece_flags(0, out, pieces), pieces);
}

/* The pieces in a table, which knows one flag (RING-PACKED-013), behind one descriptor. */
static void add_table(struct ring *ring, uint16_t id, const struct virtio_sg *sg, unsigned out,
                      unsigned pieces)
{
    struct packed_descriptor *table = ring_table(ring, id);
    const struct virtio_sg where = {virt_to_phys(table), (uint32_t)(pieces * sizeof(*table))};

    for (unsigned i = 0; i < pieces; i++) {
        write_descriptor(&table[i], &sg[i], 0);
        table[i].flags = le16(i >= out ? DESC_F_WRITE : 0);
    }
    write_descriptor(&ring->packed.descriptors[packed_position(ring->next_avail)], &where, id);
    publish(ring, DESC_F_INDIRECT, 1);
}

static __attribute__((noinline)) int add_many(struct ring *ring, const struct virtio_sg *sg,
                                              unsigned out, unsigned pieces, void *token)
{
    int id = ring_claim(ring, sg, out, pieces, token);

    if (id < 0)
        return id;
    if (ring->slots[id].table != NO_TABLE)
        add_table(ring, (uint16_t)id, sg, out, pieces);
    else
        add_chain(ring, (uint16_t)id, sg, out, pieces);
    return 0;
}

int packed_add(struct virtqueue *queue, const struct virtio_sg *sg, unsigned out, unsigned in,
               void *token)
{
    struct ring *ring = to_ring(queue);
    int id;

    if (out + in != 1)
        return add_many(ring, sg, out, out + in, token);
    id = ring_claim_one(ring, sg, in, token);
    if (id < 0)
        return id;
    write_descriptor(&ring->packed.descriptors[packed_position(ring->next_avail)], sg,
                     (uint16_t)id);
    publish(ring, in ? DESC_F_WRITE : 0, 1);
    return 0;
}

bool packed_kick_needed(struct virtqueue *queue)
{
    struct ring *ring = to_ring(queue);
    unsigned added = ring->nr_added;

    ring->nr_added = 0;
    return added && packed_event_wanted(le32(READ_ONCE(*ring->packed.device_event)),
                                        ring->next_avail, added, queue->size);
}
