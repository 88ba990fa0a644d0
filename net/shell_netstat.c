/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netstat: what the stack knows. The devices below it are shown by `net`.
 */
#include "internal.h"
#include <lwip/dns.h>
#include <lwip/priv/tcp_priv.h>
#include <lwip/stats.h>
#include <lwip/udp.h>
#include <neap/format.h>
#include <neap/log.h>
#include <neap/shell.h>

#define TEXT_MAX IPADDR_STRLEN_MAX

static unsigned count_tcp(const struct tcp_pcb *first)
{
    unsigned count = 0;

    for (; first; first = first->next)
        count++;
    return count;
}

static unsigned count_udp(void)
{
    unsigned count = 0;

    for (const struct udp_pcb *udp = udp_pcbs; udp; udp = udp->next)
        count++;
    return count;
}

static void print_counters(bool machine)
{
    struct net_memory memory;

    net_memory_get(&memory);
    const struct {
        const char *key;
        uint64_t value;
    } rows[] = {
        {"tcp_connections", count_tcp(tcp_active_pcbs)},
        {"tcp_time_wait", count_tcp(tcp_tw_pcbs)},
        {"tcp_listening", count_tcp((struct tcp_pcb *)tcp_listen_pcbs.listen_pcbs)},
        {"udp_sockets", count_udp()},
        {"ip_received", lwip_stats.ip.recv + lwip_stats.ip6.recv},
        {"ip_sent", lwip_stats.ip.xmit + lwip_stats.ip6.xmit},
        {"tcp_received", lwip_stats.tcp.recv},
        {"tcp_sent", lwip_stats.tcp.xmit},
        {"tcp_dropped", lwip_stats.tcp.drop},
        {"checksum_errors", lwip_stats.ip.chkerr + lwip_stats.tcp.chkerr +
                                lwip_stats.udp.chkerr + lwip_stats.icmp.chkerr},
        {"memory", memory.bytes},
        {"memory_peak", memory.peak},
        {"memory_limit", memory.limit},
        {"memory_failures", memory.failures},
        {"receive_held", interface_held()},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        kprintf(machine ? "%s=%llu\n" : "  %-16s %12llu\n", rows[i].key,
                (unsigned long long)rows[i].value);
}

static void print_addresses(const struct net_interface *interface, bool machine)
{
    const char *name = interface->info.name;
    const struct netif *netif = &interface->netif;
    char address[TEXT_MAX], mask[TEXT_MAX], gateway[TEXT_MAX];

    ip4addr_ntoa_r(netif_ip4_addr(netif), address, TEXT_MAX);
    ip4addr_ntoa_r(netif_ip4_netmask(netif), mask, TEXT_MAX);
    ip4addr_ntoa_r(netif_ip4_gw(netif), gateway, TEXT_MAX);
    if (machine)
        kprintf("%s_ip=%s\n%s_mask=%s\n%s_gateway=%s\n", name, address, name, mask, name,
                gateway);
    else
        kprintf("%s  address %s  mask %s  gateway %s\n", name, address, mask, gateway);
    for (unsigned i = 0; i < LWIP_IPV6_NUM_ADDRESSES; i++) {
        if (!ip6_addr_isvalid(netif_ip6_addr_state(netif, i)))
            continue;
        ip6addr_ntoa_r(netif_ip6_addr(netif, i), address, TEXT_MAX);
        if (machine)
            kprintf("%s_ip6_%u=%s\n", name, i, address);
        else
            kprintf("%s  address %s\n", name, address);
    }
    if (!machine)
        kprintf("%s  dropped: %llu bad, %llu beyond the limit, %llu not sent\n", name,
                (unsigned long long)interface->rx_bad, (unsigned long long)interface->rx_over,
                (unsigned long long)interface->tx_lost);
}

static int run_netstat(int argc, char **argv)
{
    bool machine = shell_wants_machine(argc, argv);
    char text[TEXT_MAX];

    net_lock();
    for (struct net_interface *interface = net_interfaces; interface;
         interface = interface->next)
        print_addresses(interface, machine);
    for (u8_t i = 0; i < DNS_MAX_SERVERS; i++) {
        const ip_addr_t *server = dns_getserver(i);

        if (ip_addr_isany(server))
            continue;
        ipaddr_ntoa_r(server, text, sizeof(text));
        if (machine)
            kprintf("dns_%u=%s\n", i, text);
        else
            kprintf("name server %s\n", text);
    }
    print_counters(machine);
    net_unlock();
    return 0;
}
SHELL_COMMAND(netstat, "netstat [--machine]", "addresses, connections, the stack's memory",
              run_netstat);
