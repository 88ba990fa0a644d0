/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of hosts, for libc/ and the shell.
 */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include <lwip/ip_addr.h>
#include <stdbool.h>

/*
 * The address of a name, of either family or one of them; a number is its own address. Returns
 * 0, -ENOENT (no such name, or no answer), -EINVAL (no name at all) or -ENOMEM. Thread context.
 */
int net_resolve(const char *name, bool v4, bool v6, ip_addr_t *ip);

#endif
