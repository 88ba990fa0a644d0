/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Making and freeing a ring of either format.
 */
#include "ring.h"
#include <neap/alloc.h>
#include <neap/format.h>
#include <neap/kmalloc.h>

/* Indirect tables of one ring together: enough to keep several large buffers in flight. */
#define TABLES_BYTES PAGE_SIZE

static uint16_t notify_position(const struct virtqueue *queue)
{
    return to_ring(queue)->next_avail;
}

static unsigned room(const struct virtqueue *queue)
{
    return to_ring(queue)->nr_free;
}

static void *detach(struct virtqueue *queue)
{
    struct ring *ring = to_ring(queue);

    for (unsigned i = 0; ring->nr_buffers && i < queue->size; i++)
        if (ring->slots[i].token)
            return ring_release(ring, i);
    return NULL;
}

static void destroy(struct virtqueue *queue)
{
    struct ring *ring = to_ring(queue);

    /* The device was reset: it reaches none of the buffers that are left. */
    while (detach(queue))
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
    .notify_position = notify_position,
    .take = split_take,
    .take_many = split_take_many,
    .has_used = split_has_used,
    .enable_callback = split_enable_callback,
    .disable_callback = split_disable_callback,
    .room = room,
    .detach = detach,
    .resume_at = split_resume_at,
    .destroy = destroy,
};

static const struct ring_ops packed_ops = {
    .add = packed_add,
    .kick_needed = packed_kick_needed,
    .notify_position = notify_position,
    .take = packed_take,
    .take_many = packed_take_many,
    .has_used = packed_has_used,
    .enable_callback = packed_enable_callback,
    .disable_callback = packed_disable_callback,
    .room = room,
    .detach = detach,
    .destroy = destroy,
};

/* How many bytes the areas take that the driver and the device write to. */
static void area_bytes(bool packed, unsigned size, size_t *driver, size_t *device)
{
    *driver = packed ? sizeof(uint32_t) : ring_available_bytes(size);
    *device = packed ? sizeof(uint32_t) : ring_used_bytes(size);
}

/* Descriptors, then the driver's area, then the device's (RING-SPLIT-001, RING-PACKED-001). */
static bool allocate_areas(struct ring *ring, bool packed, unsigned size,
                           struct virtqueue_areas *areas)
{
    size_t driver = size * sizeof(struct ring_descriptor), driver_bytes, device, device_bytes;
    uint8_t *base;

    area_bytes(packed, size, &driver_bytes, &device_bytes);
    device = ALIGN_UP(driver + driver_bytes, (size_t)16);
    while ((PAGE_SIZE << ring->order) < device + device_bytes)
        ring->order++;
    ring->memory = alloc_pages(ring->order, PAGE_KERNEL, ALLOC_ZERO);
    if (!ring->memory)
        return false;
    base = page_to_virt(ring->memory);
    if (packed) {
        ring->packed.descriptors = (struct packed_descriptor *)base;
        ring->packed.driver_event = (uint32_t *)(base + driver);
        ring->packed.device_event = (uint32_t *)(base + device);
    } else {
        ring->split.descriptors = (struct ring_descriptor *)base;
        ring->split.available = (struct ring_available *)(base + driver);
        ring->split.used = (struct ring_used *)(base + device);
    }
    areas->descriptor = page_to_phys(ring->memory);
    areas->driver = areas->descriptor + driver;
    areas->device = areas->descriptor + device;
    return true;
}

/* Without tables buffers still fit as direct chains, so running out of memory is no error. */
static void allocate_tables(struct ring *ring, unsigned pieces)
{
    unsigned entries = MIN(pieces, ring->queue.size); /* RING-SPLIT-008, RING-PACKED-007 */
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

static void initialise(struct ring *ring, bool packed, unsigned size)
{
    struct virtio_device *dev = ring->queue.dev;

    ring->event_index = virtio_accepted(dev, VIRTIO_F_EVENT_IDX);
    ring->in_order = virtio_accepted(dev, VIRTIO_F_IN_ORDER);
    ring->nr_free = size;
    ring->next_avail = ring->last_used = packed ? PACKED_START : 0;
    /* With IN_ORDER the links never change: RING-SPLIT-005 wants exactly this order. */
    for (unsigned i = 0; i < size; i++) {
        ring->slots[i].next = (uint16_t)((i + 1) % size);
        ring->slots[i].table = NO_TABLE;
    }
    if (ring->queue.callback)
        (void)ring->queue.ring->enable_callback(&ring->queue);
    else
        ring->queue.ring->disable_callback(&ring->queue);
}

struct virtqueue *ring_create(struct virtio_device *dev,
                              const struct virtio_queue_request *request, unsigned size,
                              struct virtqueue_areas *areas)
{
    bool packed = virtio_accepted(dev, VIRTIO_F_RING_PACKED);
    struct ring *ring = kcalloc(1, sizeof(*ring) + size * sizeof(struct ring_slot), 0);

    if (!ring)
        return NULL;
    ring->queue = (struct virtqueue){
        .ring = packed ? &packed_ops : &split_ops,
        .dev = dev,
        .name = request->name,
        .callback = request->callback,
        .arg = request->arg,
        .index = request->index,
        .size = size,
    };
    format_string(ring->owner, sizeof(ring->owner), "%s %s", dev->name, request->name);
    ring->pins = (struct pin_source){.owner = ring->owner, .pages = ring_pinned_pages};
    pin_source_add(&ring->pins);
    ring->gives_memory = request->gives_memory;
    if (!allocate_areas(ring, packed, size, areas)) {
        destroy(&ring->queue);
        return NULL;
    }
    if (request->max_pieces > 1 && size > 1 && virtio_accepted(dev, VIRTIO_F_INDIRECT_DESC))
        allocate_tables(ring, request->max_pieces);
    initialise(ring, packed, size);
    return &ring->queue;
}
