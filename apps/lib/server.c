/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A TCP server: see server.h.
 */
#include "server.h"
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define ROUND_MS 1000
#define ROUND    64 /* events of one round */
#define TURNS    16 /* so many reads of one connection, then the others' turn comes */
#define SLOW     4096

/* A peer that is silent is asked whether it is still there, and is not after so many times. */
#define KEEPALIVE_SECONDS  30
#define KEEPALIVE_INTERVAL 10
#define KEEPALIVE_PROBES   3

struct connection {
    struct dialog dialog;
    struct connection *newer, *older;
    int fd;
    unsigned events; /* that are waited for */
    unsigned since;  /* when it last got anywhere */
    size_t moved;    /* bytes since then */
    bool served;     /* it has sent a request once */
    max_align_t state[];
};

unsigned server_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (unsigned)now.tv_sec;
}

/* ---- connections ---- */

/* Memory for a connection; the service may give some up for it. */
static struct connection *new_connection(const struct service *service)
{
    size_t size = sizeof(struct connection) + service->state_size;
    struct connection *connection = calloc(1, size);

    if (!connection && service->reclaim && service->reclaim())
        connection = calloc(1, size);
    return connection;
}

static void order_add(struct server *server, struct connection *connection)
{
    connection->newer = NULL;
    connection->older = server->newest;
    *(server->newest ? &server->newest->newer : &server->oldest) = connection;
    server->newest = connection;
}

static void order_remove(struct server *server, struct connection *connection)
{
    *(connection->newer ? &connection->newer->older : &server->newest) = connection->older;
    *(connection->older ? &connection->older->newer : &server->oldest) = connection->newer;
}

/* It has got somewhere. */
static void note_progress(struct server *server, struct connection *connection)
{
    connection->moved = 0;
    connection->since = server->now;
    order_remove(server, connection);
    order_add(server, connection);
}

static void end_connection(struct server *server, struct connection *connection)
{
    close(connection->fd); /* and is watched no more */
    order_remove(server, connection);
    server->connections--;
    dialog_end(&connection->dialog);
    free(connection);
}

/* Room for one more: the one that got nowhere for the longest time goes, if it is long enough.
 */
static bool make_room(struct server *server)
{
    struct connection *oldest = server->oldest;

    if (server->connections < server->connections_max)
        return true;
    if (!oldest || server->now - oldest->since < SERVER_REST_SECONDS)
        return false;
    server->displaced++;
    end_connection(server, oldest);
    return true;
}

/* Be told of these events from now on. */
static int watch(struct server *server, struct connection *connection, unsigned events)
{
    struct epoll_event event = {.events = events, .data.ptr = connection};
    int operation = connection->events ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

    if (connection->events == events)
        return 0;
    connection->events = events;
    return epoll_ctl(server->events, operation, connection->fd, &event);
}

static void refuse(struct server *server, int fd)
{
    const char *refusal = server->service->refusal;

    server->refused++;
    (void)send(fd, refusal, strlen(refusal), MSG_DONTWAIT | MSG_NOSIGNAL);
    close(fd);
}

/* Answers go out at once; who vanished without a word is found out. */
static void set_options(int fd)
{
    static const struct {
        int level, name, value;
    } options[] = {
        {IPPROTO_TCP, TCP_NODELAY, 1},
        {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, KEEPALIVE_SECONDS},
        {IPPROTO_TCP, TCP_KEEPINTVL, KEEPALIVE_INTERVAL},
        {IPPROTO_TCP, TCP_KEEPCNT, KEEPALIVE_PROBES},
    };

    for (size_t i = 0; i < sizeof(options) / sizeof(options[0]); i++)
        (void)setsockopt(fd, options[i].level, options[i].name, &options[i].value, sizeof(int));
}

static void add_connection(struct server *server, int fd)
{
    struct connection *connection = NULL;

    if (make_room(server))
        connection = new_connection(server->service);
    if (!connection) {
        refuse(server, fd);
        return;
    }
    connection->fd = fd;
    connection->since = server->now;
    if (watch(server, connection, EPOLLIN)) {
        free(connection);
        refuse(server, fd);
        return;
    }
    set_options(fd);
    dialog_init(&connection->dialog, server->service, connection->state);
    order_add(server, connection);
    server->connections++;
    server->accepted++;
}

/* ---- serving ---- */

/* Bytes that trickle are no progress, however long they do. */
static void note_bytes(struct server *server, struct connection *connection, size_t length)
{
    connection->moved += length;
    if (connection->moved >= SLOW)
        note_progress(server, connection);
}

