/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receive buffers: pages of kernel memory, as many as the traffic needs. The record of a piece
 * lies at the start of its page, so releasing it is freeing the page, whatever became of the
 * device meanwhile.
 *
 * Buffers cannot be taken back from a live device, so shrinking is not replacing those that
 * frames came in.
 */
#include "net.h"
#include <neap/alloc.h>
#include <neap/errors.h>

/* Pages posted on a quiet queue, at least; and buffers, if they have many pages. */
#define LEAST_PAGES   32
#define LEAST_BUFFERS 4

/* Buffers of several pages are for devices that cannot merge: enough of them for a burst. */
#define MOST_PAGES 1088

/* So long must few buffers have been enough. */
#define QUIET_NS (500 * NS_PER_MS)

/* When memory is short and the device has no buffer left. */
#define RETRY_NS (20 * NS_PER_MS)

#define LARGEST_FRAME (65535 + NETDEV_HEADER_BYTES + 40 /* IPv6 header beyond the length */)
#define VLAN_BYTES    4

static unsigned frame_offset(const struct net *net)
{
    return NET_RX_FRAME_OFFSET - net->header_bytes;
}

static unsigned capacity(const struct net *net)
{
    return (unsigned)PAGE_SIZE - frame_offset(net);
}

/* NET-008, NET-057 to -061 */
static unsigned pieces_needed(const struct net *net)
{
    static const uint32_t large =
        NETDEV_CAP_LRO4 | NETDEV_CAP_LRO6 | NETDEV_CAP_URO4 | NETDEV_CAP_URO6;
    const struct netdev_info *info = &net->netdev.info;
    uint32_t frame = info->caps & large
                         ? LARGEST_FRAME
                         : (uint32_t)info->mtu + NETDEV_HEADER_BYTES + VLAN_BYTES;

    if (virtio_accepted(net->dev, NET_F_MRG_RXBUF))
        return 1;
    return (frame + net->header_bytes + capacity(net) - 1) / capacity(net);
}

void net_rx_init(struct net_pair *pair)
{
    struct net_rx *rx = &pair->rx;
    unsigned size = virtqueue_size(rx->queue);

    rx->pieces = MIN(pieces_needed(pair->net), MIN(size, NET_RX_PIECES_MAX));
    rx->most = MIN(size, MAX(MOST_PAGES / rx->pieces, 1u));
    rx->least = MIN(rx->most, MAX(LEAST_PAGES / rx->pieces, LEAST_BUFFERS));
    rx->target = rx->least;
    rx->posted = rx->left = 0;
    rx->frame = rx->tail = NULL;
    rx->busy_ns = clock_ns();
}

static void free_piece(struct netdev_buffer *buffer)
{
    free_pages(virt_to_page(buffer), 0);
}

static struct netdev_buffer *make_buffer(unsigned pieces, unsigned flags)
{
    struct netdev_buffer *first = NULL;

    for (unsigned i = 0; i < pieces; i++) {
        struct page *page = alloc_pages(0, PAGE_KERNEL, flags);
        struct netdev_buffer *piece;

        if (!page) {
            netdev_release_frame(first);
            return NULL;
        }
        piece = page_to_virt(page);
        piece->next = first;
        piece->release = free_piece;
        first = piece;
    }
    return first;
}

static int post(struct net_pair *pair, struct netdev_buffer *buffer)
{
    struct virtio_sg sg[NET_RX_PIECES_MAX];
    unsigned offset = frame_offset(pair->net);
    unsigned nr = 0;
    int error;

    for (struct netdev_buffer *piece = buffer; piece; piece = piece->next) {
        piece->data = (uint8_t *)piece + offset;
        sg[nr].phys = virt_to_phys(piece->data);
        sg[nr++].length = capacity(pair->net);
    }
    error = virtqueue_add(pair->rx.queue, sg, 0, nr, buffer);
    if (error)
        netdev_release_frame(buffer);
    else
        pair->rx.posted++;
    return error;
}

/* Twice as many when they nearly ran out, half as many after a quiet time. */
void net_rx_adapt(struct net_rx *rx, bool more)
{
    uint64_t now = clock_ns();

    if (more || rx->posted < rx->target / 4) {
        rx->target = MIN(rx->target * 2, rx->most);
        rx->busy_ns = now;
    } else if (rx->posted < rx->target - rx->target / 4) {
        rx->busy_ns = now;
    } else if (now - rx->busy_ns > QUIET_NS) {
        rx->target = MAX(rx->target / 2, rx->least);
        rx->busy_ns = now;
    }
}

bool net_rx_fill(struct net_pair *pair)
{
    struct net_rx *rx = &pair->rx;
    struct netdev_stats *stats = pair->stats;
    bool added = false;

    while (rx->posted < rx->target) {
        /* Others may have to give memory up for the first one, not for a deeper ring. */
        struct netdev_buffer *buffer =
            make_buffer(rx->pieces, rx->posted ? ALLOC_NO_RECLAIM : ALLOC_DEFAULT);

        if (!buffer) {
            stats->rx_no_memory++;
            break;
        }
        if (post(pair, buffer)) {
            /* The ring is full: buffers of several pages may take several descriptors. */
            rx->most = MAX(rx->posted, 1u);
            rx->target = MIN(rx->target, rx->most);
            break;
        }
        added = true;
    }
    if (added)
        virtqueue_kick(rx->queue);
    WRITE_ONCE(stats->rx_buffers, rx->posted);
    if (!rx->posted && !virtqueue_broken(rx->queue))
        net_look_again(pair, RETRY_NS);
    return rx->posted > 0;
}

void net_rx_forget(struct net_pair *pair)
{
    struct net_rx *rx = &pair->rx;
    struct netdev_buffer *buffer;

    while (rx->queue && (buffer = virtqueue_detach(rx->queue)))
        netdev_release_frame(buffer);
    netdev_release_frame(rx->frame);
    rx->frame = rx->tail = NULL;
    rx->posted = rx->left = 0;
    rx->queue = NULL;
    pair->stats->rx_buffers = 0;
}
