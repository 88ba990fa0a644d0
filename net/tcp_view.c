/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TCP and UDP inside of Ethernet frames that lwIP has made: no options or extensions of the
 * network layer but those that it writes.
 */
#include "tcp_view.h"
#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/prot/ethernet.h>
#include <lwip/prot/udp.h>

bool tcp_view(const struct pbuf *frame, struct tcp_view *view)
{
    const struct eth_hdr *ethernet = frame->payload;
    uint16_t offset = SIZEOF_ETH_HDR;

    if (frame->len < SIZEOF_ETH_HDR + IP_HLEN + TCP_HLEN)
        return false;
    view->network = (uint8_t *)frame->payload + SIZEOF_ETH_HDR;
    view->v6 = ethernet->type == PP_HTONS(ETHTYPE_IPV6);
    if (view->v6) {
        const struct ip6_hdr *ip = (const struct ip6_hdr *)view->network;

        if (IP6H_NEXTH(ip) != IP6_NEXTH_TCP)
            return false;
        offset += IP6_HLEN;
    } else {
        const struct ip_hdr *ip = (const struct ip_hdr *)view->network;

        if (ethernet->type != PP_HTONS(ETHTYPE_IP) || IPH_PROTO(ip) != IP_PROTO_TCP ||
            IPH_OFFSET(ip) & PP_HTONS(IP_OFFMASK | IP_MF))
            return false;
        offset += IPH_HL_BYTES(ip);
    }
    if (offset + TCP_HLEN > frame->len)
        return false;
    view->offset = offset;
    view->tcp = (struct tcp_hdr *)(view->network + offset - SIZEOF_ETH_HDR);
    view->headers = (uint16_t)(offset + TCPH_HDRLEN_BYTES(view->tcp));
    view->payload = (uint32_t)frame->tot_len - view->headers;
    return view->headers <= frame->len;
}

static uint16_t pseudo_sum(const uint8_t *network, bool v6, uint32_t length, uint8_t protocol)
{
    const uint8_t *addresses = network + (v6 ? 8 : 12);
    unsigned bytes = v6 ? 32 : 8;
    uint32_t sum = lwip_htons((uint16_t)length) + lwip_htons(protocol);

    for (unsigned i = 0; i < bytes; i += 2) {
        uint16_t word;

        __builtin_memcpy(&word, addresses + i, sizeof(word));
        sum += word;
    }
    sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)((sum >> 16) + sum);
}

void tcp_view_prepare_sum(const struct tcp_view *view, uint32_t length)
{
    view->tcp->chksum = pseudo_sum(view->network, view->v6, length, IP_PROTO_TCP);
}

bool udp_prepare_sum(const struct pbuf *frame, uint16_t *offset)
{
    const struct eth_hdr *ethernet = frame->payload;
    const uint8_t *network = (const uint8_t *)frame->payload + SIZEOF_ETH_HDR;
    bool v6 = ethernet->type == PP_HTONS(ETHTYPE_IPV6);
    const struct ip6_hdr *ip6 = (const struct ip6_hdr *)network;
    const struct ip_hdr *ip4 = (const struct ip_hdr *)network;
    struct udp_hdr *udp;

    if (frame->len < SIZEOF_ETH_HDR + IP_HLEN + UDP_HLEN)
        return false;
    if (v6 ? IP6H_NEXTH(ip6) != IP6_NEXTH_UDP
           : ethernet->type != PP_HTONS(ETHTYPE_IP) || IPH_PROTO(ip4) != IP_PROTO_UDP ||
                 IPH_OFFSET(ip4) & PP_HTONS(IP_OFFMASK | IP_MF))
        return false;
    *offset = (uint16_t)(SIZEOF_ETH_HDR + (v6 ? IP6_HLEN : IPH_HL_BYTES(ip4)));
    if (*offset + UDP_HLEN > frame->len)
        return false;
    udp = (struct udp_hdr *)((uint8_t *)frame->payload + *offset);
    if (udp->chksum)
        return false;
    udp->chksum = pseudo_sum(network, v6, lwip_ntohs(udp->len), IP_PROTO_UDP);
    return true;
}

void tcp_view_set_length(const struct tcp_view *view, uint32_t length)
{
    struct ip_hdr *v4 = (struct ip_hdr *)view->network;

    if (view->v6) {
        IP6H_PLEN_SET((struct ip6_hdr *)view->network, (uint16_t)length);
        return;
    }
    IPH_LEN_SET(v4, lwip_htons((uint16_t)(length + IPH_HL_BYTES(v4))));
    IPH_CHKSUM_SET(v4, 0);
    IPH_CHKSUM_SET(v4, inet_chksum(v4, IPH_HL_BYTES(v4)));
}
