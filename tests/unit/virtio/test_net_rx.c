/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receiving through the network driver: every size in every kind of buffer, and headers that
 * make no sense.
 */
#include "fake_net.h"
#include <neap/alloc.h>
#include <neap/memory.h>
#include <neap/timer.h>
#include <string.h>

#define LARGE                                                                            \
    (FEATURE(NET_F_GUEST_CSUM) | FEATURE(NET_F_GUEST_TSO4) | FEATURE(NET_F_GUEST_TSO6) | \
     FEATURE(NET_F_GUEST_ECN) | FEATURE(NET_F_GUEST_USO4))

static uint64_t free_now(void)
{
    struct memory_stats stats;

    memory_stats_get(&stats);
    return stats.free;
}

static const uint64_t kinds[] = {
    0,
    FEATURE(NET_F_MRG_RXBUF),
    LARGE,
    LARGE | FEATURE(NET_F_MRG_RXBUF),
    FEATURE(NET_F_HASH_REPORT) | FEATURE(NET_F_CTRL_VQ),
    LARGE | FEATURE(NET_F_HASH_REPORT) | FEATURE(NET_F_CTRL_VQ) | FEATURE(NET_F_MRG_RXBUF),
    LARGE | FEATURE(NET_F_HASH_REPORT) | FEATURE(NET_F_CTRL_VQ),
    LARGE | FEATURE(VIRTIO_F_INDIRECT_DESC) | FEATURE(VIRTIO_F_EVENT_IDX),
    LARGE | FEATURE(NET_F_MRG_RXBUF) | FEATURE(VIRTIO_F_EVENT_IDX),
};

TEST_CASES(net_receives_every_size, ARRAY_SIZE(kinds))
{
    static const uint32_t sizes[] = {14,   15,   60,   1500, 1514,  1518,  3937,  3938,
                                     3939, 3950, 3951, 7900, 20000, 65535, 65549, 65553};
    bool large = kinds[test_case] & FEATURE(NET_F_GUEST_TSO4);
    uint64_t before;
    unsigned wanted = 0;

    wire_create(kinds[test_case], 1, 256);
    wire_boot(1);
    user_open();
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        if (!large && sizes[i] > 1518)
            break;
        wire_receive(0, sizes[i], i);
        CHECK_EQ(user.frames, ++wanted);
        CHECK_EQ(user.last.frame_length, sizes[i]);
        CHECK(is_frame(user.frame, sizes[i], i));
        CHECK_EQ(user.last.checksum, NETDEV_CHECKSUM_UNKNOWN);
    }
    before = free_now();
    for (unsigned i = 0; i < 100; i++)
        wire_receive(0, 60, i);
    CHECK(free_now() + (32 << PAGE_SHIFT) >= before);
    CHECK_EQ(wire_netdev()->queues[0].stats.rx_errors, 0);
}

/* NET-008: packets of the largest MTU without merging. */
TEST(net_receives_jumbo_frames)
{
    wire_create(FEATURE(NET_F_MTU), 1, 64);
    fake_config_set32(wire.fake, NET_CONFIG_MAX_PAIRS, 65535u << 16);
    wire_boot(1);
    user_open();
    wire_receive(0, 65549, 3);
    CHECK_EQ(user.frames, 1);
    CHECK(is_frame(user.frame, 65549, 3));
}

/* A batch is one upcall; more than a budget of frames are several. */
TEST(net_receives_in_batches)
{
    static uint8_t frame[60];

    wire_create(0, 1, 256);
    wire_boot(1);
    user_open();
    for (unsigned round = 0; round < 20; round++) {
        while (wire_deliver(0, (struct net_header){0}, frame, sizeof(frame)))
            ;
        wire_interrupt(0);
    }
    CHECK_EQ(wire_netdev()->queues[0].stats.rx_frames, user.frames);
    CHECK(user.frames > 20 * 64);
    CHECK_EQ(user.largest_batch, 64);
    CHECK(user.batches < user.frames / 30);
}

