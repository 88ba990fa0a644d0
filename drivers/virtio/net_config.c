/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a network device says of itself in its configuration.
 */
#include "net.h"
#include <neap/cpu.h>
#include <neap/errors.h>
#include <neap/log.h>
#include <string.h>

#define MTU_DEFAULT 1500

/* NET-004: an address of our own making is locally administered; the clock is what differs. */
static void make_mac(struct net *net, uint8_t mac[NETDEV_MAC_BYTES])
{
    uint64_t random = (arch_cycles() ^ (uintptr_t)net) * UINT64_C(0x9e3779b97f4a7c15);

    mac[0] = 0x02;
    for (unsigned i = 1; i < NETDEV_MAC_BYTES; i++)
        mac[i] = (uint8_t)(random >> (i * 8 + 16));
    net->has_mac = true;
}

/* NET-003. The field is read bytewise: it is an array. */
static int read_mac(struct net *net, uint8_t mac[NETDEV_MAC_BYTES])
{
    uint64_t value;

    if (net->has_mac) /* set before a reset */
        return 0;
    if (!virtio_accepted(net->dev, NET_F_MAC)) {
        make_mac(net, mac);
        return 0;
    }
    for (unsigned i = 0; i < NETDEV_MAC_BYTES; i++) {
        int error = virtio_config_get(net->dev, NET_CONFIG_MAC + i, 1, &value);

        if (error)
            return error;
        mac[i] = (uint8_t)value;
    }
    if (!(mac[0] & 1) && (mac[0] | mac[1] | mac[2] | mac[3] | mac[4] | mac[5]))
        return 0;
    log_warning("net", "%s: its address %02x:%02x:%02x:%02x:%02x:%02x is none, using our own",
                net->dev->name, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
    make_mac(net, mac);
    return 0;
}

/* One pair for each CPU, when the device has so many. */
static int read_pairs(struct net *net)
{
    uint64_t pairs = 1;
    int error = 0;

    if (virtio_accepted(net->dev, NET_F_MQ) || virtio_accepted(net->dev, NET_F_RSS))
        error = virtio_config_get(net->dev, NET_CONFIG_MAX_PAIRS, 2, &pairs);
    pairs = MIN(pairs, (uint64_t)MIN(cpu_count(), NETDEV_QUEUES_MAX));
    net->nr_pairs = (unsigned)MAX(pairs, UINT64_C(1));
    return error;
}

static int read_hashing(struct net *net)
{
    uint64_t types = 0, key = NET_RSS_KEY_MAX, table = NET_RSS_TABLE_MAX;
    bool rss = virtio_accepted(net->dev, NET_F_RSS);
    int error = 0;

    if (rss || virtio_accepted(net->dev, NET_F_HASH_REPORT)) {
        error = virtio_config_get(net->dev, NET_CONFIG_HASH_TYPES, 4, &types);
        if (!error)
            error = virtio_config_get(net->dev, NET_CONFIG_RSS_KEY_MAX, 1, &key);
    }
    if (!error && rss)
        error = virtio_config_get(net->dev, NET_CONFIG_RSS_TABLE_MAX, 2, &table);
    net->hash_types = (uint32_t)types;
    net->rss_key_bytes = (unsigned)MIN(key, NET_RSS_KEY_MAX);
    net->rss_table_entries = 1;
    while (net->rss_table_entries * 2 <= MIN(table, NET_RSS_TABLE_MAX)) /* NET-102, -103 */
        net->rss_table_entries *= 2;
    return error;
}

int net_read_config(struct net *net)
{
    struct netdev_info *info = &net->netdev.info;
    uint64_t mtu = MTU_DEFAULT;
    unsigned events;
    int error = read_mac(net, info->mac);

    if (!error && virtio_accepted(net->dev, NET_F_MTU))
        error = virtio_config_get(net->dev, NET_CONFIG_MTU, 2, &mtu);
    if (!error)
        error = read_pairs(net);
    if (!error)
        error = read_hashing(net);
    if (!error)
        error = net_read_link(net, &events);
    if (error) {
        log_error("net", "%s: its configuration space is too short or unstable",
                  net->dev->name);
        return error;
    }
    net->header_bytes =
        virtio_accepted(net->dev, NET_F_HASH_REPORT) ? NET_HEADER_HASH_BYTES : NET_HEADER_BYTES;
    info->mtu = (uint16_t)MAX(mtu, 68u);
    info->caps = net_caps(net);
    info->rx_enabled = info->caps & NETDEV_CAPS_RX;
    info->headroom = net->header_bytes;
    return 0;
}

/* NET-011, NET-012 */
static int read_speed(struct net *net)
{
    uint64_t speed = NETDEV_SPEED_UNKNOWN, duplex = 1;
    int error = 0;

    if (virtio_accepted(net->dev, NET_F_SPEED_DUPLEX)) {
        error = virtio_config_get(net->dev, NET_CONFIG_SPEED, 4, &speed);
        if (!error)
            error = virtio_config_get(net->dev, NET_CONFIG_DUPLEX, 1, &duplex);
    }
    net->netdev.info.speed = speed > INT32_MAX ? NETDEV_SPEED_UNKNOWN : (uint32_t)speed;
    net->netdev.info.full_duplex = duplex == 1;
    return error;
}

int net_read_link(struct net *net, unsigned *events)
{
    uint64_t status = NET_STATUS_LINK_UP; /* NET-005 */
    int error = 0;
    bool link;

    if (virtio_accepted(net->dev, NET_F_STATUS))
        error = virtio_config_get(net->dev, NET_CONFIG_STATUS, 2, &status);
    if (!error)
        error = read_speed(net);
    if (error)
        return error;
    link = status & NET_STATUS_LINK_UP;
    *events = link != net->netdev.info.link ? NETDEV_EVENT_LINK : 0;
    if (status & NET_STATUS_ANNOUNCE && virtio_accepted(net->dev, NET_F_GUEST_ANNOUNCE))
        *events |= NETDEV_EVENT_ANNOUNCE;
    WRITE_ONCE(net->netdev.info.link, link);
    return 0;
}
