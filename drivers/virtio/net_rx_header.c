/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The header of a received frame: nothing in it is believed before it was checked.
 */
#include "net.h"
#include <neap/endian.h>

static bool accepted(const struct net *net, unsigned bit)
{
    return virtio_accepted(net->dev, bit);
}

/* NET-070, -071, -073, -079: sums of tunnels are never accepted. */
static const char *describe_checksum(const struct net *net, const struct net_header *header,
                                     struct netdev_buffer *frame)
{
    frame->checksum = NETDEV_CHECKSUM_UNKNOWN;
    frame->csum_start = frame->csum_offset = 0;
    if (!accepted(net, NET_F_GUEST_CSUM))
        return header->flags & NET_HDR_NEEDS_CSUM ? "checksum offload was not accepted" : NULL;
    if (!(header->flags & NET_HDR_NEEDS_CSUM)) {
        if (header->flags & NET_HDR_DATA_VALID)
            frame->checksum = NETDEV_CHECKSUM_GOOD;
        return NULL;
    }
    if (header->flags & (NET_HDR_RSC_INFO | NET_HDR_UDP_TUNNEL_CSUM))
        return "checksum fields with another meaning";
    frame->csum_start = le16(header->csum_start);
    frame->csum_offset = le16(header->csum_offset);
    if (frame->csum_start < NETDEV_HEADER_BYTES ||
        (uint32_t)frame->csum_start + frame->csum_offset + 2 > frame->frame_length)
        return "checksum outside the frame";
    frame->checksum = NETDEV_CHECKSUM_PARTIAL;
    return NULL;
}

/* Which kind, and was it accepted? */
static bool segmentation_of(const struct net *net, uint8_t type, uint8_t *segmentation)
{
    switch (type) {
    case NET_GSO_NONE:
        *segmentation = NETDEV_SEGMENT_NONE;
        return true;
    case NET_GSO_TCP4:
        *segmentation = NETDEV_SEGMENT_TCP4;
        return accepted(net, NET_F_GUEST_TSO4);
    case NET_GSO_TCP6:
        *segmentation = NETDEV_SEGMENT_TCP6;
        return accepted(net, NET_F_GUEST_TSO6);
    case NET_GSO_UDP_L4:
        *segmentation = NETDEV_SEGMENT_UDP;
        return accepted(net, NET_F_GUEST_USO4) || accepted(net, NET_F_GUEST_USO6);
    default:
        return false;
    }
}

static const char *describe_segmentation(const struct net *net, const struct net_header *header,
                                         struct netdev_buffer *frame)
{
    frame->ecn = header->gso_type & NET_GSO_ECN;
    frame->segment_size = le16(header->gso_size);
    if (!segmentation_of(net, header->gso_type & (uint8_t)~NET_GSO_ECN, &frame->segmentation))
        return "segmentation of a kind that was not accepted";
    if (frame->ecn &&
        (!accepted(net, NET_F_GUEST_ECN) || (frame->segmentation != NETDEV_SEGMENT_TCP4 &&
                                             frame->segmentation != NETDEV_SEGMENT_TCP6)))
        return "ECN that was not accepted";
    if (!frame->segmentation)
        frame->segment_size = 0;
    else if (!frame->segment_size)
        return "segments of no size";
    return NULL;
}

const char *net_rx_describe(const struct net *net, const struct net_header *header,
                            struct netdev_buffer *frame)
{
    const char *why = describe_checksum(net, header, frame);

    if (!why)
        why = describe_segmentation(net, header, frame);
    frame->hash_valid = accepted(net, NET_F_HASH_REPORT) && header->hash_report != 0;
    frame->hash = frame->hash_valid ? le32(header->hash_value) : 0;
    return why;
}
