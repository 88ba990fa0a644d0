/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Headers of received frames: all that can be said of checksums, segments and hashes, and what
 * makes no sense.
 */
#include "fake_net.h"
#include <neap/timer.h>

#define LARGE                                                                            \
    (FEATURE(NET_F_GUEST_CSUM) | FEATURE(NET_F_GUEST_TSO4) | FEATURE(NET_F_GUEST_TSO6) | \
     FEATURE(NET_F_GUEST_ECN) | FEATURE(NET_F_GUEST_USO4))

#define TUNNEL_HEADER \
    .flags = NET_HDR_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16, .gso_size = 9

static const struct {
    uint64_t features;
    struct net_header header;
    uint32_t length;
    const char *why; /* NULL: fine */
    uint8_t checksum, segmentation;
} headers[] = {
    {0, {0}, 14, NULL, 0, 0},
    {0, {0}, 13, "shorter than an Ethernet header", 0, 0},
    {0, {0}, 0, "shorter than an Ethernet header", 0, 0},
    {0, {.flags = 0xf8}, 60, NULL, 0, 0}, /* NET-067 */
    {0, {.flags = NET_HDR_DATA_VALID}, 60, NULL, 0, 0},
    {0, {.flags = NET_HDR_NEEDS_CSUM}, 60, "checksum offload was not accepted", 0, 0},
    {LARGE, {.flags = NET_HDR_DATA_VALID}, 60, NULL, NETDEV_CHECKSUM_GOOD, 0},
    {LARGE,
     {.flags = NET_HDR_NEEDS_CSUM, .csum_start = 34, .csum_offset = 16},
     60,
     NULL,
     NETDEV_CHECKSUM_PARTIAL,
     0},
    {LARGE,
     {.flags = NET_HDR_NEEDS_CSUM, .csum_start = 42, .csum_offset = 16},
     60,
     NULL,
     NETDEV_CHECKSUM_PARTIAL,
     0},
    {LARGE,
     {.flags = NET_HDR_NEEDS_CSUM, .csum_start = 43, .csum_offset = 16},
     60,
     "checksum outside the frame",
     0,
     0},
    {LARGE,
     {.flags = NET_HDR_NEEDS_CSUM, .csum_start = 13, .csum_offset = 16},
     60,
     "checksum outside the frame",
     0,
     0},
    {LARGE,
     {.flags = NET_HDR_NEEDS_CSUM, .csum_start = 65535, .csum_offset = 65535},
     60,
     "checksum outside the frame",
     0,
     0},
    {LARGE,
     {.flags = NET_HDR_NEEDS_CSUM | NET_HDR_RSC_INFO, .csum_start = 34, .csum_offset = 16},
     60,
     "checksum fields with another meaning",
     0,
     0},
    {LARGE, {.gso_type = NET_GSO_TCP4, .gso_size = 1}, 60, NULL, 0, NETDEV_SEGMENT_TCP4},
    {LARGE, {.gso_type = NET_GSO_TCP6, .gso_size = 9}, 60, NULL, 0, NETDEV_SEGMENT_TCP6},
    {LARGE, {.gso_type = NET_GSO_UDP_L4, .gso_size = 9}, 60, NULL, 0, NETDEV_SEGMENT_UDP},
    {LARGE,
     {.gso_type = NET_GSO_TCP6 | NET_GSO_ECN, .gso_size = 9},
     60,
     NULL,
     0,
     NETDEV_SEGMENT_TCP6},
    {LARGE, {.gso_type = NET_GSO_TCP4}, 60, "segments of no size", 0, 0},
    {LARGE, {.gso_type = 3, .gso_size = 9}, 60, "kind that was not accepted", 0, 0},
    {LARGE, {.gso_type = 0x21, .gso_size = 9}, 60, "kind that was not accepted", 0, 0},
    {LARGE,
     {.gso_type = NET_GSO_UDP_L4 | NET_GSO_ECN, .gso_size = 9},
     60,
     "ECN that was not accepted",
     0,
     0},
    {LARGE, {.gso_type = NET_GSO_ECN, .gso_size = 9}, 60, "ECN that was not accepted", 0, 0},
    {0, {.gso_type = NET_GSO_TCP4, .gso_size = 9}, 60, "kind that was not accepted", 0, 0},
    {FEATURE(NET_F_GUEST_CSUM) | FEATURE(NET_F_GUEST_TSO4),
     {.gso_type = NET_GSO_TCP6, .gso_size = 9},
     60,
     "kind that was not accepted",
     0,
     0},
    {FEATURE(NET_F_GUEST_CSUM) | FEATURE(NET_F_GUEST_TSO4),
     {.gso_type = NET_GSO_TCP4 | NET_GSO_ECN, .gso_size = 9},
     60,
     "ECN that was not accepted",
     0,
     0},
    {FEATURE(NET_F_GUEST_CSUM) | FEATURE(NET_F_GUEST_USO6),
     {.gso_type = NET_GSO_UDP_L4, .gso_size = 9},
     60,
     NULL,
     0,
     NETDEV_SEGMENT_UDP},
    {0, {.gso_size = 77}, 60, NULL, 0, 0},
    {LARGE, {.gso_type = NET_GSO_NONE, .header_length = 65535}, 60, NULL, 0, 0}, /* NET-072 */
    {LARGE,
     {.gso_type = NET_GSO_TCP4, .gso_size = 9, .header_length = 65535},
     60,
     NULL,
     0,
     NETDEV_SEGMENT_TCP4},
    /* Not a checksum's place without NEEDS_CSUM: NET-070, -071. */
    {LARGE,
     {.flags = NET_HDR_DATA_VALID, .csum_start = 65535, .csum_offset = 65535},
     60,
     NULL,
     NETDEV_CHECKSUM_GOOD,
     0},
    {LARGE,
     {.flags = NET_HDR_RSC_INFO, .csum_start = 34, .csum_offset = 16},
     60,
     NULL,
     NETDEV_CHECKSUM_UNKNOWN,
     0},
    /* Tunnels, NET-074 to -079: both kinds at once, no checksum, a valid one, nothing to cut, a
     * sum without a tunnel. */
    {LARGE,
     {TUNNEL_HEADER, .gso_type = 0x60 | NET_GSO_TCP4},
     60,
     "kind that was not accepted",
     0,
     0},
    {LARGE, {.gso_type = 0x20 | NET_GSO_TCP4}, 60, "kind that was not accepted", 0, 0},
    {LARGE,
     {.flags = NET_HDR_DATA_VALID, .gso_type = 0x40 | NET_GSO_TCP6},
     60,
     "kind that was not accepted",
     0,
     0},
    {LARGE, {TUNNEL_HEADER, .gso_type = 0x20}, 60, "kind that was not accepted", 0, 0},
    {LARGE, {TUNNEL_HEADER, .gso_type = 0x40}, 60, "kind that was not accepted", 0, 0},
    {LARGE,
     {.flags = NET_HDR_NEEDS_CSUM | NET_HDR_UDP_TUNNEL_CSUM,
      .csum_start = 34,
      .csum_offset = 16},
     60,
     "checksum fields with another meaning",
     0,
     0},
};

