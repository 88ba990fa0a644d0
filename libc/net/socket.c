/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets: making, connecting, accepting, closing.
 */
#include "socket.h"
#include <errno.h>
#include <fcntl.h>
#include <neap/alloc.h>
#include <neap/compiler.h>
#include <neap/kmalloc.h>
#include <sys/stat.h>

#define RECEIVE_MAX (256 * KIB) /* of datagrams that wait */

int socket_error(err_t error)
{
    static const uint8_t errors[] = {
        [-ERR_MEM] = ENOBUFS,
        [-ERR_BUF] = ENOBUFS,
        [-ERR_TIMEOUT] = ETIMEDOUT,
        [-ERR_RTE] = EHOSTUNREACH,
        [-ERR_INPROGRESS] = EINPROGRESS,
        [-ERR_VAL] = EINVAL,
        [-ERR_WOULDBLOCK] = EAGAIN,
        [-ERR_USE] = EADDRINUSE,
        [-ERR_ALREADY] = EALREADY,
        [-ERR_ISCONN] = EISCONN,
        [-ERR_CONN] = ENOTCONN,
        [-ERR_IF] = ENETDOWN,
        [-ERR_ABRT] = ECONNABORTED,
        [-ERR_RST] = ECONNRESET,
        [-ERR_CLSD] = ENOTCONN,
        [-ERR_ARG] = EINVAL,
    };

    return error <= 0 && -error < (int)ARRAY_SIZE(errors) ? -errors[-error] : -EIO;
}

int socket_take_error(struct socket *socket)
{
    int error = socket->error;

    socket->error = 0;
    return error;
}

static unsigned stream_events(const struct socket *socket)
{
    bool ended = socket->state == SOCKET_ENDED || socket->error;
    bool input = ended || socket->received > 0 || socket->peer_ended || socket->shut_read ||
                 !list_empty(&socket->backlog);
    bool output = ended || (socket->state == SOCKET_CONNECTED && !socket->stalled &&
                            tcp_sndbuf(socket->tcp) > TCP_SNDLOWAT &&
                            tcp_sndqueuelen(socket->tcp) < TCP_SND_QUEUELEN / 2);

    return (input ? POLLIN | POLLRDNORM : 0) | (output ? POLLOUT | POLLWRNORM : 0) |
           (socket->error ? POLLERR : 0) | (socket->peer_ended ? POLLRDHUP : 0) |
           (ended || (socket->peer_ended && socket->shut_write) ? POLLHUP : 0);
}

void socket_update(struct socket *socket)
{
    unsigned events;

    if (socket->closed)
        events = POLLNVAL;
    else if (socket->type == SOCK_STREAM)
        events = stream_events(socket);
    else
        events = POLLOUT | POLLWRNORM |
                 (socket->received > 0 || socket->shut_read ? POLLIN | POLLRDNORM : 0);
    file_set_events(&socket->file, events);
}

struct socket *socket_new(int domain, int type)
{
    struct socket *socket = net_calloc(1, sizeof(*socket));

    if (!socket)
        return NULL;
    file_init(&socket->file, &socket_ops);
    socket->domain = domain;
    socket->type = type;
    socket->receive_timeout_ns = socket->send_timeout_ns = WAIT_FOREVER;
    socket->receive_max = RECEIVE_MAX;
    list_init(&socket->backlog);
    list_init(&socket->datagrams);
    return socket;
}

static void close_socket(struct file *file)
{
    struct socket *socket = (struct socket *)file;

    net_lock();
    if (socket->type == SOCK_STREAM)
        stream_close(socket);
    else
        datagram_close(socket);
    socket->closed = true;
    socket_update(socket);
    net_unlock();
}

static void release_socket(struct file *file)
{
    net_free(file);
}

const struct file_ops socket_ops = {
    .read = socket_read,
    .write = socket_write,
    .close = close_socket,
    .release = release_socket,
    .available = socket_available,
    .mode = S_IFSOCK | S_IRUSR | S_IWUSR,
};

struct socket *socket_get(int fd)
{
    struct file *file = fd_get(fd);

    if (file && file->ops == &socket_ops)
        return (struct socket *)file;
    errno = file ? ENOTSOCK : EBADF;
    if (file)
        file_put(file);
    return NULL;
}

void socket_put(struct socket *socket)
{
    file_put(&socket->file);
}

