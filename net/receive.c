/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a device's buffers to lwIP, without a copy.
 */
#include "internal.h"
#include <lwip/ip.h>
#include <lwip/pbuf.h>
#include <lwip/prot/etharp.h>
#include <lwip/prot/ethernet.h>
#include <neap/compiler.h>
#include <string.h>

/* What sockets and reassembly may hold of the devices' buffers; beyond that, drop. */
#define HELD_MAX_SHARE 2 /* of the limit of the stack's own memory */
#define COPY_BELOW     512

static uint64_t held; /* under net_lock() */

_Static_assert(sizeof(struct pbuf_custom) <= NETDEV_BUFFER_STACK_BYTES,
               "a device's buffer has room for lwIP's record");

uint64_t interface_held(void)
{
    return held;
}

static void free_piece(struct pbuf *packet)
{
    struct netdev_buffer *buffer =
        container_of((uint64_t *)packet, struct netdev_buffer, stack[0]);

    held -= buffer->length;
    netdev_release(buffer);
}

/* The frame's pieces as one packet. */
static struct pbuf *wrap(struct netdev_buffer *frame)
{
    struct pbuf *first = NULL, **link = &first;
    uint32_t left = frame->frame_length;

    for (struct netdev_buffer *piece = frame; piece; piece = piece->next) {
        struct pbuf_custom *custom = (struct pbuf_custom *)piece->stack;
        struct pbuf *packet;

        custom->custom_free_function = free_piece;
        packet = pbuf_alloced_custom(PBUF_RAW, (u16_t)piece->length, PBUF_REF, custom,
                                     piece->data, (u16_t)piece->length);
        packet->tot_len = (u16_t)left;
        left -= piece->length;
        held += piece->length;
        *link = packet;
        link = &packet->next;
    }
    return first;
}

/* A small frame out of its large buffer. */
static struct pbuf *copy(struct netdev_buffer *frame)
{
    struct pbuf *packet = pbuf_alloc(PBUF_RAW, (u16_t)frame->frame_length, PBUF_RAM);
    uint16_t offset = 0;

    for (struct netdev_buffer *piece = frame; packet && piece; piece = piece->next) {
        (void)pbuf_take_at(packet, piece->data, (u16_t)piece->length, offset);
        offset += (uint16_t)piece->length;
    }
    netdev_release_frame(frame);
    return packet;
}

/* lwIP reads an ARP packet without a look at its length. */
static bool is_cut_arp(const struct netdev_buffer *frame)
{
    const struct eth_hdr *ethernet = (const struct eth_hdr *)frame->data;

    return ethernet->type == PP_HTONS(ETHTYPE_ARP) &&
           frame->length < SIZEOF_ETH_HDR + SIZEOF_ETHARP_HDR;
}

/*
 * The largest datagram has 65535 bytes, which is what lwIP can count; with an Ethernet header
 * in front it is too long for that. So the header of such a frame, made from many, is taken off
 * here. Returns whether lwIP can take the frame then.
 */
static bool fit(struct netdev_buffer *frame)
{
    const struct eth_hdr *ethernet = (const struct eth_hdr *)frame->data;

    if (frame->frame_length <= UINT16_MAX)
        return frame->length >= NETDEV_HEADER_BYTES && !is_cut_arp(frame);
    if (frame->frame_length > UINT16_MAX + NETDEV_HEADER_BYTES ||
        frame->length <= NETDEV_HEADER_BYTES ||
        (ethernet->type != PP_HTONS(ETHTYPE_IP) && ethernet->type != PP_HTONS(ETHTYPE_IPV6)))
        return false;
    frame->data += NETDEV_HEADER_BYTES;
    frame->length -= NETDEV_HEADER_BYTES;
    frame->frame_length -= NETDEV_HEADER_BYTES;
    return true;
}

static struct pbuf *take(struct net_interface *interface, struct netdev_buffer *frame)
{
    struct net_memory memory;

    if (!fit(frame)) {
        interface->rx_bad++;
        netdev_release_frame(frame);
        return NULL;
    }
    net_memory_get(&memory);
    if (held < memory.limit / HELD_MAX_SHARE / 2)
        return wrap(frame);
    if (frame->frame_length < COPY_BELOW)
        return copy(frame);
    if (held < memory.limit / HELD_MAX_SHARE)
        return wrap(frame);
    interface->rx_over++;
    netdev_release_frame(frame);
    return NULL;
}

void interface_receive(void *arg, unsigned queue UNUSED, struct netdev_buffer *frames)
{
    struct net_interface *interface = arg;
    struct netif *netif = &interface->netif;
    uint16_t checks = NETIF_CHECKSUM_CHECK_TCP | NETIF_CHECKSUM_CHECK_UDP;

    net_lock();
    while (frames) {
        struct netdev_buffer *frame = frames;
        bool good = frame->checksum != NETDEV_CHECKSUM_UNKNOWN;
        bool whole = frame->frame_length <= UINT16_MAX; /* with its Ethernet header */
        struct pbuf *packet;

        frames = frame->next_frame;
        packet = take(interface, frame);
        if (!packet)
            continue;
        /* lwIP knows the interface's ability only, so that follows the frame. */
        netif->chksum_flags =
            (u16_t)(good ? netif->chksum_flags & ~checks : netif->chksum_flags | checks);
        if ((whole ? netif->input(packet, netif) : ip_input(packet, netif)) != ERR_OK)
            pbuf_free(packet);
    }
    net_unlock();
}
