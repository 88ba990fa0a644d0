/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses between sockets, lwIP and text.
 */
#include "socket.h"
#include <errno.h>
#include <lwip/netif.h>
#include <neap/compiler.h>
#include <string.h>

const struct in6_addr in6addr_any = IN6ADDR_ANY_INIT;
const struct in6_addr in6addr_loopback = IN6ADDR_LOOPBACK_INIT;

static void v6_in(const struct sockaddr_in6 *in, ip_addr_t *ip)
{
    ip6_addr_t v6;

    memset(&v6, 0, sizeof(v6));
    memcpy(v6.addr, in->sin6_addr.s6_addr, sizeof(v6.addr));
    if (ip6_addr_isipv4mappedipv6(&v6)) {
        ip_addr_set_ip4_u32(ip, v6.addr[3]);
        return;
    }
    if (ip6_addr_has_scope(&v6, IP6_UNKNOWN))
        ip6_addr_set_zone(&v6, (u8_t)in->sin6_scope_id);
    ip_addr_copy_from_ip6(*ip, v6);
}

int address_in(const struct socket *socket, const struct sockaddr *address, socklen_t length,
               ip_addr_t *ip, uint16_t *port)
{
    const struct sockaddr_in *v4 = (const struct sockaddr_in *)address;
    const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)address;

    if (!address || length < sizeof(address->sa_family))
        return -EINVAL;
    if (address->sa_family != socket->domain)
        return -EAFNOSUPPORT;
    if (length < (socket->domain == AF_INET ? sizeof(*v4) : sizeof(*v6)))
        return -EINVAL;
    *port = ntohs(socket->domain == AF_INET ? v4->sin_port : v6->sin6_port);
    if (socket->domain == AF_INET)
        ip_addr_set_ip4_u32(ip, v4->sin_addr.s_addr);
    else
        v6_in(v6, ip);
    return 0;
}

void address_out(const struct socket *socket, const ip_addr_t *ip, uint16_t port,
                 struct sockaddr *address, socklen_t *length)
{
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    const void *from = &v6;
    socklen_t size = sizeof(v6);

    if (!address || !length)
        return;
    if (socket->domain == AF_INET) {
        v4.sin_addr.s_addr = IP_IS_V4(ip) ? ip_2_ip4(ip)->addr : 0;
        from = &v4;
        size = sizeof(v4);
    } else if (IP_IS_V4(ip)) {
        v6.sin6_addr.s6_addr32[2] = htonl(0xffff);
        v6.sin6_addr.s6_addr32[3] = ip_2_ip4(ip)->addr;
    } else {
        memcpy(v6.sin6_addr.s6_addr, ip_2_ip6(ip)->addr, sizeof(v6.sin6_addr));
        v6.sin6_scope_id = ip6_addr_zone(ip_2_ip6(ip));
    }
    memcpy(address, from, MIN(size, *length));
    *length = size;
}

int inet_pton(int family, const char *text, void *address)
{
    ip4_addr_t v4;
    ip6_addr_t v6;

    if (family == AF_INET) {
        if (!ip4addr_aton(text, &v4))
            return 0;
        memcpy(address, &v4.addr, sizeof(v4.addr));
        return 1;
    }
    if (family == AF_INET6) {
        if (!ip6addr_aton(text, &v6))
            return 0;
        memcpy(address, v6.addr, sizeof(v6.addr));
        return 1;
    }
    return (int)libc_result(-EAFNOSUPPORT);
}

const char *inet_ntop(int family, const void *address, char *text, uint32_t size)
{
    const char *result = NULL;
    ip4_addr_t v4;
    ip6_addr_t v6;

    memset(&v6, 0, sizeof(v6));
    errno = ENOSPC;
    if (family == AF_INET) {
        memcpy(&v4.addr, address, sizeof(v4.addr));
        result = ip4addr_ntoa_r(&v4, text, (int)size);
    } else if (family == AF_INET6) {
        memcpy(v6.addr, address, sizeof(v6.addr));
        result = ip6addr_ntoa_r(&v6, text, (int)size);
    } else {
        errno = EAFNOSUPPORT;
    }
    return result;
}

in_addr_t inet_addr(const char *text)
{
    struct in_addr address;

    return inet_aton(text, &address) ? address.s_addr : INADDR_NONE;
}

int inet_aton(const char *text, struct in_addr *address)
{
    ip4_addr_t v4;

    if (!ip4addr_aton(text, &v4))
        return 0;
    address->s_addr = v4.addr;
    return 1;
}

char *inet_ntoa(struct in_addr address)
{
    static char text[INET_ADDRSTRLEN];

    return (char *)inet_ntop(AF_INET, &address, text, sizeof(text));
}
