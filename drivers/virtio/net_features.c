/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which features of a network device go together, and what they mean for the stack.
 */
#include "net.h"
#include <neap/errors.h>
#include <neap/log.h>

const int net_features[] = {
    NET_F_CSUM,
    NET_F_GUEST_CSUM,
    NET_F_CTRL_GUEST_OFFLOADS,
    NET_F_MTU,
    NET_F_MAC,
    NET_F_GUEST_TSO4,
    NET_F_GUEST_TSO6,
    NET_F_GUEST_ECN,
    NET_F_HOST_TSO4,
    NET_F_HOST_TSO6,
    NET_F_HOST_ECN,
    NET_F_MRG_RXBUF,
    NET_F_STATUS,
    NET_F_CTRL_VQ,
    NET_F_CTRL_RX,
    NET_F_CTRL_VLAN,
    NET_F_GUEST_ANNOUNCE,
    NET_F_MQ,
    NET_F_CTRL_MAC_ADDR,
    NET_F_NOTF_COAL,
    NET_F_GUEST_USO4,
    NET_F_GUEST_USO6,
    NET_F_HOST_USO,
    NET_F_HASH_REPORT,
    NET_F_GUEST_HDRLEN,
    NET_F_RSS,
    NET_F_SPEED_DUPLEX,
    NET_F_VQ_NOTF_COAL,
    NET_F_DEVICE_STATS,
    -1,
};

#define NONE -1

/* NET-DEP-*: not without one of two others; what is needed stands before who needs it. */
static const struct {
    unsigned feature;
    int needs, or_else;
} dependencies[] = {
    {NET_F_GUEST_TSO4, NET_F_GUEST_CSUM, NONE},
    {NET_F_GUEST_TSO6, NET_F_GUEST_CSUM, NONE},
    {NET_F_GUEST_ECN, NET_F_GUEST_TSO4, NET_F_GUEST_TSO6},
    {NET_F_GUEST_USO4, NET_F_GUEST_CSUM, NONE},
    {NET_F_GUEST_USO6, NET_F_GUEST_CSUM, NONE},
    {NET_F_HOST_TSO4, NET_F_CSUM, NONE},
    {NET_F_HOST_TSO6, NET_F_CSUM, NONE},
    {NET_F_HOST_ECN, NET_F_HOST_TSO4, NET_F_HOST_TSO6},
    {NET_F_HOST_USO, NET_F_CSUM, NONE},
    {NET_F_CTRL_GUEST_OFFLOADS, NET_F_CTRL_VQ, NONE},
    {NET_F_CTRL_RX, NET_F_CTRL_VQ, NONE},
    {NET_F_CTRL_VLAN, NET_F_CTRL_VQ, NONE},
    {NET_F_GUEST_ANNOUNCE, NET_F_CTRL_VQ, NONE},
    {NET_F_GUEST_ANNOUNCE, NET_F_STATUS, NONE},
    {NET_F_MQ, NET_F_CTRL_VQ, NONE},
    {NET_F_CTRL_MAC_ADDR, NET_F_CTRL_RX, NONE}, /* NET-089: strictly read */
    {NET_F_NOTF_COAL, NET_F_CTRL_VQ, NONE},
    {NET_F_VQ_NOTF_COAL, NET_F_CTRL_VQ, NONE},
    {NET_F_DEVICE_STATS, NET_F_CTRL_VQ, NONE},
    {NET_F_RSS, NET_F_CTRL_VQ, NONE},
    {NET_F_HASH_REPORT, NET_F_CTRL_VQ, NONE},
};

static void drop(struct virtio_features *accepted, unsigned bit)
{
    accepted->word[bit / 64] &= ~(UINT64_C(1) << bit % 64);
}

static bool have(const struct virtio_features *accepted, int bit)
{
    return bit != NONE && virtio_features_test(accepted, (unsigned)bit);
}

/* The control queue comes behind all pairs that the device has, so they must be in our reach.
 */
static void check_pairs(struct virtio_device *dev, struct virtio_features *accepted)
{
    uint64_t pairs;

    if (!have(accepted, NET_F_MQ) && !have(accepted, NET_F_RSS))
        return;
    if (!virtio_config_get(dev, NET_CONFIG_MAX_PAIRS, 2, &pairs) && pairs >= 1 &&
        2 * pairs < VIRTIO_QUEUES_MAX)
        return;
    log_warning("net", "%s: its number of queue pairs is not supported, one is used",
                dev->name);
    drop(accepted, NET_F_MQ);
    drop(accepted, NET_F_RSS);
}

int net_check_features(struct virtio_device *dev, struct virtio_features *accepted)
{
    uint64_t mtu;

    for (unsigned i = 0; i < ARRAY_SIZE(dependencies); i++)
        if (!have(accepted, dependencies[i].needs) && !have(accepted, dependencies[i].or_else))
            drop(accepted, dependencies[i].feature);
    check_pairs(dev, accepted);
    if (have(accepted, NET_F_MTU) &&
        (virtio_config_get(dev, NET_CONFIG_MTU, 2, &mtu) || mtu < 68)) {
        log_warning("net", "%s: its MTU makes no sense, 1500 is used", dev->name);
        drop(accepted, NET_F_MTU);
    }
    return 0;
}

static const struct {
    unsigned feature;
    uint32_t cap;
} caps_of[] = {
    {NET_F_CSUM, NETDEV_CAP_TX_CSUM},
    {NET_F_HOST_TSO4, NETDEV_CAP_TSO4},
    {NET_F_HOST_TSO6, NETDEV_CAP_TSO6},
    {NET_F_HOST_ECN, NETDEV_CAP_TSO_ECN},
    {NET_F_HOST_USO, NETDEV_CAP_USO},
    {NET_F_GUEST_CSUM, NETDEV_CAP_RX_CSUM},
    {NET_F_GUEST_TSO4, NETDEV_CAP_LRO4},
    {NET_F_GUEST_TSO6, NETDEV_CAP_LRO6},
    {NET_F_GUEST_ECN, NETDEV_CAP_LRO_ECN},
    {NET_F_GUEST_USO4, NETDEV_CAP_URO4},
    {NET_F_GUEST_USO6, NETDEV_CAP_URO6},
    {NET_F_HASH_REPORT, NETDEV_CAP_HASH},
    {NET_F_CTRL_MAC_ADDR, NETDEV_CAP_SET_MAC},
    {NET_F_CTRL_RX, NETDEV_CAP_FILTER},
    {NET_F_CTRL_VLAN, NETDEV_CAP_VLAN},
    {NET_F_NOTF_COAL, NETDEV_CAP_COALESCE},
    {NET_F_VQ_NOTF_COAL, NETDEV_CAP_COALESCE_QUEUE},
    {NET_F_DEVICE_STATS, NETDEV_CAP_DEVICE_STATS},
};

uint32_t net_caps(const struct net *net)
{
    uint32_t caps = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(caps_of); i++)
        if (virtio_accepted(net->dev, caps_of[i].feature))
            caps |= caps_of[i].cap;
    return caps;
}

/* Offloads of GUEST_OFFLOADS_SET have the numbers of their features. */
uint64_t net_offload_bits(uint32_t caps)
{
    uint64_t bits = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(caps_of); i++)
        if (caps & caps_of[i].cap & NETDEV_CAPS_RX)
            bits |= UINT64_C(1) << caps_of[i].feature;
    return bits;
}