/* The ring grows with a burst and shrinks when it is quiet. */
TEST_CASES(net_buffers_follow_the_load, 2)
{
    static uint8_t frame[60];
    const struct netdev_stats *stats;
    uint64_t quiet, busy;

    wire_create(test_case ? LARGE : 0, 1, 256);
    wire_boot(1);
    user_open();
    stats = &wire_netdev()->queues[0].stats;
    quiet = stats->rx_buffers;
    CHECK_EQ(quiet, test_case ? 4 : 32);
    for (unsigned round = 0; round < 20; round++) {
        while (wire_deliver(0, (struct net_header){0}, frame, sizeof(frame)))
            ;
        wire_interrupt(0);
    }
    busy = stats->rx_buffers;
    CHECK_EQ(busy, test_case ? 15 : 256); /* 17 descriptors each */
    for (unsigned i = 0; i < 400; i++) {
        shim_advance(100 * NS_PER_MS);
        wire_receive(0, 60, i);
    }
    CHECK_EQ(stats->rx_buffers, quiet);
    CHECK_EQ(shim_timers_armed(), 0);
}

/* The user keeps everything: pages are its own, a reset does not touch them. */
TEST(net_frames_belong_to_the_user)
{
    struct netdev_buffer *frame;
    unsigned count = 0;

    wire_start(FEATURE(NET_F_MRG_RXBUF) | LARGE);
    user.keep = true;
    for (unsigned i = 0; i < 100; i++)
        wire_receive(0, 60 + i * 100, i);
    virtio_device_misbehaved(&wire.fake->dev, "a test says so");
    shim_settle();
    while ((frame = user.kept)) {
        user.kept = frame->next_frame;
        count++;
        CHECK(is_frame(frame->data, MIN(frame->length, 3000), 100 - count));
        netdev_release_frame(frame);
    }
    CHECK_EQ(count, 100);
    mm_check();
}

/* Shorter than its header, or a wrong number of buffers: where the next frame starts is lost.
 */
TEST_CASES(net_receive_queue_makes_no_sense, 5)
{
    static const uint16_t counts[] = {0, 65, 65535};
    struct net_header header = {.num_buffers = 1};
    uint32_t length = 72;

    wire_start(test_case ? FEATURE(NET_F_MRG_RXBUF) : 0);
    if (test_case < 2)
        length = test_case ? 11 : 0;
    else
        header.num_buffers = counts[test_case - 2];
    CHECK(wire_push(0, &header, length));
    wire_interrupt(0);
    CHECK_EQ(wire.fake->dev.resets, 1);
    CHECK_EQ(user.frames, 0);
    wire_receive(0, 60, 1);
    CHECK_EQ(user.frames, 1);
    CHECK(is_frame(user.frame, 60, 1));
}

/* The rest of a frame comes later, or never before the reset. */
TEST_CASES(net_frame_in_parts, 2)
{
    struct net_header header = {.num_buffers = 3};

    wire_start(FEATURE(NET_F_MRG_RXBUF));
    CHECK(wire_push(0, &header, 12 + 60));
    wire_interrupt(0);
    CHECK(wire_push(0, NULL, 100));
    wire_interrupt(0);
    CHECK_EQ(user.frames, 0);
    if (test_case) {
        virtio_device_misbehaved(&wire.fake->dev, "a test says so");
        shim_settle();
    } else {
        CHECK(wire_push(0, NULL, 1));
        wire_interrupt(0);
        CHECK_EQ(user.frames, 1);
        CHECK_EQ(user.last.frame_length, 161);
        CHECK_EQ(user.last.nr_pieces, 3);
    }
    wire_receive(0, 60, 1);
    CHECK_EQ(user.last.frame_length, 60);
}

/*
 * 0: a header and nothing, then the frame. 1: nothing in the middle. 2: too long. 3: too many
 * pieces. 4: nothing at all.
 */
