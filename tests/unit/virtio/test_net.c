/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network driver: what it finds out about a device, users that come and go, the link.
 */
#include "fake_net.h"
#include <errno.h>
#include <neap/alloc.h>
#include <neap/timer.h>
#include <string.h>

static struct netdev_info info_now(void)
{
    struct netdev_info info;

    netdev_info_get(wire_netdev(), &info);
    return info;
}

TEST(net_describes_the_device)
{
    static const uint8_t mac[] = {0x52, 0x54, 0, 0x12, 0x34, 0x56};
    struct netdev_info info;

    wire_start(FEATURE(NET_F_MAC) | FEATURE(NET_F_STATUS) | FEATURE(NET_F_MTU) |
               FEATURE(NET_F_SPEED_DUPLEX) | FEATURE(NET_F_CSUM));
    info = info_now();
    CHECK(!memcmp(info.mac, mac, sizeof(mac)));
    CHECK_EQ(info.mtu, 1500);
    CHECK_EQ(info.speed, 100);
    CHECK(info.full_duplex && info.link && info.live);
    CHECK_EQ(info.caps, NETDEV_CAP_TX_CSUM);
    CHECK_EQ(info.nr_queues, 1);
    CHECK(!strcmp(info.name, "net0") && !strcmp(info.driver, "virtio-net"));
    CHECK_EQ(wire.fake->config_writes, 0); /* NET-001 */
}

/* 0: without the feature. 1: a multicast address. 2: zeros. */
TEST_CASES(net_makes_an_address_up, 3)
{
    struct netdev_info info;

    wire_create(test_case ? FEATURE(NET_F_MAC) : 0, 1, 64);
    memset(wire.fake->config, 0, 6);
    wire.fake->config[0] = test_case == 1;
    wire_boot(1);
    info = info_now();
    CHECK_EQ(info.mac[0], 2); /* NET-004 */
    CHECK_EQ(shim_log_count("using our own"), test_case ? 1 : 0);
}

TEST(net_knows_no_speed)
{
    wire_create(FEATURE(NET_F_SPEED_DUPLEX), 1, 64);
    fake_config_set32(wire.fake, NET_CONFIG_SPEED, 0x80000000);
    wire.fake->config[NET_CONFIG_DUPLEX] = 7;
    wire_boot(1);
    CHECK_EQ(info_now().speed, NETDEV_SPEED_UNKNOWN);
    CHECK(!info_now().full_duplex);
    fake_config_set32(wire.fake, NET_CONFIG_SPEED, 1000); /* NET-013 */
    wire.fake->config[NET_CONFIG_DUPLEX] = 1;
    fake_config_changed(wire.fake);
    shim_settle();
    CHECK_EQ(info_now().speed, 1000);
    CHECK(info_now().full_duplex);
}

TEST_CASES(net_refuses_a_bad_mtu, 2)
{
    wire_create(FEATURE(NET_F_MTU), 1, 64);
    fake_config_set32(wire.fake, NET_CONFIG_MAX_PAIRS, test_case ? 68u << 16 : 67u << 16);
    wire_boot(1);
    CHECK_EQ(info_now().mtu, test_case ? 68 : 1500);
    CHECK_EQ(virtio_accepted(&wire.fake->dev, NET_F_MTU), test_case);
}

/* The configuration ends before each of the fields. */
TEST_CASES(net_configuration_too_short, 24)
{
    wire_create(FEATURE(NET_F_MAC) | FEATURE(NET_F_STATUS) | FEATURE(NET_F_CTRL_VQ) |
                    FEATURE(NET_F_MQ) | FEATURE(NET_F_RSS) | FEATURE(NET_F_SPEED_DUPLEX) |
                    FEATURE(NET_F_HASH_REPORT) | FEATURE(NET_F_MTU),
                1, 64);
    wire.fake->config_size = test_case;
    shim_boot(64 * MIB);
    CHECK(virtio_device_add(&wire.fake->dev) != 0);
    CHECK(!wire.fake->dev.live);
    CHECK_EQ(shim_log_count("its configuration space is too short"), 1);
}

