/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of net/ share.
 */
#ifndef NET_INTERNAL_H
#define NET_INTERNAL_H

#include "burst.h"
#include <lwip/netif.h>
#include <neap/net.h>
#include <neap/netdev.h>

/* ---- timers.c ---- */

/* Run what is due, under net_lock(). Returns when to come again, on the clock_ns() scale. */
uint64_t net_timers_run(void);

/* Is a timer needed that net_timers_run() did not know of when it returned `next`? */
bool net_timers_changed(uint64_t next);

/* ---- interface.c ---- */

struct net_interface {
    struct net_interface *next;
    struct netif netif;
    struct netdev *dev;
    struct netdev_info info;
    struct net_burst burst; /* not sent yet */
    unsigned unflushed;     /* queues on which the device was not told yet; bits */
    bool stalled;           /* a queue was full */
    ip4_addr_t told;        /* the address that the log has */
    uint64_t rx_bad;        /* frames that were too short or too long */
    uint64_t rx_over;       /* dropped: too many bytes wait in sockets already */
    uint64_t tx_lost;       /* dropped: no room in the queue, no link, no memory */
};

extern struct net_interface *net_interfaces; /* under net_lock() */

/* Open every network device. Once. */
void interfaces_init(void);

/* ---- transmit.c, receive.c ---- */

/* Bytes of received frames that the stack and its users hold. Under net_lock(). */
uint64_t interface_held(void);

/* Tell devices about what was sent. Under net_lock(), which ends with it. */
void interfaces_flush(void);

/* There is room again: send what waits. Under net_lock(). */
void interface_resume(struct net_interface *interface);

/* Free what devices have finished with. Under net_lock(). */
void interface_reap(void);

err_t interface_transmit(struct netif *netif, struct pbuf *packet);
void interface_completed(void *arg, unsigned queue, void *token);
void interface_receive(void *arg, unsigned queue, struct netdev_buffer *frames);

/* ---- config.c ---- */

/* Give an interface its addresses as the command line says. Under net_lock(). */
void interface_configure(struct net_interface *interface);

#endif
