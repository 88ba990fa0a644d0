/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network device: its features and configuration, answers to control commands, headers and
 * lengths of received frames, while the stack sends and changes settings.
 */
#include "device.h"
#include "fake_net.h"
#include "fuzz.h"
#include "kernel.h"
#include <string.h>

#define PAIRS      2
#define SIZE       4
#define CONFIG_MAX 24

static struct fake *fake;

void fuzz_start(void)
{
    shim_set_cpus(PAIRS);
    device_boot(32 * MIB);
    wire_create(FEATURE(NET_F_CTRL_VQ), PAIRS, SIZE);
    fake = wire.fake;
    fake->queues[2 * PAIRS].serve = device_serve;
    fake->offered.word[0] = 0;
    fake->config_size = CONFIG_MAX;
    fake_offer(fake, VIRTIO_F_VERSION_1);
    device_keep(fake);
}

/* Settings outlive a reset, but not an input. */
static void forget_settings(void)
{
    struct net *net = fake->dev.driver_data;

    if (!net)
        return;
    net->has_mac = net->has_filter = net->has_offloads = net->has_coalescing = false;
    net->quiet_until_ns = 0;
    memset(net->vlans, 0, sizeof(net->vlans));
    for (unsigned i = 0; i < net->nr_made; i++)
        net->pairs[i]->has_coalescing = false;
}

/* A header and the begin of a frame into the next buffer, which is used as the input says. */
static void receive(void)
{
    unsigned index = 2 * fuzz_below(PAIRS);
    struct vringd *ring = &fake->queues[index].ring;
    struct vringd_chain chain;
    uint32_t written = 0;

    if (!fake->queues[index].enabled)
        return;
    for (unsigned nr = 1 + fuzz_byte() % 4; nr; nr--) {
        if (vringd_pop(ring, &chain) <= 0)
            break;
        fuzz_bytes(shim_phys(chain.pieces[0].phys), MIN(fuzz_byte(), chain.pieces[0].length));
        switch (fuzz_byte() % 4) {
        case 0:
            written = (uint32_t)fuzz_number(2);
            break;
        case 1:
            written = fuzz_byte() % 64;
            break;
        default:
            written = 60 + fuzz_below(1500);
        }
        vringd_push(ring, chain.head, written);
    }
    fake_interrupt(fake, index);
    shim_settle();
}

static void change_settings(void)
{
    const struct netdev_coalescing coalescing = {fuzz_byte(), fuzz_byte(), 1, 1};
    struct netdev_filter filter = {.promiscuous = true, .nr_unicast = fuzz_byte() % 4};
    const uint8_t mac[NETDEV_MAC_BYTES] = {2, 0, 0, 0, 0, fuzz_byte()};
    struct netdev *netdev = wire_netdev();

    switch (fuzz_byte() % 8) {
    case 0:
        (void)netdev_set_mac(netdev, mac);
        break;
    case 1:
        (void)netdev_set_filter(netdev, &filter);
        break;
    case 2:
        (void)netdev_set_vlan(netdev, fuzz_byte(), fuzz_byte() % 2);
        break;
    case 3:
        (void)netdev_set_rx_offloads(netdev, (uint32_t)fuzz_number(2));
        break;
    case 4:
        (void)netdev_set_coalescing(netdev, &coalescing);
        break;
    case 5:
        (void)netdev_set_queue_coalescing(netdev, fuzz_byte() % 3, &coalescing);
        break;
    default:
        (void)run_command("net", fuzz_byte() % 2); /* asks the device for its counters */
    }
}

static void send_frame(void)
{
    const struct netdev_info *info = &wire_netdev()->info;

    wire.hold = fuzz_byte() % 4 == 3;
    if (info->live)
        (void)user_send(fuzz_byte() % info->nr_queues, 14 + fuzz_byte(), 1, &user);
}

void fuzz_run(void)
{
    unsigned features[64], nr = 0;

    for (; net_features[nr] >= 0; nr++)
        features[nr] = (unsigned)net_features[nr];
    features[nr++] = VIRTIO_F_INDIRECT_DESC;
    features[nr++] = VIRTIO_F_EVENT_IDX;
    device_offer(fake, features, nr);
    if (fuzz_byte() % 2)
        fuzz_bytes(fake->config, CONFIG_MAX);
    forget_settings();
    memset(&user, 0, sizeof(user));
    wire.hold = false;
    device_start(fake);
    if (fake->dev.driver_data && wire_netdev()->info.live)
        user_open();
    for (unsigned step = 0; step < 16 && fuzz_more() && fake->dev.driver_data; step++) {
        switch (fuzz_byte() % 8) {
        case 0:
            device_event(fake);
            break;
        case 1:
            change_settings();
            break;
        case 2:
            send_frame();
            break;
        default:
            receive();
        }
    }
    wire.hold = false;
    if (fake->dev.driver_data)
        netdev_close(wire_netdev());
    device_stop(fake);
}
