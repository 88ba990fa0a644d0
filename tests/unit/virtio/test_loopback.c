/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices made of software, with the network driver above them: frames, faults, and drivers
 * that write nonsense. The self-tests in the guest do the same in the real kernel.
 */
#include "../../../drivers/virtio/loopback.h"
#include "../../../drivers/virtio/ring_layout.h"
#include "fake.h"
#include <errno.h>
#include <neap/alloc.h>
#include <neap/netdev.h>
#include <string.h>

#define RX     0
#define TX     1
#define FRAMES 16
#define BYTES  100

static struct loopback *loopback;
static struct netdev *dev;
static struct page *memory;
static unsigned received[256], completed[256];

static void receive(void *arg UNUSED, unsigned queue UNUSED, struct netdev_buffer *frames)
{
    while (frames) {
        struct netdev_buffer *next = frames->next_frame;

        CHECK_EQ(frames->frame_length, BYTES);
        for (unsigned i = 20; i < BYTES; i++)
            CHECK_EQ(frames->data[i], (uint8_t)(frames->data[14] + i));
        received[frames->data[14]]++;
        netdev_release_frame(frames);
        frames = next;
    }
}

static void complete(void *arg UNUSED, unsigned queue UNUSED, void *token)
{
    ++*(unsigned *)token;
}

static void take(struct netdev *found, void *arg UNUSED)
{
    dev = found;
}

static void start(void)
{
    static const struct netdev_upcalls upcalls = {.receive = receive, .completed = complete};

    shim_boot(128 * MIB);
    loopback = loopback_get("net");
    CHECK(loopback && loopback->dev.live);
    netdev_for_each(take, NULL);
    CHECK_EQ(netdev_open(dev, &upcalls, NULL), 0);
    memory = alloc_pages(3, PAGE_KERNEL, 0);
    shim_settle();
}

/* The frame lies in the memory until the device has read it. */
static void submit(unsigned i)
{
    uint8_t *frame = (uint8_t *)page_to_virt(memory) + i * BYTES;
    struct netdev_piece piece = {virt_to_phys(frame), BYTES};
    struct netdev_tx tx = {.pieces = &piece, .nr_pieces = 1, .token = &completed[i]};

    memset(frame, 0xff, 14);
    frame[14] = (uint8_t)i;
    for (unsigned k = 20; k < BYTES; k++)
        frame[k] = (uint8_t)(i + k);
    CHECK_EQ(netdev_transmit(dev, 0, &tx, false), 0);
}

static void send(unsigned i)
{
    submit(i);
    shim_settle();
}

static void expect_good(unsigned first)
{
    for (unsigned i = first; i < first + FRAMES; i++) {
        send(i);
        CHECK_EQ(completed[i], 1);
        CHECK_EQ(received[i], 1);
    }
}

/* Bits 0 to 3: packed, event index, in order, indirect. */
static void choose(unsigned features)
{
    static const unsigned bits[] = {VIRTIO_F_RING_PACKED, VIRTIO_F_EVENT_IDX, VIRTIO_F_IN_ORDER,
                                    VIRTIO_F_INDIRECT_DESC};

    for (unsigned i = 0; i < ARRAY_SIZE(bits); i++) {
        loopback->offered.word[0] &= ~(UINT64_C(1) << bits[i]);
        if (features >> i & 1)
            virtio_features_set(&loopback->offered, bits[i]);
    }
    CHECK_EQ(virtio_restart(&loopback->dev), 0);
    shim_settle();
}

TEST_CASES(loopback_frames, 16)
{
    start();
    choose(test_case);
    CHECK_EQ(loopback->accepted.word[0], loopback->offered.word[0]);
    expect_good(0);
    expect_good(FRAMES);
    CHECK_EQ(loopback->counts[LOOPBACK_NET_FRAMES], 2 * FRAMES);
    CHECK_EQ(loopback->dev.resets, 0);
}

/* What the driver says of each fault: on the receive queue, and on the transmit queue. */
static const struct {
    enum loopback_fault fault;
    bool reset;
} faults[] = {
    {LOOPBACK_DROP, false},       {LOOPBACK_DELAY, false},   {LOOPBACK_REORDER, false},
    {LOOPBACK_DUPLICATE, true},   {LOOPBACK_WRONG_ID, true}, {LOOPBACK_WRONG_LENGTH, true},
    {LOOPBACK_NEEDS_RESET, true}, {LOOPBACK_EARLY, false},   {LOOPBACK_BROKEN, false},
};

TEST_CASES(loopback_faults, 4 * ARRAY_SIZE(faults))
{
    struct loopback_plan plan = {
        .fault = faults[test_case / 4].fault, .queue = test_case % 2, .after = 1, .times = 1};
    bool reset = faults[test_case / 4].reset;

    start();
    choose(test_case & 2 ? 1 : 0);
    loopback_set_plan(loopback, &plan);
    for (unsigned i = 0; i < 4; i++)
        send(i);
    shim_advance(2 * LOOPBACK_DELAY_NS);
    CHECK_EQ(loopback->plan.times, 0);
    CHECK_EQ(loopback->dev.resets, reset);
    CHECK(loopback->dev.live);
    if (plan.fault == LOOPBACK_BROKEN)
        CHECK_EQ(virtio_restart(&loopback->dev), 0);
    else if (!reset && plan.fault != LOOPBACK_DROP)
        for (unsigned i = 0; i < 4; i++)
            CHECK(received[i] == 1 && completed[i] == 1);
    expect_good(FRAMES);
    netdev_close(dev);
    for (unsigned i = 0; i < 4; i++)
        CHECK_EQ(completed[i], 1);
}