TEST_CASES(net_receive_headers, 2 * ARRAY_SIZE(headers))
{
    unsigned i = test_case / 2;
    uint8_t frame[60];

    wire_start(headers[i].features | (test_case % 2 ? FEATURE(NET_F_MRG_RXBUF) : 0));
    make_frame(frame, sizeof(frame), 7);
    CHECK(wire_deliver(0, headers[i].header, frame, headers[i].length));
    wire_interrupt(0);
    CHECK_EQ(user.frames, headers[i].why == NULL);
    CHECK_EQ(wire_netdev()->queues[0].stats.rx_errors, headers[i].why != NULL);
    if (headers[i].why) {
        CHECK_EQ(shim_log_count(headers[i].why), 1);
    } else {
        CHECK_EQ(user.last.checksum, headers[i].checksum);
        CHECK_EQ(user.last.segmentation, headers[i].segmentation);
        CHECK_EQ(user.last.segment_size,
                 headers[i].segmentation ? headers[i].header.gso_size : 0);
    }
    wire_receive(0, 60, 5);
    CHECK(is_frame(user.frame, 60, 5));
    CHECK_EQ(wire.fake->dev.resets, 0);
}

TEST_CASES(net_receives_hashes, 2)
{
    struct net_header header = {.hash_value = 0x12345678, .hash_report = 2};
    uint8_t frame[60] = {0};

    wire_start(test_case ? FEATURE(NET_F_HASH_REPORT) | FEATURE(NET_F_CTRL_VQ) : 0);
    CHECK(wire_deliver(0, header, frame, sizeof(frame)));
    wire_interrupt(0);
    CHECK_EQ(user.last.hash_valid, test_case);
    CHECK_EQ(user.last.hash, test_case ? 0x12345678 : 0);
    header.hash_report = 0;
    CHECK(wire_deliver(0, header, frame, sizeof(frame)));
    wire_interrupt(0);
    CHECK_EQ(user.frames, 2);
    CHECK_EQ(user.last.hash, 0);
}

/* Bad frames by the hundred are a line in the log now and then. */
TEST(net_bad_frames_are_logged_rarely)
{
    uint8_t frame[60] = {0};

    wire_start(0);
    for (unsigned i = 0; i < 300; i++) {
        CHECK(wire_deliver(0, (struct net_header){.gso_type = 9}, frame, sizeof(frame)));
        wire_interrupt(0);
        shim_advance(100 * NS_PER_MS);
    }
    CHECK_EQ(wire_netdev()->queues[0].stats.rx_errors, 300);
    CHECK_EQ(shim_log_count("frame dropped"), 3);
}
