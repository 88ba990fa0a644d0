/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iperf over UDP: datagrams are numbered; the last number is negative and is answered with what
 * arrived.
 */
#include "shell_iperf.h"
#include <neap/errors.h>
#include <neap/thread.h>
#include <neap/timer.h>
#include <string.h>

#define DATAGRAM         1470 /* as iperf's own */
#define BURST            16   /* datagrams between two looks at the clock */
#define FAREWELLS        10   /* how often the end of a test is told */
#define FAREWELL_NS      (250 * NS_PER_MS)
#define REPORT_VERSION_1 0x80000000

/* What a datagram begins with, and what follows that in the answer to the last; big-endian. */
struct numbered {
    uint32_t number, seconds, microseconds, high;
};
struct report {
    struct numbered copy;
    uint32_t flags, bytes_high, bytes_low, seconds, microseconds;
    uint32_t lost, disordered, datagrams, jitter_seconds, jitter_microseconds;
};

static void answer_last(struct iperf *test, const struct numbered *last, const ip_addr_t *peer,
                        u16_t port)
{
    uint64_t us = (clock_ns() - test->begin_ns) / NS_PER_US;
    struct report report = {
        .copy = *last,
        .flags = lwip_htonl(REPORT_VERSION_1),
        .bytes_high = lwip_htonl((uint32_t)(test->bytes >> 32)),
        .bytes_low = lwip_htonl((uint32_t)test->bytes),
        .seconds = lwip_htonl((uint32_t)(us / 1000000)),
        .microseconds = lwip_htonl((uint32_t)(us % 1000000)),
        .lost = lwip_htonl((uint32_t)test->lost),
        .datagrams = lwip_htonl((uint32_t)test->next),
    };
    struct pbuf *packet = pbuf_alloc(PBUF_TRANSPORT, sizeof(report), PBUF_RAM);

    if (!packet)
        return;
    (void)pbuf_take(packet, &report, sizeof(report));
    (void)net_send_datagram(test->datagrams, packet, peer, port);
    pbuf_free(packet);
}

static void on_datagram(void *arg, struct udp_pcb *udp UNUSED, struct pbuf *packet,
                        const ip_addr_t *peer, u16_t port)
{
    struct iperf *test = arg;
    struct numbered head;
    int32_t number;

    if (pbuf_copy_partial(packet, &head, sizeof(head), 0) == sizeof(head) &&
        !iperf_is_done(test)) {
        number = (int32_t)lwip_ntohl(head.number);
        if (test->received++ == 0)
            test->begin_ns = clock_ns();
        test->bytes += packet->tot_len;
        if (test->server && number >= test->next) {
            test->lost += (uint32_t)(number - test->next);
            test->next = number < INT32_MAX ? number + 1 : number;
        }
        if (test->server && number < 0)
            answer_last(test, &head, peer, port);
        if (number < 0 || !test->server)
            iperf_finish(test, 0);
    }
    pbuf_free(packet);
}

int iperf_start_udp(struct iperf *test)
{
    test->datagrams =
        udp_new_ip_type(test->server ? IPADDR_TYPE_ANY : IP_GET_TYPE(&test->peer));
    if (!test->datagrams)
        return -ENOMEM;
    udp_recv(test->datagrams, on_datagram, test);
    if (test->server)
        return udp_bind(test->datagrams, IP_ANY_TYPE, IPERF_PORT) == ERR_OK ? 0 : -EADDRINUSE;
    return udp_connect(test->datagrams, &test->peer, IPERF_PORT) == ERR_OK ? 0 : -EHOSTUNREACH;
}

/* Send a datagram. Returns whether it went out. */
static bool send_datagram(struct iperf *test, int32_t number)
{
    struct pbuf *packet = pbuf_alloc(PBUF_TRANSPORT, DATAGRAM, PBUF_RAM);
    uint64_t us = clock_ns() / NS_PER_US;
    struct numbered head = {
        .number = lwip_htonl((uint32_t)number),
        .seconds = lwip_htonl((uint32_t)(us / 1000000)),
        .microseconds = lwip_htonl((uint32_t)(us % 1000000)),
    };
    bool sent = false;

    if (packet) {
        memset(packet->payload, 0, DATAGRAM);
        (void)pbuf_take(packet, &head, sizeof(head));
        sent = net_send_datagram(test->datagrams, packet, NULL, 0) == ERR_OK;
        pbuf_free(packet);
    }
    return sent;
}

void iperf_send_datagrams(struct iperf *test)
{
    bool room = true;

    test->begin_ns = clock_ns();
    while (clock_ns() - test->begin_ns < test->seconds * NS_PER_S) {
        if (!room)
            thread_sleep_ns(NS_PER_MS);
        net_lock();
        for (unsigned i = 0; i < BURST && (room = send_datagram(test, test->next)); i++) {
            test->next++;
            test->bytes += DATAGRAM;
        }
        net_unlock();
    }
    for (unsigned i = 0; i < FAREWELLS && !iperf_is_done(test); i++) {
        net_lock();
        (void)send_datagram(test, -test->next);
        net_unlock();
        (void)wait_until(&test->wait, iperf_is_done, test, FAREWELL_NS);
    }
}
