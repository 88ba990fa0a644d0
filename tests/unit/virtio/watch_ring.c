/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watching rings, from the memory that driver and device share.
 */
#include "../../../drivers/virtio/ring_layout.h"
#include "fake.h"
#include "watch.h"

#define SPLIT_FLAGS  (DESC_F_NEXT | DESC_F_WRITE | DESC_F_INDIRECT)
#define PACKED_FLAGS (SPLIT_FLAGS | DESC_F_AVAIL | DESC_F_USED)

#define WATCHED_BUFFERS 1024

/* A buffer that the device has taken and not given back. */
struct watched_buffer {
    bool in_flight;
    bool gone;      /* packed: its descriptors: the place belongs to the driver again */
    uint16_t place; /* packed: of its first descriptor */
    uint16_t count; /* packed: of descriptors in the ring */
    uint64_t sum;   /* of all that the driver wrote for it */
};

struct ring_watch {
    bool off;                                       /* the test itself writes into the ring */
    uint16_t avail_index;                           /* split: seen last */
    uint16_t used;                                  /* how far the device had come */
    struct watched_buffer buffers[WATCHED_BUFFERS]; /* by head or id */
};

static struct ring_watch watches[FAKES][FAKE_QUEUES];

static bool accepted(const struct fake *fake, unsigned bit)
{
    return virtio_accepted(&fake->dev, bit);
}

static uint64_t mix(uint64_t sum, const void *descriptor)
{
    const uint64_t *words = descriptor;

    for (unsigned i = 0; i < 2; i++)
        sum = (sum ^ words[i]) * UINT64_C(0x9e3779b97f4a7c15) + (sum >> 29);
    return sum;
}

void watch_new_ring(struct fake *fake, unsigned index)
{
    const struct fake_queue *queue = &fake->queues[index];
    const uint8_t *device = shim_phys(queue->areas.device);
    bool packed = accepted(fake, VIRTIO_F_RING_PACKED);

    CHECK(fake->status & VIRTIO_STATUS_FEATURES_OK); /* INIT-010, INIT-011 */
    CHECK(!(fake->status & VIRTIO_STATUS_DRIVER_OK));
    CHECK(queue->size && (packed || !(queue->size & (queue->size - 1))));
    for (unsigned i = 0; i < (packed ? 4 : ring_used_bytes(queue->size)); i++)
        CHECK_EQ(device[i], 0); /* RING-SPLIT-019 */
    watches[fake->number][index] = (struct ring_watch){.used = packed ? PACKED_START : 0};
}

/* ---- what the driver wrote for one buffer ---- */

static uint64_t walk_split_table(const struct fake *fake, const struct ring_descriptor *outer,
                                 unsigned *count)
{
    const struct ring_descriptor *table = shim_phys(le64(outer->address));
    unsigned entries = le32(outer->length) / sizeof(*table);
    uint64_t sum = 0;

    CHECK(accepted(fake, VIRTIO_F_INDIRECT_DESC)); /* RING-SPLIT-006 */
    CHECK(!(le16(outer->flags) & DESC_F_NEXT));    /* RING-SPLIT-009 */
    for (unsigned i = 0; i < entries; i++) {
        unsigned flags = le16(table[i].flags);

        CHECK_EQ(flags & ~(DESC_F_NEXT | DESC_F_WRITE), 0); /* RING-SPLIT-007 */
        if (flags & DESC_F_NEXT && accepted(fake, VIRTIO_F_IN_ORDER))
            CHECK_EQ(le16(table[i].next), i + 1); /* RING-SPLIT-010 */
        sum = mix(sum, &table[i]);
        ++*count;
    }
    return sum;
}

static uint64_t walk_split(const struct fake *fake, unsigned index, unsigned at)
{
    const struct fake_queue *queue = &fake->queues[index];
    const struct ring_descriptor *ring = shim_phys(queue->areas.descriptor);
    unsigned count = 0, flags;
    uint64_t sum = 0;

    do {
        const struct ring_descriptor *entry = &ring[at];

        flags = le16(entry->flags);
        CHECK_EQ(flags & ~SPLIT_FLAGS, 0);
        sum = mix(sum, entry);
        if (flags & DESC_F_INDIRECT)
            sum += walk_split_table(fake, entry, &count);
        else
            count++;
        CHECK(count <= queue->size); /* RING-SPLIT-008 */
        if (flags & DESC_F_NEXT && accepted(fake, VIRTIO_F_IN_ORDER))
            CHECK_EQ(le16(entry->next), (at + 1) % queue->size); /* RING-SPLIT-005 */
        at = le16(entry->next);
    } while (flags & DESC_F_NEXT);
    return sum;
}

