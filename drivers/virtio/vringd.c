/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device's side of a split ring (virtio 1.4, 2.7).
 */
#include "ring_layout.h"
#include <arch/barrier.h>
#include <neap/compiler.h>
#include <neap/errors.h>
#include <neap/virtio.h>
#include <neap/vringd.h>

/* One table of descriptors: the ring's own, or an indirect one. */
struct table {
    struct ring_descriptor *entries;
    unsigned size;
    bool indirect;
};

static bool size_is_valid(unsigned size)
{
    return size && size <= RING_SIZE_MAX && !(size & (size - 1));
}

int vringd_init(struct vringd *ring, unsigned size, const struct virtqueue_areas *areas,
                bool event_index, void *(*translate)(void *, uint64_t, uint64_t), void *arg)
{
    *ring = (struct vringd){
        .size = size,
        .translate = translate,
        .arg = arg,
        .event_index = event_index,
    };
    if (!size_is_valid(size) || areas->descriptor % 16 || areas->driver % 2 ||
        areas->device % 4)
        return -EINVAL;
    ring->descriptors =
        translate(arg, areas->descriptor, size * sizeof(struct ring_descriptor));
    ring->available = translate(arg, areas->driver, ring_available_bytes(size));
    ring->used = translate(arg, areas->device, ring_used_bytes(size));
    return ring->descriptors && ring->available && ring->used ? 0 : -EINVAL;
}

/* Pieces come out first, then in; anything else, or too many, is the driver's fault. */
static int add_piece(struct vringd_chain *chain, const struct ring_descriptor *entry)
{
    unsigned count = chain->out + chain->in;
    bool in = le16(entry->flags) & DESC_F_WRITE;

    if (count == VRINGD_PIECES_MAX || (!in && chain->in))
        return -EIO;
    chain->pieces[count] = (struct virtio_sg){le64(entry->address), le32(entry->length)};
    if (in)
        chain->in++;
    else
        chain->out++;
    return 0;
}

/* Switch from the ring to the indirect table that `entry` points at. */
static int enter_table(struct vringd *ring, struct table *table,
                       const struct ring_descriptor *entry)
{
    uint32_t bytes = le32(entry->length);

    if (table->indirect || le16(entry->flags) & DESC_F_NEXT || !bytes ||
        bytes % sizeof(*entry) || bytes / sizeof(*entry) > ring->size)
        return -EIO;
    table->entries = ring->translate(ring->arg, le64(entry->address), bytes);
    table->size = (unsigned)(bytes / sizeof(*entry));
    table->indirect = true;
    return table->entries ? 0 : -EIO;
}

/* Follow a chain; it cannot be longer than the ring, which also ends loops. */
static int read_chain(struct vringd *ring, struct vringd_chain *chain)
{
    struct table table = {.entries = ring->descriptors, .size = ring->size};
    unsigned at = chain->head;
    int error;

    chain->out = chain->in = 0;
    for (unsigned i = 0; i <= ring->size; i++) {
        struct ring_descriptor entry;

        if (at >= table.size)
            return -EIO;
        entry = *(volatile struct ring_descriptor *)&table.entries[at];
        if (le16(entry.flags) & DESC_F_INDIRECT) {
            error = enter_table(ring, &table, &entry);
            at = 0;
        } else {
            error = add_piece(chain, &entry);
            at = le16(entry.next);
            if (!error && !(le16(entry.flags) & DESC_F_NEXT))
                return 0;
        }
        if (error)
            return error;
    }
    return -EIO;
}

static uint16_t available_index(struct vringd *ring)
{
    return le16(READ_ONCE(ring->available->index));
}

/* Is there nothing to pop? Before saying so, ask for a kick and look again. */
static bool is_empty(struct vringd *ring)
{
    if (available_index(ring) != ring->next_avail)
        return false;
    if (!ring->event_index)
        return true;
    WRITE_ONCE(*ring_avail_event(ring->used, ring->size), le16(ring->next_avail));
    barrier_full();
    return available_index(ring) == ring->next_avail;
}

int vringd_pop(struct vringd *ring, struct vringd_chain *chain)
{
    if (is_empty(ring))
        return 0;
    if ((uint16_t)(available_index(ring) - ring->next_avail) > ring->size)
        return -EIO;
    /* The entry was written before the index. */
    barrier_read();
    chain->head = le16(READ_ONCE(ring->available->ring[ring->next_avail & (ring->size - 1)]));
    if (read_chain(ring, chain))
        return -EIO;
    ring->next_avail++;
    return 1;
}

void vringd_push(struct vringd *ring, uint16_t head, uint32_t length, unsigned buffers)
{
    struct ring_used_entry *entry = &ring->used->ring[ring->next_used & (ring->size - 1)];

    entry->id = le32(head);
    entry->length = le32(length);
    /* The driver must find the entry behind the index that it sees. */
    barrier_write();
    ring->next_used = (uint16_t)(ring->next_used + buffers);
    WRITE_ONCE(ring->used->index, le16(ring->next_used));
}

bool vringd_wants_interrupt(struct vringd *ring)
{
    uint16_t old = ring->signalled;

    ring->signalled = ring->next_used;
    /* What was pushed must be visible before the driver's wish is read. */
    barrier_full();
    if (old == ring->next_used)
        return false;
    if (!ring->event_index)
        return !(le16(READ_ONCE(ring->available->flags)) & AVAIL_F_NO_INTERRUPT);
    return ring_event_crossed(le16(READ_ONCE(*ring_used_event(ring->available, ring->size))),
                              ring->next_used, old);
}
