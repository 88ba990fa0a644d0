/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The packed ring as it lies in memory, and who is told what and when.
 */
#include "../../../drivers/virtio/ring_layout.h"
#include "fake.h"
#include <errno.h>
#include <string.h>

#define FLAGS(wrap) ((wrap) ? DESC_F_AVAIL : DESC_F_USED)

static struct fake *fake;
static struct virtqueue *queue;
static char tokens[64];

static const int plain[] = {VIRTIO_F_RING_PACKED, -1};
static const int event_index[] = {VIRTIO_F_RING_PACKED, VIRTIO_F_EVENT_IDX, -1};
static const int indirect[] = {VIRTIO_F_RING_PACKED, VIRTIO_F_INDIRECT_DESC, -1};

static void start(unsigned size, const int *features)
{
    shim_boot(64 * MIB);
    script.max_pieces = 4;
    fake = fake_live(size, features);
    queue = script.queues[0];
}

static struct packed_descriptor *descriptors(void)
{
    return shim_phys(fake->queues[0].areas.descriptor);
}

static uint32_t *driver_event(void)
{
    return shim_phys(fake->queues[0].areas.driver);
}

static uint32_t *device_event(void)
{
    return shim_phys(fake->queues[0].areas.device);
}

static int add(unsigned out, unsigned in, void *token)
{
    struct virtio_sg sg[8];

    for (unsigned i = 0; i < out + in; i++)
        sg[i] = (struct virtio_sg){0x10000 + 0x1000 * i, 100 + i};
    return virtqueue_add(queue, sg, out, in, token);
}

static uint32_t pop(void)
{
    struct vringd_chain chain;

    CHECK_EQ(fake_pop(fake, 0, &chain), 1);
    return chain.head;
}

/* Add, use and take one buffer of a single piece. */
static void pass(void)
{
    CHECK_EQ(add(1, 0, tokens), 0);
    fake_answer(fake, 0, pop(), 0);
    CHECK(virtqueue_take(queue, NULL) == tokens);
}

/* RING-PACKED-001 */
TEST(packed_areas_are_aligned_and_apart)
{
    const struct virtqueue_areas *areas;

    start(32, plain);
    areas = &fake->queues[0].areas;
    CHECK_EQ(areas->descriptor % 16, 0);
    CHECK_EQ(areas->driver % 4, 0);
    CHECK_EQ(areas->device % 4, 0);
    CHECK(areas->driver >= areas->descriptor + 32 * 16);
    CHECK(areas->device >= areas->driver + 4);
}

/* RING-PACKED-008, RING-PACKED-012: a list that goes around the end, where the wrap counter
 * flips. */
TEST(packed_list_around_the_end)
{
    const struct packed_descriptor *ring;

    start(4, plain);
    pass();
    pass();
    CHECK_EQ(add(1, 2, &tokens[1]), 0);
    ring = descriptors();
    CHECK_EQ(le16(ring[2].flags), DESC_F_NEXT | FLAGS(1));
    CHECK_EQ(le16(ring[3].flags), DESC_F_NEXT | DESC_F_WRITE | FLAGS(1));
    CHECK_EQ(le16(ring[0].flags), DESC_F_WRITE | FLAGS(0));
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(le64(ring[(2 + i) % 4].address), 0x10000 + 0x1000 * i);
        CHECK_EQ(le32(ring[(2 + i) % 4].length), 100 + i);
        CHECK_EQ(ring[(2 + i) % 4].id, ring[0].id);
    }
    CHECK_EQ(virtqueue_room(queue), 1);
    fake_answer(fake, 0, pop(), 7);
    CHECK_EQ(le16(ring[2].flags), DESC_F_WRITE | DESC_F_AVAIL | DESC_F_USED);
    CHECK(virtqueue_take(queue, NULL) == &tokens[1]);
    CHECK_EQ(add(1, 0, &tokens[2]), 0);
    CHECK_EQ(le16(ring[1].flags), FLAGS(0));
}

/* RING-PACKED-006, RING-PACKED-007, RING-PACKED-010: no part of a buffer that does not fit
 * becomes available. */
TEST(packed_no_room_changes_nothing)
{
    struct packed_descriptor before[4];

    start(4, plain);
    CHECK_EQ(add(2, 0, &tokens[0]), 0);
    memcpy(before, descriptors(), sizeof(before));
    CHECK_EQ(add(1, 2, &tokens[1]), -ENOSPC);
    CHECK_EQ(add(3, 2, &tokens[1]), -EINVAL);
    CHECK_EQ(memcmp(before, descriptors(), sizeof(before)), 0);
}

/* RING-PACKED-013, RING-PACKED-015 */
TEST(packed_table)
{
    const struct packed_descriptor *table;

    start(4, indirect);
    CHECK_EQ(add(1, 2, tokens), 0);
    CHECK_EQ(le16(descriptors()[0].flags), DESC_F_INDIRECT | FLAGS(1));
    CHECK_EQ(le32(descriptors()[0].length), 3 * 16);
    table = shim_phys(le64(descriptors()[0].address));
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(le64(table[i].address), 0x10000 + 0x1000 * i);
        CHECK_EQ(le16(table[i].flags), i ? DESC_F_WRITE : 0);
    }
    CHECK_EQ(virtqueue_room(queue), 3);
    fake_answer(fake, 0, pop(), 0);
    CHECK(virtqueue_take(queue, NULL) == tokens);
    CHECK_EQ(virtqueue_room(queue), 4);
}

