/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Random traffic through a ring beside a plain list of what is in flight, for every
 * combination of ring features; with each buffer its pieces, order and length are compared.
 */
#include "fake.h"
#include <errno.h>

#define STEPS   20000
#define BUFFERS 64
#define PIECES  6

struct buffer {
    bool offered; /* by the driver, not popped yet */
    bool popped;  /* the device has it */
    bool used;    /* given back, not taken yet */
    uint32_t head;
    unsigned out, in;
    uint64_t phys;
    uint32_t length; /* that the device wrote */
    uint32_t in_bytes;
};

static struct buffer buffers[BUFFERS];
static unsigned offers[BUFFERS], nr_offers; /* in the order of the ring */
static unsigned held[BUFFERS], nr_held;     /* popped, in that order */
static unsigned returns[BUFFERS], nr_returns;
static struct fake *fake;
static struct virtqueue *queue;
static bool in_order;

static unsigned shift(unsigned *list, unsigned *count, unsigned at)
{
    unsigned value = list[at];

    for (--*count; at < *count; at++)
        list[at] = list[at + 1];
    return value;
}

static void offer(void)
{
    struct virtio_sg sg[PIECES];
    unsigned i = (unsigned)unit_random_below(BUFFERS);
    struct buffer *buffer = &buffers[i];
    unsigned room = virtqueue_room(queue);
    int error;

    if (buffer->offered || buffer->popped || buffer->used)
        return;
    buffer->out = (unsigned)unit_random_below(PIECES / 2 + 1);
    buffer->in = (unsigned)unit_random_below(PIECES / 2 + 1);
    buffer->phys = unit_random() & 0xffffff000;
    buffer->in_bytes = 0;
    for (unsigned k = 0; k < buffer->out + buffer->in; k++) {
        sg[k] = (struct virtio_sg){buffer->phys + k, (uint32_t)unit_random_below(5000) + 1};
        buffer->in_bytes += k >= buffer->out ? sg[k].length : 0;
    }
    error = virtqueue_add(queue, sg, buffer->out, buffer->in, buffer);
    if (buffer->out + buffer->in == 0) {
        CHECK_EQ(error, -EINVAL);
    } else if (error) {
        CHECK_EQ(error, -ENOSPC);
        CHECK(room < buffer->out + buffer->in);
        CHECK_EQ(virtqueue_room(queue), room);
    } else {
        buffer->offered = true;
        offers[nr_offers++] = i;
    }
}

static void pop(void)
{
    struct vringd_chain chain;
    struct buffer *buffer;

    if (!fake_pop(fake, 0, &chain)) {
        CHECK_EQ(nr_offers, 0);
        return;
    }
    CHECK(nr_offers > 0);
    held[nr_held++] = shift(offers, &nr_offers, 0);
    buffer = &buffers[held[nr_held - 1]];
    CHECK_EQ(chain.out, buffer->out);
    CHECK_EQ(chain.in, buffer->in);
    for (unsigned k = 0; k < chain.out + chain.in; k++)
        CHECK_EQ(chain.pieces[k].phys, buffer->phys + k);
    buffer->offered = false;
    buffer->popped = true;
    buffer->head = chain.head;
}

static void mark_used(unsigned at, bool skipped)
{
    struct buffer *buffer;

    returns[nr_returns] = shift(held, &nr_held, at);
    buffer = &buffers[returns[nr_returns++]];
    buffer->popped = false;
    buffer->used = true;
    buffer->length =
        skipped ? buffer->in_bytes : (uint32_t)unit_random_below(buffer->in_bytes + 1);
}

static void give_back(void)
{
    unsigned batch = in_order ? 1 + (unsigned)unit_random_below(nr_held + 1) : 1;
    struct buffer *last;

    if (!nr_held)
        return;
    batch = MIN(batch, nr_held);
    for (unsigned i = 0; i < batch; i++) {
        mark_used(in_order ? 0 : (unsigned)unit_random_below(nr_held), i + 1 < batch);
        last = &buffers[returns[nr_returns - 1]];
        if (i + 1 < batch)
            vringd_skip(&fake->queues[0].ring, last->head);
        else
            vringd_push(&fake->queues[0].ring, last->head, last->length);
    }
    if (unit_random_below(2))
        fake_interrupt(fake, 0);
}

static void take(void)
{
    uint32_t length;
    struct buffer *buffer = virtqueue_take(queue, &length);

    if (!buffer) {
        CHECK_EQ(nr_returns, 0);
        return;
    }
    CHECK(nr_returns > 0);
    CHECK(buffer == &buffers[shift(returns, &nr_returns, 0)]);
    CHECK_EQ(length, buffer->length);
    buffer->used = false;
}

/* Bit 0 indirect, 1 event index, 2 in order, 3 packed, 4 a large ring. */
TEST_CASES(ring_model, 32)
{
    void (*const steps[])(void) = {offer, offer, pop, give_back, take};
    int features[5] = {-1, -1, -1, -1, -1};
    unsigned nr = 0;

    if (test_case & 1)
        features[nr++] = VIRTIO_F_INDIRECT_DESC;
    if (test_case & 2)
        features[nr++] = VIRTIO_F_EVENT_IDX;
    in_order = test_case & 4;
    if (in_order)
        features[nr++] = VIRTIO_F_IN_ORDER;
    if (test_case & 8)
        features[nr++] = VIRTIO_F_RING_PACKED;
    script.max_pieces = PIECES - 1;
    shim_boot(64 * MIB);
    fake = fake_live(test_case & 16 ? 256 : 8, features);
    queue = script.queues[0];
    for (unsigned i = 0; i < STEPS; i++) {
        steps[unit_random_below(ARRAY_SIZE(steps))]();
        if (unit_random_below(8) == 0)
            virtqueue_kick(queue);
        CHECK(!virtqueue_broken(queue));
        CHECK_EQ(virtqueue_has_used(queue), nr_returns > 0);
    }
    while (nr_offers + nr_held + nr_returns) {
        pop();
        give_back();
        take();
    }
    CHECK_EQ(virtqueue_room(queue), virtqueue_size(queue));
}
