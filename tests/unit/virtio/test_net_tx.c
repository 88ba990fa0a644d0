/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending through the network driver.
 */
#include "fake_net.h"
#include <errno.h>
#include <neap/alloc.h>
#include <neap/timer.h>
#include <string.h>

#define ALL_TX                                                                   \
    (FEATURE(NET_F_CSUM) | FEATURE(NET_F_HOST_TSO4) | FEATURE(NET_F_HOST_TSO6) | \
     FEATURE(NET_F_HOST_ECN) | FEATURE(NET_F_HOST_USO) | FEATURE(NET_F_GUEST_HDRLEN))

/* A valid request that uses every field; tests change it. */
static struct netdev_piece pieces[NETDEV_TX_PIECES_MAX + 1];

static struct netdev_tx request(uint32_t length)
{
    struct page *page = alloc_pages(5, PAGE_KERNEL, 0);

    CHECK(page != NULL);
    make_frame((uint8_t *)page_to_virt(page) + 64, length, 9);
    pieces[0] = (struct netdev_piece){page_to_phys(page) + 64, length};
    return (struct netdev_tx){.pieces = pieces, .nr_pieces = 1, .token = pieces};
}

static int send(const struct netdev_tx *tx)
{
    return netdev_transmit(wire_netdev(), 0, tx, false);
}

TEST_CASES(net_sends_a_frame, 4)
{
    struct netdev_tx tx;

    wire_start(test_case & 2 ? FEATURE(VIRTIO_F_EVENT_IDX) | FEATURE(VIRTIO_F_INDIRECT_DESC)
                             : 0);
    tx = request(100);
    tx.headroom = test_case & 1 ? 12 : 11;
    CHECK_EQ(send(&tx), 0);
    CHECK_EQ(wire.sent, 1);
    CHECK_EQ(wire.length, 100);
    CHECK(is_frame(wire.frame, 100, 9));
    CHECK_EQ(wire.pieces, test_case & 1 ? 1 : 2);
    CHECK_EQ(wire.header.flags, 0);
    CHECK_EQ(wire.header.gso_type, 0);
    shim_advance(5 * NS_PER_MS);
    CHECK_EQ(user.completed, 1);
    CHECK(user.last_token == pieces);
    CHECK_EQ(shim_timers_armed(), 0);
}

TEST_CASES(net_sends_many_pieces, 2)
{
    struct netdev_tx tx;
    uint64_t base;

    wire_start(test_case ? FEATURE(VIRTIO_F_INDIRECT_DESC) : 0);
    tx = request(1200);
    base = pieces[0].phys;
    for (unsigned i = 0; i < NETDEV_TX_PIECES_MAX; i++)
        pieces[i] = (struct netdev_piece){base + i * 50, 50};
    tx.nr_pieces = NETDEV_TX_PIECES_MAX;
    CHECK_EQ(send(&tx), 0);
    CHECK_EQ(wire.length, 1200);
    CHECK(is_frame(wire.frame, 1200, 9));
    tx.nr_pieces++;
    CHECK_EQ(send(&tx), -EMSGSIZE);
}

TEST_CASES(net_sends_offloads, 5)
{
    static const uint8_t types[] = {NET_GSO_NONE, NET_GSO_TCP4, NET_GSO_TCP6, NET_GSO_UDP_L4,
                                    NET_GSO_TCP4 | NET_GSO_ECN};
    struct netdev_tx tx;

    wire_start(ALL_TX);
    tx = request(test_case ? 40000 : 400);
    tx.checksum = true;
    tx.csum_start = 34;
    tx.csum_offset = 16;
    tx.segmentation = test_case == 4 ? NETDEV_SEGMENT_TCP4 : (uint8_t)test_case;
    tx.ecn = test_case == 4;
    tx.header_length = 54;
    tx.segment_size = 1446;
    CHECK_EQ(send(&tx), 0);
    CHECK_EQ(wire.header.flags, NET_HDR_NEEDS_CSUM);
    CHECK_EQ(wire.header.csum_start, 34);
    CHECK_EQ(wire.header.csum_offset, 16);
    CHECK_EQ(wire.header.gso_type, types[test_case]);
    CHECK_EQ(wire.header.gso_size, test_case ? 1446 : 0);
    CHECK_EQ(wire.header.header_length, test_case ? 54 : 0); /* NET-044 */
    CHECK(is_frame(wire.frame, tx.pieces[0].length, 9));
}

