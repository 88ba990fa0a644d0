/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets of type SOCK_STREAM: TCP. Everything under net_lock(); what may block does so outside
 * of it, in io.c.
 */
#include "socket.h"
#include <errno.h>
#include <neap/compiler.h>
#include <string.h>

#define WRITE_MAX 0xffffu /* lwIP counts in 16 bits */

static err_t on_receive(void *arg, struct tcp_pcb *tcp, struct pbuf *data, err_t error)
{
    struct socket *socket = arg;
    struct pbuf *part;

    (void)tcp, (void)error;
    if (!data) {
        socket->peer_ended = true;
        socket_update(socket);
        return ERR_OK;
    }
    if (socket->shut_read) {
        tcp_recved(tcp, data->tot_len);
        pbuf_free(data);
        return ERR_OK;
    }
    socket->received += data->tot_len;
    if (socket->last)
        socket->last->next = data;
    else
        socket->first = data;
    for (part = data; part->next; part = part->next)
        ;
    socket->last = part;
    socket_update(socket);
    return ERR_OK;
}

static err_t on_sent(void *arg, struct tcp_pcb *tcp, u16_t length)
{
    struct socket *socket = arg;

    (void)tcp, (void)length;
    socket->stalled = false;
    socket_update(socket);
    return ERR_OK;
}

/* Every second: without memory, nothing may be under way that on_sent() could come for. */
static err_t on_poll(void *arg, struct tcp_pcb *tcp)
{
    return arg ? on_sent(arg, tcp, 0) : ERR_OK;
}

/* lwIP has freed the connection already. */
static void on_error(void *arg, err_t error)
{
    struct socket *socket = arg;

    socket->tcp = NULL;
    socket->error = socket_error(error);
    if (socket->state == SOCKET_CONNECTING && error == ERR_RST)
        socket->error = -ECONNREFUSED;
    socket->state = SOCKET_ENDED;
    socket_update(socket);
}

static err_t on_connected(void *arg, struct tcp_pcb *tcp, err_t error)
{
    struct socket *socket = arg;

    (void)tcp, (void)error;
    socket->state = SOCKET_CONNECTED;
    socket_update(socket);
    return ERR_OK;
}

void stream_adopt(struct socket *socket, struct tcp_pcb *tcp)
{
    socket->tcp = tcp;
    tcp_arg(tcp, socket);
    tcp_recv(tcp, on_receive);
    tcp_sent(tcp, on_sent);
    tcp_err(tcp, on_error);
    tcp_poll(tcp, on_poll, 2);
}

int stream_open(struct socket *socket)
{
    bool v6 = socket->domain == AF_INET6;
    struct tcp_pcb *tcp = tcp_new_ip_type(v6 ? IPADDR_TYPE_ANY : IPADDR_TYPE_V4);

    if (!tcp)
        return -ENOBUFS;
    stream_adopt(socket, tcp);
    return 0;
}

/* A connection is complete: it waits in the listener's backlog for accept(). */
static err_t on_accept(void *arg, struct tcp_pcb *tcp, err_t error)
{
    struct socket *listener = arg;
    struct socket *socket;

    if (error != ERR_OK || !tcp)
        return ERR_VAL;
    socket = listener ? socket_new(listener->domain, SOCK_STREAM) : NULL;
    if (!socket)
        return ERR_MEM; /* lwIP resets the connection */
    stream_adopt(socket, tcp);
    tcp_backlog_delayed(tcp);
    socket->state = SOCKET_CONNECTED;
    list_push_back(&listener->backlog, &socket->backlog_link);
    socket_update(socket);
    socket_update(listener);
    return ERR_OK;
}

int stream_listen(struct socket *socket, int backlog)
{
    struct tcp_pcb *tcp;
    err_t error;

    backlog = MAX(1, MIN(backlog, SOMAXCONN));
    if (socket->state == SOCKET_LISTENING) {
        tcp_backlog_set(socket->tcp, (u8_t)backlog);
        return 0;
    }
    if (socket->state != SOCKET_NEW)
        return -EINVAL;
    tcp = tcp_listen_with_backlog_and_err(socket->tcp, (u8_t)backlog, &error);
    if (!tcp)
        return socket_error(error);
    socket->tcp = tcp;
    socket->state = SOCKET_LISTENING;
    tcp_accept(tcp, on_accept);
    socket_update(socket);
    return 0;
}

int stream_connect(struct socket *socket, const ip_addr_t *ip, uint16_t port)
{
    err_t error;

    if (socket->state == SOCKET_CONNECTED)
        return -EISCONN;
    if (socket->state == SOCKET_CONNECTING)
        return -EALREADY;
    if (socket->state != SOCKET_NEW)
        return -EINVAL;
    error = tcp_connect(socket->tcp, ip, port, on_connected);
    if (error != ERR_OK)
        return socket_error(error);
    socket->state = SOCKET_CONNECTING;
    socket_update(socket);
    return -EINPROGRESS;
}

