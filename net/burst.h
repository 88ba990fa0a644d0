/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segments of one TCP connection that go to a device as one frame, which it cuts up again
 * (TSO).
 *
 * lwIP sends segment by segment, and keeps each until the peer has it. What it sends in one go
 * is put together here: the headers of the first, the data of all, nothing copied. So lwIP sees
 * nothing of it: loss, retransmission and windows work as without.
 */
#ifndef NET_BURST_H
#define NET_BURST_H

#include "tcp_view.h"
#include <neap/netdev.h>

struct net_interface;

/* Frames in a device's hands under one token. */
struct in_flight {
    struct in_flight *next;
    bool single; /* has room for one packet only */
    unsigned nr_packets;
    struct pbuf *packets[]; /* one reference each */
};

struct net_burst {
    struct in_flight *flight; /* NULL: there is none */
    struct tcp_view view;     /* of the first segment */
    uint32_t next_sequence;
    uint32_t payload; /* of all segments */
    bool closed;      /* nothing may follow the last segment */
    unsigned nr_pieces;
    struct netdev_piece pieces[NETDEV_TX_PIECES_MAX];
};

/* Can this frame be the first of a burst? Then it is, and has one more reference. */
bool burst_begin(struct net_interface *interface, struct pbuf *packet);

/* Does this frame continue the burst? Then it is part of it, and has one more reference. */
bool burst_add(struct net_interface *interface, struct pbuf *packet);

/* Bytes in front of a frame that nobody uses. */
unsigned frame_headroom(const struct pbuf *frame);

/* The burst as the device wants it; pieces and all stay in the burst. */
void burst_describe(struct net_burst *burst, struct netdev_tx *tx);

#endif
