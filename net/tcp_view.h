/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP and UDP inside of Ethernet frames that lwIP has made.
 */
#ifndef NET_TCP_VIEW_H
#define NET_TCP_VIEW_H

#include <lwip/pbuf.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>
#include <lwip/prot/tcp.h>
#include <stdbool.h>
#include <stdint.h>

/* Where things are in a frame. All headers lie in its first piece. */
struct tcp_view {
    bool v6;
    uint8_t *network;
    struct tcp_hdr *tcp;
    uint16_t offset;  /* of the TCP header in the frame */
    uint16_t headers; /* bytes of the frame in front of the payload */
    uint32_t payload; /* bytes */
};

/* Returns false if the frame is not TCP, or a fragment. */
bool tcp_view(const struct pbuf *frame, struct tcp_view *view);

/* What a device that sums adds to: the pseudo header over `length` bytes of TCP. */
void tcp_view_prepare_sum(const struct tcp_view *view, uint32_t length);

/*
 * A whole UDP datagram that has no sum yet: put the pseudo header's there for the device to add
 * to. Returns false if the frame is none such; gives the place of the UDP header.
 */
bool udp_prepare_sum(const struct pbuf *frame, uint16_t *offset);

/* Make the network header say that `length` bytes of TCP follow. */
void tcp_view_set_length(const struct tcp_view *view, uint32_t length);

#endif