/* Returns 1: all has gone, 0: the client takes no more now, -1: the connection is over. */
static int send_output(struct server *server, struct connection *connection)
{
    const char *bytes;
    size_t length;
    bool more;

    while ((bytes = dialog_output(&connection->dialog, &length, &more)) && length > 0) {
        int flags = more ? MSG_MORE | MSG_NOSIGNAL : MSG_NOSIGNAL;
        ssize_t sent = send(connection->fd, bytes, length, flags);

        if (sent < 0)
            return errno == EAGAIN ? 0 : -1;
        dialog_went(&connection->dialog, (size_t)sent);
        note_bytes(server, connection, (size_t)sent);
        server->bytes_written += (size_t)sent;
    }
    return 1;
}

/*
 * Read once. Returns 1: something came, 0: nothing now, -1: the connection is over. `*all` says
 * whether it was all that had come.
 */
static int receive_input(struct server *server, struct connection *connection, bool *all)
{
    size_t room;
    char *to = dialog_room(&connection->dialog, &room);
    ssize_t got = recv(connection->fd, to, room, 0);

    if (got <= 0)
        return got < 0 && errno == EAGAIN ? 0 : -1;
    *all = (size_t)got < room;
    dialog_came(&connection->dialog, (size_t)got);
    note_bytes(server, connection, (size_t)got);
    server->bytes_read += (size_t)got;
    return 1;
}

/*
 * Go on as far as it goes without waiting. Returns the events to wait for, 0 when the
 * connection is over.
 */
static unsigned serve(struct server *server, struct connection *connection)
{
    bool all = false;

    for (unsigned turn = 0; turn < TURNS; turn++) {
        int result;

        if (dialog_run(&connection->dialog) > 0) {
            note_progress(server, connection);
            connection->served = true;
        }
        result = send_output(server, connection);
        if (result <= 0)
            return result == 0 ? EPOLLOUT : 0;
        if (connection->dialog.ends)
            return 0;
        if (!connection->dialog.hungry)
            continue;
        if (all)
            return EPOLLIN;
        result = receive_input(server, connection, &all);
        if (result <= 0)
            return result == 0 ? EPOLLIN : 0;
    }
    return EPOLLIN | EPOLLOUT; /* what has come already would wake nobody */
}

static void serve_connection(struct server *server, struct connection *connection)
{
    unsigned events;

    dialog_attach(&connection->dialog, server->buffers);
    events = serve(server, connection);
    if (!events || !dialog_detach(&connection->dialog) || watch(server, connection, events))
        end_connection(server, connection);
}

static bool is_late(const struct server *server, const struct connection *connection)
{
    bool busy = !connection->served || dialog_is_busy(&connection->dialog);
    unsigned limit = busy ? SERVER_BUSY_SECONDS : server->idle_seconds;

    return limit > 0 && server->now - connection->since > limit;
}

static void sweep(struct server *server)
{
    struct connection *connection = server->newest;

    while (connection) {
        struct connection *older = connection->older;

        if (is_late(server, connection)) {
            server->timed_out++;
            end_connection(server, connection);
        }
        connection = older;
    }
}

static void accept_all(struct server *server)
{
    int fd;

    while ((fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK)) >= 0)
        add_connection(server, fd);
}

/* ---- start ---- */

static int open_listener(unsigned port)
{
    struct sockaddr_in6 address = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_NONBLOCK, 0), on = 1;

    if (fd < 0)
        return -1;
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, SOMAXCONN)) {
        close(fd);
        return -1;
    }
    return fd;
}

int server_open(struct server *server)
{
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};

    server->listener = open_listener(server->port);
    server->events = epoll_create1(0);
    server->buffers = malloc(sizeof(*server->buffers));
    server->now = server_clock();
    if (server->listener < 0 || server->events < 0 || !server->buffers ||
        epoll_ctl(server->events, EPOLL_CTL_ADD, server->listener, &event)) {
        printf("%s: port %u cannot be opened: %s\n", server->service->name, server->port,
               strerror(errno));
        return -1;
    }
    printf("%s: serving port %u\n", server->service->name, server->port);
    return 0;
}

_Noreturn void server_run(void *arg)
{
    struct server *server = arg;
    struct epoll_event events[ROUND];
    bool again = false;

    for (;;) {
        int count = epoll_wait(server->events, events, ROUND, again ? 0 : ROUND_MS);
        unsigned now = server_clock();

        if (now != server->now) {
            server->now = now;
            sweep(server);
            count = 0; /* some may be gone: those that are not are told again */
        }
        if (server->service->work)
            again = server->service->work(now);
        for (int i = 0; i < count; i++) {
            if (events[i].data.ptr)
                serve_connection(server, events[i].data.ptr);
        }
        accept_all(server); /* last: it may end a connection that was among the events */
    }
}
