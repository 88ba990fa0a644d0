/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iperf: throughput of TCP and UDP, with iperf 2's protocol, so that its programs are the peer.
 */
#ifndef NET_SHELL_IPERF_H
#define NET_SHELL_IPERF_H

#include "internal.h"
#include <lwip/tcp.h>
#include <lwip/udp.h>
#include <neap/wait.h>

#define IPERF_PORT 5001

/* One test; under net_lock() but for `done`. */
struct iperf {
    bool udp, server, done; /* done: atomic */
    int error;
    ip_addr_t peer;
    struct tcp_pcb *tcp, *listener;
    struct udp_pcb *datagrams;
    uint64_t seconds, begin_ns, end_ns, bytes, received, lost;
    int32_t next; /* number of the next datagram */
    struct waitqueue wait;
};

/* Has the test ended? For wait_until(); arg: the test. */
bool iperf_is_done(void *arg);

/* The test ends, with 0 or a negative errno. Under net_lock(). */
void iperf_finish(struct iperf *test, int error);

/*
 * Begin to serve or, TCP only, to send; iperf_finish() comes later. Under net_lock(). 0,
 * -ENOMEM, -EADDRINUSE (the port is taken) or -EHOSTUNREACH.
 */
int iperf_start_tcp(struct iperf *test);
int iperf_start_udp(struct iperf *test);

/* Send datagrams for the time of the test and tell the peer the end. Thread context. */
void iperf_send_datagrams(struct iperf *test);

/* End what is still open. Thread context. */
void iperf_stop(struct iperf *test);

#endif
