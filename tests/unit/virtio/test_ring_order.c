/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IN_ORDER: descriptors in the order of the ring, one used entry for a batch.
 */
#include "../../../drivers/virtio/ring_layout.h"
#include "fake.h"
#include <errno.h>

static struct fake *fake;
static struct virtqueue *queue;
static char tokens[64];
static uint32_t offered[64]; /* and not pushed yet */
static unsigned nr_offered;

static void start(unsigned size, bool packed)
{
    const int features[] = {VIRTIO_F_IN_ORDER, VIRTIO_F_INDIRECT_DESC, VIRTIO_F_EVENT_IDX,
                            packed ? VIRTIO_F_RING_PACKED : -1, -1};

    shim_boot(64 * MIB);
    fake = fake_live(size, features);
    queue = script.queues[0];
}

static uint32_t offer(unsigned in, void *token)
{
    struct virtio_sg sg[4] = {{0x1000, 10}, {0x2000, 20}, {0x3000, 30}, {0x4000, 40}};
    struct vringd_chain chain;

    CHECK_EQ(virtqueue_add(queue, sg, 1, in, token), 0);
    CHECK_EQ(fake_pop(fake, 0, &chain), 1);
    offered[nr_offered++] = chain.head;
    return chain.head;
}

/* The oldest buffers, with one used entry. */
static void push_batch(uint32_t length, unsigned buffers)
{
    unsigned i = 0;

    CHECK(buffers <= nr_offered);
    while (i + 1 < buffers)
        vringd_skip(&fake->queues[0].ring, offered[i++]);
    vringd_push(&fake->queues[0].ring, offered[i++], length);
    nr_offered -= buffers;
    for (unsigned k = 0; k < nr_offered; k++)
        offered[k] = offered[buffers + k];
    fake_interrupt(fake, 0);
}

/* RING-SPLIT-005 */
TEST(order_descriptors_follow_the_ring)
{
    const struct ring_descriptor *descriptors;
    unsigned at = 0;

    start(8, false);
    descriptors = shim_phys(fake->queues[0].areas.descriptor);
    for (unsigned i = 0; i < 40; i++) {
        unsigned pieces = 1 + i % 3;

        CHECK_EQ(offer(pieces - 1, &tokens[i]), at);
        for (unsigned k = 0; k + 1 < pieces; k++)
            CHECK_EQ(le16(descriptors[(at + k) % 8].next), (at + k + 1) % 8);
        at = (at + pieces) % 8;
        push_batch(0, 1);
        CHECK(virtqueue_take(queue, NULL) == &tokens[i]);
    }
}

TEST_CASES(order_batches, 2)
{
    uint32_t length;

    start(16, test_case);
    for (unsigned i = 0; i < 6; i++)
        offer(1, &tokens[i]);
    push_batch(5, 4);
    CHECK_EQ(script.callbacks, 1);
    for (unsigned i = 0; i < 4; i++) {
        CHECK(virtqueue_has_used(queue));
        CHECK(virtqueue_take(queue, &length) == &tokens[i]);
        CHECK_EQ(length, i < 3 ? 20 : 5); /* skipped ones count as completely used */
    }
    CHECK(virtqueue_take(queue, &length) == NULL);
    push_batch(1, 1);
    push_batch(2, 1);
    CHECK(virtqueue_take(queue, &length) == &tokens[4]);
    CHECK_EQ(length, 1);
    CHECK(virtqueue_take(queue, &length) == &tokens[5]);
    CHECK_EQ(length, 2);
    CHECK_EQ(virtqueue_room(queue), 16);
}

/* Buffers are added while a batch is half taken. */
TEST_CASES(order_add_inside_a_batch, 2)
{
    start(4, test_case);
    for (unsigned i = 0; i < 3; i++)
        offer(0, &tokens[i]);
    push_batch(0, 3);
    CHECK(virtqueue_take(queue, NULL) == &tokens[0]);
    offer(0, &tokens[3]);
    offer(0, &tokens[4]);
    CHECK_EQ(virtqueue_room(queue), 0);
    CHECK(virtqueue_take(queue, NULL) == &tokens[1]);
    CHECK(virtqueue_take(queue, NULL) == &tokens[2]);
    CHECK(virtqueue_take(queue, NULL) == NULL);
    push_batch(0, 2);
    CHECK(virtqueue_take(queue, NULL) == &tokens[3]);
    CHECK(virtqueue_take(queue, NULL) == &tokens[4]);
}

TEST_CASES(order_whole_ring_in_one_batch, 2)
{
    start(8, test_case);
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned i = 0; i < 8; i++)
            offer(0, &tokens[i]);
        push_batch(0, 8);
        for (unsigned i = 0; i < 8; i++)
            CHECK(virtqueue_take(queue, NULL) == &tokens[i]);
    }
}

/* The used index must cover the whole batch that the entry names. */
TEST(order_index_inside_a_batch_breaks)
{
    start(8, false);
    for (unsigned i = 0; i < 3; i++)
        offer(0, &tokens[i]);
    offered[1] = offered[2];
    push_batch(0, 2);
    CHECK(virtqueue_take(queue, NULL) == NULL);
    CHECK(virtqueue_broken(queue));
    CHECK_EQ(shim_log_count("stops inside a batch"), 1);
}
