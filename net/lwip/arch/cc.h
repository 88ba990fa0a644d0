/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lwIP needs to know about compiler and kernel.
 */
#ifndef LWIP_ARCH_CC_H
#define LWIP_ARCH_CC_H

#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* lwIP makes a type ssize_t of its own where this is missing. */
#ifndef SSIZE_MAX
#define SSIZE_MAX LONG_MAX
#endif

void net_assertion_failed(const char *text) __attribute__((noreturn));
void net_check_locked(void);
uint32_t net_random(void);
uint16_t net_checksum(const void *data, int length);
struct netif;
const struct ip6_addr *net_ip6_gateway(struct netif *netif);
void *net_malloc(size_t size);
void *net_calloc(size_t count, size_t size);
void net_free(void *object);

/* Only with debugging output of lwIP itself, which is off. */
#define LWIP_PLATFORM_DIAG(arguments) \
    do {                              \
    } while (0)
#define LWIP_PLATFORM_ASSERT(text) net_assertion_failed(text)
#define LWIP_ASSERT_CORE_LOCKED()  net_check_locked()
#define LWIP_RAND()                net_random()

/* A big-endian machine takes lwIP's own. */
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define lwip_htons(x) __builtin_bswap16(x)
#define lwip_htonl(x) __builtin_bswap32(x)
#endif

#endif