/* Give a new socket its number, or end it. */
static int install(struct socket *socket, int flags)
{
    int fd;

    socket->file.nonblocking = (flags & SOCK_NONBLOCK) != 0;
    fd = fd_install(&socket->file);
    if (fd < 0) {
        close_socket(&socket->file);
        socket_put(socket);
    }
    return fd;
}

int socket(int domain, int type, int protocol)
{
    int flags = type & (SOCK_NONBLOCK | SOCK_CLOEXEC), error;
    int expected = IPPROTO_TCP;
    struct socket *socket;

    type &= ~flags;
    if (domain != AF_INET && domain != AF_INET6)
        return (int)libc_result(-EAFNOSUPPORT);
    if (type != SOCK_STREAM && type != SOCK_DGRAM)
        return (int)libc_result(-EPROTOTYPE);
    if (type == SOCK_DGRAM)
        expected = IPPROTO_UDP;
    if (protocol != 0 && protocol != expected)
        return (int)libc_result(-EPROTONOSUPPORT);
    socket = socket_new(domain, type);
    if (!socket)
        return (int)libc_result(-ENOBUFS);
    net_lock();
    error = type == SOCK_STREAM ? stream_open(socket) : datagram_open(socket);
    if (error == 0)
        socket_update(socket);
    net_unlock();
    if (error) {
        socket_put(socket);
        return (int)libc_result(error);
    }
    return (int)libc_result(install(socket, flags));
}

static int bind_locked(struct socket *socket, const struct sockaddr *address, socklen_t length)
{
    ip_addr_t ip;
    uint16_t port;
    int error = address_in(socket, address, length, &ip, &port);

    if (error)
        return error;
    if (socket->closed || socket->state != SOCKET_NEW)
        return -EINVAL;
    /* "Any" of IPv6 takes connections over IPv4 as well, unless asked otherwise. */
    if (socket->domain == AF_INET6 && !socket->v6only && ip_addr_isany(&ip))
        IP_SET_TYPE(&ip, IPADDR_TYPE_ANY);
    if (socket->type == SOCK_STREAM)
        return socket_error(tcp_bind(socket->tcp, &ip, port));
    return socket_error(udp_bind(socket->udp, &ip, port));
}

int bind(int fd, const struct sockaddr *address, socklen_t length)
{
    struct socket *socket = socket_get(fd);
    int error;

    if (!socket)
        return -1;
    net_lock();
    error = bind_locked(socket, address, length);
    net_unlock();
    socket_put(socket);
    return (int)libc_result(error);
}

int listen(int fd, int backlog)
{
    struct socket *socket = socket_get(fd);
    int error = -EOPNOTSUPP;

    if (!socket)
        return -1;
    net_lock();
    if (socket->closed)
        error = -EBADF;
    else if (socket->type == SOCK_STREAM)
        error = stream_listen(socket, backlog);
    net_unlock();
    socket_put(socket);
    return (int)libc_result(error);
}

static int take_connection(struct socket *listener, struct socket **connection)
{
    struct list *waiting;
    int result = -EAGAIN;

    net_lock();
    *connection = NULL;
    waiting = list_first(&listener->backlog);
    if (listener->closed) {
        result = -EBADF;
    } else if (listener->state != SOCKET_LISTENING) {
        result = -EINVAL;
    } else if (waiting) {
        *connection = container_of(waiting, struct socket, backlog_link);
        list_remove(waiting);
        if ((*connection)->tcp)
            tcp_backlog_accepted((*connection)->tcp);
        socket_update(listener);
        result = 0;
    }
    net_unlock();
    return result;
}

int accept4(int fd, struct sockaddr *address, socklen_t *length, int flags)
{
    struct socket *listener = socket_get(fd), *connection;
    int result;

    if (!listener)
        return -1;
    do {
        result = take_connection(listener, &connection);
        if (result != -EAGAIN)
            break;
        result = file_wait(&listener->file, POLLIN, listener->receive_timeout_ns);
        if (result == -ETIMEDOUT)
            result = -EAGAIN;
    } while (result == 0);
    if (result == 0) {
        net_lock();
        if (connection->tcp)
            address_out(connection, &connection->tcp->remote_ip, connection->tcp->remote_port,
                        address, length);
        net_unlock();
        result = install(connection, flags);
    }
    socket_put(listener);
    return (int)libc_result(result);
}

int accept(int fd, struct sockaddr *address, socklen_t *length)
{
    return accept4(fd, address, length, 0);
}
