/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device's side of a ring, as far as it does not depend on the format.
 */
#include "vringd_format.h"

#define DESCRIPTOR_BYTES 16u /* in both formats */

/* Only a split ring must be a power of two. */
static bool size_is_valid(unsigned size, bool packed)
{
    return size && size <= RING_SIZE_MAX && (packed || !(size & (size - 1)));
}

int vringd_init(struct vringd *ring, unsigned size, const struct virtqueue_areas *areas,
                const struct virtio_features *features,
                void *(*translate)(void *, uint64_t, uint64_t), void *arg)
{
    bool packed = virtio_features_test(features, VIRTIO_F_RING_PACKED);
    const struct vringd_format *format = packed ? &vringd_packed : &vringd_split;

    *ring = (struct vringd){
        .format = format,
        .size = size,
        .translate = translate,
        .arg = arg,
        .event_index = virtio_features_test(features, VIRTIO_F_EVENT_IDX),
        .next_avail = format->start,
        .next_used = format->start,
    };
    if (!size_is_valid(size, packed) || areas->descriptor % 16 ||
        areas->driver % (packed ? 4 : 2) || areas->device % 4)
        return -EINVAL;
    ring->descriptors = translate(arg, areas->descriptor, size * DESCRIPTOR_BYTES);
    ring->driver = translate(arg, areas->driver, format->driver_bytes(size));
    ring->device = translate(arg, areas->device, format->device_bytes(size));
    return ring->descriptors && ring->driver && ring->device ? 0 : -EINVAL;
}

int vringd_add_piece(struct vringd_chain *chain, uint64_t address, uint32_t length, bool in)
{
    unsigned count = chain->out + chain->in;

    if (count == VRINGD_PIECES_MAX || (!in && chain->in))
        return -EIO;
    chain->pieces[count] = (struct virtio_sg){address, length};
    if (in)
        chain->in++;
    else
        chain->out++;
    return 0;
}

void *vringd_table(const struct vringd *ring, uint64_t phys, uint32_t bytes, unsigned *entries)
{
    *entries = (unsigned)(bytes / DESCRIPTOR_BYTES);
    if (!bytes || bytes % DESCRIPTOR_BYTES || *entries > ring->size)
        return NULL;
    return ring->translate(ring->arg, phys, bytes);
}

int vringd_pop(struct vringd *ring, struct vringd_chain *chain)
{
    if (ring->format->is_empty(ring))
        return 0;
    /* Nothing that is in flight may be offered again. */
    if (ring->in_flight == ring->size)
        return -EIO;
    /* The buffer was written before what says that it is there. */
    barrier_read();
    chain->out = chain->in = 0;
    if (ring->format->read(ring, chain))
        return -EIO;
    ring->in_flight++;
    return 1;
}

void vringd_skip(struct vringd *ring, uint32_t head)
{
    ring->skipped += ring->format->extent(head);
    ring->skipped_buffers++;
}

void vringd_push(struct vringd *ring, uint32_t head, uint32_t length)
{
    unsigned extent = ring->skipped + ring->format->extent(head);

    ring->format->write(ring, head, length, extent);
    ring->moved += extent;
    ring->in_flight -= MIN(ring->in_flight, ring->skipped_buffers + 1);
    ring->skipped = ring->skipped_buffers = 0;
}

bool vringd_wants_interrupt(struct vringd *ring)
{
    unsigned moved = ring->moved;

    ring->moved = 0;
    /* What was pushed must be visible before the driver's wish is read. */
    barrier_full();
    return moved && ring->format->wants_interrupt(ring, moved);
}
