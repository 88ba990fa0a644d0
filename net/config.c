/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses: from the command line, from DHCP, from IPv6 routers.
 */
#include "internal.h"
#include <lwip/dhcp.h>
#include <lwip/dns.h>
#include <lwip/ip_addr.h>
#include <lwip/nd6.h>
#include <lwip/prot/dhcp.h>
#include <lwip/prot/iana.h>
#include <lwip/udp.h>
#include <neap/cmdline.h>
#include <neap/errors.h>
#include <neap/log.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS_TEXT_MAX 64

/* The first interface gets what was set by hand; the others find theirs by themselves. */
static struct {
    bool v4_set, v4_off, v6_set, v6_off;
    ip_addr_t v4, v4_gateway, v6, v6_gateway;
    unsigned v4_bits;
    ip_addr_t dns[DNS_MAX_SERVERS];
    unsigned nr_dns;
} config;

/* "address[/bits][,gateway]" of one family. */
static int parse_address(const char *text, uint8_t type, ip_addr_t *address, unsigned *bits,
                         ip_addr_t *gateway)
{
    char copy[ADDRESS_TEXT_MAX];
    char *comma, *slash, *end;
    unsigned long number;

    if (strlen(text) >= sizeof(copy))
        return -EINVAL;
    strcpy(copy, text);
    comma = strchr(copy, ',');
    if (comma) {
        *comma++ = '\0';
        if (!ipaddr_aton(comma, gateway) || IP_GET_TYPE(gateway) != type)
            return -EINVAL;
    }
    slash = strchr(copy, '/');
    if (slash) {
        *slash++ = '\0';
        number = strtoul(slash, &end, 10);
        if (*slash == '\0' || *end != '\0' || number > *bits)
            return -ERANGE;
        *bits = (unsigned)number;
    }
    return ipaddr_aton(copy, address) && IP_GET_TYPE(address) == type ? 0 : -EINVAL;
}

static int set_ip(const char *value)
{
    unsigned bits = 32;
    int error;

    config.v4_off = strcmp(value, "off") == 0;
    config.v4_set = false;
    if (config.v4_off || strcmp(value, "dhcp") == 0)
        return 0;
    error = parse_address(value, IPADDR_TYPE_V4, &config.v4, &bits, &config.v4_gateway);
    config.v4_set = error == 0;
    config.v4_bits = bits;
    return error;
}
CMDLINE_KEY(ip, "dhcp|off|a.b.c.d/n[,gateway]: IPv4 address of the first interface", set_ip);

static int set_ip6(const char *value)
{
    unsigned bits = 128;
    int error;

    config.v6_off = strcmp(value, "off") == 0;
    config.v6_set = false;
    if (config.v6_off || strcmp(value, "auto") == 0)
        return 0;
    error = parse_address(value, IPADDR_TYPE_V6, &config.v6, &bits, &config.v6_gateway);
    if (error == 0 && bits != 128 && bits != 64)
        error = -ERANGE;
    config.v6_set = error == 0;
    return error;
}
CMDLINE_KEY(ip6, "auto|off|address[/64][,gateway]: IPv6 address of the first interface",
            set_ip6);

static int set_dns(const char *value)
{
    char copy[ADDRESS_TEXT_MAX * DNS_MAX_SERVERS];
    char *rest = copy, *word;

    if (strlen(value) >= sizeof(copy))
        return -EINVAL;
    strcpy(copy, value);
    config.nr_dns = 0;
    while ((word = strsep(&rest, ","))) {
        if (config.nr_dns == DNS_MAX_SERVERS)
            return -E2BIG;
        if (!ipaddr_aton(word, &config.dns[config.nr_dns]))
            return -EINVAL;
        config.nr_dns++;
    }
    return 0;
}
CMDLINE_KEY(dns, "address[,address...]: name servers, up to three", set_dns);

/* Of the DHCP client of all interfaces, which is lwIP's. */
static udp_recv_fn dhcp_receive;

/* lwIP takes the options of a BOOTP message for those of DHCP (RFC 2131, 3) without a look. */
static void receive_dhcp(void *arg, struct udp_pcb *udp, struct pbuf *message,
                         const ip_addr_t *from, u16_t port)
{
    const uint32_t cookie = PP_HTONL(DHCP_MAGIC_COOKIE);

    if (pbuf_memcmp(message, offsetof(struct dhcp_msg, cookie), &cookie, sizeof(cookie)) == 0)
        dhcp_receive(arg, udp, message, from, port);
    else
        pbuf_free(message);
}

static void start_dhcp(struct netif *netif)
{
    if (dhcp_start(netif) != ERR_OK) {
        log_error("net", "no memory for DHCP");
        return;
    }
    for (struct udp_pcb *udp = udp_pcbs; udp; udp = udp->next) {
        if (udp->local_port == LWIP_IANA_PORT_DHCP_CLIENT && udp->recv != receive_dhcp) {
            dhcp_receive = udp->recv;
            udp->recv = receive_dhcp;
        }
    }
}

static void configure_v4(struct netif *netif, bool first)
{
    ip4_addr_t mask;

    if (config.v4_off)
        return;
    if (first && config.v4_set) {
        mask.addr = config.v4_bits ? lwip_htonl(UINT32_MAX << (32 - config.v4_bits)) : 0;
        netif_set_addr(netif, ip_2_ip4(&config.v4), &mask, ip_2_ip4(&config.v4_gateway));
    } else {
        start_dhcp(netif);
    }
}

static void configure_v6(struct netif *netif, bool first)
{
    s8_t index = -1;

    if (config.v6_off)
        return;
    netif_create_ip6_linklocal_address(netif, 1);
    netif_set_ip6_autoconfig_enabled(netif, !(first && config.v6_set));
    if (!first || !config.v6_set)
        return;
    (void)netif_add_ip6_address(netif, ip_2_ip6(&config.v6), &index);
    if (index > 0)
        netif_ip6_addr_set_state(netif, index, IP6_ADDR_TENTATIVE);
}

/* lwIP learns IPv6 routers from their advertisements only; it asks here first. */
const ip6_addr_t *net_ip6_gateway(struct netif *netif)
{
    bool known = netif == netif_default && config.v6_set && !ip_addr_isany(&config.v6_gateway);

    return known ? ip_2_ip6(&config.v6_gateway) : NULL;
}

void interface_configure(struct net_interface *interface)
{
    bool first = netif_default == &interface->netif;

    for (unsigned i = 0; i < config.nr_dns; i++)
        dns_setserver((u8_t)i, &config.dns[i]);
    netif_set_up(&interface->netif);
    configure_v4(&interface->netif, first);
    configure_v6(&interface->netif, first);
}
