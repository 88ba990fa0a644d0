/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets of type SOCK_DGRAM: UDP. Everything under net_lock().
 */
#include "socket.h"
#include <errno.h>
#include <neap/compiler.h>

/* What one costs beside its bytes, so that empty ones are not free. */
#define OVERHEAD 256

static size_t cost(const struct datagram *datagram)
{
    return datagram->data->tot_len + OVERHEAD;
}

static void on_receive(void *arg, struct udp_pcb *udp, struct pbuf *data, const ip_addr_t *from,
                       u16_t port)
{
    struct socket *socket = arg;
    struct datagram *datagram = NULL;

    (void)udp;
    if (socket->received + data->tot_len + OVERHEAD <= socket->receive_max &&
        !socket->shut_read)
        datagram = net_malloc(sizeof(*datagram));
    if (!datagram) {
        pbuf_free(data);
        return;
    }
    datagram->data = data;
    datagram->from = *from;
    datagram->port = port;
    list_push_back(&socket->datagrams, &datagram->link);
    socket->received += cost(datagram);
    socket_update(socket);
}

int datagram_open(struct socket *socket)
{
    bool v6 = socket->domain == AF_INET6;

    socket->udp = udp_new_ip_type(v6 ? IPADDR_TYPE_ANY : IPADDR_TYPE_V4);
    if (!socket->udp)
        return -ENOBUFS;
    udp_recv(socket->udp, on_receive, socket);
    return 0;
}

static void drop(struct socket *socket, struct datagram *datagram)
{
    list_remove(&datagram->link);
    socket->received -= cost(datagram);
    pbuf_free(datagram->data);
    net_free(datagram);
}

static struct datagram *first_of(struct socket *socket)
{
    struct list *link = list_first(&socket->datagrams);

    return link ? container_of(link, struct datagram, link) : NULL;
}

void datagram_close(struct socket *socket)
{
    struct datagram *datagram;

    while ((datagram = first_of(socket)))
        drop(socket, datagram);
    if (socket->udp)
        udp_remove(socket->udp);
    socket->udp = NULL;
}

int datagram_connect(struct socket *socket, const ip_addr_t *ip, uint16_t port)
{
    int error = socket_error(udp_connect(socket->udp, ip, port));

    if (error == 0)
        socket->state = SOCKET_CONNECTED;
    return error;
}

ssize_t datagram_send(struct socket *socket, const void *data, size_t size, const ip_addr_t *ip,
                      uint16_t port)
{
    struct pbuf *packet;
    err_t error;

    if (size > UINT16_MAX)
        return -EMSGSIZE;
    if (!ip && socket->state != SOCKET_CONNECTED)
        return -EDESTADDRREQ;
    packet = pbuf_alloc(PBUF_TRANSPORT, (u16_t)size, PBUF_RAM);
    if (!packet)
        return -ENOBUFS;
    (void)pbuf_take(packet, data, (u16_t)size);
    error = (err_t)net_send_datagram(socket->udp, packet, ip, port);
    pbuf_free(packet);
    return error == ERR_OK ? (ssize_t)size : socket_error(error);
}

ssize_t datagram_receive(struct socket *socket, void *data, size_t size, int flags,
                         ip_addr_t *from, uint16_t *port)
{
    struct datagram *datagram = first_of(socket);
    ssize_t length;

    if (!datagram)
        return socket->shut_read ? 0 : -EAGAIN;
    length = datagram->data->tot_len;
    (void)pbuf_copy_partial(datagram->data, data, (u16_t)MIN(size, UINT16_MAX), 0);
    *from = datagram->from;
    *port = datagram->port;
    if (!(flags & MSG_PEEK)) {
        drop(socket, datagram);
        socket_update(socket);
    }
    return length;
}
