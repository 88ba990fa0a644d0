/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device's side of a packed ring (virtio 1.4, 2.8). A head is the buffer's id, and in the
 * upper half the number of its descriptors.
 */
#include "vringd_format.h"

static size_t event_bytes(unsigned size UNUSED)
{
    return sizeof(uint32_t);
}

static struct packed_descriptor *descriptor_at(const struct vringd *ring, uint16_t place)
{
    return (struct packed_descriptor *)ring->descriptors + packed_position(place);
}

static bool is_available(const struct vringd *ring)
{
    uint16_t flags = le16(READ_ONCE(descriptor_at(ring, ring->next_avail)->flags));

    return (flags & (DESC_F_AVAIL | DESC_F_USED)) == packed_available_flags(ring->next_avail);
}

static bool is_empty(struct vringd *ring)
{
    if (is_available(ring))
        return false;
    if (!ring->event_index) /* the wish is always there */
        return true;
    WRITE_ONCE(*(uint32_t *)ring->device, le32(EVENT_AT | ring->next_avail));
    barrier_full();
    return !is_available(ring);
}

/* All of a buffer is in a table, whose entries come one after the other. */
static int read_table(struct vringd *ring, struct vringd_chain *chain,
                      const struct packed_descriptor *outer)
{
    unsigned entries;
    struct packed_descriptor *table =
        vringd_table(ring, le64(outer->address), le32(outer->length), &entries);
    int error = table ? 0 : -EIO;

    for (unsigned i = 0; i < entries && !error; i++) {
        struct packed_descriptor entry = *(volatile struct packed_descriptor *)&table[i];

        error = vringd_add_piece(chain, le64(entry.address), le32(entry.length),
                                 le16(entry.flags) & DESC_F_WRITE);
    }
    return error;
}

/* One descriptor of a buffer: 1: more follow, 0: it was the last, -EIO. */
static int read_descriptor(struct vringd *ring, struct vringd_chain *chain,
                           const struct packed_descriptor *entry)
{
    uint16_t flags = le16(entry->flags);
    int error;

    if (flags & DESC_F_INDIRECT) {
        /* Neither before nor behind others. */
        if (flags & DESC_F_NEXT || chain->out + chain->in)
            return -EIO;
        error = read_table(ring, chain, entry);
    } else {
        error = vringd_add_piece(chain, le64(entry->address), le32(entry->length),
                                 flags & DESC_F_WRITE);
    }
    return error ? error : !!(flags & DESC_F_NEXT);
}

/* A list cannot be longer than the ring, which also ends loops. */
static int read_next(struct vringd *ring, struct vringd_chain *chain)
{
    uint16_t at = ring->next_avail;

    for (unsigned count = 1; count <= ring->size; count++) {
        struct packed_descriptor entry =
            *(volatile struct packed_descriptor *)descriptor_at(ring, at);
        int more = read_descriptor(ring, chain, &entry);

        if (more < 0)
            return more;
        at = packed_advance(at, 1, ring->size);
        if (!more) {
            chain->head = (uint32_t)count << 16 | le16(entry.id);
            ring->next_avail = at;
            return 0;
        }
    }
    return -EIO;
}

static unsigned extent(uint32_t head)
{
    return head >> 16;
}

static void write_used(struct vringd *ring, uint32_t head, uint32_t length,
                       unsigned descriptors)
{
    struct packed_descriptor *used = descriptor_at(ring, ring->next_used);
    unsigned flags = packed_used_flags(ring->next_used) | (length ? DESC_F_WRITE : 0);

    used->id = le16((uint16_t)head);
    used->length = le32(length);
    /* The flags hand it over. */
    barrier_write();
    WRITE_ONCE(used->flags, le16((uint16_t)flags));
    ring->next_used = packed_advance(ring->next_used, descriptors, ring->size);
}

static bool wants_interrupt(const struct vringd *ring, unsigned moved)
{
    return packed_event_wanted(le32(READ_ONCE(*(uint32_t *)ring->driver)), ring->next_used,
                               moved, ring->size);
}

const struct vringd_format vringd_packed = {
    .start = PACKED_START,
    .driver_bytes = event_bytes,
    .device_bytes = event_bytes,
    .is_empty = is_empty,
    .read = read_next,
    .extent = extent,
    .write = write_used,
    .wants_interrupt = wants_interrupt,
};
