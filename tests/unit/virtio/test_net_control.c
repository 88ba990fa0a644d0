/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The control queue of the network device: settings, several queues, answers that do not come.
 */
#include "fake_net.h"
#include <errno.h>
#include <neap/timer.h>
#include <string.h>

#define CONTROL                                                                          \
    (FEATURE(NET_F_CTRL_VQ) | FEATURE(NET_F_CTRL_RX) | FEATURE(NET_F_CTRL_VLAN) |        \
     FEATURE(NET_F_CTRL_MAC_ADDR) | FEATURE(NET_F_CTRL_GUEST_OFFLOADS) |                 \
     FEATURE(NET_F_NOTF_COAL) | FEATURE(NET_F_GUEST_CSUM) | FEATURE(NET_F_GUEST_TSO4) |  \
     FEATURE(NET_F_GUEST_TSO6) | FEATURE(NET_F_GUEST_USO4) | FEATURE(NET_F_GUEST_USO6) | \
     FEATURE(NET_F_GUEST_ECN) | FEATURE(NET_F_MAC) | FEATURE(NET_F_MRG_RXBUF))

static const uint8_t other_mac[] = {2, 3, 4, 5, 6, 7};

static const struct netdev_filter filter = {
    .promiscuous = true,
    .all_multicast = false,
    .nr_unicast = 1,
    .nr_multicast = 2,
    .addresses = {{2, 1, 1, 1, 1, 1}, {1, 0, 0x5e, 0, 0, 1}, {0x33, 0x33, 0, 0, 0, 1}},
};

static uint64_t data64(unsigned offset)
{
    return le_load(wire.data + offset, 8);
}

static uint16_t last_command(void)
{
    return wire.commands ? wire.history[wire.commands - 1] : 0xffff;
}

TEST(net_sets_the_address)
{
    static const uint8_t multicast[] = {1, 3, 4, 5, 6, 7}, none[6];
    struct netdev_info info;

    wire_start(CONTROL);
    CHECK_EQ(netdev_set_mac(wire_netdev(), multicast), -EINVAL);
    CHECK_EQ(netdev_set_mac(wire_netdev(), none), -EINVAL);
    CHECK_EQ(wire.commands, 0);
    CHECK_EQ(netdev_set_mac(wire_netdev(), other_mac), 0);
    CHECK_EQ(last_command(), 0x101);
    CHECK_EQ(wire.data_bytes, 6);
    CHECK(!memcmp(wire.data, other_mac, 6));
    netdev_info_get(wire_netdev(), &info);
    CHECK(!memcmp(info.mac, other_mac, 6));
}

/* NET-091 */
TEST(net_sets_the_filter)
{
    static const uint8_t table[] = {1, 0, 0, 0,    2, 1, 1, 1,    1,    1, 2, 0, 0,
                                    0, 1, 0, 0x5e, 0, 0, 1, 0x33, 0x33, 0, 0, 0, 1};
    struct netdev_filter many = filter;

    wire_start(CONTROL);
    CHECK_EQ(netdev_set_filter(wire_netdev(), &filter), 0);
    CHECK(wire_heard(NET_CTRL_RX, NET_RX_PROMISC) && wire_heard(NET_CTRL_RX, NET_RX_ALLMULTI));
    CHECK_EQ(last_command(), 0x100);
    CHECK_EQ(wire.data_bytes, sizeof(table));
    CHECK(!memcmp(wire.data, table, sizeof(table)));
    many.nr_unicast = NETDEV_FILTER_MAX + 1;
    CHECK_EQ(netdev_set_filter(wire_netdev(), &many), -EINVAL);
    many.nr_unicast = 2;
    many.nr_multicast = NETDEV_FILTER_MAX - 1;
    CHECK_EQ(netdev_set_filter(wire_netdev(), &many), -EINVAL);
    many.nr_multicast--;
    CHECK_EQ(netdev_set_filter(wire_netdev(), &many), 0);
}

TEST(net_sets_vlans)
{
    wire_start(CONTROL);
    CHECK_EQ(netdev_set_vlan(wire_netdev(), 4095, true), -EINVAL);
    CHECK_EQ(netdev_set_vlan(wire_netdev(), 0x102, true), 0);
    CHECK_EQ(last_command(), 0x200);
    CHECK(wire.data_bytes == 2 && wire.data[0] == 2 && wire.data[1] == 1);
    CHECK_EQ(netdev_set_vlan(wire_netdev(), 0x102, false), 0);
    CHECK_EQ(last_command(), 0x201);
}

