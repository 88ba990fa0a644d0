/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iperf over TCP: a stream of bytes and its end.
 */
#include "shell_iperf.h"
#include <neap/alloc.h>
#include <neap/errors.h>
#include <neap/kmalloc.h>
#include <neap/timer.h>

#define CHUNK 16384

/* Zeros to send. TCP may still send them again when a test is over: never freed. */
static uint8_t *zeros;

static void forget(struct tcp_pcb *tcp)
{
    tcp_arg(tcp, NULL);
    tcp_recv(tcp, NULL);
    tcp_sent(tcp, NULL);
    tcp_err(tcp, NULL);
    tcp_poll(tcp, NULL, 0);
}

static void on_error(void *arg, err_t error)
{
    struct iperf *test = arg;

    test->tcp = NULL; /* lwIP has freed it */
    iperf_finish(test, error == ERR_RST ? -ECONNREFUSED : -EIO);
}

static err_t end(struct iperf *test)
{
    struct tcp_pcb *tcp = test->tcp;

    test->tcp = NULL;
    forget(tcp);
    iperf_finish(test, 0);
    if (tcp_close(tcp) == ERR_OK)
        return ERR_OK;
    tcp_abort(tcp);
    return ERR_ABRT;
}

static err_t on_receive(void *arg, struct tcp_pcb *tcp, struct pbuf *data, err_t error UNUSED)
{
    struct iperf *test = arg;

    if (!data)
        return end(test);
    test->bytes += test->server ? data->tot_len : 0;
    tcp_recved(tcp, data->tot_len);
    pbuf_free(data);
    return ERR_OK;
}

static err_t on_accept(void *arg, struct tcp_pcb *tcp, err_t error)
{
    struct iperf *test = arg;

    if (error != ERR_OK || test->tcp || iperf_is_done(test))
        return ERR_VAL; /* one at a time: lwIP refuses it */
    test->tcp = tcp;
    test->begin_ns = clock_ns();
    tcp_arg(tcp, test);
    tcp_recv(tcp, on_receive);
    tcp_err(tcp, on_error);
    return ERR_OK;
}

/*
 * Keep the send buffer full until the time is over, then wait for the last to arrive. Counted
 * is what was written: lwIP tells of one large acknowledgement in pieces, the last ones after
 * the end.
 */
static err_t fill(void *arg, struct tcp_pcb *tcp)
{
    struct iperf *test = arg;

    if (clock_ns() - test->begin_ns >= test->seconds * NS_PER_S)
        return tcp_sndqueuelen(tcp) == 0 ? end(test) : ERR_OK;
    while (tcp_sndbuf(tcp) >= CHUNK && tcp_write(tcp, zeros, CHUNK, 0) == ERR_OK)
        test->bytes += CHUNK;
    (void)tcp_output(tcp);
    return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *tcp, u16_t length UNUSED)
{
    return fill(arg, tcp);
}

static err_t on_connected(void *arg, struct tcp_pcb *tcp, err_t error UNUSED)
{
    ((struct iperf *)arg)->begin_ns = clock_ns();
    return fill(arg, tcp);
}

int iperf_start_tcp(struct iperf *test)
{
    struct tcp_pcb *tcp;

    if (!zeros)
        zeros = kcalloc(1, CHUNK, ALLOC_DEFAULT);
    if (!zeros)
        return -ENOMEM;
    tcp = tcp_new_ip_type(test->server ? IPADDR_TYPE_ANY : IP_GET_TYPE(&test->peer));
    if (!tcp)
        return -ENOMEM;
    tcp_arg(tcp, test);
    if (test->server) {
        if (tcp_bind(tcp, IP_ANY_TYPE, IPERF_PORT) == ERR_OK)
            test->listener = tcp_listen(tcp);
        if (!test->listener) {
            (void)tcp_close(tcp);
            return -EADDRINUSE;
        }
        tcp_accept(test->listener, on_accept);
        return 0;
    }
    test->tcp = tcp;
    tcp_recv(tcp, on_receive);
    tcp_err(tcp, on_error);
    tcp_sent(tcp, on_sent);
    tcp_poll(tcp, fill, 1);
    return tcp_connect(tcp, &test->peer, IPERF_PORT, on_connected) == ERR_OK ? 0
                                                                             : -EHOSTUNREACH;
}

void iperf_stop(struct iperf *test)
{
    net_lock();
    if (test->listener)
        (void)tcp_close(test->listener);
    if (test->tcp) {
        forget(test->tcp);
        tcp_abort(test->tcp);
    }
    if (test->datagrams)
        udp_remove(test->datagrams);
    net_unlock();
}
