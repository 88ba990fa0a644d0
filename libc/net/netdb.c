/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of hosts: getaddrinfo().
 */
#include "../../net/resolve.h"
#include "socket.h"
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>

struct result {
    struct addrinfo info;
    struct sockaddr_storage address;
};

const char *gai_strerror(int error)
{
    static const struct {
        int error;
        const char *text;
    } texts[] = {
        {0, "no error"},
        {EAI_AGAIN, "no answer"},
        {EAI_BADFLAGS, "bad flags"},
        {EAI_FAIL, "the name server failed"},
        {EAI_FAMILY, "unknown address family"},
        {EAI_MEMORY, "out of memory"},
        {EAI_NONAME, "unknown name"},
        {EAI_OVERFLOW, "no room for the name"},
        {EAI_SERVICE, "services are port numbers"},
        {EAI_SOCKTYPE, "unknown type of socket"},
    };

    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (texts[i].error == error)
            return texts[i].text;
    }
    return "unknown error";
}

static int parse_service(const char *service, uint16_t *port)
{
    unsigned long number;
    char *end;

    *port = 0;
    if (!service)
        return 0;
    number = strtoul(service, &end, 10);
    if (*service == '\0' || *end != '\0' || number > UINT16_MAX)
        return EAI_SERVICE;
    *port = (uint16_t)number;
    return 0;
}

/* Without a name: the guest itself, or any address for who listens. */
static int find_address(const char *host, const struct addrinfo *hints, ip_addr_t *ip)
{
    bool v4 = hints->ai_family != AF_INET6, v6 = hints->ai_family != AF_INET;

    if (!host) {
        bool any = (hints->ai_flags & AI_PASSIVE) != 0;

        if (v4)
            ip_addr_set_ip4_u32(ip, any ? 0 : htonl(INADDR_LOOPBACK));
        else if (any)
            ip_addr_set_any_val(1, *ip);
        else
            ip_addr_set_loopback_val(1, *ip);
        return 0;
    }
    if (ipaddr_aton(host, ip))
        return IP_IS_V4(ip) ? (v4 ? 0 : EAI_NONAME) : (v6 ? 0 : EAI_NONAME);
    if (hints->ai_flags & AI_NUMERICHOST)
        return EAI_NONAME;
    switch (net_resolve(host, v4, v6, ip)) {
    case 0:
        return 0;
    case -ENOMEM:
        return EAI_MEMORY;
    default:
        return EAI_NONAME;
    }
}

/* One entry of the list, in front of the others. */
static int add(struct addrinfo **list, const ip_addr_t *ip, uint16_t port, int type)
{
    struct result *result = calloc(1, sizeof(*result));
    struct socket shape = {.domain = IP_IS_V4(ip) ? AF_INET : AF_INET6};

    if (!result)
        return EAI_MEMORY;
    result->info = (struct addrinfo){
        .ai_family = shape.domain,
        .ai_socktype = type,
        .ai_protocol = type == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP,
        .ai_addrlen = sizeof(result->address),
        .ai_addr = (struct sockaddr *)&result->address,
        .ai_next = *list,
    };
    address_out(&shape, ip, port, result->info.ai_addr, &result->info.ai_addrlen);
    result->address.ss_family = (sa_family_t)shape.domain;
    *list = &result->info;
    return 0;
}

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints,
                struct addrinfo **list)
{
    static const struct addrinfo no_hints;
    ip_addr_t ip;
    uint16_t port;
    int error;

    *list = NULL;
    hints = hints ? hints : &no_hints;
    if (hints->ai_family != AF_UNSPEC && hints->ai_family != AF_INET &&
        hints->ai_family != AF_INET6)
        return EAI_FAMILY;
    if (hints->ai_socktype != 0 && hints->ai_socktype != SOCK_STREAM &&
        hints->ai_socktype != SOCK_DGRAM)
        return EAI_SOCKTYPE;
    if (!host && !service)
        return EAI_NONAME;
    error = parse_service(service, &port);
    if (error == 0)
        error = find_address(host, hints, &ip);
    if (error == 0 && hints->ai_socktype != SOCK_STREAM)
        error = add(list, &ip, port, SOCK_DGRAM);
    if (error == 0 && hints->ai_socktype != SOCK_DGRAM)
        error = add(list, &ip, port, SOCK_STREAM);
    if (error) {
        freeaddrinfo(*list);
        *list = NULL;
    }
    return error;
}

/* An entry is the first field of what was allocated. */
void freeaddrinfo(struct addrinfo *list)
{
    while (list) {
        struct addrinfo *next = list->ai_next;

        free(list);
        list = next;
    }
}
