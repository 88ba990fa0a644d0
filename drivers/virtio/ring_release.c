/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Buffers that come back to a ring of either format.
 */
#include "ring.h"

struct ring_slot *ring_release_pieces(struct ring *ring, struct ring_slot *slot)
{
    struct ring_slot *tail = slot;

    ring_unpin(ring, slot);
    for (unsigned i = slot->count; i > 1; i--)
        tail = &ring->slots[tail->next];
    if (slot->table != NO_TABLE) {
        ring->free_tables[ring->nr_free_tables++] = slot->table;
        slot->table = NO_TABLE;
    }
    return tail;
}

unsigned ring_batch_size(const struct ring *ring, unsigned head)
{
    uint16_t at = ring->oldest;
    unsigned size = 1;

    while (at != head) {
        for (unsigned i = ring->slots[at].count; i; i--)
            at = ring->slots[at].next;
        size++;
    }
    return size;
}
