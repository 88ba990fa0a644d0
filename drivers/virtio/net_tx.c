/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sending frames. A frame goes to the ring as it lies in memory; its header goes into the room
 * in front of it, or into the slot that stands for it while it is in flight.
 *
 * Interrupts of the transmit queue are on only while the user waits for room. Else finished
 * frames are taken back in batches when the ring has filled up halfway, in every round of the
 * poll thread, and a little after the last one by a timer.
 */
#include "net.h"
#include <neap/endian.h>
#include <neap/errors.h>
#include <neap/log.h>
#include <neap/page.h>

#define REAP_BATCH 16

/* The first look after a frame was sent; twice as long after each that found nothing. */
#define LOOK_FIRST_NS (2 * NS_PER_MS)
#define LOOK_LAST_NS  NS_PER_S
/* So many looks make about 10 seconds. */
#define LOOKS_STALLED 18

static const uint8_t gso_types[] = {
    [NETDEV_SEGMENT_NONE] = NET_GSO_NONE,
    [NETDEV_SEGMENT_TCP4] = NET_GSO_TCP4,
    [NETDEV_SEGMENT_TCP6] = NET_GSO_TCP6,
    [NETDEV_SEGMENT_UDP] = NET_GSO_UDP_L4,
};

/* NET-016 to NET-018, NET-038 to NET-044. It may end where the frame begins. */
static inline void write_header(struct net_header *header, unsigned bytes,
                                const struct netdev_tx *tx)
{
    __builtin_memset(header, 0, NET_HEADER_BYTES);
    if (bytes > NET_HEADER_BYTES)
        __builtin_memset(&header->hash_value, 0, NET_HEADER_HASH_BYTES - NET_HEADER_BYTES);
    if (!tx->checksum) /* and so nothing to cut */
        return;
    header->flags = NET_HDR_NEEDS_CSUM;
    header->csum_start = le16(tx->csum_start);
    header->csum_offset = le16(tx->csum_offset);
    if (tx->segmentation == NETDEV_SEGMENT_NONE)
        return;
    header->gso_type = gso_types[tx->segmentation] | (tx->ecn ? NET_GSO_ECN : 0);
    header->header_length = le16(tx->header_length);
    header->gso_size = le16(tx->segment_size);
}

/* Under the lock. Takes up to REAP_BATCH tokens back. */
static unsigned reap(struct net_tx *tx, void *tokens[REAP_BATCH])
{
    unsigned nr = virtqueue_take_many(tx->queue, tokens, REAP_BATCH);

    for (unsigned i = 0; i < nr; i++) {
        struct net_slot *slot = tokens[i];

        tokens[i] = slot->token;
        slot->next = tx->free;
        tx->free = slot;
    }
    tx->in_flight -= nr;
    return nr;
}

static __attribute__((noinline)) int add_pieces(struct net_tx *txq, unsigned bytes,
                                                struct net_slot *slot,
                                                const struct netdev_tx *tx)
{
    struct virtio_sg sg[NETDEV_TX_PIECES_MAX + 1];
    unsigned nr = 1, done = 0;

    if (tx->headroom >= bytes) {
        sg[0].phys = tx->pieces[0].phys - bytes;
        sg[0].length = tx->pieces[0].length + bytes;
        write_header(phys_to_virt(sg[0].phys), bytes, tx);
        done = 1;
    } else {
        sg[0] = (struct virtio_sg){virt_to_phys(&slot->header), bytes};
        write_header(&slot->header, bytes, tx);
    }
    for (; done < tx->nr_pieces; done++)
        sg[nr++] = (struct virtio_sg){tx->pieces[done].phys, tx->pieces[done].length};
    return virtqueue_add(txq->queue, sg, nr, 0, slot);
}

/* One piece with room in front of it, as small frames are. */
static int add_piece(struct net_tx *txq, unsigned bytes, struct net_slot *slot,
                     const struct netdev_tx *tx)
{
    slot->sg = (struct virtio_sg){tx->pieces->phys - bytes, tx->pieces->length + bytes};
    write_header(phys_to_virt(slot->sg.phys), bytes, tx);
    return virtqueue_add(txq->queue, &slot->sg, 1, 0, slot);
}

static int add(struct net *net, struct net_tx *txq, const struct netdev_tx *tx)
{
    const unsigned bytes = net->header_bytes;
    struct net_slot *slot = txq->free;
    int error;

    if (!slot)
        return -ENOSPC;
    if (tx->nr_pieces == 1 && tx->headroom >= bytes)
        error = add_piece(txq, bytes, slot, tx);
    else
        error = add_pieces(txq, bytes, slot, tx);
    if (error)
        return error;
    txq->free = slot->next;
    slot->token = tx->token;
    txq->in_flight++;
    return 0;
}

/* Under the lock: the user will wait for room. */
static void stop(struct net_pair *pair)
{
    struct netdev *netdev = &pair->net->netdev;

    pair->stats->tx_full++;
    pair->tx.stopped = true;
    if (virtqueue_enable_callback(pair->tx.queue))
        netdev_schedule(netdev, pair->index);
}

