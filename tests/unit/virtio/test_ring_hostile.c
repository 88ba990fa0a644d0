/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A device that writes nonsense into the ring: the queue breaks, the log names the value, the
 * device is reset and comes back.
 */
#include "../../../drivers/virtio/ring_layout.h"
#include "fake.h"
#include <string.h>

static struct fake *fake;
static struct virtqueue *queue;
static char tokens[8];
static const int plain[] = {-1};
static const int in_order[] = {VIRTIO_F_IN_ORDER, -1};

static void start(const int *features)
{
    struct virtio_sg sg[2] = {{0x1000, 10}, {0x2000, 20}};

    shim_boot(64 * MIB);
    fake = fake_live(8, features);
    queue = script.queues[0];
    for (unsigned i = 0; i < 3; i++)
        CHECK_EQ(virtqueue_add(queue, sg, 1, 1, &tokens[i]), 0); /* heads 0, 2, 4 */
}

static void expect_broken(const char *message)
{
    unsigned callbacks = script.callbacks;

    CHECK(virtqueue_take(queue, NULL) == NULL);
    CHECK(virtqueue_broken(queue));
    CHECK(virtqueue_has_used(queue)); /* so that waits end */
    CHECK(script.callbacks > callbacks);
    CHECK_EQ(shim_log_count(message), 1);
    shim_settle();
    CHECK_EQ(script.removes, 1);
    CHECK_EQ(script.probes, 2);
    CHECK(fake->dev.live);
    CHECK(!virtqueue_broken(script.queues[0]));
}

static void push(uint16_t id, uint32_t length)
{
    vringd_push(&fake->queues[0].ring, id, length);
}

TEST_CASES(hostile_used_id, 8)
{
    static const struct {
        uint32_t id;
        const char *message;
    } cases[] = {
        {1, "names no buffer in flight: id 1"},
        {6, "names no buffer in flight: id 6"},
        {8, "names no buffer in flight: id 8"},
        {0xffff, "in flight: id 65535"},
    };

    start(test_case % 2 ? in_order : plain);
    push((uint16_t)cases[test_case / 2].id, 0);
    expect_broken(cases[test_case / 2].message);
}

TEST(hostile_used_id_beyond_16_bits)
{
    struct ring_used *used;

    start(plain);
    used = shim_phys(fake->queues[0].areas.device);
    push(0, 0);
    used->ring[0].id = le32(0x10000);
    expect_broken("names no buffer in flight: id 65536");
}

TEST_CASES(hostile_double_use, 2)
{
    start(test_case ? in_order : plain);
    push(0, 0);
    CHECK(virtqueue_take(queue, NULL) == &tokens[0]);
    push(0, 0);
    expect_broken("names no buffer in flight: id 0");
}

TEST_CASES(hostile_length, 2)
{
    uint32_t length;

    start(plain);
    push(0, 20);
    CHECK(virtqueue_take(queue, &length) == &tokens[0]);
    CHECK_EQ(length, 20);
    push(2, test_case ? UINT32_MAX : 21);
    expect_broken(test_case ? "beyond the buffer: 4294967295" : "beyond the buffer: 21");
}

TEST_CASES(hostile_used_index, 3)
{
    static const uint16_t index[] = {4, 9, 0xffff};
    struct ring_used *used;

    start(plain);
    used = shim_phys(fake->queues[0].areas.device);
    used->index = le16(index[test_case]);
    expect_broken("used index runs ahead");
}

/* The device overwrites every descriptor; our own record is what counts. */
TEST_CASES(hostile_descriptors_are_never_read_back, 2)
{
    void *descriptors;
    unsigned heads = 0;

    start(plain);
    descriptors = shim_phys(fake->queues[0].areas.descriptor);
    memset(descriptors, test_case ? 0xff : 0, 8 * 16);
    for (unsigned i = 0; i < 3; i++) {
        push((uint16_t)(2 * i), 0);
        CHECK(virtqueue_take(queue, NULL) == &tokens[i]);
    }
    CHECK_EQ(virtqueue_room(queue), 8);
    /* Every descriptor is free exactly once. */
    fake->queues[0].ring.next_avail = 3;
    for (unsigned i = 0; i < 8; i++) {
        struct virtio_sg sg = {0x1000, 10};
        struct vringd_chain chain;

        CHECK_EQ(virtqueue_add(queue, &sg, 1, 0, &tokens[i]), 0);
        CHECK_EQ(fake_pop(fake, 0, &chain), 1);
        heads |= 1u << chain.head;
    }
    CHECK_EQ(heads, 0xff);
}

TEST(hostile_interrupts_without_reason)
{
    start(plain);
    for (unsigned i = 0; i < 10; i++) {
        virtio_queue_interrupt(&fake->dev, i);
        CHECK(virtqueue_take(queue, NULL) == NULL);
    }
    CHECK(!virtqueue_broken(queue));
}
