/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sockets: options.
 */
#include "socket.h"
#include <errno.h>
#include <neap/compiler.h>
#include <neap/timer.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/time.h>

#define NAME(level, option) ((level) << 16 | (option))

static int get_flag(const struct socket *socket, uint8_t flag)
{
    if (socket->type == SOCK_DGRAM)
        return ip_get_option(socket->udp, flag) != 0;
    return socket->tcp && ip_get_option(socket->tcp, flag) != 0;
}

static int set_flag(struct socket *socket, uint8_t flag, bool on)
{
    if (socket->type == SOCK_DGRAM && on)
        ip_set_option(socket->udp, flag);
    else if (socket->type == SOCK_DGRAM)
        ip_reset_option(socket->udp, flag);
    else if (socket->tcp && on)
        ip_set_option(socket->tcp, flag);
    else if (socket->tcp)
        ip_reset_option(socket->tcp, flag);
    return 0;
}

/* Options of a TCP connection that lives and does not listen. */
static int get_tcp(const struct socket *socket, int option, int *value)
{
    const struct tcp_pcb *tcp = socket->tcp;

    if (socket->type != SOCK_STREAM || !tcp || socket->state == SOCKET_LISTENING)
        return -EINVAL;
    switch (option) {
    case TCP_NODELAY:
        *value = tcp_nagle_disabled(tcp) != 0;
        return 0;
    case TCP_KEEPIDLE:
        *value = (int)(tcp->keep_idle / 1000);
        return 0;
    case TCP_KEEPINTVL:
        *value = (int)(tcp->keep_intvl / 1000);
        return 0;
    case TCP_KEEPCNT:
        *value = (int)tcp->keep_cnt;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int set_tcp(struct socket *socket, int option, int value)
{
    struct tcp_pcb *tcp = socket->tcp;

    if (socket->type != SOCK_STREAM || !tcp || socket->state == SOCKET_LISTENING)
        return -EINVAL;
    if (option != TCP_NODELAY && (value <= 0 || value > 32767))
        return -EINVAL;
    switch (option) {
    case TCP_NODELAY:
        if (value)
            tcp_nagle_disable(tcp);
        else
            tcp_nagle_enable(tcp);
        return 0;
    case TCP_KEEPIDLE:
        tcp->keep_idle = (u32_t)value * 1000;
        return 0;
    case TCP_KEEPINTVL:
        tcp->keep_intvl = (u32_t)value * 1000;
        return 0;
    case TCP_KEEPCNT:
        tcp->keep_cnt = (u32_t)value;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int get_number(struct socket *socket, int level, int option, int *value)
{
    if (level == IPPROTO_TCP)
        return get_tcp(socket, option, value);
    switch (NAME(level, option)) {
    case NAME(SOL_SOCKET, SO_TYPE):
        *value = socket->type;
        return 0;
    case NAME(SOL_SOCKET, SO_ERROR):
        *value = -socket_take_error(socket);
        socket_update(socket);
        return 0;
    case NAME(SOL_SOCKET, SO_ACCEPTCONN):
        *value = socket->state == SOCKET_LISTENING;
        return 0;
    case NAME(SOL_SOCKET, SO_REUSEADDR):
    case NAME(SOL_SOCKET, SO_REUSEPORT):
        *value = get_flag(socket, SOF_REUSEADDR);
        return 0;
    case NAME(SOL_SOCKET, SO_KEEPALIVE):
        *value = get_flag(socket, SOF_KEEPALIVE);
        return 0;
    case NAME(SOL_SOCKET, SO_BROADCAST):
        *value = get_flag(socket, SOF_BROADCAST);
        return 0;
    case NAME(SOL_SOCKET, SO_RCVBUF):
        *value = (int)(socket->type == SOCK_DGRAM ? socket->receive_max : TCP_WND);
        return 0;
    case NAME(SOL_SOCKET, SO_SNDBUF):
        *value = TCP_SND_BUF;
        return 0;
    case NAME(IPPROTO_IPV6, IPV6_V6ONLY):
        *value = socket->v6only;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int set_number(struct socket *socket, int level, int option, int value)
{
    if (level == IPPROTO_TCP)
        return set_tcp(socket, option, value);
    switch (NAME(level, option)) {
    case NAME(SOL_SOCKET, SO_REUSEADDR):
    case NAME(SOL_SOCKET, SO_REUSEPORT):
        return set_flag(socket, SOF_REUSEADDR, value);
    case NAME(SOL_SOCKET, SO_KEEPALIVE):
        return set_flag(socket, SOF_KEEPALIVE, value);
    case NAME(SOL_SOCKET, SO_BROADCAST):
        return set_flag(socket, SOF_BROADCAST, value);
    case NAME(SOL_SOCKET, SO_RCVBUF):
        if (value <= 0)
            return -EINVAL;
        socket->receive_max = MIN((size_t)value, 4 * MIB);
        return 0;
    case NAME(SOL_SOCKET, SO_SNDBUF): /* lwIP's is the same for all */
        return 0;
    case NAME(IPPROTO_IPV6, IPV6_V6ONLY):
        if (socket->domain != AF_INET6 || socket->state != SOCKET_NEW)
            return -EINVAL;
        socket->v6only = value != 0;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

static int set_timeout(uint64_t *timeout_ns, const struct timeval *value)
{
    if (value->tv_sec < 0 || value->tv_usec < 0 || value->tv_usec >= 1000000)
        return -EDOM;
    *timeout_ns = (uint64_t)value->tv_sec * NS_PER_S + (uint64_t)value->tv_usec * NS_PER_US;
    if (*timeout_ns == 0)
        *timeout_ns = WAIT_FOREVER;
    return 0;
}

static int set_linger(struct socket *socket, const struct linger *value)
{
    socket->reset_at_close = value->l_onoff && value->l_linger == 0;
    return 0;
}

static int set_locked(struct socket *socket, int level, int option, const void *value,
                      socklen_t length)
{
    bool timeout = level == SOL_SOCKET && (option == SO_RCVTIMEO || option == SO_SNDTIMEO);

    if (!value || socket->closed)
        return value ? -EBADF : -EFAULT;
    if (timeout && length >= sizeof(struct timeval))
        return set_timeout(option == SO_RCVTIMEO ? &socket->receive_timeout_ns
                                                 : &socket->send_timeout_ns,
                           value);
    if (level == SOL_SOCKET && option == SO_LINGER && length >= sizeof(struct linger))
        return set_linger(socket, value);
    if (length < sizeof(int) || timeout)
        return -EINVAL;
    return set_number(socket, level, option, *(const int *)value);
}

int setsockopt(int fd, int level, int option, const void *value, socklen_t length)
{
    struct socket *socket = socket_get(fd);
    int error;

    if (!socket)
        return -1;
    net_lock();
    error = set_locked(socket, level, option, value, length);
    net_unlock();
    socket_put(socket);
    return (int)libc_result(error);
}

int getsockopt(int fd, int level, int option, void *value, socklen_t *length)
{
    struct socket *socket = socket_get(fd);
    int error = -EINVAL, number = 0;

    if (!socket)
        return -1;
    net_lock();
    if (socket->closed)
        error = -EBADF;
    else if (value && length)
        error = get_number(socket, level, option, &number);
    net_unlock();
    socket_put(socket);
    if (error == 0) {
        *length = MIN(*length, (socklen_t)sizeof(number));
        memcpy(value, &number, *length);
    }
    return (int)libc_result(error);
}
