/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pins of a ring: every buffer from before the device sees it until it is used, or taken
 * back after a reset. What is unpinned comes from our own record of the pieces.
 */
#include "ring.h"

/* The i-th piece of a buffer, `at` being its i-th descriptor. */
static inline const struct virtio_sg *piece_at(const struct ring *ring, uint16_t table,
                                               const struct ring_slot *at, unsigned i)
{
    if (__builtin_expect(table != NO_TABLE, 0))
        return &ring->table_pieces[table * ring->table_entries + i];
    return &at->piece;
}

void ring_unpin(struct ring *ring, const struct ring_slot *slot)
{
    const struct ring_slot *at = slot;

    for (unsigned i = 0; i < slot->pinned; i++) {
        const struct virtio_sg *piece = piece_at(ring, slot->table, at, i);

        unpin_buffer(piece->phys, piece->length);
        at = &ring->slots[at->next];
    }
}

/* Frames of a piece that lie in [start, end). */
static uint64_t overlap(const struct virtio_sg *piece, uint64_t start, uint64_t end)
{
    uint64_t first = piece->phys >> PAGE_SHIFT;
    uint64_t last = (piece->phys + piece->length + PAGE_SIZE - 1) >> PAGE_SHIFT;

    first = MAX(first, start);
    last = MIN(last, end);
    return last > first ? last - first : 0;
}

/*
 * Without the driver's lock: every index is one of ours, so a wrong answer is all that can be.
 */
uint64_t ring_pinned_pages(const struct pin_source *source, uint64_t start, uint64_t end)
{
    const struct ring *ring = container_of(source, const struct ring, pins);
    uint64_t pages = 0;

    for (unsigned head = 0; head < ring->queue.size; head++) {
        const struct ring_slot *slot = &ring->slots[head], *at = slot;
        const struct page *frame = READ_ONCE(slot->frame);
        uint16_t table = READ_ONCE(slot->table);
        unsigned nr = READ_ONCE(slot->token) ? READ_ONCE(slot->pinned) : 0;

        if (nr && frame) {
            pages += page_to_pfn(frame) >= start && page_to_pfn(frame) < end;
            continue;
        }
        /* Both may be of different buffers. */
        if (table != NO_TABLE)
            nr = MIN(nr, ring->table_entries);
        for (unsigned i = 0; i < nr; i++) {
            pages += overlap(piece_at(ring, table, at, i), start, end);
            at = &ring->slots[READ_ONCE(at->next)];
        }
    }
    return pages;
}