/* ---- data ---- */

ssize_t stream_send(struct socket *socket, const void *data, size_t size, int flags)
{
    const char *bytes = data;
    size_t done = 0;
    int error = socket_take_error(socket);

    if (error)
        return error;
    if (socket->state == SOCKET_CONNECTING)
        return -EAGAIN;
    if (socket->shut_write || socket->state == SOCKET_ENDED)
        return -EPIPE;
    if (socket->state != SOCKET_CONNECTED)
        return -ENOTCONN;
    while (done < size) {
        size_t part = MIN(MIN(size - done, tcp_sndbuf(socket->tcp)), WRITE_MAX);
        u8_t more = (flags & MSG_MORE) || part < size - done ? TCP_WRITE_FLAG_MORE : 0;

        if (part == 0)
            break;
        if (tcp_write(socket->tcp, bytes + done, (u16_t)part, TCP_WRITE_FLAG_COPY | more) !=
            ERR_OK) {
            socket->stalled = true;
            break;
        }
        done += part;
    }
    if (!(flags & MSG_MORE))
        (void)tcp_output(socket->tcp);
    socket_update(socket);
    return done > 0 || size == 0 ? (ssize_t)done : -EAGAIN;
}

/* Give back the first `size` bytes of what has come. */
static void consume(struct socket *socket, size_t size)
{
    size_t left = size;

    socket->received -= size;
    while (left > 0 && socket->first) {
        struct pbuf *part = socket->first;

        if (part->len > left) {
            part->payload = (char *)part->payload + left;
            part->len = part->tot_len = (u16_t)(part->len - left);
            break;
        }
        left -= part->len;
        socket->first = part->next;
        if (!socket->first)
            socket->last = NULL;
        part->next = NULL;
        part->tot_len = part->len;
        pbuf_free(part);
    }
    while (size > 0 && socket->tcp) { /* the peer may send as much again */
        u16_t step = (u16_t)MIN(size, WRITE_MAX);

        tcp_recved(socket->tcp, step);
        size -= step;
    }
}

ssize_t stream_receive(struct socket *socket, void *data, size_t size, int flags)
{
    size_t done = 0;
    int error;

    if (socket->received == 0) {
        if (socket->peer_ended || socket->shut_read)
            return 0;
        error = socket_take_error(socket);
        if (error)
            return error;
        if (socket->state == SOCKET_ENDED)
            return 0;
        return socket->state == SOCKET_NEW || socket->state == SOCKET_LISTENING ? -ENOTCONN
                                                                                : -EAGAIN;
    }
    for (struct pbuf *part = socket->first; part && done < size; part = part->next) {
        size_t step = MIN(part->len, size - done);

        memcpy((char *)data + done, part->payload, step);
        done += step;
    }
    if (!(flags & MSG_PEEK)) {
        consume(socket, done);
        socket_update(socket);
    }
    return (ssize_t)done;
}

/* ---- the end ---- */

int stream_shutdown(struct socket *socket, bool read, bool write)
{
    int error = 0;

    if (socket->state != SOCKET_CONNECTED)
        return -ENOTCONN;
    if (write && !socket->shut_write) {
        error = socket_error(tcp_shutdown(socket->tcp, 0, 1));
        socket->shut_write = error == 0;
    }
    if (read) {
        socket->shut_read = true;
        stream_drop_input(socket);
    }
    socket_update(socket);
    return error;
}

void stream_drop_input(struct socket *socket)
{
    if (socket->received > 0)
        consume(socket, socket->received);
}

static void close_listener(struct socket *socket)
{
    struct list *first;

    while ((first = list_first(&socket->backlog))) {
        struct socket *waiting = container_of(first, struct socket, backlog_link);

        list_remove(first);
        waiting->reset_at_close = true;
        if (waiting->tcp)
            tcp_backlog_accepted(waiting->tcp);
        stream_close(waiting);
        socket_put(waiting);
    }
    tcp_arg(socket->tcp, NULL);
    (void)tcp_close(socket->tcp);
}

void stream_close(struct socket *socket)
{
    struct tcp_pcb *tcp = socket->tcp;

    if (!tcp) {
        stream_drop_input(socket);
        return;
    }
    if (socket->state == SOCKET_LISTENING) {
        close_listener(socket);
        socket->tcp = NULL;
        return;
    }
    tcp_arg(tcp, NULL);
    tcp_recv(tcp, NULL);
    tcp_sent(tcp, NULL);
    tcp_err(tcp, NULL);
    /* In this order the window stays as it is, and lwIP tells a peer whose data nobody read. */
    socket->tcp = NULL;
    stream_drop_input(socket);
    if (socket->reset_at_close || tcp_close(tcp) != ERR_OK)
        tcp_abort(tcp);
}
