/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Room for buffers of several pieces in a ring of either format.
 */
#include "ring.h"
#include <string.h>

/*
 * A buffer holds 1 to queue-size pieces (RING-SPLIT-008, RING-PACKED-007), none of them empty
 * (devices refuse those), and less than 4 GiB together (RING-SPLIT-004; used lengths have 32
 * bits). Gives the device-writable bytes.
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

/* A slot for each piece. */
static void claim_slots(struct ring *ring, const struct virtio_sg *sg, unsigned pieces)
{
    struct ring_slot *slot = &ring->slots[ring->free_head];

    slot->count = (uint16_t)pieces;
    ring->nr_free -= pieces;
    for (unsigned i = 0; i < pieces; i++) {
        slot = &ring->slots[ring->free_head];
        slot->piece = sg[i];
        ring->free_head = slot->next;
    }
}

/* One slot, and a table for the pieces. */
static void claim_table(struct ring *ring, const struct virtio_sg *sg, unsigned pieces)
{
    struct ring_slot *slot = &ring->slots[ring->free_head];

    slot->table = ring->free_tables[--ring->nr_free_tables];
    slot->count = 1;
    memcpy(ring->table_pieces + slot->table * ring->table_entries, sg, pieces * sizeof(*sg));
    ring->nr_free--;
    ring->free_head = slot->next;
}

int ring_claim(struct ring *ring, const struct virtio_sg *sg, unsigned out, unsigned pieces,
               void *token)
{
    uint16_t head = ring->free_head;
    struct ring_slot *slot = &ring->slots[head];
    uint64_t in_length;
    bool indirect;

    if (!token || !buffer_is_valid(&ring->queue, sg, out, pieces, &in_length))
        return -EINVAL;
    indirect = ring->nr_free_tables && pieces <= ring->table_entries;
    if (ring->nr_free < (indirect ? 1 : pieces)) /* RING-PACKED-010 */
        return -ENOSPC;
    if (indirect)
        claim_table(ring, sg, pieces);
    else
        claim_slots(ring, sg, pieces);
    ring->nr_buffers++;
    slot->token = token;
    slot->in_length = (uint32_t)in_length;
    slot->pinned = (uint16_t)(ring->gives_memory ? out : pieces);
    slot->frame = NULL;
    for (unsigned i = 0; i < slot->pinned; i++)
        (void)pin_buffer(sg[i].phys, sg[i].length);
    return head;
}
