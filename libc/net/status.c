/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network stack for applications.
 */
#include <neap/net.h>
#include <neap/status.h>

void network_status(struct network_status *status)
{
    struct net_memory memory;

    net_memory_get(&memory);
    *status = (struct network_status){
        .bytes = memory.bytes,
        .limit = memory.limit,
        .failures = memory.failures,
    };
}