/* NET-108 */
TEST(net_sets_offloads)
{
    struct netdev_info info;

    wire_start(CONTROL & ~FEATURE(NET_F_GUEST_TSO6));
    CHECK_EQ(netdev_set_rx_offloads(wire_netdev(), NETDEV_CAP_LRO6), -ENOTSUP);
    CHECK_EQ(netdev_set_rx_offloads(wire_netdev(), NETDEV_CAP_TX_CSUM), -ENOTSUP);
    CHECK_EQ(netdev_set_rx_offloads(wire_netdev(), NETDEV_CAP_RX_CSUM | NETDEV_CAP_LRO4 |
                                                       NETDEV_CAP_LRO_ECN | NETDEV_CAP_URO6),
             0);
    CHECK_EQ(last_command(), 0x500);
    CHECK_EQ(data64(0), 1 << 1 | 1 << 7 | 1 << 9 | UINT64_C(1) << 55);
    CHECK_EQ(netdev_set_rx_offloads(wire_netdev(), 0), 0);
    CHECK_EQ(data64(0), 0);
    netdev_info_get(wire_netdev(), &info);
    CHECK_EQ(info.rx_enabled, 0);
}

TEST(net_sets_coalescing)
{
    static const struct netdev_coalescing wish = {1, 2, 3, 4};

    wire_start(CONTROL);
    CHECK_EQ(netdev_set_coalescing(wire_netdev(), &wish), 0);
    CHECK(wire_heard(NET_CTRL_NOTF_COAL, NET_COAL_RX_SET));
    CHECK_EQ(last_command(), 0x600);
    CHECK_EQ(data64(0), 3 | UINT64_C(4) << 32);
}

/* Each setting on a device without the feature, that refuses it, and while it is reset. */
TEST_CASES(net_settings_fail, 4)
{
    static const struct netdev_coalescing wish;
    static const int errors[] = {-ENOTSUP, -EIO, -EIO, -ENETDOWN};
    struct netdev *dev;
    int wanted = errors[test_case];

    wire_start(test_case ? CONTROL : FEATURE(NET_F_CTRL_VQ));
    dev = wire_netdev();
    if (test_case == 1)
        wire.ack = 1;
    else if (test_case == 2)
        wire.written = 0;
    else if (test_case == 3)
        netdev_down(dev);
    CHECK_EQ(netdev_set_mac(dev, other_mac), wanted);
    CHECK_EQ(netdev_set_filter(dev, &filter), wanted);
    CHECK_EQ(netdev_set_vlan(dev, 1, true), wanted);
    CHECK_EQ(netdev_set_vlan(dev, 1, false), wanted);
    CHECK_EQ(netdev_set_rx_offloads(dev, 0), wanted);
    CHECK_EQ(netdev_set_coalescing(dev, &wish), wanted);
    CHECK_EQ(wire.fake->dev.resets, 0);
    CHECK_EQ(wire.commands > 0, test_case == 1 || test_case == 2);
}

/* No answer: the caller hears of it in time, the device is reset, what was set is set again. */
TEST(net_control_deadline)
{
    static const struct netdev_coalescing wish = {5, 6, 7, 8};
    uint64_t begin;
    unsigned before;

    wire_start(CONTROL);
    CHECK_EQ(netdev_set_mac(wire_netdev(), other_mac), 0);
    CHECK_EQ(netdev_set_filter(wire_netdev(), &filter), 0);
    CHECK_EQ(netdev_set_vlan(wire_netdev(), 7, true), 0);
    CHECK_EQ(netdev_set_rx_offloads(wire_netdev(), NETDEV_CAP_RX_CSUM), 0);
    CHECK_EQ(netdev_set_coalescing(wire_netdev(), &wish), 0);
    before = wire.commands;
    wire.mute = true;
    begin = shim_clock_ns;
    CHECK_EQ(netdev_set_vlan(wire_netdev(), 8, true), -ETIMEDOUT);
    CHECK(shim_clock_ns - begin <= 11 * NS_PER_S);
    wire.mute = false;
    shim_settle();
    CHECK_EQ(wire.fake->dev.resets, 1);
    CHECK_EQ(wire.commands - before, 1 + 3 + 1 + 1 + 2);
    CHECK(!memcmp(wire_netdev()->info.mac, other_mac, 6));
    CHECK_EQ(wire_netdev()->info.rx_enabled, NETDEV_CAP_RX_CSUM);
    wire_receive(0, 60, 1);
    CHECK_EQ(user.frames, 1);
}

