/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network driver under random traffic, settings, hostile answers and resets, with threads
 * that interleave by chance: every token comes back once, no page is lost.
 */
#include "fake_net.h"
#include <neap/alloc.h>
#include <neap/memory.h>
#include <neap/timer.h>

#define PAIRS 3

static unsigned sent;
static bool hostile;
static bool opened; /* a closed device is not sent on */

static unsigned queue(void)
{
    return (unsigned)unit_random_below(wire_netdev()->info.nr_queues);
}

static void send_some(void)
{
    unsigned q = queue();

    for (uint64_t i = opened ? unit_random_below(40) : 0; i; i--)
        sent += user_send(q, 14 + (uint32_t)unit_random_below(1500), 1, &user) == 0;
}

static void receive_some(void)
{
    static uint8_t frame[70000];
    bool large = virtio_accepted(&wire.fake->dev, NET_F_GUEST_TSO4);
    unsigned q = queue();

    if (!wire.fake->dev.live)
        return;
    for (uint64_t i = unit_random_below(40); i; i--)
        if (!wire_deliver(q, (struct net_header){0}, frame,
                          14 + (uint32_t)unit_random_below(large && i % 4 == 0 ? 65000 : 1500)))
            break;
    fake_interrupt(wire.fake, 2 * q);
}

static void receive_nonsense(void)
{
    struct net_header header;
    uint8_t *bytes = (uint8_t *)&header;

    if (!hostile || !wire.fake->dev.live)
        return;
    for (unsigned i = 0; i < sizeof(header); i++)
        bytes[i] = (uint8_t)(unit_random_below(3) ? 0 : unit_random());
    if (unit_random_below(4))
        header.num_buffers = (uint16_t)unit_random_below(5);
    wire_push(queue(), &header, (uint32_t)unit_random_below(3000));
    wire_interrupt(0);
}

static void hold_or_not(void)
{
    wire.hold = !wire.hold && wire.fake->dev.live;
    for (unsigned q = 0; q < PAIRS && !wire.hold && wire.fake->dev.live; q++)
        if (wire.fake->queues[2 * q + 1].enabled)
            wire_release(q);
}

static void set_something(void)
{
    const struct netdev_filter filter = {.promiscuous = unit_random_below(2)};

    wire.commands = 0;
    (void)netdev_set_filter(wire_netdev(), &filter);
    (void)netdev_set_rx_offloads(wire_netdev(), (uint32_t)unit_random() & NETDEV_CAPS_RX);
}

static void reset_it(void)
{
    wire.commands = 0;
    if (wire.fake->dev.resets < VIRTIO_RESETS_MAX - 1 && !unit_random_below(20))
        virtio_device_misbehaved(&wire.fake->dev, "a test says so");
}

static void open_it(void)
{
    opened = wire_netdev()->info.live;
    if (opened)
        user_open();
}

static void reopen(void)
{
    if (unit_random_below(10) || wire.hold)
        return;
    if (opened)
        netdev_close(wire_netdev());
    CHECK_EQ(user.completed, sent);
    shim_settle();
    open_it();
}

static void starve(void)
{
    alloc_inject_failure(1 + unit_random_below(10), unit_random_below(3));
}

static void feed(void)
{
    alloc_inject_failure(0, 0);
}

static void wait_a_little(void)
{
    shim_advance(unit_random_below(300) * NS_PER_MS);
}

TEST_CASES(net_random, 16)
{
    void (*const steps[])(void) = {send_some,     receive_some,  send_some, receive_some,
                                   hold_or_not,   set_something, reset_it,  receive_nonsense,
                                   wait_a_little, reopen,        starve,    feed,
                                   feed};
    uint64_t features = FEATURE(NET_F_CTRL_VQ) | FEATURE(NET_F_MQ) | FEATURE(NET_F_CTRL_RX) |
                        FEATURE(NET_F_GUEST_CSUM) | FEATURE(NET_F_CTRL_GUEST_OFFLOADS);

    features |= test_case & 1 ? FEATURE(NET_F_MRG_RXBUF) : 0;
    features |= test_case & 2 ? FEATURE(NET_F_GUEST_TSO4) : 0;
    features |= test_case & 4 ? FEATURE(VIRTIO_F_EVENT_IDX) : 0;
    features |= FEATURE(VIRTIO_F_INDIRECT_DESC);
    hostile = test_case & 8;
    wire_create(features, PAIRS, 64);
    wire_boot(1 + test_case % 3);
    open_it();
    shim_chaos(test_case + 1);
    for (unsigned i = 0; i < 1500 && wire.fake->dev.resets < VIRTIO_RESETS_MAX; i++)
        steps[unit_random_below(ARRAY_SIZE(steps))]();
    feed();
    shim_chaos(0);
    shim_advance(5 * NS_PER_S);
    if (wire.hold && wire.fake->dev.live)
        hold_or_not();
    shim_advance(5 * NS_PER_S);
    CHECK_EQ(user.completed, sent);
    mm_check();
}
