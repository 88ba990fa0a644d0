/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pairs of queues: their memory, their numbers, and the timer that looks after each.
 */
#include "net.h"
#include <neap/errors.h>
#include <neap/format.h>
#include <neap/kmalloc.h>

/* Deeper rings only hold memory: the poll thread empties them in time. */
#define RX_RING_MAX 256
#define TX_RING_MAX 256

static void look(void *arg)
{
    struct net_pair *pair = arg;

    WRITE_ONCE(pair->timer_armed, false);
    netdev_schedule(&pair->net->netdev, pair->index);
}

void net_look_again(struct net_pair *pair, uint64_t ns)
{
    if (READ_ONCE(pair->timer_armed))
        return;
    WRITE_ONCE(pair->timer_armed, true);
    timer_set(&pair->timer, clock_ns() + ns);
}

static struct net_pair *make_pair(struct net *net, unsigned index)
{
    struct net_pair *pair = kcalloc(1, sizeof(*pair), 0);

    if (!pair)
        return NULL;
    pair->tx.slots = kcalloc(TX_RING_MAX, sizeof(*pair->tx.slots), 0);
    if (!pair->tx.slots) {
        kfree(pair);
        return NULL;
    }
    pair->net = net;
    pair->index = index;
    pair->stats = netdev_queue_stats(&net->netdev, index);
    spin_init(&pair->tx.lock, "network transmit", LOCK_RANK_VIRTQUEUE);
    timer_init(&pair->timer, look, pair);
    format_string(pair->rx_name, sizeof(pair->rx_name), "receive%u", index);
    format_string(pair->tx_name, sizeof(pair->tx_name), "transmit%u", index);
    return pair;
}

int net_make_pairs(struct net *net, unsigned nr)
{
    for (; net->nr_made < nr; net->nr_made++) {
        net->pairs[net->nr_made] = make_pair(net, net->nr_made);
        if (!net->pairs[net->nr_made])
            return net->nr_made ? 0 : -ENOMEM; /* fewer pairs serve, too */
    }
    return 0;
}

/* Used frames are left until the poll thread comes, so the interrupt only wakes it. */
static void queue_callback(struct virtqueue *queue, void *arg)
{
    struct net_pair *pair = arg;

    (void)queue;
    pair->stats->interrupts++;
    netdev_schedule(&pair->net->netdev, pair->index);
}

static void control_callback(struct virtqueue *queue, void *arg)
{
    struct net *net = arg;

    (void)queue;
    wake_all(&net->answers);
}

static unsigned control_index(struct net *net)
{
    uint64_t pairs = 1;

    if (virtio_accepted(net->dev, NET_F_MQ) || virtio_accepted(net->dev, NET_F_RSS))
        (void)virtio_config_get(net->dev, NET_CONFIG_MAX_PAIRS, 2, &pairs);
    return (unsigned)pairs * 2;
}

static void reset_tx(struct net_tx *tx)
{
    unsigned slots = MIN(virtqueue_size(tx->queue), TX_RING_MAX);

    tx->free = NULL;
    for (unsigned i = 0; i < slots; i++) {
        tx->slots[i].next = tx->free;
        tx->free = &tx->slots[i];
    }
    tx->in_flight = 0;
    tx->reap_at = MAX(slots / 2, 1u);
    tx->stopped = tx->paused = false;
    virtqueue_disable_callback(tx->queue);
}

int net_find_queues(struct net *net)
{
    struct virtio_queue_request requests[2 * NETDEV_QUEUES_MAX + 1];
    unsigned nr = 0;
    int error;

    for (unsigned i = 0; i < net->nr_pairs; i++) {
        struct net_pair *pair = net->pairs[i];

        requests[nr++] = (struct virtio_queue_request){
            .index = 2 * i,
            .name = pair->rx_name,
            .callback = queue_callback,
            .arg = pair,
            .max_size = RX_RING_MAX,
            .max_pieces = NET_RX_PIECES_MAX,
        };
        requests[nr++] = (struct virtio_queue_request){
            .index = 2 * i + 1,
            .name = pair->tx_name,
            .callback = queue_callback,
            .arg = pair,
            .max_size = TX_RING_MAX,
            .max_pieces = NETDEV_TX_PIECES_MAX + 1,
        };
    }
    if (virtio_accepted(net->dev, NET_F_CTRL_VQ))
        requests[nr++] = (struct virtio_queue_request){
            .index = control_index(net),
            .name = "control",
            .callback = control_callback,
            .arg = net,
            .max_size = 4,
        };
    error = virtio_find_queues(net->dev, requests, nr);
    if (error)
        return error;
    for (unsigned i = 0; i < net->nr_pairs; i++) {
        net->pairs[i]->rx.queue = requests[2 * i].queue;
        net->pairs[i]->tx.queue = requests[2 * i + 1].queue;
        reset_tx(&net->pairs[i]->tx);
        net_rx_init(net->pairs[i]);
    }
    net->control = nr > 2 * net->nr_pairs ? requests[nr - 1].queue : NULL;
    return 0;
}

void net_open_queues(struct net *net)
{
    for (unsigned i = 0; i < net->nr_pairs; i++) {
        struct net_tx *tx = &net->pairs[i]->tx;
        irqflags_t flags = spin_lock(&tx->lock);

        tx->open = true;
        spin_unlock(&tx->lock, flags);
    }
}

void net_forget_queues(struct net *net)
{
    for (unsigned i = 0; i < net->nr_made; i++) {
        net_tx_forget(net->pairs[i]);
        timer_cancel(&net->pairs[i]->timer);
        net->pairs[i]->timer_armed = false;
        net_rx_forget(net->pairs[i]);
    }
    net->control = NULL;
}
