/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interfaces: each network device as lwIP sees it.
 */
#include "internal.h"
#include <lwip/etharp.h>
#include <lwip/ethip6.h>
#include <lwip/ip6.h>
#include <lwip/nd6.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/udp.h>
#include <neap/alloc.h>
#include <neap/errors.h>
#include <neap/kmalloc.h>
#include <neap/log.h>
#include <netif/ethernet.h>
#include <string.h>

/* lwIP counts a frame's bytes in 16 bits. */
#define MTU_MAX (UINT16_MAX - NETDEV_HEADER_BYTES)

struct net_interface *net_interfaces;

static const char hostname[] = "neap";

/* What lwIP itself sends by UDP is shorter. */
#define DATAGRAM_MIN 576

/* The device makes the sums where it can, those of datagrams in one frame. */
static uint16_t checksums(const struct netdev_info *info)
{
    uint16_t flags = NETIF_CHECKSUM_ENABLE_ALL;

    if (info->caps & NETDEV_CAP_TX_CSUM)
        flags &= (uint16_t)~NETIF_CHECKSUM_GEN_TCP;
    if (info->caps & NETDEV_CAP_TX_CSUM && info->mtu >= DATAGRAM_MIN)
        flags &= (uint16_t)~NETIF_CHECKSUM_GEN_UDP;
    return flags;
}

/* Does a datagram of so many bytes go out in one frame, whatever way it takes? */
static bool fits(const struct net_interface *interface, unsigned bytes, bool v6)
{
    if (v6)
        return bytes + IP6_HLEN + UDP_HLEN <= MIN(interface->netif.mtu, IP6_MIN_MTU_LENGTH);
    return bytes + IP_HLEN + UDP_HLEN <= interface->netif.mtu;
}

int net_send_datagram(struct udp_pcb *udp, struct pbuf *data, const struct ip_addr *ip,
                      uint16_t port)
{
    bool v6 = IP_IS_V6(ip ? ip : &udp->remote_ip);
    struct net_interface *interface;
    int error;

    for (interface = net_interfaces; interface; interface = interface->next)
        if (!fits(interface, data->tot_len, v6))
            interface->netif.chksum_flags |= NETIF_CHECKSUM_GEN_UDP;
    error = ip ? udp_sendto(udp, data, ip, port) : udp_send(udp, data);
    for (interface = net_interfaces; interface; interface = interface->next)
        interface->netif.chksum_flags = checksums(&interface->info);
    return error;
}

/* Take over what the device says now. Under net_lock(). */
static void refresh(struct net_interface *interface)
{
    struct netif *netif = &interface->netif;

    netdev_info_get(interface->dev, &interface->info);
    memcpy(netif->hwaddr, interface->info.mac, NETDEV_MAC_BYTES);
    netif->hwaddr_len = NETDEV_MAC_BYTES;
    netif->mtu = MIN(interface->info.mtu, MTU_MAX);
    netif->mtu6 = netif->mtu;
    netif->chksum_flags = checksums(&interface->info);
    if (interface->info.link)
        netif_set_link_up(netif);
    else
        netif_set_link_down(netif);
}

static err_t setup(struct netif *netif)
{
    netif->name[0] = 'e';
    netif->name[1] = 'n';
    netif->output = etharp_output;
    netif->output_ip6 = ethip6_output;
    netif->linkoutput = interface_transmit;
    netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
                   NETIF_FLAG_IGMP | NETIF_FLAG_MLD6;
    netif_set_hostname(netif, hostname);
    return ERR_OK;
}

/* After a migration switches must learn where we are. */
static void announce(struct netif *netif)
{
    if (!ip4_addr_isany_val(*netif_ip4_addr(netif)))
        etharp_gratuitous(netif);
    netif_set_link_down(netif);
    netif_set_link_up(netif);
}

static bool is_from(const struct tcp_pcb *tcp, struct netif *netif)
{
    if (IP_IS_V6_VAL(tcp->local_ip))
        return netif_get_ip6_addr_match(netif, ip_2_ip6(&tcp->local_ip)) >= 0;
    return ip4_addr_eq(ip_2_ip4(&tcp->local_ip), netif_ip4_addr(netif));
}

/* What a reset or a link that was down lost; TCP would wait for a timer that grows each time.
 */
static void send_again(struct netif *netif)
{
    for (struct tcp_pcb *tcp = tcp_active_pcbs; tcp; tcp = tcp->next)
        if (tcp->unacked && is_from(tcp, netif))
            tcp_rexmit_rto(tcp);
}

static void on_event(void *arg, unsigned events)
{
    struct net_interface *interface = arg;

    net_lock();
    refresh(interface);
    interface_resume(interface); /* a reset emptied the queue */
    if (events & NETDEV_EVENT_LINK && interface->info.live && interface->info.link)
        send_again(&interface->netif);
    if (events & NETDEV_EVENT_ANNOUNCE)
        announce(&interface->netif);
    log_info("net", "%s: link %s", interface->info.name, interface->info.link ? "up" : "down");
    net_unlock();
}

/* What was kept back when the queue was full. */
static void on_tx_ready(void *arg, unsigned queue UNUSED)
{
    net_lock();
    interface_resume(arg);
    tcp_txnow();
    net_unlock();
}

static const struct netdev_upcalls upcalls = {
    .receive = interface_receive,
    .completed = interface_completed,
    .tx_ready = on_tx_ready,
    .event = on_event,
};

/* Called for every change of state: say each address once. */
static void status_changed(struct netif *netif)
{
    struct net_interface *interface = netif->state;
    char address[IPADDR_STRLEN_MAX];

    if (!ip4_addr_isany_val(*netif_ip4_addr(netif)) &&
        !ip4_addr_eq(netif_ip4_addr(netif), &interface->told))
        log_info("net", "%s: address %s", interface->info.name,
                 ip4addr_ntoa_r(netif_ip4_addr(netif), address, sizeof(address)));
    interface->told = *netif_ip4_addr(netif);
}

static void add(struct netdev *dev, void *arg UNUSED)
{
    struct net_interface *interface = kcalloc(1, sizeof(*interface), ALLOC_DEFAULT);
    struct netdev_filter filter = {.all_multicast = true};
    int error = -ENOMEM;

    if (interface) {
        interface->dev = dev;
        net_lock();
        (void)netif_add(&interface->netif, NULL, NULL, NULL, interface, setup, ethernet_input);
        refresh(interface);
        netif_set_status_callback(&interface->netif, status_changed);
        if (!net_interfaces)
            netif_set_default(&interface->netif);
        interface->next = net_interfaces;
        net_interfaces = interface;
        net_unlock();
        error = netdev_open(dev, &upcalls, interface);
    }
    if (error) {
        log_error("net", "a network device cannot be used: %s", error_name(error));
        return;
    }
    /* Without a filter everything comes, which costs time but nothing else. */
    (void)netdev_set_filter(dev, &filter);
    net_lock();
    refresh(interface);
    interface_configure(interface);
    net_unlock();
}

void interfaces_init(void)
{
    netdev_for_each(add, NULL);
}
