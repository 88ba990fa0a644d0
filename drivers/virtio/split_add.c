/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Offering buffers through a split ring.
 */
#include "split.h"
#include <arch/barrier.h>
#include <neap/errors.h>
#include <string.h>

/*
 * A buffer holds 1 to queue-size pieces (RING-SPLIT-008), none of them empty (devices refuse
 * those), and less than 4 GiB together (RING-SPLIT-004; used lengths have 32 bits). Gives the
 * device-writable bytes.
 */
static inline bool buffer_is_valid(const struct virtqueue *queue, const struct virtio_sg *sg,
                                   unsigned out, unsigned pieces, uint64_t *in_length)
{
    uint64_t total = 0;

    *in_length = 0;
    if (!pieces || pieces > queue->size)
        return false;
    for (unsigned i = 0; i < pieces; i++) {
        if (!sg[i].length)
            return false;
        total += sg[i].length;
        *in_length += i >= out ? sg[i].length : 0;
    }
    return total <= UINT32_MAX;
}

static void write_descriptor(struct ring_descriptor *descriptor, uint64_t address,
                             uint32_t length, unsigned flags, uint16_t next)
{
    descriptor->address = le64(address);
    descriptor->length = le32(length);
    descriptor->flags = le16((uint16_t)flags);
    descriptor->next = le16(next);
}

/* Flags of piece `i`: readable pieces come first (RING-SPLIT-002). */
static unsigned piece_flags(unsigned i, unsigned out, unsigned pieces)
{
    return (i >= out ? DESC_F_WRITE : 0) | (i + 1 < pieces ? DESC_F_NEXT : 0);
}

/* One piece in the ring itself. Returns the next free descriptor. */
static inline uint16_t put_piece(struct split_ring *ring, uint16_t at,
                                 const struct virtio_sg *sg, unsigned flags)
{
    struct split_slot *slot = &ring->slots[at];

    write_descriptor(&ring->descriptors[at], sg->phys, sg->length, flags, slot->next);
    slot->piece = *sg;
    return slot->next;
}

/* The pieces in the ring itself, one descriptor each. */
static void add_direct(struct split_ring *ring, const struct virtio_sg *sg, unsigned out,
                       unsigned pieces)
{
    uint16_t head = ring->free_head;

    for (unsigned i = 0; i < pieces; i++)
        ring->free_head = put_piece(ring, ring->free_head, &sg[i], piece_flags(i, out, pieces));
    ring->slots[head].count = (uint16_t)pieces;
    ring->nr_free -= pieces;
}

/* The pieces in a table of their own, in order (RING-SPLIT-010), behind one descriptor. */
static void add_indirect(struct split_ring *ring, const struct virtio_sg *sg, unsigned out,
                         unsigned pieces)
{
    uint16_t head = ring->free_head;
    uint16_t index = ring->free_tables[--ring->nr_free_tables];
    struct ring_descriptor *table = ring->tables + index * ring->table_entries;

    for (unsigned i = 0; i < pieces; i++)
        write_descriptor(&table[i], sg[i].phys, sg[i].length, piece_flags(i, out, pieces),
                         (uint16_t)(i + 1));
    memcpy(ring->table_pieces + index * ring->table_entries, sg, pieces * sizeof(*sg));
    write_descriptor(&ring->descriptors[head], virt_to_phys(table),
                     (uint32_t)(pieces * sizeof(*table)), DESC_F_INDIRECT,
                     ring->slots[head].next);
    ring->slots[head].table = index;
    ring->slots[head].count = 1;
    ring->nr_free--;
    ring->free_head = ring->slots[head].next;
}

static void publish(struct split_ring *ring, uint16_t head)
{
    ring->available->ring[ring->avail_index & (ring->queue.size - 1)] = le16(head);
    /* RING-SPLIT-026: the device must find the whole buffer behind the index it sees. */
    barrier_write();
    ring->avail_index++;
    WRITE_ONCE(ring->available->index, le16(ring->avail_index));
    ring->nr_buffers++;
    ring->nr_added++;
}

static __attribute__((noinline)) int add_many(struct split_ring *ring,
                                              const struct virtio_sg *sg, unsigned out,
                                              unsigned pieces, void *token)
{
    struct split_slot *slot = &ring->slots[ring->free_head];
    uint16_t head = ring->free_head;
    uint64_t in_length;
    bool indirect;

    if (!token || !buffer_is_valid(&ring->queue, sg, out, pieces, &in_length))
        return -EINVAL;
    indirect = ring->nr_free_tables && pieces <= ring->table_entries;
    if (ring->nr_free < (indirect ? 1 : pieces))
        return -ENOSPC;
    if (indirect)
        add_indirect(ring, sg, out, pieces);
    else
        add_direct(ring, sg, out, pieces);
    slot->token = token;
    slot->in_length = (uint32_t)in_length;
    slot->pinned = (uint16_t)(ring->gives_memory ? out : pieces);
    slot->frame = NULL;
    for (unsigned i = 0; i < slot->pinned; i++)
        (void)pin_buffer(sg[i].phys, sg[i].length);
    publish(ring, head);
    return 0;
}

/* What nearly all buffers are: no successor, and in a single frame. */
static inline int add_one(struct split_ring *ring, const struct virtio_sg *sg, bool in,
                          void *token)
{
    const uint64_t phys = sg->phys;
    const uint32_t length = sg->length;
    const uint16_t head = ring->free_head;
    struct ring_descriptor *descriptor = &ring->descriptors[head];
    struct split_slot *slot = &ring->slots[head];

    if (!token || !length)
        return -EINVAL;
    if (!ring->nr_free)
        return -ENOSPC;
    descriptor->address = le64(phys);
    descriptor->length = le32(length);
    descriptor->flags = le16(in ? DESC_F_WRITE : 0);
    ring->free_head = slot->next;
    ring->nr_free--;
    slot->count = 1;
    slot->token = token;
    slot->in_length = in ? length : 0;
    slot->pinned = !(in && ring->gives_memory);
    slot->frame = slot->pinned ? pin_buffer(phys, length) : NULL;
    if (__builtin_expect(!slot->frame, 0))
        slot->piece = *sg;
    publish(ring, head);
    return 0;
}

int split_add(struct virtqueue *queue, const struct virtio_sg *sg, unsigned out, unsigned in,
              void *token)
{
    struct split_ring *ring = to_split(queue);

    if (out + in == 1)
        return add_one(ring, sg, in, token);
    return add_many(ring, sg, out, out + in, token);
}

bool split_kick_needed(struct virtqueue *queue)
{
    struct split_ring *ring = to_split(queue);
    unsigned added = ring->nr_added;
    uint16_t event;

    ring->nr_added = 0;
    if (!added)
        return false;
    if (!ring->event_index) /* RING-SPLIT-020 to -022 */
        return !(le16(READ_ONCE(ring->used->flags)) & USED_F_NO_NOTIFY);
    /* After so many the index has gone once around and the event says nothing any more. */
    if (added > UINT16_MAX)
        return true;
    event = le16(READ_ONCE(*ring_avail_event(ring->used, queue->size)));
    return ring_event_crossed(event, ring->avail_index, (uint16_t)(ring->avail_index - added));
}