TEST_CASES(net_follows_the_link, 2)
{
    struct netdev_info info;

    wire_start(test_case ? FEATURE(NET_F_STATUS) : 0);
    user.events = 0;
    wire.fake->config[NET_CONFIG_STATUS] = 0;
    fake_config_changed(wire.fake);
    shim_settle();
    info = info_now();
    CHECK_EQ(info.link, !test_case); /* NET-005, -006 */
    CHECK_EQ(user.events, test_case ? NETDEV_EVENT_LINK : 0);
    CHECK_EQ(user_send(0, 60, 1, &user), test_case ? -ENETDOWN : 0);
    wire.fake->config[NET_CONFIG_STATUS] = NET_STATUS_LINK_UP;
    fake_config_changed(wire.fake);
    shim_settle();
    CHECK_EQ(user_send(0, 60, 1, &user), 0);
    CHECK_EQ(user.event_calls, test_case ? 2 : 0);
}

/* NET-092, -093 */
TEST_CASES(net_announces, 2)
{
    wire_start(FEATURE(NET_F_STATUS) | FEATURE(NET_F_CTRL_VQ) |
               (test_case ? FEATURE(NET_F_GUEST_ANNOUNCE) : 0));
    user.events = 0;
    wire.fake->config[NET_CONFIG_STATUS] = NET_STATUS_LINK_UP | NET_STATUS_ANNOUNCE;
    fake_config_changed(wire.fake);
    shim_settle();
    CHECK_EQ(user.events, test_case ? NETDEV_EVENT_ANNOUNCE : 0);
    CHECK_EQ(wire_heard(NET_CTRL_ANNOUNCE, NET_ANNOUNCE_ACK), test_case);
}

TEST(net_configuration_vanishes)
{
    wire_start(FEATURE(NET_F_STATUS));
    wire.fake->config_size = 6;
    fake_config_changed(wire.fake);
    shim_settle();
    CHECK_EQ(shim_log_count("cannot be read any more"), 1);
    CHECK_EQ(user_send(0, 60, 1, &user), 0);
}

TEST(net_one_user_at_a_time)
{
    static const struct netdev_upcalls upcalls;

    wire_start(0);
    CHECK_EQ(netdev_open(wire_netdev(), &upcalls, NULL), -EBUSY);
    wire_receive(0, 60, 1);
    netdev_close(wire_netdev());
    wire_receive(0, 60, 2); /* into a buffer that is still posted */
    CHECK_EQ(user.frames, 1);
    user_open();
    CHECK_EQ(user.frames, 2);
    wire_receive(0, 60, 3);
    CHECK_EQ(user.frames, 3);
    CHECK(is_frame(user.frame, 60, 3));
}

/* The device keeps a frame: closing resets it, and the token comes back. */
TEST(net_close_with_a_frame_in_flight)
{
    wire_start(0);
    wire.hold = true;
    CHECK_EQ(user_send(0, 60, 1, &user), 0);
    netdev_close(wire_netdev());
    CHECK_EQ(user.completed, 1);
    CHECK_EQ(wire.fake->dev.resets, 1);
    shim_settle();
    wire.hold = false;
    user_open();
    CHECK_EQ(user_send(0, 60, 1, &user), 0);
    CHECK_EQ(wire.sent, 1);
    shim_advance(NS_PER_S);
    netdev_close(wire_netdev());
    CHECK_EQ(user.completed, 2);
    CHECK_EQ(wire.fake->dev.resets, 1);
}