/* The device hands lists back in any order; each use fills one descriptor. */
TEST(packed_used_in_any_order)
{
    uint32_t heads[3], length;

    start(8, plain);
    for (unsigned i = 0; i < 3; i++) {
        CHECK_EQ(add(1, 1, &tokens[i]), 0);
        heads[i] = pop();
    }
    for (unsigned i = 3; i-- > 0;)
        fake_answer(fake, 0, heads[i], i);
    for (unsigned i = 3; i-- > 0;) {
        CHECK(virtqueue_take(queue, &length) == &tokens[i]);
        CHECK_EQ(length, i);
    }
    CHECK_EQ(virtqueue_room(queue), 8);
}

/* A length beside no WRITE flag counts when it can be one: QEMU never sets the flag. */
TEST(packed_length_without_its_flag)
{
    uint32_t length;

    start(8, plain);
    CHECK_EQ(add(0, 1, &tokens[0]), 0);
    CHECK_EQ(add(1, 0, &tokens[1]), 0);
    for (unsigned i = 0; i < 2; i++) {
        vringd_push(&fake->queues[0].ring, pop(), 50);
        descriptors()[i].flags &= le16((uint16_t)~DESC_F_WRITE);
        CHECK(virtqueue_take(queue, &length) == &tokens[i]);
        CHECK_EQ(length, i ? 0 : 50);
    }
}

/* Kicks: as the device's event structure says, also across the end of the ring. */
TEST(packed_flags_decide_about_kicks)
{
    start(8, plain);
    for (unsigned i = 0; i < 4; i++) {
        static const uint32_t wishes[] = {EVENT_DISABLE, EVENT_ENABLE, EVENT_DISABLE,
                                          EVENT_WISH};

        *device_event() = le32(wishes[i]);
        CHECK_EQ(add(1, 0, &tokens[i]), 0);
        virtqueue_kick(queue);
        CHECK_EQ(fake->queues[0].notified, (i + 1) / 2);
    }
    virtqueue_kick(queue);
    CHECK_EQ(fake->queues[0].notified, 2); /* nothing new since the last call */
}

/* Started at place 6 of 8: events at 6 and 7, and behind the end with the other wrap counter.
 */
TEST_CASES(packed_event_decides_about_kicks, 4)
{
    static const uint16_t events[] = {PACKED_WRAP | 6, PACKED_WRAP | 7, 0, 1};

    start(8, event_index);
    for (unsigned i = 0; i < 6; i++)
        pass();
    *device_event() = le32(EVENT_AT | events[test_case]);
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(add(1, 0, &tokens[i]), 0);
        virtqueue_kick(queue);
        CHECK_EQ(fake->queues[0].notified, i >= test_case);
    }
}

/* After two rounds without a kick every place was passed, also one that lies ahead again. */
TEST(packed_event_after_two_rounds_without_kick)
{
    start(4, event_index);
    *device_event() = le32(EVENT_AT | PACKED_WRAP | 3);
    for (unsigned i = 0; i < 8; i++)
        pass();
    virtqueue_kick(queue);
    CHECK_EQ(fake->queues[0].notified, 1);
}

TEST_CASES(packed_callbacks_on_and_off, 2)
{
    start(8, test_case ? event_index : plain);
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ(add(1, 0, &tokens[i]), 0);
    CHECK_EQ(le32(*driver_event()), test_case ? EVENT_AT | PACKED_WRAP : EVENT_ENABLE);
    virtqueue_disable_callback(queue);
    CHECK_EQ(le32(*driver_event()), EVENT_DISABLE);
    fake_answer(fake, 0, pop(), 0);
    CHECK_EQ(script.callbacks, 0);
    CHECK(virtqueue_enable_callback(queue));
    CHECK(virtqueue_take(queue, NULL) == &tokens[0]);
    CHECK(!virtqueue_enable_callback(queue));
    fake_answer(fake, 0, pop(), 0);
    CHECK_EQ(script.callbacks, 1);
    /* Not taken yet: with an event index no second interrupt comes. */
    fake_answer(fake, 0, pop(), 0);
    CHECK_EQ(script.callbacks, test_case ? 1 : 2);
    CHECK(virtqueue_take(queue, NULL) == &tokens[1]);
    CHECK(virtqueue_take(queue, NULL) == &tokens[2]);
    fake_answer(fake, 0, pop(), 0);
    CHECK_EQ(script.callbacks, test_case ? 2 : 3);
}

/* RING-PACKED-004 */
TEST(packed_notification_data)
{
    static const int features[] = {VIRTIO_F_RING_PACKED, VIRTIO_F_NOTIFICATION_DATA, -1};

    start(4, features);
    for (unsigned i = 0; i < 5; i++) {
        CHECK_EQ(add(1, 0, tokens), 0);
        virtqueue_kick(queue);
        CHECK_EQ(fake->queues[0].last_data, ((i + 1) % 4 | (i < 3 ? PACKED_WRAP : 0)) << 16);
        fake_answer(fake, 0, pop(), 0);
        CHECK(virtqueue_take(queue, NULL) == tokens);
    }
}
