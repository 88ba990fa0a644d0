/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device's side of a split ring (virtio 1.4, 2.7).
 */
#include "vringd_format.h"

/* One table of descriptors: the ring's own, or an indirect one. */
struct table {
    struct ring_descriptor *entries;
    unsigned size;
    bool indirect;
};

static size_t driver_bytes(unsigned size)
{
    return ring_available_bytes(size);
}

static size_t device_bytes(unsigned size)
{
    return ring_used_bytes(size);
}

static uint16_t available_index(const struct vringd *ring)
{
    const struct ring_available *available = ring->driver;

    return le16(READ_ONCE(available->index));
}

static bool is_empty(struct vringd *ring)
{
    if (available_index(ring) != ring->next_avail)
        return false;
    if (!ring->event_index)
        return true;
    WRITE_ONCE(*ring_avail_event(ring->device, ring->size), le16(ring->next_avail));
    barrier_full();
    return available_index(ring) == ring->next_avail;
}

/* Switch from the ring to the indirect table that `entry` points at. */
static int enter_table(struct vringd *ring, struct table *table,
                       const struct ring_descriptor *entry)
{
    if (table->indirect || le16(entry->flags) & DESC_F_NEXT)
        return -EIO;
    table->entries =
        vringd_table(ring, le64(entry->address), le32(entry->length), &table->size);
    table->indirect = true;
    return table->entries ? 0 : -EIO;
}

/* Follow a chain; it cannot be longer than the ring, which also ends loops. */
static int read_chain(struct vringd *ring, struct vringd_chain *chain)
{
    struct table table = {.entries = ring->descriptors, .size = ring->size};
    unsigned at = chain->head;
    int error;

    for (unsigned i = 0; i <= ring->size; i++) {
        struct ring_descriptor entry;
        uint16_t flags;

        if (at >= table.size)
            return -EIO;
        entry = *(volatile struct ring_descriptor *)&table.entries[at];
        flags = le16(entry.flags);
        if (flags & DESC_F_INDIRECT) {
            error = enter_table(ring, &table, &entry);
            at = 0;
        } else {
            error = vringd_add_piece(chain, le64(entry.address), le32(entry.length),
                                     flags & DESC_F_WRITE);
            at = le16(entry.next);
            if (!error && !(flags & DESC_F_NEXT))
                return 0;
        }
        if (error)
            return error;
    }
    return -EIO;
}

static int read_next(struct vringd *ring, struct vringd_chain *chain)
{
    const struct ring_available *available = ring->driver;

    if ((uint16_t)(available_index(ring) - ring->next_avail) > ring->size)
        return -EIO;
    chain->head = le16(READ_ONCE(available->ring[ring->next_avail & (ring->size - 1)]));
    if (read_chain(ring, chain))
        return -EIO;
    ring->next_avail++;
    return 0;
}

static unsigned extent(uint32_t head UNUSED)
{
    return 1;
}

static void write_used(struct vringd *ring, uint32_t head, uint32_t length, unsigned entries)
{
    struct ring_used *used = ring->device;
    struct ring_used_entry *entry = &used->ring[ring->next_used & (ring->size - 1)];

    entry->id = le32(head);
    entry->length = le32(length);
    /* The driver must find the entry behind the index that it sees. */
    barrier_write();
    ring->next_used = (uint16_t)(ring->next_used + entries);
    WRITE_ONCE(used->index, le16(ring->next_used));
}

static bool wants_interrupt(const struct vringd *ring, unsigned moved)
{
    struct ring_available *available = ring->driver;
    uint16_t event;

    if (!ring->event_index)
        return !(le16(READ_ONCE(available->flags)) & AVAIL_F_NO_INTERRUPT);
    if (moved > UINT16_MAX) /* once around, and the event says nothing any more */
        return true;
    event = le16(READ_ONCE(*ring_used_event(available, ring->size)));
    return ring_event_crossed(event, ring->next_used, (uint16_t)(ring->next_used - moved));
}

const struct vringd_format vringd_split = {
    .driver_bytes = driver_bytes,
    .device_bytes = device_bytes,
    .is_empty = is_empty,
    .read = read_next,
    .extent = extent,
    .write = write_used,
    .wants_interrupt = wants_interrupt,
};
