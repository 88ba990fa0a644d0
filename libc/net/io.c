/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets: reading and writing, and waiting for it.
 */
#include "socket.h"
#include <errno.h>
#include <limits.h>
#include <neap/compiler.h>

/* After -EAGAIN: wait for an event. 0: try again. */
static int wait_for(struct socket *socket, unsigned events, int flags, uint64_t timeout_ns)
{
    int result;

    if (flags & MSG_DONTWAIT)
        return -EAGAIN;
    result = file_wait(&socket->file, events, timeout_ns);
    return result == -ETIMEDOUT ? -EAGAIN : result;
}

struct peer {
    ip_addr_t ip;
    uint16_t port;
    bool known;
};

static ssize_t receive_once(struct socket *socket, void *data, size_t size, int flags,
                            struct peer *peer)
{
    ssize_t result;

    net_lock();
    if (socket->closed) {
        result = -EBADF;
    } else if (socket->type == SOCK_STREAM) {
        result = stream_receive(socket, data, size, flags);
    } else {
        result = datagram_receive(socket, data, size, flags, &peer->ip, &peer->port);
        peer->known = result >= 0;
    }
    net_unlock();
    return result;
}

static ssize_t receive(struct socket *socket, void *data, size_t size, int flags,
                       struct peer *peer)
{
    size_t done = 0;
    ssize_t result;

    if (size == 0 && socket->type == SOCK_STREAM)
        return 0;
    for (;;) {
        result = receive_once(socket, (char *)data + done, size - done, flags, peer);
        if (result == -EAGAIN)
            result = wait_for(socket, POLLIN, flags, socket->receive_timeout_ns);
        else if (result > 0 && socket->type == SOCK_STREAM && (flags & MSG_WAITALL) &&
                 !(flags & MSG_PEEK) && done + (size_t)result < size)
            done += (size_t)result;
        else
            break;
        if (result < 0)
            break;
    }
    return result < 0 && done > 0 ? (ssize_t)done
           : result < 0           ? result
                                  : (ssize_t)done + result;
}

static ssize_t send_once(struct socket *socket, const void *data, size_t size, int flags,
                         const struct sockaddr *address, socklen_t length)
{
    bool stream = socket->type == SOCK_STREAM;
    ssize_t result = 0;
    uint16_t port = 0;
    ip_addr_t ip;

    net_lock();
    if (socket->closed)
        result = -EBADF;
    else if (address && !stream)
        result = address_in(socket, address, length, &ip, &port);
    if (result == 0 && stream)
        result = stream_send(socket, data, size, flags);
    else if (result == 0)
        result = datagram_send(socket, data, size, address ? &ip : NULL, port);
    net_unlock();
    return result;
}

/* A blocking stream takes everything. */
static ssize_t transmit(struct socket *socket, const void *data, size_t size, int flags,
                        const struct sockaddr *address, socklen_t length)
{
    size_t done = 0;
    ssize_t result;

    do {
        result =
            send_once(socket, (const char *)data + done, size - done, flags, address, length);
        if (result > 0)
            done += (size_t)result;
        else if (result == -EAGAIN)
            result = wait_for(socket, POLLOUT, flags, socket->send_timeout_ns);
    } while (result >= 0 && done < size);
    return done > 0 ? (ssize_t)done : result;
}

ssize_t socket_read(struct file *file, void *data, size_t size)
{
    struct peer peer;

    return receive((struct socket *)file, data, size, 0, &peer);
}

ssize_t socket_write(struct file *file, const void *data, size_t size)
{
    return transmit((struct socket *)file, data, size, 0, NULL, 0);
}

int socket_available(struct file *file)
{
    struct socket *socket = (struct socket *)file;
    size_t bytes;

    net_lock();
    bytes = socket->received;
    if (socket->type == SOCK_DGRAM && bytes > 0)
        bytes =
            container_of(list_first(&socket->datagrams), struct datagram, link)->data->tot_len;
    net_unlock();
    return (int)MIN(bytes, INT_MAX);
}

ssize_t recvfrom(int fd, void *data, size_t size, int flags, struct sockaddr *address,
                 socklen_t *length)
{
    struct socket *socket = socket_get(fd);
    struct peer peer = {.known = false};
    ssize_t result;

    if (!socket)
        return -1;
    result = receive(socket, data, size, flags, &peer);
    if (peer.known)
        address_out(socket, &peer.ip, peer.port, address, length);
    socket_put(socket);
    if (result > (ssize_t)size && !(flags & MSG_TRUNC))
        result = (ssize_t)size;
    return libc_result(result);
}

ssize_t recv(int fd, void *data, size_t size, int flags)
{
    return recvfrom(fd, data, size, flags, NULL, NULL);
}

ssize_t sendto(int fd, const void *data, size_t size, int flags, const struct sockaddr *address,
               socklen_t length)
{
    struct socket *socket = socket_get(fd);
    ssize_t result;

    if (!socket)
        return -1;
    result = transmit(socket, data, size, flags, address, length);
    socket_put(socket);
    return libc_result(result);
}

ssize_t send(int fd, const void *data, size_t size, int flags)
{
    return sendto(fd, data, size, flags, NULL, 0);
}
