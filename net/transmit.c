/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From lwIP to a device, without a copy: the packet is kept until the device has sent it. lwIP
 * sends no segment again of which somebody still holds a reference.
 */
#include "internal.h"
#include <lwip/inet_chksum.h>
#include <lwip/ip.h>
#include <lwip/prot/ethernet.h>
#include <lwip/prot/ip4.h>
#include <lwip/prot/ip6.h>
#include <lwip/prot/tcp.h>
#include <neap/errors.h>
#include <neap/page.h>

#define REAP_SOON 64 /* finished packets that nobody took: wake the stack's thread */

/* One packet in a device's hands. */
struct in_flight {
    struct in_flight *next;
    struct pbuf *packet;
};

static struct in_flight *finished; /* atomic: pushed one by one, taken as a whole */
static unsigned nr_finished;       /* atomic, about right */

void interface_completed(void *arg UNUSED, unsigned queue UNUSED, void *token)
{
    struct in_flight *flight = token;

    flight->next = __atomic_load_n(&finished, __ATOMIC_RELAXED);
    while (!__atomic_compare_exchange_n(&finished, &flight->next, flight, true,
                                        __ATOMIC_RELEASE, __ATOMIC_RELAXED))
        ;
    if (__atomic_add_fetch(&nr_finished, 1, __ATOMIC_RELAXED) == REAP_SOON)
        net_kick();
}

void interface_reap(void)
{
    struct in_flight *flight;

    if (!__atomic_load_n(&finished, __ATOMIC_RELAXED))
        return;
    __atomic_store_n(&nr_finished, 0, __ATOMIC_RELAXED);
    flight = __atomic_exchange_n(&finished, NULL, __ATOMIC_ACQUIRE);
    while (flight) {
        struct in_flight *next = flight->next;

        pbuf_free(flight->packet);
        net_free(flight);
        flight = next;
    }
}

/* Where the transport header begins if the packet is TCP and whole; else 0. */
static uint16_t tcp_offset(const struct pbuf *packet, bool *v6)
{
    const struct eth_hdr *ethernet = packet->payload;
    const uint8_t *network = (const uint8_t *)packet->payload + SIZEOF_ETH_HDR;
    uint16_t offset = 0;

    *v6 = ethernet->type == PP_HTONS(ETHTYPE_IPV6);
    if (ethernet->type == PP_HTONS(ETHTYPE_IP)) {
        const struct ip_hdr *ip = (const struct ip_hdr *)network;
        bool fragment = (IPH_OFFSET(ip) & PP_HTONS(IP_OFFMASK | IP_MF)) != 0;

        if (packet->len >= SIZEOF_ETH_HDR + IP_HLEN && IPH_PROTO(ip) == IP_PROTO_TCP &&
            !fragment)
            offset = (uint16_t)(SIZEOF_ETH_HDR + IPH_HL_BYTES(ip));
    } else if (*v6) {
        const struct ip6_hdr *ip = (const struct ip6_hdr *)network;

        if (packet->len >= SIZEOF_ETH_HDR + IP6_HLEN && IP6H_NEXTH(ip) == IP6_NEXTH_TCP)
            offset = SIZEOF_ETH_HDR + IP6_HLEN;
    }
    return offset + TCP_HLEN <= packet->len ? offset : 0;
}

/* The sum that the device begins with, over addresses, protocol and length. */
static uint16_t pseudo_sum(const uint8_t *network, bool v6, uint32_t length)
{
    const uint8_t *addresses = network + (v6 ? 8 : 12);
    unsigned bytes = v6 ? 32 : 8;
    uint32_t sum = lwip_htons((uint16_t)length) + lwip_htons(IP_PROTO_TCP);

    for (unsigned i = 0; i < bytes; i += 2) {
        uint16_t word;

        __builtin_memcpy(&word, addresses + i, sizeof(word));
        sum += word;
    }
    sum = (sum >> 16) + (sum & 0xffff);
    return (uint16_t)((sum >> 16) + sum);
}

static void offload(struct netdev_tx *tx, struct pbuf *packet)
{
    bool v6;
    uint16_t offset = tcp_offset(packet, &v6);
    uint8_t *bytes = packet->payload;
    uint16_t sum;

    if (!offset)
        return;
    sum = pseudo_sum(bytes + SIZEOF_ETH_HDR, v6, packet->tot_len - offset);
    tx->checksum = true;
    tx->csum_start = offset;
    tx->csum_offset = offsetof(struct tcp_hdr, chksum);
    __builtin_memcpy(bytes + offset + tx->csum_offset, &sum, sizeof(sum));
}

static int send(struct net_interface *interface, struct pbuf *packet, struct in_flight *flight)
{
    struct netdev_piece pieces[NETDEV_TX_PIECES_MAX];
    struct netdev_tx tx = {.pieces = pieces, .token = flight};

    if (interface->info.caps & NETDEV_CAP_TX_CSUM)
        offload(&tx, packet);
    for (struct pbuf *part = packet; part; part = part->next) {
        if (part->len > 0)
            pieces[tx.nr_pieces++] =
                (struct netdev_piece){virt_to_phys(part->payload), part->len};
    }
    flight->packet = packet;
    return netdev_transmit(interface->dev, 0, &tx, true);
}

/* One kick for everything that was sent under the lock: an answer is often more than a packet.
 */
void interfaces_flush(void)
{
    for (struct net_interface *interface = net_interfaces; interface;
         interface = interface->next) {
        if (interface->unflushed)
            netdev_flush(interface->dev, 0);
        interface->unflushed = false;
    }
}

err_t interface_transmit(struct netif *netif, struct pbuf *packet)
{
    struct net_interface *interface = netif->state;
    struct in_flight *flight = net_malloc(sizeof(*flight));
    int error = -ENOMEM;

    if (pbuf_clen(packet) > NETDEV_TX_PIECES_MAX)
        packet = pbuf_clone(PBUF_RAW, PBUF_RAM, packet);
    else
        pbuf_ref(packet);
    if (flight && packet)
        error = send(interface, packet, flight);
    if (error == 0) {
        interface->unflushed = true;
        return ERR_OK;
    }
    interface->tx_lost++;
    if (packet)
        pbuf_free(packet);
    net_free(flight);
    /* With this answer TCP keeps the segment and tries again when the queue has room. */
    return error == -ENOSPC || error == -ENOMEM ? ERR_MEM : ERR_IF;
}