/* It never answers while it starts: given up after some tries, each with a deadline. */
TEST(net_control_silent_from_the_start)
{
    wire_create(FEATURE(NET_F_CTRL_VQ) | FEATURE(NET_F_MQ), 2, 64);
    wire.mute = true;
    wire_boot(2);
    user_open();
    shim_advance(200 * NS_PER_S);
    CHECK_EQ(wire.fake->dev.resets, VIRTIO_RESETS_MAX);
    CHECK(!wire.fake->dev.live);
}

/* The answer names another buffer. */
TEST(net_control_bad_answer)
{
    wire_start(CONTROL);
    wire.mute = true;
    vringd_push(&wire.fake->queues[2].ring, 3, 1);
    CHECK_EQ(netdev_set_vlan(wire_netdev(), 8, true), -ENETDOWN);
    wire.mute = false;
    shim_settle();
    CHECK_EQ(wire.fake->dev.resets, 1);
    CHECK_EQ(netdev_set_vlan(wire_netdev(), 8, true), 0);
}

/* ---- several pairs ---- */

/* As many as there are CPUs, not more than the device has. */
TEST_CASES(net_uses_a_pair_for_each_cpu, 12)
{
    unsigned nr_cpus = test_case / 4 + 1, pairs = test_case % 4 + 1, used = MIN(nr_cpus, pairs);

    wire_create(FEATURE(NET_F_CTRL_VQ) | FEATURE(NET_F_MQ), pairs, 64);
    wire_boot(nr_cpus);
    user_open();
    CHECK_EQ(wire_netdev()->info.nr_queues, used);
    CHECK_EQ(wire_heard(NET_CTRL_MQ, NET_MQ_PAIRS_SET), used > 1);
    if (used > 1)
        CHECK(wire.data_bytes == 2 && wire.data[0] == used && wire.data[1] == 0);
    for (unsigned i = 0; i < used; i++) {
        wire_receive(i, 60, i);
        CHECK_EQ(user.last_queue, i);
        CHECK_EQ(user_send(i, 60, i, &user), 0);
        CHECK_EQ(wire.queue, i);
    }
    CHECK_EQ(user_send(used, 60, 1, &user), -EINVAL);
    CHECK_EQ(user.frames, used);
}

TEST_CASES(net_pairs_are_refused, 2)
{
    wire_create(FEATURE(NET_F_CTRL_VQ) | FEATURE(test_case ? NET_F_RSS : NET_F_MQ), 2, 64);
    wire.ack = 1;
    wire_boot(2);
    user_open();
    CHECK_EQ(wire_netdev()->info.nr_queues, 1);
    CHECK_EQ(shim_log_count("one queue pair instead of 2"), 1);
    wire_receive(0, 60, 1);
    CHECK_EQ(user.frames, 1);
}

/* 0 and 32 pairs: the control queue would be out of reach. 31 has no queues behind it here. */
TEST_CASES(net_impossible_numbers_of_pairs, 2)
{
    wire_create(FEATURE(NET_F_CTRL_VQ) | FEATURE(NET_F_MQ) | FEATURE(NET_F_RSS), 1, 64);
    wire.fake->config[NET_CONFIG_MAX_PAIRS] = test_case ? 32 : 0;
    wire_boot(2);
    CHECK(!virtio_accepted(&wire.fake->dev, NET_F_MQ));
    CHECK(!virtio_accepted(&wire.fake->dev, NET_F_RSS));
    CHECK_EQ(wire_netdev()->info.nr_queues, 1);
}

/* A queue is missing: no device. */
TEST(net_missing_queue)
{
    wire_create(FEATURE(NET_F_CTRL_VQ), 1, 64);
    wire.fake->queues[2].max_size = 0;
    shim_boot(64 * MIB);
    CHECK_EQ(virtio_device_add(&wire.fake->dev), -ENOENT);
}

