/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making and freeing a split ring.
 */
#include "split.h"
#include <neap/alloc.h>
#include <neap/format.h>
#include <neap/kmalloc.h>

/* Indirect tables of one ring together: enough to keep several large buffers in flight. */
#define TABLES_BYTES PAGE_SIZE

static uint16_t split_notify_position(const struct virtqueue *queue)
{
    return to_split(queue)->avail_index;
}

static unsigned split_room(const struct virtqueue *queue)
{
    return to_split(queue)->nr_free;
}

static void split_destroy(struct virtqueue *queue)
{
    struct split_ring *ring = to_split(queue);

    /* The device was reset: it reaches none of the buffers that are left. */
    while (split_detach(queue))
        continue;
    pin_source_remove(&ring->pins);
    if (ring->memory)
        free_pages(ring->memory, ring->order);
    kfree(ring->tables);
    kfree(ring->free_tables);
    kfree(ring->table_pieces);
    kfree(ring);
}

static const struct ring_ops split_ops = {
    .add = split_add,
    .kick_needed = split_kick_needed,
    .notify_position = split_notify_position,
    .take = split_take,
    .has_used = split_has_used,
    .enable_callback = split_enable_callback,
    .disable_callback = split_disable_callback,
    .room = split_room,
    .detach = split_detach,
    .destroy = split_destroy,
};

/* Descriptors first, then the available ring, then the used ring (RING-SPLIT-001). */
static bool allocate_ring(struct split_ring *ring, unsigned size, struct virtqueue_areas *areas)
{
    size_t driver = size * sizeof(struct ring_descriptor);
    size_t device = ALIGN_UP(driver + ring_available_bytes(size), (size_t)16);
    size_t bytes = device + ring_used_bytes(size);
    uint8_t *base;

    while ((PAGE_SIZE << ring->order) < bytes)
        ring->order++;
    ring->memory = alloc_pages(ring->order, PAGE_KERNEL, ALLOC_ZERO);
    if (!ring->memory)
        return false;
    base = page_to_virt(ring->memory);
    ring->descriptors = (struct ring_descriptor *)base;
    ring->available = (struct ring_available *)(base + driver);
    ring->used = (struct ring_used *)(base + device);
    areas->descriptor = page_to_phys(ring->memory);
    areas->driver = areas->descriptor + driver;
    areas->device = areas->descriptor + device;
    return true;
}

/* Without tables buffers still fit as direct chains, so running out of memory is no error. */
static void allocate_tables(struct split_ring *ring, unsigned pieces)
{
    unsigned entries = MIN(pieces, ring->queue.size); /* RING-SPLIT-008 */
    size_t table_bytes = entries * sizeof(struct ring_descriptor);
    unsigned nr_tables = (unsigned)MAX(TABLES_BYTES / table_bytes, 1);

    nr_tables = MIN(nr_tables, ring->queue.size);
    ring->tables = kcalloc(nr_tables, table_bytes, 0);
    ring->free_tables = kcalloc(nr_tables, sizeof(*ring->free_tables), 0);
    ring->table_pieces = kcalloc(nr_tables, entries * sizeof(*ring->table_pieces), 0);
    if (!ring->tables || !ring->free_tables || !ring->table_pieces)
        return;
    ring->table_entries = entries;
    for (unsigned i = 0; i < nr_tables; i++)
        ring->free_tables[ring->nr_free_tables++] = (uint16_t)i;
}

static void initialise(struct split_ring *ring, unsigned size)
{
    struct virtio_device *dev = ring->queue.dev;

    ring->event_index = virtio_accepted(dev, VIRTIO_F_EVENT_IDX);
    ring->in_order = virtio_accepted(dev, VIRTIO_F_IN_ORDER);
    ring->callbacks = true;
    ring->nr_free = size;
    /* With IN_ORDER the links never change: RING-SPLIT-005 wants exactly this order. */
    for (unsigned i = 0; i < size; i++) {
        ring->slots[i].next = (uint16_t)((i + 1) % size);
        ring->slots[i].table = NO_TABLE;
    }
    if (!ring->queue.callback)
        split_disable_callback(&ring->queue);
}

struct virtqueue *split_create(struct virtio_device *dev,
                               const struct virtio_queue_request *request, unsigned size,
                               struct virtqueue_areas *areas)
{
    struct split_ring *ring = kcalloc(1, sizeof(*ring) + size * sizeof(struct split_slot), 0);

    if (!ring)
        return NULL;
    ring->queue = (struct virtqueue){
        .ring = &split_ops,
        .dev = dev,
        .name = request->name,
        .callback = request->callback,
        .arg = request->arg,
        .index = request->index,
        .size = size,
    };
    format_string(ring->owner, sizeof(ring->owner), "%s %s", dev->name, request->name);
    ring->pins = (struct pin_source){.owner = ring->owner, .pages = split_pinned_pages};
    pin_source_add(&ring->pins);
    ring->gives_memory = request->gives_memory;
    if (!allocate_ring(ring, size, areas)) {
        split_destroy(&ring->queue);
        return NULL;
    }
    if (request->max_pieces > 1 && size > 1 && virtio_accepted(dev, VIRTIO_F_INDIRECT_DESC))
        allocate_tables(ring, request->max_pieces);
    initialise(ring, size);
    return &ring->queue;
}
