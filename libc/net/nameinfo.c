/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Addresses as text: getnameinfo().
 */
#include <arpa/inet.h>
#include <netdb.h>
#include <stdbool.h>
#include <stdio.h>

static int put_host(const struct sockaddr *address, char *host, socklen_t size)
{
    const void *bytes = &((const struct sockaddr_in *)address)->sin_addr;

    if (address->sa_family == AF_INET6)
        bytes = &((const struct sockaddr_in6 *)address)->sin6_addr;
    return inet_ntop(address->sa_family, bytes, host, size) ? 0 : EAI_OVERFLOW;
}

static int put_service(const struct sockaddr *address, char *service, socklen_t size)
{
    in_port_t port = ((const struct sockaddr_in *)address)->sin_port;

    if (address->sa_family == AF_INET6)
        port = ((const struct sockaddr_in6 *)address)->sin6_port;
    return snprintf(service, size, "%u", ntohs(port)) < (int)size ? 0 : EAI_OVERFLOW;
}

int getnameinfo(const struct sockaddr *address, socklen_t length, char *host,
                socklen_t host_size, char *service, socklen_t service_size, int flags)
{
    bool want_host = host && host_size > 0, want_service = service && service_size > 0;
    int error = 0;

    if (length < sizeof(address->sa_family) ||
        (address->sa_family != AF_INET && address->sa_family != AF_INET6) ||
        length < (address->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                                : sizeof(struct sockaddr_in6)))
        return EAI_FAMILY;
    if ((!want_host && !want_service) || (want_host && flags & NI_NAMEREQD))
        return EAI_NONAME;
    if (want_host)
        error = put_host(address, host, host_size);
    if (error == 0 && want_service)
        error = put_service(address, service, service_size);
    return error;
}