/* NET-099 to -104 */
TEST_CASES(net_configures_rss, 3)
{
    static const unsigned maxima[] = {128, 500, 5}, entries[] = {128, 128, 4};
    unsigned n = entries[test_case];

    wire_create(FEATURE(NET_F_CTRL_VQ) | FEATURE(NET_F_RSS) | FEATURE(NET_F_HASH_REPORT), 3,
                64);
    wire.fake->config[NET_CONFIG_RSS_TABLE_MAX] = (uint8_t)maxima[test_case];
    wire.fake->config[NET_CONFIG_RSS_TABLE_MAX + 1] = (uint8_t)(maxima[test_case] >> 8);
    wire.fake->config[NET_CONFIG_HASH_TYPES] = 0xd7;
    wire_boot(3);
    CHECK_EQ(wire.commands, 0);
    user_open();
    CHECK_EQ(wire.commands, 1);
    CHECK_EQ(last_command(), 0x401);
    CHECK_EQ(wire.data_bytes, 8 + 2 * n + 3 + 40);
    CHECK_EQ(data64(0), 0x17 | (uint64_t)(n - 1) << 32);
    for (unsigned i = 0; i < n; i++)
        CHECK(wire.data[8 + 2 * i] == i % 3 && wire.data[9 + 2 * i] == 0);
    CHECK_EQ(wire.data[8 + 2 * n], 3);
    CHECK_EQ(wire.data[8 + 2 * n + 2], 40);
}

TEST_CASES(net_configures_hashing, 2)
{
    wire_create(FEATURE(NET_F_CTRL_VQ) | FEATURE(NET_F_HASH_REPORT), 1, 64);
    wire.fake->config[NET_CONFIG_RSS_KEY_MAX] = test_case ? 255 : 40;
    wire_boot(1);
    user_open();
    CHECK_EQ(last_command(), 0x402);
    CHECK_EQ(wire.data_bytes, 13 + 40);
    CHECK_EQ(data64(0), 0x3f);
    CHECK_EQ(wire.data[12], 40);
}

/* ---- features ---- */

static bool have(unsigned bit)
{
    return virtio_accepted(&wire.fake->dev, bit);
}

/* NET-DEP-*: whatever is offered, nothing is accepted without what it needs. */
TEST_CASES(net_feature_dependencies, 60)
{
    uint64_t offered = 0;

    for (const int *bit = net_features; *bit >= 0; bit++)
        if (unit_random_below(4))
            offered |= FEATURE(*bit);
    for (unsigned i = 0; i < test_case; i++)
        offered = unit_random() | FEATURE(VIRTIO_F_VERSION_1);
    offered &= ~(FEATURE(VIRTIO_F_IN_ORDER) | FEATURE(VIRTIO_F_RING_PACKED));
    offered &= ~FEATURE(VIRTIO_F_NOTIFICATION_DATA);
    wire_create(offered, 1, 64);
    wire_boot(2);
    CHECK(have(NET_F_GUEST_CSUM) || !(have(NET_F_GUEST_TSO4) || have(NET_F_GUEST_TSO6) ||
                                      have(NET_F_GUEST_USO4) || have(NET_F_GUEST_USO6)));
    CHECK(have(NET_F_GUEST_TSO4) || have(NET_F_GUEST_TSO6) || !have(NET_F_GUEST_ECN));
    CHECK(have(NET_F_CSUM) ||
          !(have(NET_F_HOST_TSO4) || have(NET_F_HOST_TSO6) || have(NET_F_HOST_USO)));
    CHECK(have(NET_F_HOST_TSO4) || have(NET_F_HOST_TSO6) || !have(NET_F_HOST_ECN));
    CHECK(have(NET_F_CTRL_VQ) ||
          !(have(NET_F_CTRL_RX) || have(NET_F_CTRL_VLAN) || have(NET_F_GUEST_ANNOUNCE) ||
            have(NET_F_MQ) || have(NET_F_CTRL_MAC_ADDR) || have(NET_F_NOTF_COAL) ||
            have(NET_F_RSS) || have(NET_F_HASH_REPORT) || have(NET_F_CTRL_GUEST_OFFLOADS)));
    CHECK_EQ(wire.fake->dev.accepted.word[0] >> 10 & 1, 0); /* UFO */
    user_open();
    wire_receive(0, 1000, 1);
    CHECK_EQ(user.frames, 1);
    CHECK(is_frame(user.frame, 1000, 1));
    if (!wire_netdev()->info.link)
        return;
    CHECK_EQ(user_send(0, 60, 1, &user), 0);
    CHECK(wire.length == 60 && is_frame(wire.frame, 60, 1)); /* NET-016 */
}
