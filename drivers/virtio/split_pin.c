/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pins of a split ring: every buffer from before the device sees it until it is used, or taken
 * back after a reset. What is unpinned comes from our own record of the pieces.
 */
#include "split.h"

/* Every pinned piece of a buffer: in a table, or one for each descriptor of the chain. */
static inline __attribute__((always_inline)) void
for_each_piece(const struct split_ring *ring, uint16_t head,
               void (*fn)(const struct virtio_sg *, void *), void *arg)
{
    uint16_t table = READ_ONCE(ring->slots[head].table), at = head;
    unsigned nr = READ_ONCE(ring->slots[head].pinned);

    for (unsigned i = 0; i < nr; i++) {
        const struct split_slot *slot = &ring->slots[at];

        fn(table == NO_TABLE ? &slot->piece
                             : &ring->table_pieces[table * ring->table_entries + i],
           arg);
        at = slot->next;
    }
}

static void pin(const struct virtio_sg *piece, void *arg UNUSED)
{
    pin_buffer(piece->phys, piece->length);
}

static void unpin(const struct virtio_sg *piece, void *arg UNUSED)
{
    unpin_buffer(piece->phys, piece->length);
}

void split_pin(struct split_ring *ring, uint16_t head, unsigned pieces)
{
    ring->slots[head].pinned = (uint16_t)pieces;
    for_each_piece(ring, head, pin, NULL);
}

void split_unpin(struct split_ring *ring, uint16_t head)
{
    for_each_piece(ring, head, unpin, NULL);
}

struct overlap {
    uint64_t start, end; /* frames */
    uint64_t pages;
};

static void overlap(const struct virtio_sg *piece, void *arg)
{
    struct overlap *sum = arg;
    uint64_t first = piece->phys >> PAGE_SHIFT;
    uint64_t last = (piece->phys + piece->length + PAGE_SIZE - 1) >> PAGE_SHIFT;

    first = MAX(first, sum->start);
    last = MIN(last, sum->end);
    sum->pages += last > first ? last - first : 0;
}

/* Without the driver's lock: every index is one of ours, so a wrong answer is all that can be.
 */
uint64_t split_pinned_pages(const struct pin_source *source, uint64_t start, uint64_t end)
{
    const struct split_ring *ring = container_of(source, const struct split_ring, pins);
    struct overlap sum = {.start = start, .end = end};

    for (unsigned i = 0; i < ring->queue.size; i++)
        if (READ_ONCE(ring->slots[i].token))
            for_each_piece(ring, (uint16_t)i, overlap, &sum);
    return sum.pages;
}
