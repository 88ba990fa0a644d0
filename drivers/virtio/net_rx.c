/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Taking received frames: buffers become frames, merged where the device used several.
 */
#include "net.h"
#include <neap/endian.h>
#include <neap/log.h>
#include <neap/page.h>
#include <string.h>

#define FRAME_MAX (NETDEV_FRAME_MAX + 4 /* VLAN tag */)

#define COMPLAIN_NS (10 * NS_PER_S)

/* Frames of a bad host may come by the thousand: one line in a while. */
static void complain(struct net_pair *pair, const char *why)
{
    struct net *net = pair->net;
    uint64_t now = clock_ns();

    pair->stats->rx_errors++;
    if (now < net->quiet_until_ns)
        return;
    net->quiet_until_ns = now + COMPLAIN_NS;
    log_warning("net", "%s: frame dropped: %s", net->dev->name, why);
}

/*
 * Cut a buffer down to the `length` bytes that were written behind `skip` bytes in its first
 * page, and append its pages to the open frame. Pages with nothing in them are freed.
 */
static void append(struct net_rx *rx, struct netdev_buffer *buffer, unsigned room,
                   unsigned skip, uint32_t length)
{
    while (buffer) {
        struct netdev_buffer *next = buffer->next;
        uint32_t here = MIN(length, room - skip);

        buffer->data += skip;
        buffer->length = here;
        buffer->next = NULL;
        if (here == 0 || rx->bad ||
            (rx->frame && rx->frame->nr_pieces >= NET_RX_FRAME_PIECES_MAX)) {
            rx->bad |= here > 0;
            netdev_release(buffer);
        } else if (!rx->frame) {
            buffer->frame_length = here;
            buffer->nr_pieces = 1;
            rx->frame = rx->tail = buffer;
        } else {
            rx->tail->next = buffer;
            rx->tail = buffer;
            rx->frame->nr_pieces++;
            rx->frame->frame_length += here;
        }
        length -= here;
        skip = 0;
        buffer = next;
    }
    if (rx->frame && rx->frame->frame_length > FRAME_MAX)
        rx->bad = true;
}

/* The first buffer of a frame begins with the header. false: the queue makes no sense. */
static bool begin_frame(struct net_pair *pair, struct netdev_buffer *buffer, uint32_t length)
{
    struct net_rx *rx = &pair->rx;
    struct net *net = pair->net;

    if (length < net->header_bytes) {
        virtio_device_misbehaved(net->dev, "a received frame is shorter than its header");
        return false;
    }
    /* A copy: the device can still write to the page. */
    rx->header = (struct net_header){0};
    memcpy(&rx->header, buffer->data, net->header_bytes);
    rx->left = 1;
    rx->bad = false;
    if (!virtio_accepted(net->dev, NET_F_MRG_RXBUF))
        return true;
    rx->left = le16(rx->header.num_buffers);
    if (rx->left >= 1 && rx->left <= virtqueue_size(rx->queue))
        return true;
    rx->left = 0;
    virtio_device_misbehaved(net->dev, "a received frame claims a wrong number of buffers");
    return false;
}

/* All buffers are there: a good frame, or NULL. */
static struct netdev_buffer *finish_frame(struct net_pair *pair)
{
    struct net_rx *rx = &pair->rx;
    struct netdev_buffer *frame = rx->frame;
    const char *why = NULL;

    rx->frame = rx->tail = NULL;
    if (rx->bad)
        why = "too long or in too many pieces";
    else if (!frame || frame->length < NETDEV_HEADER_BYTES)
        why = "shorter than an Ethernet header";
    else
        why = net_rx_describe(pair->net, &rx->header, frame);
    if (!why)
        return frame;
    complain(pair, why);
    netdev_release_frame(frame);
    return NULL;
}

/* One used buffer. Returns a frame when it was the last one of it. */
static struct netdev_buffer *take_buffer(struct net_pair *pair, struct netdev_buffer *buffer,
                                         uint32_t length)
{
    struct net_rx *rx = &pair->rx;
    unsigned room = (unsigned)PAGE_SIZE - (NET_RX_FRAME_OFFSET - pair->net->header_bytes);
    unsigned skip = 0;

    rx->posted--;
    if (!rx->left) {
        if (!begin_frame(pair, buffer, length)) {
            netdev_release_frame(buffer);
            return NULL;
        }
        skip = pair->net->header_bytes;
    }
    append(rx, buffer, room, skip, length - skip);
    return --rx->left ? NULL : finish_frame(pair);
}

unsigned net_rx_take(struct net_pair *pair, unsigned budget, struct netdev_buffer **frames)
{
    struct netdev_stats *stats = pair->stats;
    struct netdev_buffer **end = frames;
    struct netdev_buffer *buffer, *frame;
    unsigned count = 0, buffers = 0;
    uint32_t length;

    while (count < budget && (buffer = virtqueue_take(pair->rx.queue, &length))) {
        buffers++;
        frame = take_buffer(pair, buffer, length);
        if (!frame)
            continue;
        count++;
        stats->rx_frames++;
        stats->rx_bytes += frame->frame_length;
        frame->next_frame = NULL;
        *end = frame;
        end = &frame->next_frame;
    }
    if (buffers)
        net_rx_adapt(&pair->rx, count == budget);
    return count;
}