static uint64_t walk_packed_table(const struct fake *fake, const struct fake_queue *queue,
                                  const struct packed_descriptor *outer)
{
    const struct packed_descriptor *table = shim_phys(le64(outer->address));
    unsigned entries = le32(outer->length) / sizeof(*table);
    uint64_t sum = 0;

    CHECK(accepted(fake, VIRTIO_F_INDIRECT_DESC)); /* RING-PACKED-012 */
    CHECK(!(le16(outer->flags) & DESC_F_NEXT));    /* RING-PACKED-015 */
    CHECK(entries <= queue->size);                 /* RING-PACKED-014 */
    for (unsigned i = 0; i < entries; i++) {
        CHECK_EQ(le16(table[i].flags) & ~DESC_F_WRITE, 0); /* RING-PACKED-013 */
        sum = mix(sum, &table[i]);
    }
    return sum;
}

static uint64_t walk_packed(const struct fake *fake, unsigned index, uint16_t place,
                            unsigned count)
{
    const struct fake_queue *queue = &fake->queues[index];
    const struct packed_descriptor *ring = shim_phys(queue->areas.descriptor);
    uint64_t sum = 0;

    CHECK(count <= queue->size); /* RING-PACKED-006, RING-PACKED-007 */
    for (unsigned i = 0; i < count; i++) {
        uint16_t at = packed_advance(place, i, queue->size);
        const struct packed_descriptor *entry = &ring[packed_position(at)];
        unsigned flags = le16(entry->flags);

        CHECK_EQ(flags & ~PACKED_FLAGS, 0);
        CHECK_EQ(flags & (DESC_F_AVAIL | DESC_F_USED), packed_available_flags(at));
        CHECK_EQ(!!(flags & DESC_F_NEXT), i + 1 < count);
        sum = mix(sum, entry);
        if (flags & DESC_F_INDIRECT)
            sum += walk_packed_table(fake, queue, entry);
    }
    return sum;
}

static uint64_t walk(const struct fake *fake, unsigned index, unsigned id)
{
    const struct watched_buffer *buffer = &watches[fake->number][index].buffers[id];

    if (accepted(fake, VIRTIO_F_RING_PACKED))
        return walk_packed(fake, index, buffer->place, buffer->count);
    return walk_split(fake, index, id);
}

void watch_buffer(struct fake *fake, unsigned index, uint32_t head, uint16_t place)
{
    struct ring_watch *watch = &watches[fake->number][index];
    unsigned id = (uint16_t)head;

    if (watch->off || id >= WATCHED_BUFFERS)
        return;
    CHECK(!watch->buffers[id].in_flight);
    watch->buffers[id].place = place;
    watch->buffers[id].count = (uint16_t)(head >> 16);
    watch->buffers[id].sum = walk(fake, index, id);
    watch->buffers[id].in_flight = true;
    watch->buffers[id].gone = false;
}

/* ---- what is in flight ---- */

/* One that is not what it should be is the test's, which writes nonsense. */
static void give_back(struct ring_watch *watch, uint32_t id)
{
    if (id >= WATCHED_BUFFERS || !watch->buffers[id].in_flight)
        watch->off = true;
    else
        watch->buffers[id].in_flight = false;
}

/* With IN_ORDER an entry may stand for many: nothing is known then of any. */
static void give_all_back(struct ring_watch *watch, uint16_t used)
{
    watch->used = used;
    for (unsigned i = 0; i < WATCHED_BUFFERS; i++)
        watch->buffers[i].in_flight = false;
}

static void follow_split(struct ring_watch *watch, const struct fake_queue *queue)
{
    const struct ring_used *used = shim_phys(queue->areas.device);

    for (; !watch->off && watch->used != queue->ring.next_used; watch->used++)
        give_back(watch, le32(used->ring[watch->used % queue->size].id));
    watch->off |= le16(used->index) != queue->ring.next_used;
}

/* Do `count` descriptors from `start` on take the place of one of the buffer's? */
static bool overlap(const struct fake_queue *queue, const struct watched_buffer *buffer,
                    uint16_t start, unsigned count)
{
    for (unsigned i = 0; i < buffer->count; i++) {
        unsigned at = packed_position(buffer->place) + i + queue->size;

        if ((at - packed_position(start)) % queue->size < count)
            return true;
    }
    return false;
}

