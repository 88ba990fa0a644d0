/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Watching a network driver: headers of what it sends, commands, buffers to receive into.
 */
#include "../../../drivers/virtio/ring_layout.h"
#include "fake_net.h"

#define TUNNEL_BITS   0x60
#define TAG_BYTES     4
#define LARGEST_FRAME 65589u /* 64 KiB of segments with the headers before them */

static bool accepted(const struct fake_net *net, unsigned bit)
{
    return virtio_accepted(&net->fake->dev, bit);
}

/* ---- sending ---- */

/* NET-021 to -037, NET-041 */
static void check_segmentation(const struct fake_net *net)
{
    static const struct {
        uint8_t type;
        unsigned feature;
    } kinds[] = {{1, NET_F_HOST_TSO4}, {4, NET_F_HOST_TSO6}, {5, NET_F_HOST_USO}};
    uint8_t type = net->header.gso_type & (uint8_t)~NET_GSO_ECN;

    CHECK_EQ(type & TUNNEL_BITS, 0);
    for (unsigned i = 0; i < ARRAY_SIZE(kinds); i++)
        if (kinds[i].type == type) {
            CHECK(accepted(net, kinds[i].feature));
            type = 0;
        }
    CHECK_EQ(type, 0);
    if (net->header.gso_type & NET_GSO_ECN)
        CHECK(accepted(net, NET_F_HOST_ECN) && (net->header.gso_type & 0x7f) != 5);
}

void watch_sent(struct fake_net *net, unsigned index)
{
    const struct net_header *header = &net->header;
    bool tagged = net->frame[12] == 0x81 && net->frame[13] == 0;

    CHECK(index / 2 < net->pairs_on);                 /* NET-097, NET-098 */
    CHECK_EQ(header->flags & ~NET_HDR_NEEDS_CSUM, 0); /* NET-018, NET-033, NET-052 */
    CHECK_EQ(header->num_buffers, 0);                 /* NET-017 */
    CHECK(!header->hash_value && !header->hash_report && !header->reserved);
    check_segmentation(net);
    if (header->flags) {
        CHECK(accepted(net, NET_F_CSUM));
        CHECK(header->csum_start + header->csum_offset + 2u <= net->length); /* NET-040 */
    }
    if (header->gso_type) {
        CHECK(header->flags & NET_HDR_NEEDS_CSUM); /* NET-042 */
        CHECK(header->gso_size > 0);               /* NET-043 */
        CHECK(header->header_length < net->length);
        CHECK(header->header_length > header->csum_start); /* NET-045 */
    } else {                                               /* NET-009 */
        CHECK(net->length <= (uint32_t)wire_netdev()->info.mtu + NETDEV_HEADER_BYTES +
                                 (tagged ? TAG_BYTES : 0u));
    }
}

/* ---- receiving ---- */

/* NET-008, NET-057 to -061 */
void watch_receive_buffer(const struct fake_net *net, const struct vringd_chain *chain)
{
    uint32_t header = accepted(net, NET_F_HASH_REPORT) ? 20 : 12, room = 0;
    uint32_t frame = MAX(1514u, (uint32_t)wire_netdev()->info.mtu + NETDEV_HEADER_BYTES);

    for (unsigned i = 0; i < chain->in; i++)
        room += chain->pieces[i].length;
    if (accepted(net, NET_F_GUEST_TSO4) || accepted(net, NET_F_GUEST_TSO6) ||
        accepted(net, NET_F_GUEST_USO4) || accepted(net, NET_F_GUEST_USO6))
        frame = LARGEST_FRAME;
    /* A tiny ring holds no more; nothing can be done then. */
    if (!accepted(net, NET_F_MRG_RXBUF) && chain->in < net->fake->queues[0].size)
        CHECK(room >= header + frame);
    CHECK(room >= header);
}

/* ---- commands ---- */

/* NET-080, NET-083 to -089, NET-093, NET-100, NET-105, NET-108, NET-110, NET-111 */
static const struct {
    uint16_t command; /* class << 8 | command */
    unsigned feature;
} commands[] = {
    {0x000, NET_F_CTRL_RX},
    {0x001, NET_F_CTRL_RX},
    {0x100, NET_F_CTRL_RX},
    {0x101, NET_F_CTRL_RX},
    {0x200, NET_F_CTRL_VLAN},
    {0x201, NET_F_CTRL_VLAN},
    {0x300, NET_F_GUEST_ANNOUNCE},
    {0x400, NET_F_MQ},
    {0x401, NET_F_RSS},
    {0x402, NET_F_HASH_REPORT},
    {0x500, NET_F_CTRL_GUEST_OFFLOADS},
    {0x600, NET_F_NOTF_COAL},
    {0x601, NET_F_NOTF_COAL},
    {0x602, NET_F_VQ_NOTF_COAL},
    {0x603, NET_F_VQ_NOTF_COAL},
    {0x800, NET_F_DEVICE_STATS},
    {0x801, NET_F_DEVICE_STATS},
};

static void check_feature(const struct fake_net *net, uint16_t command)
{
    for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
        if (commands[i].command == command) {
            CHECK(accepted(net, commands[i].feature));
            return;
        }
    unit_fail(__FILE__, __LINE__, "command %#x", command);
}

/* NET-066, NET-094: every pair that is switched on has buffers, if there was memory for one. */
static void check_pairs(struct fake_net *net, unsigned pairs)
{
    CHECK(pairs >= 1 && pairs <= net->max_pairs); /* NET-095, NET-096 */
    for (unsigned i = 0; i < pairs; i++) {
        CHECK(net->fake->queues[2 * i].enabled && net->fake->queues[2 * i + 1].enabled);
        if (virtio_accepted(&net->fake->dev, VIRTIO_F_RING_PACKED))
            continue;
        CHECK(le16(((struct ring_available *)net->fake->queues[2 * i].ring.driver)->index) >
                  0 ||
              wire_netdev()->queues[i].stats.rx_no_memory > 0);
    }
    if (!net->ack)
        net->pairs_on = pairs;
}

/* NET-101 to -104 */
static void check_rss(struct fake_net *net)
{
    const uint8_t *data = net->data;
    unsigned entries = (unsigned)le_load(data + 4, 2) + 1;
    unsigned pairs = (unsigned)le_load(data + 8 + 2 * entries, 2);

    CHECK_EQ(le_load(data, 4) & ~le_load(net->fake->config + NET_CONFIG_HASH_TYPES, 4), 0);
    CHECK_EQ(entries & (entries - 1), 0);
    CHECK(entries <= le_load(net->fake->config + NET_CONFIG_RSS_TABLE_MAX, 2));
    for (unsigned i = 0; i <= entries; i++) /* unclassified frames first */
        CHECK(le_load(data + 6 + 2 * i, 2) < pairs);
    check_pairs(net, pairs);
}

void watch_command(struct fake_net *net)
{
    uint16_t command = net->history[net->commands - 1];

    check_feature(net, command);
    if (command == 0x400)
        check_pairs(net, (unsigned)le_load(net->data, 2));
    else if (command == 0x401)
        check_rss(net);
    else if (command == 0x402)
        CHECK_EQ(le_load(net->data + 4, 8), 0); /* NET-099 */
    else if (command == 0x500)                  /* NET-108 */
        CHECK_EQ(le_load(net->data, 8) & ~net->fake->dev.accepted.word[0], 0);
    else if (command >> 1 == 0x602 >> 1) /* NET-109 */
        CHECK(le_load(net->data, 2) < 2 * net->max_pairs &&
              net->fake->queues[le_load(net->data, 2)].enabled);
}
