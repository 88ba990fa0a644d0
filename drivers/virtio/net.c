/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network driver: coming and going of a device. What the stack sees of it stays when the
 * device is reset.
 */
#include "net.h"
#include <neap/errors.h>
#include <neap/kmalloc.h>
#include <neap/log.h>

/*
 * NET-066, NET-094: buffers first, on every pair, then the pairs. QEMU that hashes in software
 * holds a frame for a pair without buffers back until the first pair is kicked, for ever.
 */
static int start(struct netdev *netdev)
{
    struct net *net = to_net(netdev);

    for (unsigned i = 0; i < net->nr_pairs; i++)
        net_rx_fill(net->pairs[i]);
    net_set_pairs(net);
    netdev->info.nr_queues = net->nr_pairs;
    return 0;
}

static void stop(struct netdev *netdev)
{
    struct net *net = to_net(netdev);

    for (unsigned i = 0; i < net->nr_pairs; i++)
        virtqueue_disable_callback(net->pairs[i]->rx.queue);
}

static unsigned poll(struct netdev *netdev, unsigned queue, unsigned budget,
                     struct netdev_buffer **frames)
{
    struct net_pair *pair = to_net(netdev)->pairs[queue];
    unsigned count;

    virtqueue_disable_callback(pair->rx.queue);
    net_tx_poll(pair);
    count = net_rx_take(pair, budget, frames);
    net_rx_fill(pair);
    return count;
}

static bool rearm(struct netdev *netdev, unsigned queue)
{
    return virtqueue_enable_callback(to_net(netdev)->pairs[queue]->rx.queue);
}

static void reset(struct netdev *netdev, const char *why)
{
    virtio_device_misbehaved(to_net(netdev)->dev, why);
}

static const struct netdev_ops net_ops = {
    .driver = "virtio-net",
    .transmit = net_transmit,
    .flush = net_flush,
    .poll = poll,
    .rearm = rearm,
    .start = start,
    .stop = stop,
    .idle = net_tx_idle,
    .reset = reset,
    .set_mac = net_set_mac,
    .set_filter = net_set_filter,
    .set_vlan = net_set_vlan,
    .set_rx_offloads = net_set_rx_offloads,
    .set_coalescing = net_set_coalescing,
    .set_queue_coalescing = net_set_queue_coalescing,
    .get_queue_coalescing = net_get_queue_coalescing,
    .device_stats = net_device_stats,
};

static struct net *net_create(struct virtio_device *dev)
{
    struct net *net = kcalloc(1, sizeof(*net), 0);

    if (!net)
        return NULL;
    net->dev = dev;
    net->netdev.ops = &net_ops;
    net->message = kcalloc(1, sizeof(*net->message), 0);
    waitqueue_init(&net->answers, "network control");
    if (net->message && !netdev_register(&net->netdev))
        return net;
    kfree(net->message);
    kfree(net);
    return NULL;
}

/* Everything before DRIVER_OK; what it allocates stays. */
static int prepare(struct net *net)
{
    int error;

    mutex_lock(&net->netdev.lock);
    error = net_read_config(net);
    mutex_unlock(&net->netdev.lock);
    if (!error)
        error = net_make_pairs(net, net->nr_pairs);
    if (error)
        return error;
    net->nr_pairs = MIN(net->nr_pairs, net->nr_made);
    return net_find_queues(net);
}

static int net_probe(struct virtio_device *dev)
{
    struct net *net = dev->driver_data;
    const struct netdev_info *info;
    int error;

    if (!net)
        net = dev->driver_data = net_create(dev);
    if (!net)
        return -ENOMEM;
    error = prepare(net);
    if (error)
        return error;
    /* Nothing may fail from here on: the device is in use. */
    virtio_device_ready(dev);
    net_open_queues(net);
    mutex_lock(&net->netdev.lock);
    net->netdev.info.nr_queues = net->nr_pairs;
    net_restore_settings(net);
    mutex_unlock(&net->netdev.lock);
    netdev_up(&net->netdev);
    info = &net->netdev.info;
    log_info("net", "%s: %s, %02x:%02x:%02x:%02x:%02x:%02x, mtu %u, %u queue%s, link %s",
             info->name, dev->name, info->mac[0], info->mac[1], info->mac[2], info->mac[3],
             info->mac[4], info->mac[5], info->mtu, net->nr_pairs,
             net->nr_pairs > 1 ? " pairs" : " pair", info->link ? "up" : "down");
    return 0;
}

/* NET-013, NET-092, NET-093 */
static void net_config_changed(struct virtio_device *dev)
{
    struct net *net = dev->driver_data;
    unsigned events = 0;

    mutex_lock(&net->netdev.lock);
    if (net_read_link(net, &events))
        log_warning("net", "%s: its configuration cannot be read any more", dev->name);
    if (events & NETDEV_EVENT_ANNOUNCE)
        (void)net_command(net, NET_CTRL_ANNOUNCE, NET_ANNOUNCE_ACK, 0);
    mutex_unlock(&net->netdev.lock);
    if (events & NETDEV_EVENT_LINK)
        log_info("net", "%s: link %s", net->netdev.info.name,
                 net->netdev.info.link ? "up" : "down");
    if (events)
        netdev_notify(&net->netdev, events);
}

static void net_quiesce(struct virtio_device *dev)
{
    struct net *net = dev->driver_data;

    netdev_down(&net->netdev);
}

static void net_remove(struct virtio_device *dev)
{
    net_forget_queues(dev->driver_data);
}

static void net_pause(struct virtio_device *dev)
{
    struct net *net = dev->driver_data;

    netdev_pause(&net->netdev);
    for (unsigned i = 0; i < net->nr_pairs; i++)
        net_tx_pause(net->pairs[i], true);
}

static void net_resume(struct virtio_device *dev)
{
    struct net *net = dev->driver_data;

    if (net->netdev.open)
        start(&net->netdev);
    net_restore_settings(net);
    for (unsigned i = 0; i < net->nr_made; i++)
        net_tx_pause(net->pairs[i], false);
    netdev_resume(&net->netdev);
}

static const struct virtio_driver net_driver = {
    .name = "net",
    .device_id = VIRTIO_ID_NET,
    .features = net_features,
    .check_features = net_check_features,
    .probe = net_probe,
    .config_changed = net_config_changed,
    .quiesce = net_quiesce,
    .remove = net_remove,
    .pause = net_pause,
    .resume = net_resume,
};

VIRTIO_DRIVER(net_driver);