TEST(net_survives_a_reset)
{
    struct netdev_stats stats;

    wire_start(0);
    wire.hold = true;
    CHECK_EQ(user_send(0, 60, 1, &user), 0);
    user.events = 0;
    virtio_device_misbehaved(&wire.fake->dev, "a test says so");
    CHECK_EQ(user_send(0, 60, 1, &user), -ENETDOWN);
    shim_settle();
    CHECK(wire.fake->dev.live);
    CHECK_EQ(user.completed, 1);
    CHECK_EQ(user.events, NETDEV_EVENT_LINK | NETDEV_EVENT_CAPS);
    wire.hold = false;
    CHECK_EQ(user_send(0, 60, 2, &user), 0);
    CHECK_EQ(wire.sent, 1);
    wire_receive(0, 60, 3);
    CHECK_EQ(user.frames, 1);
    netdev_stats_get(wire_netdev(), 0, &stats);
    CHECK_EQ(stats.tx_lost, 1);
    CHECK_EQ(stats.tx_frames, 2);
    shim_advance(NS_PER_S);
    CHECK_EQ(shim_timers_armed(), 0);
}

static int late_answer;

/* Of a thread that saw the device live and was slow. */
static void send_late(void)
{
    static uint8_t frame[60];
    const struct netdev_piece piece = {virt_to_phys(frame), sizeof(frame)};
    const struct netdev_tx tx = {.pieces = &piece, .nr_pieces = 1, .token = &user};

    late_answer = wire_netdev()->ops->transmit(wire_netdev(), 0, &tx, sizeof(frame), false);
}

TEST(net_late_sender_during_a_reset)
{
    wire_start(0);
    wire.fake->on_driver_ok = send_late;
    virtio_device_misbehaved(&wire.fake->dev, "a test says so");
    shim_settle();
    CHECK(wire.fake->dev.live);
    CHECK_EQ(late_answer, -ENETDOWN);
    CHECK_EQ(wire.sent, 0);
}

/* The reset says that every queue has work, also to the threads of those that do not come back.
 */
TEST(net_comes_back_with_fewer_queues)
{
    wire_create(FEATURE(NET_F_CTRL_VQ) | FEATURE(NET_F_MQ), 2, 64);
    wire_boot(2);
    user_open();
    CHECK_EQ(info_now().nr_queues, 2);
    wire.fake->offered.word[0] &= ~FEATURE(NET_F_MQ);
    wire.fake->queues[2].serve = wire.fake->queues[4].serve; /* control now, receive before */
    virtio_device_misbehaved(&wire.fake->dev, "a test says so");
    shim_settle();
    CHECK_EQ(info_now().nr_queues, 1);
    wire_receive(0, 100, 1);
    CHECK_EQ(user.frames, 1);
    CHECK(is_frame(user.frame, 100, 1));
}

TEST(net_given_up)
{
    static const struct netdev_upcalls upcalls;

    wire_start(0);
    netdev_close(wire_netdev());
    for (unsigned i = 0; i <= VIRTIO_RESETS_MAX; i++) {
        virtio_device_misbehaved(&wire.fake->dev, "a test says so");
        shim_settle();
    }
    CHECK_EQ(netdev_open(wire_netdev(), &upcalls, NULL), -ENETDOWN);
    CHECK_EQ(user_send(0, 60, 1, &user), -ENETDOWN);
    CHECK(!info_now().live);
}

/* Every allocation of the start fails once: no device then, or one that works. */
TEST_CASES(net_start_without_memory, 40)
{
    wire_create(FEATURE(NET_F_CTRL_VQ) | FEATURE(NET_F_MQ), 2, 64);
    shim_set_cpus(2);
    shim_boot(64 * MIB);
    alloc_inject_failure(test_case + 1, 0);
    if (virtio_device_add(&wire.fake->dev)) {
        CHECK(!wire.fake->dev.live);
        return;
    }
    alloc_inject_failure(0, 0);
    shim_settle();
    user_open();
    wire_receive(0, 60, 1);
    CHECK_EQ(user.frames, 1);
    CHECK_EQ(user_send(0, 60, 1, &user), 0);
    CHECK_EQ(wire.sent, 1);
}
