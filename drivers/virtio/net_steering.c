/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Spreading received frames over the pairs of queues: by the device's own steering, or by a
 * hash over addresses and ports (RSS).
 */
#include "net.h"
#include <arch/clock.h>
#include <neap/endian.h>
#include <neap/log.h>
#include <string.h>

/* TCP and UDP over IPv4 and IPv6, and both alone: what every client's flow falls under. */
#define HASH_TYPES 0x3fu

struct writer {
    uint8_t *at;
};

static void put(struct writer *writer, uint64_t value, unsigned bytes)
{
    for (; bytes; bytes--, value >>= 8)
        *writer->at++ = (uint8_t)value;
}

/* Peers must not know which of their flows meet in one queue. */
static void put_key(struct writer *writer, unsigned bytes)
{
    uint64_t state = arch_cycles();

    put(writer, bytes, 1);
    for (unsigned i = 0; i < bytes; i++) {
        state = (state + i + 1) * UINT64_C(0x9e3779b97f4a7c15);
        state ^= state >> 29;
        put(writer, state >> 40, 1);
    }
}

/* NET-099 to NET-104 */
static int configure_rss(struct net *net)
{
    struct writer writer = {net->message->data};

    put(&writer, net->hash_types & HASH_TYPES, 4);
    put(&writer, net->rss_table_entries - 1, 2);
    put(&writer, 0, 2);
    for (unsigned i = 0; i < net->rss_table_entries; i++)
        put(&writer, i % net->nr_pairs, 2);
    put(&writer, net->nr_pairs, 2);
    put_key(&writer, net->rss_key_bytes);
    return net_command(net, NET_CTRL_MQ, NET_MQ_RSS_CONFIG,
                       (unsigned)(writer.at - net->message->data));
}

static int configure_hash(struct net *net)
{
    struct writer writer = {net->message->data};

    put(&writer, net->hash_types & HASH_TYPES, 4);
    put(&writer, 0, 8);
    put_key(&writer, net->rss_key_bytes);
    return net_command(net, NET_CTRL_MQ, NET_MQ_HASH_CONFIG,
                       (unsigned)(writer.at - net->message->data));
}

void net_set_pairs(struct net *net)
{
    struct writer writer = {net->message->data};
    int error = 0;

    if (virtio_accepted(net->dev, NET_F_RSS)) {
        error = configure_rss(net);
    } else if (net->nr_pairs > 1) {
        put(&writer, net->nr_pairs, 2);
        error = net_command(net, NET_CTRL_MQ, NET_MQ_PAIRS_SET, 2);
    }
    if (error) { /* NET-097: the first pair works without being asked for */
        log_warning("net", "%s: uses one queue pair instead of %u", net->dev->name,
                    net->nr_pairs);
        net->nr_pairs = 1;
    }
    if (virtio_accepted(net->dev, NET_F_HASH_REPORT) && !virtio_accepted(net->dev, NET_F_RSS))
        (void)configure_hash(net); /* without it frames come without hashes */
}