/* As many descriptors are free again as the buffer had, wherever that was: maybe others'. */
static void follow_packed(struct ring_watch *watch, const struct fake_queue *queue)
{
    const struct packed_descriptor *ring = shim_phys(queue->areas.descriptor);

    while (!watch->off && watch->used != queue->ring.next_used) {
        unsigned id = le16(ring[packed_position(watch->used)].id), count;

        give_back(watch, id);
        if (watch->off)
            return;
        count = watch->buffers[id].count;
        for (unsigned i = 0; i < MIN(queue->size, WATCHED_BUFFERS); i++)
            if (watch->buffers[i].in_flight)
                watch->buffers[i].gone |=
                    overlap(queue, &watch->buffers[i], watch->used, count);
        watch->used = packed_advance(watch->used, count, queue->size);
    }
}

/* The driver's wishes for interrupts, and how far it has come. */
static void check_driver_area(const struct fake *fake, unsigned index)
{
    const struct fake_queue *queue = &fake->queues[index];
    struct ring_watch *watch = &watches[fake->number][index];
    const struct ring_available *available = shim_phys(queue->areas.driver);
    bool event_index = accepted(fake, VIRTIO_F_EVENT_IDX);

    if (accepted(fake, VIRTIO_F_RING_PACKED)) {
        uint32_t wish = le32(*(const uint32_t *)(const void *)available) & ~UINT32_C(0xffff);

        CHECK(wish == EVENT_ENABLE || wish == EVENT_DISABLE ||
              (wish == EVENT_AT && event_index));
        return;
    }
    /* RING-SPLIT-012, RING-SPLIT-014 */
    CHECK(le16(available->flags) <= (event_index ? 0 : AVAIL_F_NO_INTERRUPT));
    /* RING-SPLIT-011 */
    CHECK((uint16_t)(le16(available->index) - watch->avail_index) <= queue->size ||
          queue->size > WATCHED_BUFFERS);
    watch->avail_index = le16(available->index);
}

void watch_ring(struct fake *fake, unsigned index)
{
    struct ring_watch *watch = &watches[fake->number][index];
    const struct fake_queue *queue = &fake->queues[index];
    bool packed = accepted(fake, VIRTIO_F_RING_PACKED);

    if (watch->off || !queue->enabled)
        return;
    check_driver_area(fake, index);
    if (accepted(fake, VIRTIO_F_IN_ORDER) && watch->used != queue->ring.next_used)
        give_all_back(watch, queue->ring.next_used);
    else if (packed)
        follow_packed(watch, queue);
    else
        follow_split(watch, queue);
    for (unsigned id = 0; id < MIN(queue->size, WATCHED_BUFFERS) && !watch->off; id++) {
        const struct watched_buffer *buffer = &watch->buffers[id];

        if (buffer->in_flight && !buffer->gone && walk(fake, index, id) != buffer->sum)
            /* CLEANUP-001, RING-PACKED-002, RING-PACKED-003 */
            unit_fail(__FILE__, __LINE__, "buffer %u was changed in flight", id);
    }
}

void watch_notification(struct fake *fake, unsigned index, uint32_t data)
{
    const struct fake_queue *queue = &fake->queues[index];
    const struct ring_available *available = shim_phys(queue->areas.driver);
    const uint32_t *wish = shim_phys(queue->areas.device);

    CHECK(queue->enabled);
    CHECK(fake->status & VIRTIO_STATUS_DRIVER_OK); /* INIT-014 */
    CHECK_EQ(data & 0xffff, index);
    watch_ring(fake, index);
    if (!accepted(fake, VIRTIO_F_NOTIFICATION_DATA))
        CHECK_EQ(data >> 16, 0);
    else if (!accepted(fake, VIRTIO_F_RING_PACKED))
        CHECK_EQ(data >> 16, le16(available->index));
    /* RING-SPLIT-021 */
    if (accepted(fake, VIRTIO_F_RING_PACKED))
        CHECK((le32(*wish) & EVENT_WISH) != EVENT_DISABLE);
    else if (!accepted(fake, VIRTIO_F_EVENT_IDX))
        CHECK(!(le32(*wish) & USED_F_NO_NOTIFY));
}
