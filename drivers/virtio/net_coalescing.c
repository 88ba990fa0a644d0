/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * When the device interrupts: for all queues alike (NOTF_COAL), or for each pair
 * (VQ_NOTF_COAL).
 */
#include "net.h"
#include <neap/endian.h>
#include <neap/errors.h>
#include <string.h>

/* struct virtio_net_ctrl_coal, and what names a queue in front of it */
#define COAL_BYTES  8
#define QUEUE_BYTES 4

static void put_values(uint8_t *data, uint32_t frames, uint32_t us)
{
    uint32_t fields[2] = {le32(frames), le32(us)};

    _Static_assert(sizeof(fields) == COAL_BYTES, "no padding");
    memcpy(data, fields, sizeof(fields));
}

static int send_all(struct net *net, enum net_control_command command, uint32_t frames,
                    uint32_t us)
{
    put_values(net->message->data, frames, us);
    return net_command(net, NET_CTRL_NOTF_COAL, command, COAL_BYTES);
}

static int send_both(struct net *net, const struct netdev_coalescing *coalescing)
{
    int error = send_all(net, NET_COAL_RX_SET, coalescing->rx_frames, coalescing->rx_us);

    return error ? error
                 : send_all(net, NET_COAL_TX_SET, coalescing->tx_frames, coalescing->tx_us);
}

/* For all: what was set for single pairs is over. */
int net_set_coalescing(struct netdev *netdev, const struct netdev_coalescing *coalescing)
{
    struct net *net = to_net(netdev);
    int error = send_both(net, coalescing);

    if (error)
        return error;
    net->coalescing = *coalescing;
    net->has_coalescing = true;
    for (unsigned i = 0; i < net->nr_made; i++)
        net->pairs[i]->has_coalescing = false;
    return 0;
}

/* NET-109: only queues that are enabled are ever named. */
static void put_queue(uint8_t *data, unsigned index)
{
    uint16_t fields[2] = {le16((uint16_t)index), 0};

    _Static_assert(sizeof(fields) == QUEUE_BYTES, "no padding");
    memcpy(data, fields, sizeof(fields));
}

static int send_one(struct net *net, unsigned index, uint32_t frames, uint32_t us)
{
    put_queue(net->message->data, index);
    put_values(net->message->data + QUEUE_BYTES, frames, us);
    return net_command(net, NET_CTRL_NOTF_COAL, NET_COAL_VQ_SET, QUEUE_BYTES + COAL_BYTES);
}

int net_set_queue_coalescing(struct netdev *netdev, unsigned queue,
                             const struct netdev_coalescing *coalescing)
{
    struct net *net = to_net(netdev);
    struct net_pair *pair = net->pairs[queue];
    int error = send_one(net, 2 * queue, coalescing->rx_frames, coalescing->rx_us);

    if (!error)
        error = send_one(net, 2 * queue + 1, coalescing->tx_frames, coalescing->tx_us);
    if (!error) {
        pair->coalescing = *coalescing;
        pair->has_coalescing = true;
    }
    return error;
}

/* NET-112: without a complete answer nothing is believed. */
static int read_one(struct net *net, unsigned index, uint32_t *frames, uint32_t *us)
{
    uint32_t fields[2];
    unsigned bytes = 0;
    int error;

    put_queue(net->message->data, index);
    error = net_query(net, NET_CTRL_NOTF_COAL, NET_COAL_VQ_GET, QUEUE_BYTES, sizeof(fields),
                      &bytes);
    if (error || bytes != sizeof(fields))
        return error ? error : -EIO;
    memcpy(fields, net->message->result, sizeof(fields));
    *frames = le32(fields[0]);
    *us = le32(fields[1]);
    return 0;
}

int net_get_queue_coalescing(struct netdev *netdev, unsigned queue,
                             struct netdev_coalescing *coalescing)
{
    struct net *net = to_net(netdev);
    struct netdev_coalescing now;
    int error = read_one(net, 2 * queue, &now.rx_frames, &now.rx_us);

    if (!error)
        error = read_one(net, 2 * queue + 1, &now.tx_frames, &now.tx_us);
    if (!error)
        *coalescing = now;
    return error;
}

void net_restore_coalescing(struct net *net)
{
    const uint32_t caps = net->netdev.info.caps;

    if (net->has_coalescing && caps & NETDEV_CAP_COALESCE)
        (void)send_both(net, &net->coalescing);
    for (unsigned i = 0; i < net->nr_pairs && caps & NETDEV_CAP_COALESCE_QUEUE; i++)
        if (net->pairs[i]->has_coalescing)
            (void)net_set_queue_coalescing(&net->netdev, i, &net->pairs[i]->coalescing);
}
