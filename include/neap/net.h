/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The network stack: its lock and its memory. lwIP's own headers have the rest.
 */
#ifndef NEAP_NET_H
#define NEAP_NET_H

#include <stdbool.h>
#include <stdint.h>

/*
 * Everything of lwIP is called under this one mutex (LOCK_RANK_NET). Thread context. Before it
 * is released, what was sent to the guest itself is delivered, so callbacks may run in there.
 */
void net_lock(void);
void net_unlock(void);
bool net_is_locked(void); /* by the calling thread? */

/* The thread that runs the stack's timers should look at them again. Any context. */
void net_kick(void);

struct net_memory {
    uint64_t bytes; /* in use by the stack: connections, queued data */
    uint64_t peak;
    uint64_t limit;
    uint64_t failures; /* requests refused for the limit or for want of memory */
};

void net_memory_get(struct net_memory *memory);

struct udp_pcb;
struct pbuf;
struct ip_addr;

/*
 * udp_sendto(), or udp_send() without `ip`, with sums made by the device where it can: it
 * cannot when the datagram does not fit into one frame. Returns an err_t. Under net_lock().
 */
int net_send_datagram(struct udp_pcb *udp, struct pbuf *data, const struct ip_addr *ip,
                      uint16_t port);

#endif
