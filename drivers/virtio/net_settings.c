/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Settings of a network device: sent to it, and remembered for its next life.
 */
#include "net.h"
#include <neap/endian.h>
#include <neap/errors.h>
#include <string.h>

static int send_mac(struct net *net, const uint8_t *mac)
{
    memcpy(net->message->data, mac, NETDEV_MAC_BYTES);
    return net_command(net, NET_CTRL_MAC, NET_MAC_ADDR_SET, NETDEV_MAC_BYTES);
}

int net_set_mac(struct netdev *netdev, const uint8_t *mac)
{
    struct net *net = to_net(netdev);
    int error = send_mac(net, mac);

    if (!error)
        net->has_mac = true;
    return error;
}

static int send_switch(struct net *net, enum net_control_command command, bool on)
{
    net->message->data[0] = on;
    return net_command(net, NET_CTRL_RX, command, 1);
}

/* NET-091: a count and addresses, twice. */
static unsigned write_table(uint8_t *data, const uint8_t (*addresses)[NETDEV_MAC_BYTES],
                            unsigned count)
{
    uint32_t entries = le32(count);

    memcpy(data, &entries, sizeof(entries));
    memcpy(data + sizeof(entries), addresses, count * NETDEV_MAC_BYTES);
    return (unsigned)sizeof(entries) + count * NETDEV_MAC_BYTES;
}

static int send_filter(struct net *net, const struct netdev_filter *filter)
{
    uint8_t *data = net->message->data;
    unsigned bytes;
    int error = send_switch(net, NET_RX_PROMISC, filter->promiscuous);

    if (!error)
        error = send_switch(net, NET_RX_ALLMULTI, filter->all_multicast);
    if (error)
        return error;
    bytes = write_table(data, filter->addresses, filter->nr_unicast);
    bytes +=
        write_table(data + bytes, filter->addresses + filter->nr_unicast, filter->nr_multicast);
    return net_command(net, NET_CTRL_MAC, NET_MAC_TABLE_SET, bytes);
}

int net_set_filter(struct netdev *netdev, const struct netdev_filter *filter)
{
    struct net *net = to_net(netdev);
    int error = send_filter(net, filter);

    if (!error) {
        net->filter = *filter;
        net->has_filter = true;
    }
    return error;
}

static int send_vlan(struct net *net, unsigned id, bool on)
{
    uint16_t field = le16((uint16_t)id);

    memcpy(net->message->data, &field, sizeof(field));
    return net_command(net, NET_CTRL_VLAN, on ? NET_VLAN_ADD : NET_VLAN_DEL, sizeof(field));
}

int net_set_vlan(struct netdev *netdev, uint16_t id, bool on)
{
    struct net *net = to_net(netdev);
    int error = send_vlan(net, id, on);

    if (!error && on)
        net->vlans[id / 32] |= 1u << id % 32;
    else if (!error)
        net->vlans[id / 32] &= ~(1u << id % 32);
    return error;
}

static int send_offloads(struct net *net, uint32_t caps)
{
    uint64_t field = le64(net_offload_bits(caps));

    memcpy(net->message->data, &field, sizeof(field));
    return net_command(net, NET_CTRL_GUEST_OFFLOADS, NET_OFFLOADS_SET, sizeof(field));
}

int net_set_rx_offloads(struct netdev *netdev, uint32_t caps)
{
    struct net *net = to_net(netdev);
    int error = -ENOTSUP;

    if (virtio_accepted(net->dev, NET_F_CTRL_GUEST_OFFLOADS))
        error = send_offloads(net, caps);
    if (!error) {
        net->offloads = caps;
        net->has_offloads = true;
    }
    return error;
}

static void restore_vlans(struct net *net)
{
    for (unsigned i = 0; i < ARRAY_SIZE(net->vlans); i++)
        for (uint32_t left = net->vlans[i]; left; left &= left - 1)
            (void)send_vlan(net, i * 32 + (unsigned)__builtin_ctz(left), true);
}

/* What the device refuses now is logged; the rest works on. */
void net_restore_settings(struct net *net)
{
    struct netdev_info *info = &net->netdev.info;

    if (net->has_mac && info->caps & NETDEV_CAP_SET_MAC)
        (void)send_mac(net, info->mac);
    if (net->has_filter && info->caps & NETDEV_CAP_FILTER)
        (void)send_filter(net, &net->filter);
    if (info->caps & NETDEV_CAP_VLAN)
        restore_vlans(net);
    if (net->has_offloads && virtio_accepted(net->dev, NET_F_CTRL_GUEST_OFFLOADS) &&
        !send_offloads(net, net->offloads & info->caps))
        info->rx_enabled = net->offloads & info->caps;
    net_restore_coalescing(net);
}