/* Each request differs in one thing from one that is right. */
TEST_CASES(net_refuses_requests, 17)
{
    struct netdev_tx tx;
    int wanted = -EINVAL;

    wire_start(test_case == 14   ? FEATURE(NET_F_CSUM) | FEATURE(NET_F_HOST_TSO4)
               : test_case == 15 ? FEATURE(NET_F_CSUM)
               : test_case == 16 ? 0
                                 : ALL_TX);
    tx = request(4000);
    tx.checksum = true;
    tx.csum_start = 34;
    tx.csum_offset = 16;
    tx.segmentation = NETDEV_SEGMENT_TCP4;
    tx.header_length = 54;
    tx.segment_size = 1000;
    if (test_case == 0) {
        tx.nr_pieces = 0;
    } else if (test_case == 1) {
        tx.token = NULL;
    } else if (test_case == 2) {
        tx.nr_pieces = 2;
        pieces[1].length = 0;
    } else if (test_case == 3) {
        pieces[0].length = 13;
    } else if (test_case == 4) {
        tx.csum_offset = 4000 - 34 - 1;
    } else if (test_case == 5) {
        tx.csum_start = 54;
    } else if (test_case == 6) {
        tx.segmentation = NETDEV_SEGMENT_UDP + 1;
    } else if (test_case == 7) {
        tx.checksum = false;
    } else if (test_case == 8) {
        tx.segment_size = 0;
    } else if (test_case == 9) {
        tx.header_length = 4000;
    } else if (test_case == 10) {
        tx.segment_size = 1500 + 14 + 4 - 54 + 1;
        wanted = -EMSGSIZE;
    } else if (test_case == 11) {
        pieces[0].length = NETDEV_FRAME_MAX + 5;
        wanted = -EMSGSIZE;
    } else if (test_case == 12) {
        pieces[0].length = 1515;
        tx.segmentation = NETDEV_SEGMENT_NONE;
        wanted = -EMSGSIZE; /* NET-009 */
    } else if (test_case == 13) {
        CHECK_EQ(netdev_transmit(wire_netdev(), 1, &tx, false), -EINVAL);
        netdev_flush(wire_netdev(), 1);
        return;
    } else {
        tx.ecn = test_case == 14;
        wanted = -ENOTSUP; /* NET-018, -021, -025 */
    }
    CHECK_EQ(send(&tx), wanted);
    CHECK_EQ(wire.sent, 0);
    CHECK_EQ(wire_netdev()->queues[0].stats.tx_refused, 1);
}

/* NET-009: a tag is part of the link's header; it must be there for four more bytes. */
TEST(net_sends_tagged_frames)
{
    struct netdev_tx tx;
    uint8_t *frame;

    wire_start(0);
    tx = request(1518);
    CHECK_EQ(send(&tx), -EMSGSIZE);
    frame = phys_to_virt(pieces[0].phys);
    frame[12] = 0x81;
    frame[13] = 0;
    CHECK_EQ(send(&tx), 0);
    CHECK_EQ(wire.length, 1518);
    pieces[0].length++;
    CHECK_EQ(send(&tx), -EMSGSIZE);
}

/* Pieces together longer than 32 bits can count. */
TEST(net_refuses_endless_frames)
{
    struct netdev_tx tx;

    wire_start(ALL_TX);
    tx = request(100);
    pieces[0].length = pieces[1].length = UINT32_MAX;
    tx.nr_pieces = 2;
    CHECK_EQ(send(&tx), -EMSGSIZE);
}

/* A ring that is smaller than the frame has pieces. */
TEST(net_tiny_ring)
{
    struct netdev_tx tx;

    wire_create(0, 1, 2);
    wire_boot(1);
    user_open();
    tx = request(100);
    CHECK_EQ(send(&tx), 0);
    pieces[1] = pieces[0];
    tx.nr_pieces = 2;
    CHECK_EQ(send(&tx), -EMSGSIZE);
    tx.headroom = 12;
    CHECK_EQ(send(&tx), 0);
    wire_receive(0, 60, 1);
    wire_receive(0, 1500, 2);
    CHECK_EQ(user.frames, 2);
}

