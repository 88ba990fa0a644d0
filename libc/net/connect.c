/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets: connecting, shutting down, who is at which end.
 */
#include "socket.h"
#include <errno.h>

static int start_connect(struct socket *socket, const struct sockaddr *address,
                         socklen_t length)
{
    ip_addr_t ip;
    uint16_t port;
    int error = address_in(socket, address, length, &ip, &port);

    if (error)
        return error;
    if (socket->closed)
        return -EBADF;
    return socket->type == SOCK_STREAM ? stream_connect(socket, &ip, port)
                                       : datagram_connect(socket, &ip, port);
}

static int finish_connect(struct socket *socket)
{
    int result = file_wait(&socket->file, POLLOUT, socket->send_timeout_ns);

    if (result)
        return -EINPROGRESS; /* not blocking, or it takes too long */
    net_lock();
    result = socket_take_error(socket);
    if (result == 0 && socket->state != SOCKET_CONNECTED)
        result = -ECONNABORTED;
    socket_update(socket);
    net_unlock();
    return result;
}

int connect(int fd, const struct sockaddr *address, socklen_t length)
{
    struct socket *socket = socket_get(fd);
    int result;

    if (!socket)
        return -1;
    net_lock();
    result = start_connect(socket, address, length);
    net_unlock();
    if (result == -EINPROGRESS)
        result = finish_connect(socket);
    socket_put(socket);
    return (int)libc_result(result);
}

int shutdown(int fd, int how)
{
    struct socket *socket = socket_get(fd);
    int error;

    if (!socket)
        return -1;
    net_lock();
    if (how < SHUT_RD || how > SHUT_RDWR) {
        error = -EINVAL;
    } else if (socket->type == SOCK_STREAM) {
        error = stream_shutdown(socket, how != SHUT_WR, how != SHUT_RD);
    } else {
        error = socket->state == SOCKET_CONNECTED ? 0 : -ENOTCONN;
        socket->shut_read |= how != SHUT_WR;
        socket_update(socket);
    }
    net_unlock();
    socket_put(socket);
    return (int)libc_result(error);
}

/* lwIP's two kinds of connections begin alike, but have no type in common. */
static int ends(const struct socket *socket, bool peer, ip_addr_t *ip, uint16_t *port)
{
    bool stream = socket->type == SOCK_STREAM;

    if (peer && socket->state != SOCKET_CONNECTED)
        return -ENOTCONN;
    if (socket->closed || (stream && !socket->tcp))
        return -ENOTCONN;
    if (stream) {
        *ip = peer ? socket->tcp->remote_ip : socket->tcp->local_ip;
        *port = peer ? socket->tcp->remote_port : socket->tcp->local_port;
    } else {
        *ip = peer ? socket->udp->remote_ip : socket->udp->local_ip;
        *port = peer ? socket->udp->remote_port : socket->udp->local_port;
    }
    return 0;
}

static int get_end(int fd, bool peer, struct sockaddr *address, socklen_t *length)
{
    struct socket *socket = socket_get(fd);
    ip_addr_t ip;
    uint16_t port;
    int error;

    if (!socket)
        return -1;
    net_lock();
    error = ends(socket, peer, &ip, &port);
    /* "Any" of both families has the address of neither. */
    if (error == 0 && IP_IS_ANY_TYPE_VAL(ip))
        ip_addr_set_zero_ip6(&ip);
    if (error == 0)
        address_out(socket, &ip, port, address, length);
    net_unlock();
    socket_put(socket);
    return (int)libc_result(error);
}

int getsockname(int fd, struct sockaddr *address, socklen_t *length)
{
    return get_end(fd, false, address, length);
}

int getpeername(int fd, struct sockaddr *address, socklen_t *length)
{
    return get_end(fd, true, address, length);
}
