/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the files of the sockets share.
 *
 * A socket sits on lwIP's own connections, without a thread or a message in between: calls and
 * lwIP's callbacks meet under net_lock(), which guards every field here unless noted.
 */
#ifndef LIBC_NET_SOCKET_H
#define LIBC_NET_SOCKET_H

#include "../fd.h"
#include <lwip/tcp.h>
#include <lwip/udp.h>
#include <neap/net.h>
#include <netinet/in.h>

enum socket_state {
    SOCKET_NEW,
    SOCKET_LISTENING,
    SOCKET_CONNECTING,
    SOCKET_CONNECTED,
    SOCKET_ENDED, /* the connection is gone, tcp is NULL; what had come can be read */
};

/* A datagram that waits to be read. */
struct datagram {
    struct list link;
    struct pbuf *data;
    ip_addr_t from;
    uint16_t port;
};

struct socket {
    struct file file; /* first: a file of socket_ops is a socket */
    int domain;
    int type;
    enum socket_state state;
    bool v6only;
    bool peer_ended; /* the peer will send no more */
    bool shut_read, shut_write;
    bool closed;         /* its number is gone */
    bool stalled;        /* lwIP had no memory to queue more, though its window is open */
    bool reset_at_close; /* SO_LINGER with no time */
    int error;           /* negative errno for SO_ERROR and the next call */
    uint64_t receive_timeout_ns, send_timeout_ns; /* WAIT_FOREVER: none */
    size_t received;                              /* bytes that wait to be read */
    size_t receive_max;                           /* of datagrams */
    union {
        struct tcp_pcb *tcp;
        struct udp_pcb *udp;
    };
    /* streams: parts of what has come, linked without regard to packets */
    struct pbuf *first, *last;
    struct list backlog;      /* of a listening one: connections not accepted yet */
    struct list backlog_link; /* in the listening one's list */
    struct list datagrams;
};

extern const struct file_ops socket_ops;

/* The socket behind a number, with one more user, or NULL and errno. End with socket_put(). */
struct socket *socket_get(int fd);
void socket_put(struct socket *socket);

/* A new socket without a connection, or NULL. */
struct socket *socket_new(int domain, int type);

/* A negative errno value for lwIP's. */
int socket_error(err_t error);

/* Tell poll() and blocked calls how the socket is now. */
void socket_update(struct socket *socket);

/* Take the error that is kept, 0 if there is none. */
int socket_take_error(struct socket *socket);

/* ---- address.c ---- */
int address_in(const struct socket *socket, const struct sockaddr *address, socklen_t length,
               ip_addr_t *ip, uint16_t *port);
void address_out(const struct socket *socket, const ip_addr_t *ip, uint16_t port,
                 struct sockaddr *address, socklen_t *length);

/* ---- stream.c ---- */
int stream_open(struct socket *socket);
void stream_adopt(struct socket *socket, struct tcp_pcb *tcp);
int stream_listen(struct socket *socket, int backlog);
int stream_connect(struct socket *socket, const ip_addr_t *ip, uint16_t port);
int stream_shutdown(struct socket *socket, bool read, bool write);
void stream_close(struct socket *socket);
ssize_t stream_send(struct socket *socket, const void *data, size_t size, int flags);
ssize_t stream_receive(struct socket *socket, void *data, size_t size, int flags);
void stream_drop_input(struct socket *socket);

/* ---- datagram.c ---- */
int datagram_open(struct socket *socket);
void datagram_close(struct socket *socket);
int datagram_connect(struct socket *socket, const ip_addr_t *ip, uint16_t port);
/* ip NULL: to the connected peer. */
ssize_t datagram_send(struct socket *socket, const void *data, size_t size, const ip_addr_t *ip,
                      uint16_t port);
/* Returns the datagram's length, which may be larger than size. */
ssize_t datagram_receive(struct socket *socket, void *data, size_t size, int flags,
                         ip_addr_t *from, uint16_t *port);

/* ---- io.c ---- */
ssize_t socket_read(struct file *file, void *data, size_t size);
ssize_t socket_write(struct file *file, const void *data, size_t size);
int socket_available(struct file *file);

#endif