static void kick(struct net_pair *pair)
{
    if (pair->tx.paused)
        return;
    pair->stats->kicks++;
    virtqueue_kick(pair->tx.queue);
}

/* Under the lock. */
static int send(struct net_pair *pair, const struct netdev_tx *tx, uint32_t length, bool more)
{
    int error = add(pair->net, &pair->tx, tx);

    if (error) {
        if (error == -ENOSPC)
            stop(pair);
        else
            pair->stats->tx_refused++;
        /* What was sent with `more` has no successor now. */
        kick(pair);
        return error == -ENOSPC ? error : error == -EIO ? -ENETDOWN : -EMSGSIZE;
    }
    pair->stats->tx_frames++;
    pair->stats->tx_bytes += length;
    if (!more)
        kick(pair);
    if (!READ_ONCE(pair->timer_armed))
        net_look_again(pair, LOOK_FIRST_NS);
    return 0;
}

/* Take one batch back, to make room. */
static __attribute__((noinline)) void reap_batch(struct net_pair *pair)
{
    void *tokens[REAP_BATCH];
    unsigned nr = 0;
    irqflags_t flags = spin_lock(&pair->tx.lock);

    if (pair->tx.open && !pair->tx.paused)
        nr = reap(&pair->tx, tokens);
    spin_unlock(&pair->tx.lock, flags);
    for (unsigned i = 0; i < nr; i++)
        netdev_completed(&pair->net->netdev, pair->index, tokens[i]);
}

int net_transmit(struct netdev *netdev, unsigned queue, const struct netdev_tx *tx,
                 uint32_t length, bool more)
{
    struct net_pair *pair = to_net(netdev)->pairs[queue];
    int error = -ENETDOWN;
    irqflags_t flags;

    if (READ_ONCE(pair->tx.in_flight) >= pair->tx.reap_at)
        reap_batch(pair);
    flags = spin_lock(&pair->tx.lock);
    if (pair->tx.open)
        error = send(pair, tx, length, more);
    else
        pair->stats->tx_refused++;
    spin_unlock(&pair->tx.lock, flags);
    return error;
}

void net_flush(struct netdev *netdev, unsigned queue)
{
    struct net_pair *pair = to_net(netdev)->pairs[queue];
    irqflags_t flags = spin_lock(&pair->tx.lock);

    if (pair->tx.open)
        kick(pair);
    spin_unlock(&pair->tx.lock, flags);
}

/* Under the lock. Nothing came back although something should: look later, and say so once. */
static void watch(struct net_pair *pair, bool progress)
{
    uint64_t wait = LOOK_FIRST_NS;

    if (progress)
        pair->idle_rounds = 0;
    if (!pair->tx.in_flight || READ_ONCE(pair->timer_armed))
        return;
    if (!progress && ++pair->idle_rounds == LOOKS_STALLED)
        log_warning("net", "%s: queue %s has not sent anything for 10 s", pair->net->dev->name,
                    pair->tx_name);
    for (unsigned i = 0; i < pair->idle_rounds && wait < LOOK_LAST_NS; i++)
        wait *= 2;
    net_look_again(pair, MIN(wait, LOOK_LAST_NS));
}

void net_tx_poll(struct net_pair *pair)
{
    struct net_tx *tx = &pair->tx;
    void *tokens[REAP_BATCH];
    bool ready = false, progress = false;
    unsigned nr;

    do {
        irqflags_t flags = spin_lock(&tx->lock);

        nr = reap(tx, tokens);
        progress |= nr > 0;
        if (nr < REAP_BATCH) {
            watch(pair, progress);
            if (tx->stopped && tx->in_flight <= tx->reap_at) {
                tx->stopped = false;
                ready = true;
                virtqueue_disable_callback(tx->queue);
            }
        }
        spin_unlock(&tx->lock, flags);
        for (unsigned i = 0; i < nr; i++)
            netdev_completed(&pair->net->netdev, pair->index, tokens[i]);
    } while (nr == REAP_BATCH);
    if (ready)
        netdev_tx_ready(&pair->net->netdev, pair->index);
}

bool net_tx_idle(struct netdev *netdev)
{
    struct net *net = to_net(netdev);

    for (unsigned i = 0; i < net->nr_made; i++)
        if (READ_ONCE(net->pairs[i]->tx.in_flight))
            return false;
    return true;
}

void net_tx_pause(struct net_pair *pair, bool paused)
{
    irqflags_t flags = spin_lock(&pair->tx.lock);

    pair->tx.paused = paused;
    if (pair->tx.open)
        kick(pair);
    spin_unlock(&pair->tx.lock, flags);
}

void net_tx_forget(struct net_pair *pair)
{
    struct net_tx *tx = &pair->tx;
    irqflags_t flags = spin_lock(&tx->lock);
    struct virtqueue *queue = tx->queue;
    struct net_slot *slot;

    tx->queue = NULL;
    tx->open = false;
    spin_unlock(&tx->lock, flags);
    while (queue && (slot = virtqueue_detach(queue))) {
        pair->stats->tx_lost++;
        netdev_completed(&pair->net->netdev, pair->index, slot->token);
    }
    WRITE_ONCE(tx->in_flight, 0);
}