/* What was kept goes back when the plan changes. */
TEST(loopback_gives_up_at_once)
{
    const struct loopback_plan plan = {
        .fault = LOOPBACK_NEEDS_RESET, .queue = RX, .after = 3, .times = 1};

    start();
    loopback_set_plan(loopback, &plan);
    for (unsigned i = 0; i < 10; i++)
        submit(i);
    shim_settle();
    CHECK_EQ(loopback->dev.resets, 1);
    CHECK_EQ(loopback->counts[LOOPBACK_NET_FRAMES], 4);
}

TEST(loopback_plan_ends)
{
    struct loopback_plan plan = {.fault = LOOPBACK_REORDER, .queue = TX, .times = 1};

    start();
    loopback_set_plan(loopback, &plan);
    send(0);
    CHECK_EQ(completed[0], 0);
    plan.times = 0;
    loopback_set_plan(loopback, &plan);
    CHECK(!loopback->queues[TX].held);
    CHECK_EQ(loopback->queues[TX].pushed, 1);
    expect_good(1);
    CHECK_EQ(completed[0], 1);
}

/* The driver's ring runs ahead: the device gives up, and is set up anew. */
TEST(loopback_driver_writes_nonsense)
{
    struct ring_available *available;

    start();
    choose(0);
    available = loopback->queues[TX].ring.driver;
    available->index = 5000;
    loopback->dev.ops->notify(&loopback->dev, TX, 0);
    shim_settle();
    CHECK_EQ(loopback->dev.resets, 1);
    expect_good(0);
}

TEST(loopback_frames_without_buffers_are_lost)
{
    struct loopback_plan plan = {.fault = LOOPBACK_DROP, .queue = RX, .times = 10000};
    unsigned sent = 0;

    start();
    loopback_set_plan(loopback, &plan);
    while (!loopback->counts[LOOPBACK_NET_LOST] && sent < 5000)
        send(sent++ % 256);
    CHECK(loopback->counts[LOOPBACK_NET_LOST] > 0);
    CHECK_EQ(loopback->dev.resets, 0);
}

TEST(loopback_gives_up_at_each_step)
{
    unsigned steps;

    start();
    choose(15);
    steps = loopback->steps;
    CHECK(steps > 10);
    for (unsigned step = 1; step <= steps; step++) {
        loopback->dev.resets = 0;
        loopback->fail_at = step;
        CHECK_EQ(virtio_restart(&loopback->dev), 0);
        shim_settle();
        CHECK_EQ(loopback->dev.resets, 1);
        CHECK_EQ(loopback->fail_at, 0);
        CHECK(loopback->dev.live);
    }
    expect_good(0);
}

TEST(loopback_registers)
{
    const struct virtio_transport_ops *ops;
    struct virtqueue_areas areas = {0};
    struct virtio_features all = {{UINT64_MAX, UINT64_MAX}};
    uint32_t value;

    start();
    ops = loopback->dev.ops;
    CHECK_EQ(ops->config_read(&loopback->dev, 10, 2, &value), 0);
    CHECK_EQ(value, 1500);
    CHECK_EQ(ops->config_read(&loopback->dev, 9, 4, &value), -ERANGE);
    CHECK_EQ(ops->config_read(&loopback->dev, 0xfffffffe, 4, &value), -ERANGE);
    CHECK_EQ(ops->config_write(&loopback->dev, 10, 2, 9000), 0);
    CHECK_EQ(ops->config_write(&loopback->dev, 12, 1, 0), -ERANGE);
    CHECK_EQ(ops->queue_max_size(&loopback->dev, 2), 0);
    CHECK_EQ(ops->queue_enable(&loopback->dev, 0, 256, &areas), -EIO); /* it is already */
    ops->set_features(&loopback->dev, &all);
    ops->set_status(&loopback->dev, VIRTIO_STATUS_FEATURES_OK);
    CHECK_EQ(ops->get_status(&loopback->dev) & VIRTIO_STATUS_FEATURES_OK, 0);
}

TEST(loopback_reaches_only_memory)
{
    start();
    CHECK(loopback_reach(NULL, page_to_phys(memory), PAGE_SIZE) != NULL);
    CHECK(loopback_reach(NULL, page_to_phys(memory), 0) == NULL);
    CHECK(loopback_reach(NULL, UINT64_MAX - 5, 10) == NULL);
    CHECK(loopback_reach(NULL, UINT64_C(1) << 40, 10) == NULL);
    CHECK(loopback_reach(NULL, 0x100000, UINT64_C(1) << 30) == NULL);
}

TEST(loopback_names)
{
    CHECK_EQ(shim_cmdline_set("loopback", "net"), 0);
    CHECK_EQ(shim_cmdline_set("loopback", "net,net"), 0);
    CHECK_EQ(shim_cmdline_set("loopback", "ne"), -EINVAL);
    CHECK_EQ(shim_cmdline_set("loopback", "net,floppy"), -EINVAL);
    start();
    CHECK(loopback_get("floppy") == NULL);
    CHECK(loopback_get("net") == loopback);
}