TEST_CASES(net_more_and_flush, 2)
{
    struct netdev_tx tx;

    wire_start(test_case ? FEATURE(VIRTIO_F_EVENT_IDX) : 0);
    tx = request(60);
    for (unsigned i = 0; i < 10; i++)
        CHECK_EQ(netdev_transmit(wire_netdev(), 0, &tx, true), 0);
    CHECK_EQ(wire.sent, 0);
    CHECK_EQ(wire.fake->queues[1].notified, 0);
    netdev_flush(wire_netdev(), 0);
    CHECK_EQ(wire.sent, 10);
    CHECK_EQ(wire.fake->queues[1].notified, 1);
    CHECK_EQ(send(&tx), 0);
    CHECK_EQ(wire.sent, 11);
}

/* A full ring: the user hears when there is room, and no interrupt came before it asked. */
TEST_CASES(net_full_queue, 4)
{
    unsigned sent = 0;

    wire_start((test_case & 1 ? FEATURE(VIRTIO_F_EVENT_IDX) : 0) |
               (test_case & 2 ? FEATURE(VIRTIO_F_INDIRECT_DESC) : 0));
    wire.hold = true;
    while (user_send(0, 60, 1, &user) == 0)
        sent++;
    CHECK(sent >= 32 && sent <= 64);
    CHECK_EQ(user_send(0, 60, 1, &user), -ENOSPC);
    CHECK_EQ(user.ready, 0);
    CHECK_EQ(wire_netdev()->queues[0].stats.tx_full, 2);
    CHECK_EQ(wire_netdev()->queues[0].stats.tx_refused, 0);
    wire_release(0);
    CHECK_EQ(user.ready, 1);
    CHECK_EQ(user.completed, sent);
    CHECK_EQ(wire.sent, sent);
    CHECK_EQ(user_send(0, 60, 1, &user), 0);
}

/* Finished frames are taken back while sending, without any interrupt. */
TEST(net_completes_while_sending)
{
    wire_start(0);
    for (unsigned i = 0; i < 1000; i++)
        CHECK_EQ(user_send(0, 60, i, &user), 0);
    CHECK_EQ(wire.sent, 1000);
    CHECK(user.completed >= 936);
    CHECK_EQ(wire_netdev()->queues[0].stats.interrupts, 0);
    shim_advance(5 * NS_PER_MS);
    CHECK_EQ(user.completed, 1000);
}

/* Nothing leaves: one warning, few looks, no reset; then everything goes on. */
TEST(net_stalled)
{
    uint64_t polls;

    wire_start(0);
    wire.hold = true;
    CHECK_EQ(user_send(0, 60, 1, &user), 0);
    shim_advance(30 * NS_PER_S);
    CHECK_EQ(shim_log_count("has not sent anything"), 1);
    polls = wire_netdev()->queues[0].stats.polls;
    CHECK(polls < 60);
    CHECK_EQ(wire.fake->dev.resets, 0);
    wire_release(0);
    shim_advance(NS_PER_S);
    CHECK_EQ(user.completed, 1);
    CHECK_EQ(shim_timers_armed(), 0);
    CHECK_EQ(user_send(0, 60, 1, &user), 0);
    shim_advance(5 * NS_PER_MS);
    CHECK_EQ(user.completed, 2);
}

/* The used ring names a frame that was not sent: reset, and the tokens come back. */
TEST(net_bad_transmit_answer)
{
    wire_start(0);
    wire.hold = true;
    CHECK_EQ(user_send(0, 60, 1, &user), 0);
    vringd_push(&wire.fake->queues[1].ring, 63, 0);
    shim_advance(5 * NS_PER_MS);
    CHECK_EQ(wire.fake->dev.resets, 1);
    CHECK_EQ(user.completed, 1);
    wire.hold = false;
    CHECK_EQ(user_send(0, 60, 1, &user), 0);
    CHECK_EQ(wire.sent, 1);
}