TEST_CASES(net_strange_merges, 5)
{
    static const struct {
        unsigned buffers;
        uint32_t first, others;
        uint32_t length; /* of the frame; 0: dropped */
    } cases[] = {
        {2, 12, 60, 60}, {3, 72, 0, 60}, {20, 3962, 3962, 0}, {65, 72, 1, 0}, {4, 12, 0, 0}};
    struct net_header header = {.num_buffers = (uint16_t)cases[test_case].buffers};
    uint64_t before;

    wire_create(FEATURE(NET_F_MRG_RXBUF) | LARGE, 1, 256);
    wire_boot(1);
    user_open();
    for (unsigned i = 0; i < 20; i++)
        wire_receive(0, 65000, 1); /* the ring is deep then */
    before = free_now();
    user.frames = 0;
    for (unsigned i = 0; i < cases[test_case].buffers; i++) {
        uint32_t length = i ? cases[test_case].others : cases[test_case].first;

        CHECK(wire_push(0, i ? NULL : &header, length));
        wire_interrupt(0);
    }
    CHECK_EQ(user.frames, cases[test_case].length != 0);
    if (cases[test_case].length)
        CHECK_EQ(user.last.frame_length, cases[test_case].length);
    else
        CHECK_EQ(wire_netdev()->queues[0].stats.rx_errors, 1);
    CHECK(free_now() + (64 << PAGE_SHIFT) > before); /* nothing was lost */
    wire_receive(0, 60, 2);
    CHECK(is_frame(user.frame, 60, 2));
}

/* No memory: the ring runs dry, nothing is lost but frames, and it comes back by itself. */
TEST(net_receives_without_memory)
{
    static uint8_t frame[60];
    unsigned before;

    wire_start(0);
    alloc_inject_failure(1, 1);
    while (wire_deliver(0, (struct net_header){0}, frame, sizeof(frame)))
        ;
    wire_interrupt(0);
    CHECK_EQ(wire_netdev()->queues[0].stats.rx_buffers, 0);
    CHECK(!wire_push(0, NULL, 12));
    shim_advance(100 * NS_PER_MS);
    CHECK(wire_netdev()->queues[0].stats.rx_no_memory > 0);
    alloc_inject_failure(0, 0);
    shim_advance(100 * NS_PER_MS);
    before = user.frames;
    wire_receive(0, 60, 1);
    CHECK_EQ(user.frames, before + 1);
    CHECK_EQ(shim_timers_armed(), 0);
}

/* An answer sent from inside the upcall, as a stack does it. */
static void answer(void)
{
    CHECK_EQ(user_send(0, 60, 1, &user), 0);
}

TEST(net_sends_from_the_upcall)
{
    wire_start(FEATURE(VIRTIO_F_EVENT_IDX));
    user.on_receive = answer;
    for (unsigned i = 0; i < 200; i++)
        wire_receive(0, 60, i);
    CHECK_EQ(wire.sent, 200);
    shim_advance(5 * NS_PER_MS);
    CHECK_EQ(user.completed, 200);
}

static unsigned bursts;

/* While a batch is with the user, the next one comes in. */
static void more_comes(void)
{
    static const uint8_t frame[60];

    if (!bursts)
        return;
    bursts--;
    for (unsigned i = 0; i < 8; i++)
        CHECK(wire_deliver(0, (struct net_header){0}, frame, sizeof(frame)));
    fake_interrupt(wire.fake, 0);
}

/* Under load frames are polled for; what comes to a quiet queue interrupts. */
TEST_CASES(net_interrupts_only_when_quiet, 2)
{
    const struct netdev_stats *stats;

    wire_create(test_case ? FEATURE(VIRTIO_F_EVENT_IDX) : 0, 1, 64);
    wire_boot(1);
    user_open();
    user.on_receive = more_comes;
    stats = &wire_netdev()->queues[0].stats;
    for (unsigned round = 1; round <= 5; round++) {
        bursts = 100;
        wire_receive(0, 60, round);
        CHECK_EQ(bursts, 0);
        CHECK_EQ(user.frames, round * (1 + 100 * 8));
        CHECK_EQ(stats->interrupts, round);
    }
}
